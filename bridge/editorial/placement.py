"""Placing takes: the same timeline with one new video track directly above the clip's."""

from __future__ import annotations

import os
from collections.abc import Iterable
from collections.abc import Sequence as Many
from fractions import Fraction
from itertools import chain, count
from pathlib import Path
from typing import Any

import msgspec
import opentimelineio as otio

from bridge.editorial.clip_media.media_location import absolute_path, is_plain_path, is_relative, url_like
from bridge.editorial.rates import exact_rate, to_frame
from bridge.editorial.shot import Shot
from bridge.editorial.stack_order import OWN_TRACK, mark_top_first
from bridge.editorial.timeline import OpenTimeline
from bridge.editorial.video_clips import duration_of, is_retimed, items_before
from contract.atomic_file import write_atomically
from contract.counting import counted
from contract.errors import BadTake, BadTimeline, BadUsage
from contract.image_sequence import ImageSequence, is_pattern
from contract.take import Take

_DEFAULT = otio.schema.Clip.DEFAULT_MEDIA_KEY


class PlacedTake(msgspec.Struct, frozen=True):
    """A take as a timeline needs it: a movie (or `sequence`) of exactly the shot's frames at the shot's rate.

    `rate` is (numerator, denominator). `start_frame` is the number of the take's first frame: its start timecode in
    frames, 0 for a movie without timecode. `metadata` goes, as it is, into the media reference.
    """

    media_path: str
    rate: tuple[int, int]
    frame_count: int
    name: str
    metadata: dict[str, Any] = {}
    start_frame: int = 0
    sequence: ImageSequence | None = None


def placed_take(
    folder: Path,
    take: Take,
    shot: Shot,
    start_timecode: int | None,
    name: str | None = None,
    label: str = "",
    size: tuple[int, int] | None = None,
    effect: str = "",
) -> PlacedTake:
    """A finished take in `folder` as a timeline needs it.

    start_timecode: of the shot's media, in frames of the shot's rate, None without one.
    name: what the timeline calls the take, None for the record's own name.
    label, size: what hosts show of the take, and width and height of the shot's picture; left out where empty.
    effect: what the take adds, where its instruction is that of a follow-up; left out where empty.

    Raises BadTake when the layer's file is missing.
    """
    path, sequence = layer_of(folder, take)
    if not path.is_file():
        what = f"The layer of {name or take.name} is missing."
        raise BadTake(what, f"There is no {path}.", "Make the take again, or restore its folder.")
    start = start_timecode + shot.source_start if start_timecode is not None and sequence is None else 0
    facts: dict[str, Any] = {"take": take.id, "instruction": take.instruction, "model": take.model, "seed": take.seed}
    if label:
        facts["label"] = label
    if effect:
        facts["effect"] = effect
    if size is not None:
        facts["width"], facts["height"] = size
    placed_name = take.name if name is None else name
    return PlacedTake(str(path), shot.rate, shot.frame_count, placed_name, {"dynvfx": facts}, start, sequence)


def layer_of(folder: Path, take: Take) -> tuple[Path, ImageSequence | None]:
    """The movie of a take's layer, or its first image and the sequence of all images."""
    path = folder / take.layer
    if not is_pattern(take.layer):
        return path, None
    sequence = ImageSequence.from_pattern(str(path), take.first_number, take.frame_count)
    return Path(sequence.image(0)), sequence


class TakeStack(msgspec.Struct, frozen=True):
    """Takes of one shot, takes[active] the visible one; `label` is the track's name after "VFX - "."""

    shot: Shot
    takes: tuple[PlacedTake, ...]
    active: int = 0
    label: str | None = None


def place_takes(
    opened: OpenTimeline, shot: Shot, takes: Many[PlacedTake], active: int = 0, label: str | None = None
) -> otio.schema.Timeline:
    """A copy of the timeline with one new video track directly above the shot's, takes at the shot's record range.

    Above is behind the clip's track in the file, or before it where the file lists the top track first. The track is
    called "VFX - LABEL" (the active take's name when None). Several takes are the media references of one clip:
    takes[active] under DEFAULT_MEDIA, the others under their names. The clip's effects (position, scale, opacity, ...)
    are copied to the take, as the take is made from the media before them. A track in a compound clip goes into that
    compound clip. Nothing else changes.

    Raises BadUsage when the takes do not fit the shot, BadTimeline when the shot is not from this timeline.
    """
    return place_stacks(opened, [TakeStack(shot, tuple(takes), active, label)])


def place_stacks(opened: OpenTimeline, stacks: Many[TakeStack]) -> otio.schema.Timeline:
    """Like `place_takes` for several shots, or parts of shots, of one timeline; each gets a track of its own."""
    timeline = opened.timeline.deepcopy()
    top_first = opened.stack_order.top_first
    # All clips are found before a new track shifts the addresses, and no index shifts from the last stack to the first.
    ways = [(_way(timeline, stack.shot), stack) for stack in stacks]
    for parents, stack in sorted(ways, key=lambda pair: pair[1].shot.address, reverse=True):
        track = _track_of(parents, stack)
        if top_first:
            mark_top_first(track)
        holder = parents[-3] if isinstance(parents[-2], otio.schema.Track) else parents[-2]
        holder.insert(stack.shot.track_index + (not top_first), track)
    return timeline


def _way(timeline: otio.schema.Timeline, shot: Shot) -> list[Any]:
    """From the stack of tracks down to the shot's clip. Parents are kept: OTIO's children do not keep them alive."""
    way: list[Any] = [timeline.tracks]
    for index in shot.address:
        way.append(_child(way[-1], index))
    if not isinstance(way[-1], otio.schema.Clip):
        raise BadTimeline("The shot is not from this timeline.", remedy="Select the clip again.")
    return way


def _track_of(way: list[Any], stack: TakeStack) -> otio.schema.Track:
    shot, takes, active = stack.shot, stack.takes, stack.active
    _check(shot, takes, active)
    clip, parent = way[-1], way[-2]
    track = otio.schema.Track(f"{OWN_TRACK}{stack.label or takes[active].name}", kind=otio.schema.TrackKind.Video)
    before: list[otio.core.Item] = []
    if isinstance(parent, otio.schema.Track):
        # The same window and processing as the clip's own track, so that both stay aligned.
        track.source_range = parent.source_range
        track.effects.extend(effect.deepcopy() for effect in parent.effects)
        before = items_before(parent, shot.address[-1])
    track.extend(_gaps(before, clip, shot))
    track.append(_clip_of(clip, shot, takes, active))
    return track


def write_timeline(
    timeline: otio.schema.Timeline,
    path: str | os.PathLike[str],
    *,
    older: bool = True,
    media_base: str | os.PathLike[str] | None = None,
) -> None:
    """Write an .otio file in one go: readers see the old file or the new one, never a half.

    `older` writes schemas that every OpenTimelineIO reader takes (Clip.1), which holds one media reference a clip; pass
    `OpenTimeline.older` to give an application what it wrote itself.
    A timeline with more references (a stack of takes) is written with the current schemas, as dropping takes would
    make the file contradict the project. When `media_base` is given and is not the file's own folder,
    relative media references are made absolute, so that they still lead to the same files.

    Raises BadUsage for another suffix than .otio, OutOfDisk when the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".otio":
        raise BadUsage(f"A timeline cannot be written as {path.name}.", remedy="Use a name that ends in .otio.")
    if media_base is not None and Path(media_base).absolute() != path.parent.absolute():
        timeline = _with_absolute_media(timeline, Path(media_base))
    versions = {"Clip": 1} if older and readable_by_older(timeline) else None
    text = otio.adapters.write_to_string(timeline, "otio_json", target_schema_versions=versions)
    write_atomically(path, text.encode() + b"\n")


def readable_by_older(timeline: otio.schema.Timeline) -> bool:
    """Whether Clip.1 holds all of the timeline: no clip has a second media reference, or one under its own name."""
    clips = timeline.find_clips()
    return all(set(clip.media_references()) == {_DEFAULT} for clip in clips)


def _check(shot: Shot, takes: Many[PlacedTake], active: int) -> None:
    if not takes or not 0 <= active < len(takes):
        raise BadUsage(f"There is no take number {active} among {len(takes)}.")
    for take in takes:
        if Fraction(*take.rate) != shot.frame_rate or take.frame_count != shot.frame_count:
            raise BadUsage(
                f'The take "{take.name}" does not fit the shot.',
                f"It has {counted(take.frame_count, 'frame')} at {float(Fraction(*take.rate)):g} a second, the shot"
                f" {shot.frame_count:,} at {float(shot.frame_rate):g}.",
                "Make the take again from this shot.",
            )
        if take.start_frame != takes[0].start_frame:
            raise BadUsage("Takes in one stack must begin at the same timecode.", remedy="Place them one by one.")


def _child(parent: otio.core.Composition, index: int) -> otio.core.Composable:
    if not isinstance(parent, otio.core.Composition) or index >= len(parent):
        raise BadTimeline("The shot is not from this timeline.", remedy="Select the clip again.")
    return parent[index]


def _gaps(before: Many[otio.core.Item], clip: otio.schema.Clip, shot: Shot) -> list[otio.core.Item]:
    """What fills the new track up to the shot.

    One gap where all lengths before the shot are at one rate. Where rates are mixed, every item before it gets a gap
    of its own length: positions then add up in the same steps as the clip's, and an application that rounds item by
    item to timeline frames rounds both tracks alike. So it is behind a speed change, where Premiere takes the length
    for one in the media and divides it by the speed: the item's gap has the same speed change.
    """
    offset = _offset(clip, shot)
    fillers = [_filler(item) for item in before] + [otio.schema.Gap(duration=offset)]
    fillers = [filler for filler in fillers if duration_of(filler).value]
    lengths = [duration_of(filler) for filler in fillers]
    if len({length.rate for length in lengths}) == 1 and not any(map(is_retimed, fillers)):
        total = sum(length.value for length in lengths)
        return [otio.schema.Gap(duration=otio.opentime.RationalTime(total, lengths[0].rate))]
    return fillers


def _filler(item: otio.core.Item) -> otio.core.Item:
    """An empty item that is as long as `item` in every program."""
    filler = otio.schema.Gap(duration=duration_of(item))
    if not is_retimed(item):
        return filler
    if isinstance(item, otio.core.Composition) and item.source_range is None:
        filler = otio.schema.Track() if isinstance(item, otio.schema.Track) else otio.schema.Stack()
        filler.extend(_filler(child) for child in item if isinstance(child, otio.core.Item))
    filler.effects.extend(effect.deepcopy() for effect in item.effects if isinstance(effect, otio.schema.TimeEffect))
    return filler


def _offset(clip: otio.schema.Clip, shot: Shot) -> otio.opentime.RationalTime:
    """Time from the clip's own first frame to the shot's, in the rate that the clip's length is spelled in."""
    return _respelled(Fraction(shot.offset_in_clip) / Fraction(*shot.timeline_rate), duration_of(clip).rate)


def _respelled(seconds: Fraction, rate: float) -> otio.opentime.RationalTime:
    """A time in a rate as the file spells it (23.976 for 24000/1001), the frame value exact where it is whole."""
    return otio.opentime.RationalTime(float(to_frame(seconds * exact_rate(rate))), rate)


def _clip_of(clip: otio.schema.Clip, shot: Shot, takes: Many[PlacedTake], active: int) -> otio.schema.Clip:
    """The takes as one clip whose length is, digit for digit, the shot's."""
    length = duration_of(clip)
    if shot.part or shot.seen is not None:
        length = _respelled(Fraction(shot.record_frames) / Fraction(*shot.timeline_rate), length.rate)
    first = (takes[0].start_frame + Fraction(*shot.source_offset)) / shot.frame_rate
    placed = otio.schema.Clip(
        takes[active].name, source_range=otio.opentime.TimeRange(_respelled(first, length.rate), length)
    )
    references = {_DEFAULT: _reference(takes[active], shot, length.rate)}
    for take in [*takes[:active], *takes[active + 1 :]]:
        references[_free_key(take.name, references)] = _reference(take, shot, length.rate)
    placed.set_media_references(references, _DEFAULT)
    # Time effects that reach this point change nothing (speed 100 %, or switched off).
    kept = [effect for effect in clip.effects if not isinstance(effect, otio.schema.TimeEffect)]
    placed.effects.extend(effect.deepcopy() for effect in kept)
    return placed


def _free_key(name: str, taken: Iterable[str]) -> str:
    name = name or "take"
    return next(key for key in chain([name], (f"{name} {number}" for number in count(2))) if key not in taken)


def _reference(take: PlacedTake, shot: Shot, spelled: float) -> otio.core.MediaReference:
    rate = spelled if exact_rate(spelled) == shot.frame_rate else float(shot.frame_rate)
    available = otio.opentime.TimeRange(
        otio.opentime.RationalTime(take.start_frame, rate), otio.opentime.RationalTime(take.frame_count, rate)
    )
    sequence = take.sequence
    if sequence is None:
        reference = otio.schema.ExternalReference(url_like(shot.media_url, take.media_path), available)
    elif shot.sequence is None or is_plain_path(shot.media_url):
        # As Resolve names a sequence. Only an application that wrote image sequence references reads them for sure.
        last = sequence.first + (take.frame_count - 1) * sequence.step
        numbers = f"[{sequence.first:0{sequence.padding}d}-{last:0{sequence.padding}d}]"
        pattern = os.path.join(sequence.folder, f"{sequence.prefix}{numbers}{sequence.suffix}")
        reference = otio.schema.ExternalReference(url_like(shot.media_url, pattern), available)
    else:
        reference = otio.schema.ImageSequenceReference(
            url_like(shot.media_url, sequence.folder) + "/",
            sequence.prefix,
            sequence.suffix,
            sequence.first,
            sequence.step,
            rate,
            sequence.padding,
            available_range=available,
        )
    reference.name = take.name
    reference.metadata.update(take.metadata)
    return reference


def _with_absolute_media(timeline: otio.schema.Timeline, base: Path) -> otio.schema.Timeline:
    timeline = timeline.deepcopy()
    for clip in timeline.find_clips():
        for reference in clip.media_references().values():
            if isinstance(reference, otio.schema.ImageSequenceReference):
                if is_relative(reference.target_url_base) or not reference.target_url_base:
                    folder = absolute_path(reference.target_url_base or ".", base)
                    reference.target_url_base = url_like("", folder) + "/"
            elif isinstance(reference, otio.schema.ExternalReference) and is_relative(reference.target_url):
                reference.target_url = url_like("", absolute_path(reference.target_url, base))
    return timeline
