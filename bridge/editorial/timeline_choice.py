"""The choice of one of several timelines in a file."""

from __future__ import annotations

from collections.abc import Sequence as Many
from pathlib import Path

import opentimelineio as otio

from contract.errors import BadTimeline
from contract.printable import one_line


class SeveralTimelines(BadTimeline):
    """A file holds several timelines, and none was chosen. `names` are theirs, in the order of the file."""

    kind = "several_timelines"

    def __init__(self, what: str, why: str, remedy: str, names: tuple[str, ...] = ()) -> None:
        super().__init__(what, why, remedy)
        self.names = names


def choose_timeline(found: Many[otio.schema.Timeline], name: str | None, path: Path) -> otio.schema.Timeline:
    """The only timeline, or the one that is called `name` or has that number (from 1, in the order of the file).

    Raises SeveralTimelines when that is not exactly one, BadTimeline when the file holds none.
    """
    if not found:
        raise BadTimeline(f"{path.name} holds no timeline.", "", "Export a timeline or sequence, not only its media.")
    names = tuple(one_line(each.name or f"timeline {number}") for number, each in enumerate(found, start=1))
    chosen = list(range(len(found))) if name is None else _called(names, name)
    if len(chosen) != 1:
        listed = ", ".join(f'{number}. "{each}"' for number, each in enumerate(names, start=1))
        what = f"{path.name} holds {len(found)} timelines."
        if name is not None:
            what = f'{path.name} holds {len(chosen) or "no"} timeline{"s" if len(chosen) > 1 else ""} called "{name}".'
        choice = f'Choose one by its name or number, for example --timeline "{names[0]}"'
        if names.count(names[0]) > 1:
            choice = "Choose one by its number, for example --timeline 1"
        raise SeveralTimelines(what, f"It holds: {listed}.", choice, names)
    timeline = found[chosen[0]]
    if timeline.tracks is None:
        raise BadTimeline(
            "The timeline has no video track.", f"{path.name} holds no tracks at all.", "Export the timeline again."
        )
    return timeline


def _called(names: tuple[str, ...], name: str) -> list[int]:
    wanted = one_line(name).strip()
    for fits in (str.strip, lambda each: each.strip().casefold()):
        found = [place for place, each in enumerate(names) if fits(each) == fits(wanted)]
        if found:
            return found
    return [int(wanted) - 1] if wanted.isdecimal() and 1 <= int(wanted) <= len(names) else []
