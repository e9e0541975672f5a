"""Whether DynVFX can use a strip: as its file, after rendering it, or not at all, and the reason."""

from __future__ import annotations

import os
from typing import Any

import bpy

from ..agent_link import AgentProblem
from . import compat
from .frame_rates import scene_rate
from .strip_media import media_path, media_rate, missing_file, numbered_pictures, source_range

CLIP_TYPES = frozenset({"MOVIE", "IMAGE", "SCENE", "META", "MOVIECLIP", "MASK"})
"""Strip types that are listed as clips; sound and effect strips are not."""
_PLAIN_COLOUR = frozenset({"sRGB", "Rec.709", "Rec.1886", "Rec.1886 Rec.709"})
_LINEAR_FILES = frozenset({".exr", ".hdr", ".dpx", ".cin"})
_CHANGING_EFFECTS = frozenset({"SPEED", "TRANSFORM", "GLOW", "GAUSSIAN_BLUR"})
"""Effects of one strip, which show it changed; a take above them would not be."""
_GEOMETRY = ("transform.", "crop.", "blend_alpha")


def problem_with(scene: Any, strip: Any) -> AgentProblem | None:
    """Why a strip cannot be used; None when it can."""
    if scene.library is not None:
        return linked_scene(scene)
    if strip.type in ("MOVIECLIP", "MASK"):
        kind = "movie clip strip" if strip.type == "MOVIECLIP" else "mask strip"
        return AgentProblem(
            "not_supported", f'"{strip.name}" is a {kind}.', "", "Add its file as a movie strip, or make a meta strip."
        )
    if compat.is_muted(compat.parent_of(scene, strip), strip):
        return AgentProblem("clip_muted", f'"{strip.name}" is muted.', "The timeline does not show it.", "Unmute it.")
    missing = missing_file(strip)
    if missing:
        return AgentProblem(
            "media_missing",
            f'The file of "{strip.name}" is missing: {missing}',
            "It was moved, renamed or deleted, or its disk is not connected.",
            "Use File > External Data > Find Missing Files.",
        )
    if strip.type == "SCENE" and strip.scene is None:
        return AgentProblem("media_missing", f'"{strip.name}" has no scene.', "", "Choose its scene.")
    effect = next((each for each in compat.all_strips(scene) if _changes(each, strip)), None)
    if effect is not None:
        return AgentProblem(
            "not_supported",
            f'The effect "{effect.name}" replaces "{strip.name}".',
            "The timeline shows the effect's output, not the clip.",
            "Select both, make a meta strip (Ctrl-G), and use that.",
        )
    multicam = _multicam_instead(scene, strip)
    if multicam is not None:
        return AgentProblem(
            "not_supported",
            f'The multicam strip "{multicam.name}" shows another channel over "{strip.name}".',
            "A take would be seen where the clip is not.",
            "Cut the clip where the camera changes and select a piece that is shown, or make a meta strip (Ctrl-G).",
        )
    driven = _driven(scene, strip)
    if driven:
        return AgentProblem(
            "not_supported",
            f'A driver moves "{strip.name}" ({driven}).',
            "A take cannot follow it.",
            "Bake the driver to keyframes, or make a meta strip (Ctrl-G) and use that.",
        )
    return None


def linked_scene(scene: Any) -> AgentProblem:
    """The error for a scene of another file."""
    return AgentProblem(
        "not_supported",
        f'The scene "{scene.name}" belongs to another file.',
        f"It is linked from {bpy.path.abspath(scene.library.filepath)}, and a take in it would not be saved here.",
        "Open that file and make the take there.",
    )


def render_reason(scene: Any, strip: Any) -> str | None:
    """Why a usable strip must be rendered before it is exported; None when its file can be used."""
    if strip.type == "SCENE":
        return "scene strip"
    if strip.type == "META":
        return "meta strip"
    return _retimed(scene, strip) or _changed_look(strip) or _unusual_pictures(strip)


def _retimed(scene: Any, strip: Any) -> str | None:
    if getattr(strip, "use_reverse_frames", False):
        return "reversed"
    if abs(getattr(strip, "speed_factor", 1.0) - 1.0) > 1e-6 or len(getattr(strip, "retiming_keys", ())):
        return "retimed"
    if getattr(strip, "stream_index", 0):
        return f"video stream {strip.stream_index} of its file"
    rate = media_rate(strip)
    if rate is not None and rate != scene_rate(scene):
        return "its frame rate differs from the timeline's"
    if getattr(strip, "strobe", 1.0) > 1.0:
        return "strobe"
    shown = source_range(strip)
    if shown is None:
        return "retimed"
    if shown.first < 0 or shown.first + shown.count > shown.total:
        return "longer than its media"
    return None


def _changed_look(strip: Any) -> str | None:
    if any(not modifier.mute for modifier in strip.modifiers):
        return "modifiers"
    if abs(strip.color_saturation - 1.0) > 1e-6 or abs(strip.color_multiply - 1.0) > 1e-6:
        return "colour adjustments"
    if getattr(strip, "use_deinterlace", False):
        return "deinterlaced"
    if strip.colorspace_settings.name not in _PLAIN_COLOUR:
        return "colour space " + strip.colorspace_settings.name
    return None


def _unusual_pictures(strip: Any) -> str | None:
    if strip.type != "IMAGE":
        return None
    if len(strip.elements) < 2:
        return "still picture"
    if os.path.splitext(media_path(strip))[1].lower() in _LINEAR_FILES:
        return "scene-linear or logarithmic pictures"
    if numbered_pictures(strip) is None:
        return "pictures that are not numbered consecutively"
    return None


def _changes(effect: Any, strip: Any) -> bool:
    return effect.type in _CHANGING_EFFECTS and not effect.mute and strip in compat.inputs_of(effect)


def _multicam_instead(scene: Any, strip: Any) -> Any:
    """A multicam strip above that shows lower channels than the strip's at the same time; None when there is none."""
    start, end = compat.visible_range(strip)
    parent = compat.parent_of(scene, strip)
    for each in compat.strips_of(parent):
        above = each.type == "MULTICAM" and not compat.is_muted(parent, each) and each.channel > strip.channel
        if above and compat.overlaps(each, start, end) and each.multicam_source < strip.channel:
            return each
    return None


def _driven(scene: Any, strip: Any) -> str:
    """The driven property of a strip's geometry or opacity; empty when there is none."""
    animation = scene.animation_data
    if animation is None:
        return ""
    path = strip.path_from_id() + "."
    for driver in animation.drivers:
        if driver.data_path.startswith(path) and driver.data_path[len(path) :].startswith(_GEOMETRY):
            return driver.data_path[len(path) :]
    return ""
