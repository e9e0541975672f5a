"""Timelines as files: from any editor that exports OpenTimelineIO, and plain movies.

Takes are placed in a copy, NAME.dynvfx.otio beside the timeline; the timeline itself is never changed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from collections.abc import Sequence as Many
from fractions import Fraction
from pathlib import Path

import msgspec
import opentimelineio as otio

from bridge.editorial.clip_list import ListedClip, Shot, list_clips, shot_at
from bridge.editorial.media_location import absolute_path
from bridge.editorial.placement import PlacedTake, TakeStack, place_stacks, write_timeline
from bridge.editorial.rates import seconds
from bridge.editorial.shot_bundle import ShotBundle, pack_shot
from bridge.editorial.timeline import OpenTimeline, open_timeline, timeline_for_media, with_frame_rate
from bridge.editorial.video_clips import VideoClip, walk_video_clips
from contract.atomic_file import write_atomically
from contract.errors import BadTimeline, Problem
from media.probe import probe
from plugin.hosts.base import Failed, Host, Placed, Placement, PlacementFailed, ShotSource

TIMELINE_SUFFIXES = (".otio", ".otioz", ".otiod")
PLACED_SUFFIX = ".dynvfx.otio"


class PlacedStack(msgspec.Struct, frozen=True):
    """The takes placed above one shot; the active take is the visible one."""

    shot: Shot
    takes: tuple[PlacedTake, ...]
    active: int


class PlacedRecord(msgspec.Struct, frozen=True):
    """Everything that was placed in one timeline, so that it can be written again with another take."""

    timeline: str
    stacks: tuple[PlacedStack, ...] = ()


class OtioFiles(Host):
    """Host over .otio, .otioz and .otiod files and over movies.

    `records` is a folder that keeps what was placed, for later starts.
    """

    name = "OTIO file"

    def __init__(self, records: Path) -> None:
        self._records = records
        self._opened: OpenTimeline | None = None
        self._clips: list[ListedClip] = []
        self._selected: int | None = None
        self._record = PlacedRecord("")
        self._changed: list[Callable[[], None]] = []

    # The base ---------------------------------------------------------------------------------------------------------

    @property
    def title(self) -> str:
        """Name of the open file."""
        return self._opened.path.name if self._opened else ""

    def clips(self) -> Many[ListedClip]:
        """All clips on video tracks, in record order."""
        return tuple(self._clips)

    def selected(self) -> ListedClip | None:
        """The selected clip; without a selection the only usable one, if there is just one."""
        return next((each for each in self._clips if each.index == self._selected), None)

    def source_of(self, shot: Shot) -> ShotSource:
        """The open file and the clip's number in it."""
        opened = self._open()
        clip = None if opened.kind == "movie" else str(shot.index)
        return ShotSource(str(opened.path.absolute()), clip, tuple(map(str, opened.media_folders)))

    def bundle_of(self, shot: Shot) -> ShotBundle:
        """A timeline of the one clip, and its media."""
        return pack_shot(self._open(), shot)

    def output_folder(self) -> Path | None:
        """`NAME dynvfx` beside the file, None when that folder cannot be written."""
        if self._opened is None:
            return None
        parent = self._opened.path.absolute().parent
        return parent / f"{self._opened.path.stem} dynvfx" if os.access(parent, os.W_OK) else None

    # Opening and selecting --------------------------------------------------------------------------------------------

    def open(self, path: Path) -> None:
        """Open a timeline or a movie; its only usable clip is selected. Raises BadTimeline or BadMedia."""
        if path.suffix.lower() in TIMELINE_SUFFIXES or path.is_dir():
            opened = with_frame_rate(open_timeline(path), lambda name: probe(name).rate)
        else:
            media_info = probe(str(path))
            opened = timeline_for_media(path, media_info.rate, media_info.frame_count, media_info.start_timecode or 0)
        listed = list_clips(opened)
        # Media is asked where the timeline alone does not give a clip's frames; a selected clip is compared with it.
        clips = [each if each.shot or each.problem else shot_at(opened, each.index, probe) for each in listed]
        self._opened, self._clips, self._selected = opened, clips, None
        usable = [each.index for each in clips if each.shot is not None]
        if len(usable) == 1:
            self._compare(usable[0])
        self._record = self._load_record()
        self._notify_changed()

    def path(self) -> Path | None:
        """The open file."""
        return self._opened.path if self._opened else None

    def select(self, index: int) -> None:
        """Select clip number `index`. Raises BadTimeline when there is none."""
        if all(each.index != index for each in self._clips):
            raise BadTimeline(f"There is no clip number {index}.", remedy="Choose a clip of the list.")
        self._compare(index)
        self._notify_changed()

    def _compare(self, index: int) -> None:
        """Select a clip, its frames found from the timeline and the media together."""
        compared = shot_at(self._open(), index, probe)
        self._clips = [compared if each.index == index else each for each in self._clips]
        self._selected = index

    def on_change(self, changed: Callable[[], None]) -> None:
        """Call `changed` after every opening and selecting."""
        self._changed.append(changed)

    # Placing ----------------------------------------------------------------------------------------------------------

    def written_path(self) -> Path:
        """NAME.dynvfx.otio, where takes are placed. Raises BadTimeline when nothing is open."""
        path = self._open().path.absolute()
        stem = path.name.removesuffix(PLACED_SUFFIX) if path.name.endswith(PLACED_SUFFIX) else path.stem
        again = ".2" if path.name.endswith(PLACED_SUFFIX) else ""
        return path.with_name(f"{stem}{again}{PLACED_SUFFIX}")

    def place(self, shot: Shot, takes: Many[PlacedTake], active: int, done: Placed, failed: Failed) -> None:
        """Write the timeline with these takes and all that were placed before, then read it back."""
        others = tuple(each for each in self._record.stacks if not _same_place(each.shot, shot))
        try:
            placement = self._write((*others, PlacedStack(shot, tuple(takes), active)), shot)
        except Problem as problem:
            failed(problem)
        else:
            done(placement)

    def swap(self, shot: Shot, take: PlacedTake, done: Placed, failed: Failed) -> None:
        """Make `take` the visible one of the shot's stack, adding it if necessary."""
        stack = next((each for each in self._record.stacks if _same_place(each.shot, shot)), None)
        takes = stack.takes if stack else ()
        paths = [each.media_path for each in takes]
        if take.media_path not in paths:
            takes, paths = (*takes, take), [*paths, take.media_path]
        self.place(shot, takes, paths.index(take.media_path), done, failed)

    def placements(self) -> Mapping[int, Placement]:
        """The takes in NAME.dynvfx.otio by clip number, without those that were removed from the file."""
        if self._opened is None or not self._record.stacks or not self.written_path().exists():
            return {}
        found = {}
        try:
            written = open_timeline(self.written_path())
            for stack in self._record.stacks:
                found[stack.shot.index] = _read_back(written, self.written_path(), stack)
        except (BadTimeline, PlacementFailed):
            # Another program has overwritten the file: only the stacks found so far are certain.
            return found
        return found

    def _write(self, stacks: tuple[PlacedStack, ...], shot: Shot) -> Placement:
        opened, path = self._open(), self.written_path()
        timeline = place_stacks(opened, [_labelled(stack) for stack in stacks])
        write_timeline(timeline, path, older=opened.older, media_base=opened.media_base)
        written = open_timeline(path)
        placements = [_read_back(written, path, each) for each in stacks]
        self._record = PlacedRecord(str(opened.path.absolute()), stacks)
        write_atomically(self._record_path(), msgspec.json.encode(self._record))
        return next(place for place, each in zip(placements, stacks, strict=True) if _same_place(each.shot, shot))

    def _open(self) -> OpenTimeline:
        if self._opened is None:
            raise BadTimeline("No timeline is open.", remedy="Open one first.")
        return self._opened

    def _record_path(self) -> Path:
        path = str(self._open().path.absolute())
        return self._records / f"{_name_for(path)}.json"

    def _load_record(self) -> PlacedRecord:
        """The takes placed in this timeline before, for the clips that are still the same."""
        try:
            record = msgspec.json.decode(self._record_path().read_bytes(), type=PlacedRecord)
        except (OSError, msgspec.DecodeError):
            return PlacedRecord("")
        shots = {each.shot.address: each.shot for each in self._clips if each.shot is not None}
        kept = tuple(
            each
            for each in record.stacks
            if (now := shots.get(each.shot.address)) is not None
            and (now.media_path, now.record_start)
            == (each.shot.media_path, each.shot.record_start - each.shot.part_offset)
            and all(os.path.exists(take.media_path) for take in each.takes)
        )
        return PlacedRecord(record.timeline, kept)

    def _notify_changed(self) -> None:
        for changed in self._changed:
            changed()


def _labelled(stack: PlacedStack) -> TakeStack:
    label = str(stack.takes[stack.active].metadata.get("dynvfx", {}).get("label") or "") or None
    return TakeStack(stack.shot, stack.takes, stack.active, label)


def _name_for(path: str) -> str:
    """A file name for a path: its last part and a digest of the whole."""
    return f"{Path(path).stem[:40]}-{hashlib.sha256(path.encode()).hexdigest()[:12]}"


def _same_place(one: Shot, other: Shot) -> bool:
    return (one.address, one.part) == (other.address, other.part)


def _read_back(written: OpenTimeline, path: Path, stack: PlacedStack) -> Placement:
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
