"""Timelines of other programs: which frames of the media a clip shows, and where the take lies."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import opentimelineio as otio
import pytest

from backend.jobs.sources import Source, open_source
from bridge.editorial.placement import PlacedTake, place_takes, write_timeline
from media.read import read_frames
from tests.cases.footage import case_file, number_of


class Case(NamedTuple):
    """Opens the clips of one case's timeline."""

    path: Path

    def open(self, clip: str | None = None, part: tuple[int, int] | None = None) -> Source:
        return open_source(str(self.path), clip, part, unpacked=self.path.parent / "unpacked")


@pytest.fixture
def case(request: pytest.FixtureRequest, footage: Path, tmp_path: Path) -> Case:
    """The case that a test is named after: test_two_timelines opens two-timelines."""
    name = request.node.name.removeprefix("test_").partition("[")[0].replace("_", "-")
    return Case(case_file(name, footage, tmp_path))


def pictures(source: Source) -> list[int]:
    """The numbers in the frames that the clip shows."""
    shot = source.shot
    return [number_of(frame.rgb()) for frame in read_frames(source.info, shot.source_start, shot.frame_count)]


def placed(source: Source, folder: Path) -> otio.schema.Timeline:
    """The timeline as it is written with one take, read again."""
    shot = source.shot
    take = PlacedTake(str(folder / "take.mov"), shot.rate, shot.frame_count, "take")
    timeline = place_takes(source.opened, shot, [take], label="ball")
    write_timeline(timeline, folder / "placed.otio", older=source.opened.older)
    return otio.adapters.read_from_file(str(folder / "placed.otio"))


def test_kdenlive_same_rate(case: Case) -> None:
    source = case.open("one")
    assert pictures(source) == list(range(5, 25))
    assert (source.shot.record_start, source.shot.record_frames) == (10, 20)


def test_rounding_available(case: Case) -> None:
    assert pictures(case.open()) == list(range(100))


def test_resolve_embedded_tc_24_in_25(case: Case) -> None:
    source = case.open()
    assert (source.shot.sequence.image(source.shot.source_start)[-8:-4], source.shot.frame_count) == ("1005", 72)
    assert pictures(source) == list(range(5, 77))
