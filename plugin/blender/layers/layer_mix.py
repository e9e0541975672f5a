"""Opacity and blend mode of a clip with a take: both must act on the clip with the take in it, once.

A layer above a clip of 50 % would let the clip shine through it, and a layer above a clip that is added or multiplied
would be neither. So such a clip gets an effect strip, the mix: Alpha Over of take and clip, with the clip's opacity and
blend mode. Blender then shows the mix in place of both. Compared in rendered pixels with a clip that has the take in
its file, it is exact for all blend modes in 3.4 to 5.3.
"""

from __future__ import annotations

from typing import Any

from ..strips import compat
from ..strips.keyframes import copy_curve, copy_keyframes, has_keyframes, remove_keyframes
from .consumers import consumers_of
from .layer_look import COLOUR_TAG
from .layer_tags import is_mix, write_mix_tag

_COVERING = frozenset({"REPLACE", "ALPHA_OVER", "CROSS", "GAMMA_CROSS"})
"""Blend modes in which an opaque strip hides what is below it."""


def needs_mix(scene: Any, parent: Any, clip: Any, start: int, end: int) -> bool:
    """Whether a take of this clip in start..end (excluded) needs a mix.

    REPLACE multiplies a strip by its opacity; the take does the same. A clip that an effect takes in has no
    opacity and blend mode of its own.
    """
    if clip.blend_type == "REPLACE" or consumers_of(parent, clip, start, end):
        return False
    return clip.blend_type not in _COVERING or _fades(scene, clip)


def add_mix(scene: Any, parent: Any, clip: Any, layer: Any, take: str, channel: int) -> Any:
    """Add the mix of `layer` and `clip` on `channel`, which is above both."""
    start, end = compat.visible_range(layer)
    mix = compat.new_effect(parent, f"{layer.name} mix", "ALPHA_OVER", channel, start, end, layer, clip)
    mix.color_tag, mix.select = COLOUR_TAG, False
    write_mix_tag(mix, take)
    _blend_as(scene, clip, mix)
    return mix


def darken_alike(scene: Any, parent: Any, clip: Any, layer: Any) -> None:
    """Give a layer without a mix the clip's opacity as brightness, for the clip below it is as dark.

    Exact for REPLACE, and over black for a clip that an effect takes in for a while.
    """
    start, end = compat.visible_range(layer)
    shown_by_others = [compat.visible_range(each) for each in consumers_of(parent, clip, start, end)]
    if clip.blend_type != "REPLACE" and any(first <= start and last >= end for first, last in shown_by_others):
        return
    if not _fades(scene, clip):
        return
    if hasattr(layer, "multiply_alpha"):
        layer.color_multiply = clip.blend_alpha
        copy_curve(scene, clip, "blend_alpha", f"{layer.path_from_id()}.color_multiply")
        return
    # Without `multiply_alpha`, Blender multiplies transparency too: that darkens a replacing clip twice, and would let
    # the clip through the layer. A gain leaves transparency alone.
    for _ in range(2 if clip.blend_type == "REPLACE" else 1):
        gain = layer.modifiers.new("Opacity", "COLOR_BALANCE")
        gain.color_balance.gain = (clip.blend_alpha,) * 3
        path = f'{layer.path_from_id()}.modifiers["{gain.name}"].color_balance.gain'
        copy_curve(scene, clip, "blend_alpha", path, (0, 1, 2))


def mix_of(parent: Any, layer: Any) -> Any:
    """The mix of a layer; None when it has none."""
    return next((each for each in compat.strips_of(parent) if is_mix(each) and each.input_1 == layer), None)


def show_layer(parent: Any, layer: Any, shown: bool) -> None:
    """Show or mute a layer, with its mix."""
    layer.mute = not shown
    mix = mix_of(parent, layer)
    if mix is not None:
        mix.mute = not shown


def chain_mixes(scene: Any, parent: Any, clip: Any, layers: list[Any]) -> None:
    """Let each visible mix of a clip take in the one below it, so that several takes are seen together.

    Only the highest has the clip's opacity. Blender shows all effects, even those that others take in: the lower ones
    get an opacity of 0, which does not count inside the next.
    """
    mixes = [mix for mix in (mix_of(parent, each) for each in layers) if mix is not None]
    mixes.sort(key=lambda each: each.channel)
    below, visible = clip, [each for each in mixes if not each.mute]
    for mix in mixes:
        wanted = clip if mix.mute else below
        if mix.input_2 != wanted:
            mix.input_2 = wanted
        if mix.mute:
            continue
        below = mix
        remove_keyframes(scene, mix.path_from_id())
        if mix == visible[-1]:
            _blend_as(scene, clip, mix)
        else:
            mix.blend_alpha = 0.0


def lost_its_opacity(scene: Any, parent: Any, clip: Any, layer: Any) -> bool:
    """Whether a layer's mix is invisible, unlike the clip, although no visible mix takes it in."""
    mix = mix_of(parent, layer)
    if mix is None or mix.mute or mix.blend_alpha > 0.0 or has_keyframes(scene, mix, "blend_alpha"):
        return False
    if clip.blend_alpha == 0.0 and not has_keyframes(scene, clip, "blend_alpha"):
        return False
    return not any(is_mix(each) and not each.mute and each.input_2 == mix for each in compat.strips_of(parent))


def _blend_as(scene: Any, clip: Any, mix: Any) -> None:
    mix.blend_type, mix.blend_alpha = clip.blend_type, clip.blend_alpha
    copy_keyframes(scene, clip, mix, ("blend_alpha",))


def _fades(scene: Any, clip: Any) -> bool:
    return abs(clip.blend_alpha - 1.0) > 1e-6 or has_keyframes(scene, clip, "blend_alpha")
