"""Whether a timeline lists its tracks from the bottom up, as OpenTimelineIO says, or from the top down, as Kdenlive.

Kdenlive 25.04 and later write no name of their own into the file. Their mark is its shape: no metadata, no start time,
and every track, audio too, with a range from 0 that holds all that is on it; or markers of Kdenlive's kinds.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass

import opentimelineio as otio

_BOTTOM_FIRST_WRITERS = frozenset(("Resolve_OTIO", "PremierePro_OTIO", "fcp_xml", "fcpx", "AAF", "cmx_3600"))
OWN_TRACK = "VFX - "
"""How the names of tracks with takes begin."""
_TOP_FIRST, _BOTTOM_FIRST = "top first", "bottom first"


@dataclass(frozen=True)
class StackOrder:
    """`top_first`: the first track of a stack is its top one. `notice`: a sentence where the file does not say so."""

    top_first: bool = False
    kdenlive: bool = False
    notice: str = ""


def stack_order(timeline: otio.schema.Timeline) -> StackOrder:
    """The order in which a timeline's stacks list their tracks."""
    tracks = [layer for layer in timeline.tracks if isinstance(layer, otio.schema.Track)]
    written = {*timeline.metadata, *timeline.tracks.metadata, *(key for track in tracks for key in track.metadata)}
    if written & _BOTTOM_FIRST_WRITERS or _noted_order(timeline) == _BOTTOM_FIRST:
        return StackOrder()
    if _has_kdenlive_markers(timeline) or any(_noted_order(track) == _TOP_FIRST for track in tracks):
        return StackOrder(True, True)
    names = _numbers_of([track for track in tracks if _is_video(track)])
    if _has_kdenlive_shape(timeline, tracks, written):
        if names == sorted(names) and len(names) > 1:
            return StackOrder(notice=_uncertain("looks like one of Kdenlive, but ", "rise", "bottom"))
        return StackOrder(
            True,
            not timeline.name,
            "The timeline looks like one of Kdenlive, which lists the top track first: the take's track was put before "
            "the clip's, above it in Kdenlive. In a program that lists the bottom track first, move it up.",
        )
    several = sum(map(_is_video, tracks)) > 1
    if not names and several and not written - {"dynvfx"}:
        return StackOrder(
            notice="The timeline does not say which program wrote it: its first track was taken for the bottom one, as "
            "OpenTimelineIO has it. Check that the take lies above its clip."
        )
    if len(names) > 1 and names == sorted(names, reverse=True):
        return StackOrder(True, False, _uncertain("is unusual: ", "fall", "top"))
    return StackOrder()


def mark_top_first(track: otio.schema.Track) -> None:
    """Note on a track of ours that its timeline lists the top track first, for when the file is opened again."""
    track.metadata["dynvfx"] = {"tracks": _TOP_FIRST}


def mark_bottom_first(timeline: otio.schema.Timeline) -> None:
    """Note on a timeline that its tracks are listed from the bottom, as it was read from another format."""
    timeline.metadata["dynvfx"] = {"tracks": _BOTTOM_FIRST}


def _uncertain(looks: str, run: str, first: str) -> str:
    return (
        f"The timeline {looks}the numbers of its tracks {run} from the first to the last, so the first one was taken "
        f"for the {first}. Check that the take lies above its clip."
    )


def _is_video(track: otio.schema.Track) -> bool:
    return (track.kind or "Video").lower() == "video"


def _noted_order(item: otio.core.SerializableObjectWithMetadata) -> object:
    noted = item.metadata.get("dynvfx")
    return noted.get("tracks") if isinstance(noted, Mapping) else None


def _numbers_of(tracks: list[otio.schema.Track]) -> list[int]:
    """The numbers that end the tracks' names, where all names are alike but for it and no number comes twice."""
    found = [re.fullmatch(r"(.*?)(\d+)", track.name) for track in tracks if not track.name.startswith(OWN_TRACK)]
    if not all(found) or len({match[1] for match in found if match}) != 1:
        return []
    numbers = [int(match[2]) for match in found if match]
    return numbers if len(set(numbers)) == len(numbers) else []


def _has_kdenlive_markers(timeline: otio.schema.Timeline) -> bool:
    items = itertools.chain([timeline.tracks], timeline.find_clips())
    return any("kdenlive" in marker.metadata for item in items for marker in item.markers)


def _has_kdenlive_shape(timeline: otio.schema.Timeline, tracks: list[otio.schema.Track], written: set[str]) -> bool:
    if timeline.global_start_time is not None or timeline.tracks.source_range is not None:
        return False
    if written - {"dynvfx"} or not tracks or len(tracks) != len(timeline.tracks):
        return False
    return all(map(_is_shown_whole, tracks))


def _is_shown_whole(track: otio.schema.Track) -> bool:
    """Whether a track's range holds all of its items, none of which has metadata, effects or items inside."""
    if track.name.startswith(OWN_TRACK):
        return True
    shown = track.source_range
    if shown is None or shown.start_time.value or track.effects:
        return False
    length = 0.0
    for item in track:
        if isinstance(item, otio.schema.Transition):
            continue
        if not isinstance(item, otio.schema.Clip | otio.schema.Gap) or item.source_range is None:
            return False
        if item.metadata or item.effects or item.source_range.duration.rate != shown.duration.rate:
            return False
        length += item.source_range.duration.value
    return bool(length < shown.duration.value + 0.5)
