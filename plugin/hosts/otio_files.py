"""Timelines as files: from any editor that exports them, and plain movies.

Takes are placed in a copy, NAME.dynvfx.otio beside the timeline (for Final Cut Pro in NAME.dynvfx.fcpxml, too); the
timeline itself is never changed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from collections.abc import Sequence as Many
from dataclasses import replace
from pathlib import Path

import msgspec

from bridge.editorial.clip_list import ListedClip, Shot
from bridge.editorial.placement import PlacedTake
from bridge.editorial.result_files import write_with_takes
from bridge.editorial.shot_bundle import ShotBundle, pack_shot
from bridge.editorial.timeline import OpenTimeline, open_timeline
from contract.errors import BadTimeline, Problem
from plugin.background_runner import BackgroundRunner
from plugin.hosts.base import Failed, Host, OpenChoice, Placed, Placement, PlacementFailed, ShotSource
from plugin.hosts.file_reading import ReadFile, read_file
from plugin.hosts.placed_record import PlacedStack, same_place, write_record
from plugin.hosts.reading_back import read_back

PLACED_SUFFIX = ".dynvfx.otio"


class OtioFiles(Host):
    """Host over files of timelines and over movies.

    `records` is a folder that keeps what was placed, for later starts. Media is looked at by `background`; without one
    the caller waits.
    """

    name = "OTIO file"

    def __init__(self, records: Path, background: BackgroundRunner | None = None) -> None:
        self._records, self._background = records, background
        self._file: ReadFile | None = None
        self._changed: list[Callable[[], None]] = []

    # The base ---------------------------------------------------------------------------------------------------------

    @property
    def title(self) -> str:
        """Name of the open file."""
        return self._file.opened.path.name if self._file else ""

    def clips(self) -> Many[ListedClip]:
        """All clips on video tracks, in record order; most have their shot when they are selected."""
        return self._file.clips if self._file else ()

    def selected(self) -> ListedClip | None:
        """The selected clip; without a selection the only usable one, if there is just one."""
        return next((each for each in self.clips() if self._file and each.index == self._file.selected), None)

    def source_of(self, shot: Shot) -> ShotSource:
        """The open file and the clip's number in it."""
        opened, choice = self._open().opened, self.choice()
        clip = None if opened.kind == "movie" else str(shot.index)
        return ShotSource(
            str(opened.path.absolute()), clip, choice.media_folders, timeline=choice.timeline, rate=choice.rate
        )

    def bundle_of(self, shot: Shot) -> ShotBundle:
        """A timeline of the one clip, and its media."""
        return pack_shot(self._open().opened, shot)

    def output_folder(self) -> Path | None:
        """`NAME dynvfx` beside the file, None when that folder cannot be written."""
        if self._file is None:
            return None
        path = self._file.opened.path.absolute()
        return path.parent / f"{path.stem} dynvfx" if os.access(path.parent, os.W_OK) else None

    # Opening and selecting --------------------------------------------------------------------------------------------

    def open(self, path: Path, choice: OpenChoice | None = None) -> None:
        """Read and show in one step. Raises BadTimeline or BadMedia."""
        self.show(self.read(path, choice))

    def read(self, path: Path, choice: OpenChoice | None = None) -> ReadFile:
        """Read a timeline or a movie, in any thread. Raises BadTimeline or BadMedia."""
        return read_file(path, choice, self._records)

    def show(self, read: ReadFile) -> None:
        """Make what was read the open file; its only usable clip is selected."""
        self._file = read
        self._notify_changed()

    def path(self) -> Path | None:
        """The open file."""
        return self._file.opened.path if self._file else None

    def choice(self) -> OpenChoice:
        """How the open file was read."""
        return self._file.choice if self._file else OpenChoice()

    def select(self, index: int) -> None:
        """Select clip number `index`; its shot comes when its media was looked at. Raises BadTimeline for no such."""
        file = self._open()
        if all(each.index != index for each in file.clips):
            raise BadTimeline(f"There is no clip number {index}.", remedy="Choose a clip of the list.")
        if self._background is None:
            self.show(file.with_shot(index))
            return
        waiting = file.waiting_for(index)
        self.show(waiting)

        def compared(read: ReadFile) -> None:
            if self._file is waiting:
                self.show(read)

        self._background.run(lambda: file.with_shot(index), compared, lambda problem: None)

    def on_change(self, changed: Callable[[], None]) -> None:
        """Call `changed` after every opening and selecting."""
        self._changed.append(changed)

    # Placing ----------------------------------------------------------------------------------------------------------

    def written_path(self) -> Path:
        """NAME.dynvfx.otio, where takes are placed. Raises BadTimeline when nothing is open."""
        path = self._open().opened.path.absolute()
        stem = path.name.removesuffix(PLACED_SUFFIX) if path.name.endswith(PLACED_SUFFIX) else path.stem
        again = ".2" if path.name.endswith(PLACED_SUFFIX) else ""
        return path.with_name(f"{stem}{again}{PLACED_SUFFIX}")

    def place(self, shot: Shot, takes: Many[PlacedTake], active: int, done: Placed, failed: Failed) -> None:
        """Write the timeline with these takes and all that were placed before, then read it back."""
        try:
            others = tuple(each for each in self._open().record.stacks if not same_place(each.shot, shot))
            placement = self._write((*others, PlacedStack(shot, tuple(takes), active)), shot)
        except Problem as problem:
            failed(problem)
        else:
            done(placement)

    def swap(self, shot: Shot, take: PlacedTake, done: Placed, failed: Failed) -> None:
        """Make `take` the visible one of the shot's stack, adding it if necessary."""
        stacks = self._file.record.stacks if self._file else ()
        stack = next((each for each in stacks if same_place(each.shot, shot)), None)
        takes = stack.takes if stack else ()
        paths = [each.media_path for each in takes]
        if take.media_path not in paths:
            takes, paths = (*takes, take), [*paths, take.media_path]
        self.place(shot, takes, paths.index(take.media_path), done, failed)

    def placements(self) -> Mapping[int, Placement]:
        """The takes in NAME.dynvfx.otio by clip number, without those that were removed from the file."""
        if self._file is None or not self._file.record.stacks or not self.written_path().exists():
            return {}
        found = {}
        try:
            path = self._placed_path(self.written_path())
            written = self._written(path)
            for stack in self._file.record.stacks:
                found[stack.shot.index] = read_back(written, path, stack)
        except (BadTimeline, PlacementFailed):
            # Another program has overwritten the file: only the stacks found so far are certain.
            return found
        return found

    def _write(self, stacks: tuple[PlacedStack, ...], shot: Shot) -> Placement:
        file = self._open()
        path = write_with_takes(file.opened, [each.labelled() for each in stacks], self.written_path())
        written = self._written(path)
        placements = [read_back(written, path, each) for each in stacks]
        record = msgspec.structs.replace(file.record, stacks=stacks)
        self._file = replace(file, record=record)
        write_record(self._records, file.opened.path.absolute(), record)
        return next(place for place, each in zip(placements, stacks, strict=True) if same_place(each.shot, shot))

    def _placed_path(self, otio_path: Path) -> Path:
        """The file that the application which wrote the timeline reads."""
        fcpxml = otio_path.with_suffix(".fcpxml")
        stacks = self._open().record.stacks
        is_fcpxml = all("fcpxml" in each.shot.metadata for each in stacks) and fcpxml.exists()
        return fcpxml if is_fcpxml else otio_path

    def _written(self, path: Path) -> OpenTimeline:
        return open_timeline(path, name=self.choice().timeline if path.suffix == ".fcpxml" else None)

    def _open(self) -> ReadFile:
        if self._file is None:
            raise BadTimeline("No timeline is open.", remedy="Open one first.")
        return self._file

    def _notify_changed(self) -> None:
        for changed in self._changed:
            changed()
