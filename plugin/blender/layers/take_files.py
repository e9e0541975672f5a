"""A take's files, as the panel names them, and whether they fit a clip."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from ..agent_link import AgentProblem
from ..strips import compat


@dataclass(frozen=True)
class TakeFiles:
    """A take's files: a movie at `path`, or pictures `names` in `folder`.

    effect: takes with the same `effect` are alternatives; takes with different ones can be seen together.
    part: first frame and number of frames in the clip, None for a take of the whole clip.
    """

    id: str
    label: str
    path: str
    folder: str
    names: tuple[str, ...]
    frame_count: int
    effect: str = ""
    part: tuple[int, int] | None = None

    @property
    def first_file(self) -> str:
        """The movie or the first picture."""
        return os.path.join(self.folder, self.names[0]) if self.names else self.path

    def range_above(self, clip: Any) -> tuple[int, int]:
        """First frame and end (excluded) of the take above its clip."""
        start, end = compat.visible_range(clip)
        if self.part is None:
            return start, end
        return start + self.part[0], start + sum(self.part)


def read_take(message: dict[str, Any]) -> TakeFiles:
    """Read a take of the protocol (K in PROTOCOL.md)."""
    sequence, count = message.get("sequence"), int(message["frame_count"])
    names: tuple[str, ...] = ()
    if sequence:
        numbers = range(int(sequence["first"]), int(sequence["first"]) + count)
        names = tuple(f"{sequence['prefix']}{n:0{sequence['padding']}d}{sequence['suffix']}" for n in numbers)
    part = message.get("part")
    return TakeFiles(
        id=str(message["id"]),
        label=str(message["label"]),
        path=message["path"] or "",
        folder=os.path.abspath(sequence["folder"]) if sequence else "",
        names=names,
        frame_count=count,
        effect=str(message.get("effect") or message.get("instruction") or ""),
        part=(int(part[0]), int(part[1])) if part else None,
    )


def check_files(take: TakeFiles, clip: Any) -> None:
    """Check the take's files before anything is changed: for a missing file Blender silently adds a one-frame strip.

    Raises AgentProblem take_missing, or clip_changed when the take does not fit the clip.
    """
    there = set(os.listdir(take.folder)) if take.names and os.path.isdir(take.folder) else set()
    missing = [name for name in take.names if name not in there]
    if missing or (not take.names and not os.path.isfile(take.path)):
        what = f'Files of the take "{take.label}" are missing: {missing[0] if missing else take.path}'
        raise AgentProblem("take_missing", what, "They were moved or deleted.", "Restore them, or make the take again.")
    (start, end), (first, last) = compat.visible_range(clip), take.range_above(clip)
    if take.frame_count != last - first or not start <= first < last <= end:
        of_part = "" if take.part is None else f" from frame {take.part[0] + 1} of the clip on"
        raise AgentProblem(
            "clip_changed",
            f'The take "{take.label}" has {take.frame_count} frames{of_part}, "{clip.name}" has {end - start}.',
            "The clip was trimmed or cut after the take was requested.",
            "Undo the trim and place the take again, or make a new take.",
        )
