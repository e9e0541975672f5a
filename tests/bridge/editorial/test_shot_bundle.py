from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest

from bridge.editorial.clip_list import Shot, select_shot
from bridge.editorial.placement import place_takes, placed_take
from bridge.editorial.shot_bundle import TIMELINE, pack_shot
from bridge.editorial.timeline import OpenTimeline, open_timeline, timeline_for_media
from contract.errors import BadTake, BadTimeline
from contract.image_sequence import ImageSequence
from contract.take import Take
from tests.contract.sample_plan import a_plan

NTSC = Fraction(24000, 1001)


def times(first: float, count: float, rate: float) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(otio.opentime.RationalTime(first, rate), otio.opentime.RationalTime(count, rate))


def unpacked(folder: Path, opened: OpenTimeline, shot: Shot, part: tuple[int, int] | None = None) -> Shot:
    """The shot as the other machine finds it."""
    parcel = pack_shot(opened, shot)
    folder.mkdir()
    (folder / TIMELINE).write_bytes(parcel.timeline)
    for name, path in parcel.files:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(path.read_bytes())
    return select_shot(open_timeline(folder / TIMELINE), None, part)


def what_counts(shot: Shot) -> tuple:
    return (
        shot.source_start,
        shot.source_offset,
        shot.frame_count,
        shot.rate,
        shot.record_start,
        shot.record_frames,
        shot.timeline_rate,
        shot.timeline_start,
        shot.part,
        shot.part_offset,
        shot.handles,
    )


@pytest.fixture
def cut(tmp_path: Path) -> OpenTimeline:
    """Two clips on one track at an NTSC rate that begins at one hour, behind a gap; other media is not there."""
    (tmp_path / "Ärger: 100%25 #1.mov").write_bytes(b"movie")
    timeline = otio.schema.Timeline("reel", global_start_time=otio.opentime.RationalTime(86400, 23.976))
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    other = otio.schema.ExternalReference("/nowhere/secret.mov", times(0, 90, 23.976))
    mine = otio.schema.ExternalReference("Ärger: 100%25 #1.mov", times(1000, 200, 23.976))
    clip = otio.schema.Clip("dive", mine, times(1010, 40, 23.976))
    clip.effects.append(otio.schema.Effect("blur"))
    track.extend([otio.schema.Gap(duration=times(0, 12, 23.976).duration), otio.schema.Clip("b", other), clip])
    timeline.tracks.append(track)
    otio.adapters.write_to_file(timeline, str(tmp_path / "cut.otio"))
    return open_timeline(tmp_path / "cut.otio")


@pytest.mark.parametrize("part", [None, (3, 20)])
def test_the_shot_is_the_same_over_there(tmp_path: Path, cut: OpenTimeline, part: tuple[int, int] | None):
    shot = select_shot(cut, "dive", part)
    there = unpacked(tmp_path / "there", cut, shot, part)
    assert what_counts(there) == what_counts(shot)
    assert there.frame_rate == NTSC and there.record_start == 102 + (3 if part else 0)
    assert Path(there.media_path).read_bytes() == b"movie"


def test_nothing_else_travels(cut: OpenTimeline):
    parcel = pack_shot(cut, select_shot(cut, "dive"))
    assert len(parcel.files) == 1
    assert b"secret" not in parcel.timeline and b"blur" not in parcel.timeline
    assert str(cut.media_base).encode() not in parcel.timeline


def test_an_image_sequence_gets_a_plain_name(tmp_path: Path):
    for number in (1001, 1002, 1003):
        (tmp_path / f"a:b {number}.exr").write_bytes(b"%d" % number)
    sequence = ImageSequence(str(tmp_path), "a:b ", ".exr", 1001, 1, 4, 3)
    opened = timeline_for_media(tmp_path / "a:b 1001.exr", Fraction(24), 3, 0, "plate", sequence)
    shot = select_shot(opened)
    there = unpacked(tmp_path / "there", opened, shot)
    assert what_counts(there) == what_counts(shot)
    assert [Path(there.sequence.image(index)).read_bytes() for index in range(3)] == [b"1001", b"1002", b"1003"]
    assert ":" not in there.sequence.prefix


def test_a_shot_of_another_timeline_is_refused(cut: OpenTimeline, tmp_path: Path):
    (tmp_path / "x.mov").write_bytes(b"x")
    stranger = timeline_for_media(tmp_path / "x.mov", Fraction(24), 5)
    with pytest.raises(BadTimeline):
        pack_shot(stranger, select_shot(cut, "dive"))


@pytest.mark.parametrize(("layer", "is_sequence"), [("layer.mov", False), ("layer/layer.%06d.png", True)])
def test_a_take_is_placed_from_its_record(tmp_path: Path, cut: OpenTimeline, layer: str, is_sequence: bool):
    shot = select_shot(cut, "dive")
    take = Take(
        id="t",
        name="take 01",
        instruction="add a whale",
        request={},
        plan=a_plan(),
        model="tiny",
        licence="",
        assistant="",
        seed=0,
        created="",
        version="",
        layer=layer,
        composite="composite.mov",
        first_number=7,
        frame_count=40,
    )
    with pytest.raises(BadTake):
        placed_take(tmp_path, take, shot, None)
    file = tmp_path / ("layer/layer.000007.png" if is_sequence else "layer.mov")
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"x")
    placed = placed_take(tmp_path, take, shot, 1000, "take 01 seed 0", "a whale", (1920, 1080))
    assert (placed.sequence is not None) == is_sequence
    assert placed.start_frame == (0 if is_sequence else 1000 + shot.source_start)
    if is_sequence:
        assert (placed.sequence.first, placed.sequence.count) == (7, 40)
        assert placed.media_path == str(tmp_path / "layer/layer.000007.png")
    assert len(place_takes(cut, shot, [placed]).video_tracks()) == 2
    assert (placed.name, placed_take(tmp_path, take, shot, None).name) == ("take 01 seed 0", "take 01")
    facts = placed.metadata["dynvfx"]
    assert (facts["take"], facts["label"], facts["width"], facts["height"]) == ("t", "a whale", 1920, 1080)
