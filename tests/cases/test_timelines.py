"""Timelines of other programs: which frames of the media a clip shows, and where the take lies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import opentimelineio as otio
import pytest

from backend.jobs.sources import Source, open_source
from bridge.editorial.placement import PlacedTake, place_takes, write_timeline
from contract.errors import BadTimeline
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


def test_pal_conform_24_as_25(case: Case, tmp_path: Path) -> None:
    source = case.open()
    assert pictures(source) == list(range(40, 60))
    assert (source.shot.rate, source.shot.media_rate, source.info.rate) == ((25, 1), (24, 1), 25)
    assert "one to one" in source.notices[0] and "25 frames a second" in source.notices[0]
    timeline = placed(source, tmp_path)
    taken = timeline.tracks[1][-1]
    assert (taken.source_range.duration.value, taken.source_range.duration.rate) == (20, 25)


def test_kdenlive_50p_in_25p(case: Case) -> None:
    source = case.open()
    assert (source.shot.source_start, source.shot.frame_count, source.shot.rate) == (80, 30, (50, 1))
    assert pictures(source) == list(range(80, 110))
    assert (source.shot.record_start, source.shot.record_frames) == (0, 15)


def test_seconds_rate_1(case: Case, tmp_path: Path) -> None:
    source = case.open()
    assert pictures(source) == list(range(10, 43))
    assert (source.shot.rate, source.shot.timeline_rate, source.shot.record_frames) == ((25, 1), (25, 1), 33)
    timeline = placed(source, tmp_path)
    assert timeline.tracks[1][-1].duration() == otio.opentime.RationalTime(1.32, 1)


def test_two_spellings_of_23976_10h(case: Case) -> None:
    source = case.open()
    assert source.shot.source_start == 20 and pictures(source) == list(range(20, 60))


def test_kdenlive_top_track_first(case: Case, tmp_path: Path) -> None:
    source = case.open("street")
    assert (source.shot.track_number, source.shot.track_name) == (1, "V1")
    timeline = placed(source, tmp_path)
    assert [track.name for track in timeline.tracks] == ["V2", "VFX - ball", "V1", "A1"]
    assert "Kdenlive" in source.notices[0]


def test_premiere_after_retime(case: Case, tmp_path: Path) -> None:
    source = case.open("street")
    timeline = placed(source, tmp_path)
    gap, taken = timeline.tracks[1]
    assert gap.duration() == otio.opentime.RationalTime(48, 24) and gap.effects[0].time_scalar == 2.0
    assert taken.duration() == otio.opentime.RationalTime(24, 24)
    assert any("speed change lies before" in notice for notice in source.notices)


def test_disabled_compound(case: Case) -> None:
    with pytest.raises(BadTimeline, match='not shown.*"Compound 1", which holds it, is disabled'):
        case.open("in")
    assert pictures(case.open("ok")) == list(range(10, 50))


def test_clip_partly_outside_top_trim(case: Case, tmp_path: Path) -> None:
    with pytest.raises(BadTimeline, match="not shown"):
        case.open("a")
    for clip, seen, lies in (("b", range(60, 80), (0, 20)), ("c", range(60, 70), (20, 10))):
        source = case.open(clip)
        assert pictures(source) == list(seen)
        assert (source.shot.record_start, source.shot.record_frames) == lies
        timeline = placed(source, tmp_path)
        taken = timeline.tracks[1][-1]
        there = taken.transformed_time_range(taken.trimmed_range(), timeline.tracks)
        assert (there.start_time.value, there.duration.value) == lies


def test_hole_outside_the_clip(case: Case) -> None:
    source = case.open()
    assert pictures(source) == list(range(14, 34))
    assert source.media_stamp()


def test_fcp_tc_source_but_file_number_available(case: Case) -> None:
    with pytest.raises(BadTimeline) as caught:
        case.open()
    assert "no frame in common" in caught.value.what and "900000" in caught.value.why
    assert "elink" not in caught.value.remedy


def test_nan_duration_before(case: Case, tmp_path: Path) -> None:
    with pytest.raises(BadTimeline, match="'ph' has no length"):
        case.open("street")
    source = case.open("top")
    assert pictures(source) == list(range(10, 50))
    timeline = placed(source, tmp_path)
    assert [track.name for track in timeline.tracks] == ["V1", "V2", "VFX - ball"]


def test_metadata_extremes(case: Case, tmp_path: Path) -> None:
    source = case.open()
    placed(source, tmp_path)
    before, after = (json.loads(path.read_text()) for path in (case.path, tmp_path / "placed.otio"))
    # As text: a value that is not a number is not even equal to itself.
    assert json.dumps(_clip(before)["metadata"], sort_keys=True) == json.dumps(_clip(after)["metadata"], sort_keys=True)


def test_unknown_fields(case: Case, tmp_path: Path) -> None:
    placed(case.open(), tmp_path)
    assert _clip(json.loads((tmp_path / "placed.otio").read_text()))["vendor_x"] == [1, 2]


def test_schema_marker3(case: Case) -> None:
    with pytest.raises(BadTimeline) as caught:
        case.open()
    assert "Marker.3" in caught.value.why and "Marker.2" in caught.value.why
    # The remedy: without the markers.
    cut = json.loads(case.path.read_text())
    _clip(cut)["markers"] = []
    case.path.write_text(json.dumps(cut))
    assert "markers" in caught.value.remedy and pictures(case.open()) == list(range(10, 40))


def _clip(timeline: dict) -> dict:
    return timeline["tracks"]["children"][0]["children"][0]
