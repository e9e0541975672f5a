"""Whether a written timeline has a take where it belongs: directly above its clip."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio

from bridge.editorial.clip_list import Shot
from bridge.editorial.clip_media.media_location import absolute_path
from bridge.editorial.placement import PlacedTake
from bridge.editorial.rates import seconds
from bridge.editorial.timeline import OpenTimeline
from bridge.editorial.video_clips import VideoClip, walk_video_clips
from plugin.hosts.base import Placement, PlacementFailed
from plugin.hosts.placed_record import PlacedStack


def read_back(written: OpenTimeline, path: Path, stack: PlacedStack) -> Placement:
    """Find the stack's visible take in the written timeline, directly above its clip.

    Raises PlacementFailed when it is not exactly there.
    """
    shot, take = stack.shot, stack.takes[stack.active]
    rate = Fraction(*shot.timeline_rate)
    clips = list(walk_video_clips(written.timeline))
    for found in clips:
        if not _shows(found, take, written):
            continue
        start = round(found.record_start() * rate)
        # Rounded like the shot's own end, so that clips with another rate than the timeline's compare equal.
        frames = round((found.record_start() + seconds(found.clip.duration())) * rate) - start
        there = (start, frames) == (shot.record_start, shot.record_frames)
        if there and _directly_above(found, shot, written.stack_order.top_first):
            return Placement(
                take=str(take.metadata.get("dynvfx", {}).get("take", "")),
                take_name=take.name,
                where=str(path),
                track_name=found.chain[-1].name,
                track_number=found.track_number,
                record_start=shot.timeline_start + start,
                record_frames=frames,
                rate=shot.timeline_rate,
                media_path=take.media_path,
            )
    raise PlacementFailed(
        f'"{take.name}" is not above "{shot.name}" in {path.name}.',
        "Reading the written timeline back did not find it at the clip's record range.",
        "Place it again; if this happens again, report it.",
    )


def _shows(found: VideoClip, take: PlacedTake, written: OpenTimeline) -> bool:
    reference = found.clip.media_reference
    if isinstance(reference, otio.schema.ImageSequenceReference):
        folder = absolute_path(reference.target_url_base, written.media_base)
        return take.sequence is not None and os.path.normpath(folder) == os.path.normpath(take.sequence.folder)
    url = getattr(reference, "target_url", "")
    if not url:
        return False
    path = absolute_path(url, written.media_base)
    if take.sequence is not None:
        return os.path.dirname(path) == os.path.normpath(take.sequence.folder)
    return os.path.normpath(path) == os.path.normpath(os.path.abspath(take.media_path))


def _directly_above(found: VideoClip, shot: Shot, top_first: bool) -> bool:
    """Whether only takes of ours are between the clip found and the layer of the shot's clip."""
    depth = found.layer_depth
    stack, at = found.chain[depth - 1], found.address[depth - 1]
    for index in range(at + 1, len(stack)) if top_first else range(at - 1, -1, -1):
        layer = stack[index]
        if isinstance(layer, otio.schema.Track) and layer.name.startswith("VFX - "):
            continue
        below = layer.find_clips() if isinstance(layer, otio.core.Composition) else [layer]
        return any((clip.name or shot.name) == shot.name for clip in below)
    return False
