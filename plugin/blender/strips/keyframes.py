"""Copying keyframes from one strip to another. Blender keeps them in the scene's action, under the strip's name."""

from __future__ import annotations

from typing import Any

from . import compat

_KEY_FIELDS = ("interpolation", "easing", "handle_left_type", "handle_right_type", "amplitude", "back", "period")


def copy_keyframes(scene: Any, source: Any, target: Any, paths: tuple[str, ...]) -> int:
    """Copy the keyframes of `source` on properties whose path begins with one of `paths` to `target`.

    Returns the number of copied curves.
    """
    curves = compat.action_curves(scene)
    prefix = source.path_from_id() + "."
    copied = 0
    for curve in [each for each in curves or () if each.data_path.startswith(prefix)]:
        name = curve.data_path[len(prefix) :]
        if not name.startswith(paths):
            continue
        copy = curves.new(f"{target.path_from_id()}.{name}", index=curve.array_index)
        _copy_curve(curve, copy)
        copied += 1
    return copied


def copy_curve(scene: Any, source: Any, name: str, target_path: str, indexes: tuple[int, ...] = (0,)) -> None:
    """Copy the keyframes of a property of `source` to `target_path`, a path below the scene; each of its `indexes`."""
    curves = compat.action_curves(scene)
    path = f"{source.path_from_id()}.{name}"
    for curve in [each for each in curves or () if each.data_path == path]:
        for index in indexes:
            _copy_curve(curve, curves.new(target_path, index=index))


def has_keyframes(scene: Any, strip: Any, name: str) -> bool:
    """Whether a property of a strip has keyframes."""
    path = f"{strip.path_from_id()}.{name}"
    return any(each.data_path == path for each in compat.action_curves(scene) or ())


def remove_keyframes(scene: Any, path: str) -> None:
    """Remove all keyframes of the strip that has, or had, the RNA path `path`."""
    curves = compat.action_curves(scene)
    for curve in [each for each in curves or () if each.data_path.startswith(path + ".")]:
        curves.remove(curve)


def _copy_curve(source: Any, target: Any) -> None:
    target.extrapolation, target.mute = source.extrapolation, source.mute
    target.keyframe_points.add(len(source.keyframe_points))
    for old, new in zip(source.keyframe_points, target.keyframe_points, strict=True):
        new.co = old.co
        for field in _KEY_FIELDS:
            setattr(new, field, getattr(old, field))
        new.handle_left, new.handle_right = old.handle_left, old.handle_right
    for old in source.modifiers:
        _copy_fields(old, target.modifiers.new(old.type))
    target.update()


def _copy_fields(source: Any, target: Any) -> None:
    for field in source.bl_rna.properties:
        if not field.is_readonly and field.identifier not in ("active", "name"):
            setattr(target, field.identifier, getattr(source, field.identifier))
