"""The description of the timeline that the panel gets: rate, size, selection and clips, in Blender's frame numbers."""

from __future__ import annotations

from typing import Any

import bpy

from ..agent_link import AgentProblem
from ..layers import layer_tags
from ..strips import compat
from ..strips.frame_rates import scene_rate
from ..strips.identity import Identities
from ..strips.strip_media import media_path
from ..strips.suitability import CLIP_TYPES, problem_with, render_reason
from .stamp import stamp


def describe_timeline(identities: Identities) -> dict[str, Any]:
    """The result of `timeline`: the edited scene, with the clips of the meta strip if one is open."""
    scene = compat.edited_scene()
    rate = scene_rate(scene)
    clips = clip_strips(scene)
    return {
        "id": identities.timeline(scene),
        "title": scene.name,
        "project": bpy.data.filepath,
        "rate": [rate.numerator, rate.denominator],
        "start": scene.frame_start,
        "width": scene.render.resolution_x,
        "height": scene.render.resolution_y,
        "playhead": scene.frame_current,
        "selected": [identities.of(scene, strip) for strip in selected_clips(scene, identities)],
        "clips": [_clip_info(scene, strip, identities) for strip in clips],
    }


def clip_strips(scene: Any) -> list[Any]:
    """The clips on display, without placed takes, sorted by first frame and channel."""
    parent = compat.displayed_parent(scene)
    if parent is None:
        return []
    strips = [each for each in compat.strips_of(parent) if each.type in CLIP_TYPES and not layer_tags.is_layer(each)]
    return sorted(strips, key=lambda each: (compat.frames(each, "frame_final_start"), each.channel))


def selected_clips(scene: Any, identities: Identities) -> list[Any]:
    """Selected clips, the active one first; selecting a placed take selects its clip."""
    parent = compat.displayed_parent(scene)
    if parent is None:
        return []
    active = compat.active_strip(scene)
    chosen = [each for each in compat.strips_of(parent) if each.select]
    chosen.sort(key=lambda each: (each != active, compat.frames(each, "frame_final_start"), each.channel))
    clips: list[Any] = []
    for strip in chosen:
        clip = layer_tags.clip_below(scene, strip, identities) if layer_tags.is_layer(strip) else strip
        if clip is not None and clip.type in CLIP_TYPES and clip not in clips:
            clips.append(clip)
    return clips


def _clip_info(scene: Any, strip: Any, identities: Identities) -> dict[str, Any]:
    problem = problem_with(scene, strip)
    return {
        "uid": identities.of(scene, strip),
        "name": strip.name,
        "track": strip.channel,
        "record_start": compat.frames(strip, "frame_final_start"),
        "record_frames": compat.frames(strip, "frame_final_duration"),
        "media": media_path(strip),
        "render": render_reason(scene, strip) if problem is None else None,
        "problem": problem_message(problem),
        "stamp": stamp(strip),
    }


def problem_message(problem: AgentProblem | None) -> dict[str, str] | None:
    """A problem in the protocol's form."""
    return None if problem is None else {"what": problem.what, "why": problem.why, "remedy": problem.remedy}
