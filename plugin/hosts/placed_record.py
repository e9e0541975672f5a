"""What was placed in a timeline's file, kept for later starts."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from bridge.editorial.clip_list import ListedClip, Shot
from bridge.editorial.placement import PlacedTake, TakeStack
from contract.atomic_file import write_atomically
from plugin.hosts.base import OpenChoice


class PlacedStack(msgspec.Struct, frozen=True):
    """The takes placed above one shot; the active take is the visible one."""

    shot: Shot
    takes: tuple[PlacedTake, ...]
    active: int

    def labelled(self) -> TakeStack:
        """As the timeline gets it, with the name of its track."""
        label = str(self.takes[self.active].metadata.get("dynvfx", {}).get("label") or "") or None
        return TakeStack(self.shot, self.takes, self.active, label)


class PlacedRecord(msgspec.Struct, frozen=True):
    """Everything that was placed in one timeline, so that it can be written again with another take.

    `choice` is how the file was opened: a person is asked once for what it does not say.
    """

    timeline: str
    stacks: tuple[PlacedStack, ...] = ()
    choice: OpenChoice = OpenChoice()

    def of_clips(self, clips: Iterable[ListedClip]) -> PlacedRecord:
        """The record without the takes of clips that are not the same any more, or whose files are gone."""
        shots = {each.shot.address: each.shot for each in clips if each.shot is not None}
        kept = tuple(
            each
            for each in self.stacks
            if (now := shots.get(each.shot.address)) is not None
            and (now.media_path, now.record_start)
            == (each.shot.media_path, each.shot.record_start - each.shot.part_offset)
            and all(os.path.exists(take.media_path) for take in each.takes)
        )
        return msgspec.structs.replace(self, stacks=kept)


def read_record(folder: Path, timeline: Path) -> PlacedRecord:
    """The record of a timeline among those in `folder`; an empty one where there is none."""
    try:
        return msgspec.json.decode(_path(folder, timeline).read_bytes(), type=PlacedRecord)
    except (OSError, msgspec.DecodeError):
        return PlacedRecord(str(timeline))


def write_record(folder: Path, timeline: Path, record: PlacedRecord) -> None:
    """Keep a record. Raises OutOfDisk."""
    write_atomically(_path(folder, timeline), msgspec.json.encode(record))


def same_place(one: Shot, other: Shot) -> bool:
    """Whether two shots are the same part of the same clip."""
    return (one.address, one.part) == (other.address, other.part)


def _path(folder: Path, timeline: Path) -> Path:
    """A file name for a path: its last part and a digest of the whole."""
    digest = hashlib.sha256(str(timeline).encode()).hexdigest()[:12]
    return folder / f"{timeline.stem[:40]}-{digest}.json"
