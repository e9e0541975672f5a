"""FCPXML of Final Cut Pro and DaVinci Resolve: which frames a clip shows, and takes connected above it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import pytest

from backend.jobs.sources import Source
from bridge.editorial.clip_list import list_clips
from bridge.editorial.exchange.fcpxml_takes import write_fcpxml
from bridge.editorial.placement import PlacedTake, TakeStack
from bridge.editorial.result_files import write_with_takes
from bridge.editorial.timeline import open_timeline
from bridge.editorial.timeline_choice import SeveralTimelines
from contract.errors import BadTimeline, BadUsage
from contract.image_sequence import ImageSequence
from plugin.hosts.otio_files import OtioFiles
from tests.cases import fcpxml
from tests.cases.footage import make_movie
from tests.cases.test_edl import opened
from tests.cases.test_timelines import pictures

A24, TC24 = "10000/2400s", "3600s"
"""100 frames at 24, and 01:00:00:00."""


def frames(number: int) -> str:
    return f"{number * 100}/2400s"


def cut(footage: Path, folder: Path, spine: str, version: str = "1.10", **choice: str) -> Path:
    resources = fcpxml.asset(footage, "a24.mov", A24, version=version)
    resources += fcpxml.asset(footage, "tc24.mov", A24, start=TC24, version=version)
    resources += fcpxml.asset(footage, "a50.mov", "120/50s", "r3", version=version)
    return fcpxml.write(folder / "cut.fcpxml", resources, fcpxml.project(spine, **choice), version=version)


def with_takes(source: Source, *names: str, part: tuple[int, int] | None = None) -> Path:
    shot, folder = source.shot, source.opened.path.parent
    takes = []
    for name in names:
        movie = make_movie(folder / f"{name}.mov", shot.frame_count, shot.frame_rate)
        takes.append(PlacedTake(str(movie), shot.rate, shot.frame_count, name))
    return write_with_takes(source.opened, [TakeStack(shot, tuple(takes), 0, "ball")], folder / "cut.dynvfx.otio")


def record_of(source: Source) -> tuple[int, int]:
    return source.shot.record_start, source.shot.record_frames


def lanes(path: Path) -> list[tuple[str, int, int, int]]:
    """Name, video track, first frame and length of every clip of a written file."""
    placed = []
    for each in list_clips(open_timeline(path)):
        assert each.shot is not None, each.problem
        placed.append((each.name, each.shot.track_number, each.shot.record_start, each.shot.record_frames))
    return sorted(placed, key=lambda item: item[1:])


@pytest.mark.parametrize("version", ["1.6", "1.8", "1.9", "1.10", "1.11", "1.13"])
def test_final_cut(footage: Path, tmp_path: Path, version: str) -> None:
    spine = fcpxml.clip("one", "a24.mov", "0s", frames(10), frames(30))
    spine += fcpxml.clip("two", "tc24.mov", frames(30), "8640500/2400s", frames(20))
    path = cut(footage, tmp_path, spine, version)
    assert pictures(opened(path, "one")) == list(range(10, 40))
    two = opened(path, "two")
    assert pictures(two) == list(range(5, 25)) and two.shot.record_start == 30


def test_resolve(footage: Path, tmp_path: Path) -> None:
    """Offsets from the timecode of the start, the second track as a lane, times as sums of whole numbers."""
    upper = fcpxml.clip("upper", "a24.mov", frames(20), frames(50), frames(8), more='lane="1" enabled="1"')
    lower = fcpxml.clip("lower", "a24.mov", "3600/1s", frames(10), frames(30), f"<adjust-conform/>{upper}")
    path = cut(footage, tmp_path, lower, "1.9", start="3600/1s")
    source = opened(path, "lower")
    assert pictures(source) == list(range(10, 40)) and source.shot.record_timecodes[0] == "01:00:00:00"
    above = opened(path, "upper")
    assert (pictures(above), above.shot.record_start, above.shot.track_number) == (list(range(50, 58)), 10, 2)


def test_media_rates_by_time_and_formats_by_name(footage: Path, tmp_path: Path) -> None:
    spine = fcpxml.clip(
        "fast", "a50.mov", "0s", "20/50s", "25/50s", '<conform-rate scaleEnabled="0" srcFrameRate="50"/>'
    )
    path = cut(footage, tmp_path, spine)
    assert pictures(opened(path, None)) == list(range(20, 45))
    resources = fcpxml.asset(footage, "a23976.mov", "100100/24000s", "r2")
    named = fcpxml.clip("slow", "a23976.mov", "0s", "20020/24000s", "24024/24000s")
    path = fcpxml.write(tmp_path / "named.fcpxml", resources, fcpxml.project(named, format="r2"))
    assert pictures(opened(path, None)) == list(range(20, 44))


def time_map(*points: tuple[int, int]) -> str:
    made = [f'<timept time="{time}s" value="{value}s"/>' for time, value in points]
    return f"<timeMap>{''.join(made)}</timeMap>"


@pytest.mark.parametrize(
    ("inside", "what"),
    [
        (time_map((0, 0), (1, 2)), "200 %"),
        (time_map((0, 2), (1, 1)), "backwards"),
        (time_map((0, 1), (1, 1)), "freeze"),
        (time_map((0, 0), (1, 2), (2, 3)), "variable"),
    ],
)
def test_retimed(footage: Path, tmp_path: Path, inside: str, what: str) -> None:
    path = cut(footage, tmp_path, fcpxml.clip("x", "a24.mov", "0s", frames(10), frames(20), inside))
    with pytest.raises(BadTimeline, match=what):
        opened(path, None)


def test_conformed_rates_are_a_speed(footage: Path, tmp_path: Path) -> None:
    path = cut(
        footage, tmp_path, fcpxml.clip("x", "a50.mov", "0s", "20/50s", frames(20), '<conform-rate srcFrameRate="50"/>')
    )
    with pytest.raises(BadTimeline, match="48 %"):
        opened(path, None)


def test_disabled_sound_titles_and_gaps(footage: Path, tmp_path: Path) -> None:
    spine = '<gap name="Gap" offset="0s" start="3600s" duration="1s"/>'
    spine += fcpxml.clip("off", "a24.mov", "1s", "0s", "1s", more='enabled="0"')
    spine += '<title ref="r9" name="Title" offset="2s" duration="1s"/>'
    spine += fcpxml.clip("sound", "a24.mov", "3s", "0s", "1s", more='srcEnable="audio"')
    spine += fcpxml.clip("on", "a24.mov", "4s", frames(10), "1s")
    path = cut(footage, tmp_path, spine)
    source = opened(path, None)
    assert source.shot.name == "on" and source.shot.record_start == 96
    listed = {each.name: each.problem for each in list_clips(source.opened)}
    assert "disabled" in listed["off"].what and "generator" in listed["Title"].what and "sound" not in listed


def test_clips_with_a_video_inside_and_storylines(footage: Path, tmp_path: Path) -> None:
    inner = f'<video ref="tc24.mov" offset="0s" start="{TC24}" duration="{A24}"/>'
    spine = f'<clip name="wrapped" offset="0s" start="{frames(12)}" duration="{frames(24)}">{inner}</clip>'
    story = fcpxml.clip("s1", "a24.mov", "0s", frames(30), frames(6)) + fcpxml.clip(
        "s2", "a24.mov", frames(6), frames(60), frames(6)
    )
    spine += fcpxml.clip(
        "base", "a24.mov", frames(24), frames(5), frames(24), f'<spine lane="1" offset="{frames(9)}">{story}</spine>'
    )
    path = cut(footage, tmp_path, spine)
    assert pictures(opened(path, "wrapped")) == list(range(12, 36))
    second = opened(path, "s2")
    assert (pictures(second), second.shot.record_start) == (list(range(60, 66)), 24 + 4 + 6)
    assert lanes(with_takes(second, "take"))[-1] == ("take", 3, 34, 6)


def test_compound_multicam_and_synchronised_clips(footage: Path, tmp_path: Path) -> None:
    deep = fcpxml.clip("deep", "a24.mov", "0s", frames(20), frames(60))
    sequence = f'<sequence format="r1" tcStart="0s"><spine>{deep}</spine></sequence>'
    angles = f'<mc-angle name="A" angleID="a">{deep.replace("deep", "angle A")}</mc-angle>'
    angles += f'<mc-angle name="B" angleID="b">{fcpxml.clip("angle B", "a24.mov", "0s", "0s", A24)}</mc-angle>'
    resources = fcpxml.asset(footage, "a24.mov", A24)
    resources += f'<media id="m1" name="compound">{sequence}</media>'
    resources += f'<media id="m2" name="multi"><multicam format="r1">{angles}</multicam></media>'
    spine = f'<ref-clip ref="m1" name="nest" offset="0s" start="{frames(10)}" duration="{frames(24)}"/>'
    spine += (
        f'<mc-clip ref="m2" name="cams" offset="{frames(24)}" start="{frames(10)}" duration="{frames(24)}">'
        '<mc-source angleID="b" srcEnable="video"/><mc-source angleID="a" srcEnable="audio"/></mc-clip>'
    )
    spine += (
        f'<sync-clip name="sync" offset="{frames(48)}" start="{frames(4)}" duration="{frames(10)}">'
        f"{fcpxml.clip('synced', 'a24.mov', '0s', frames(40), frames(30))}</sync-clip>"
    )
    path = fcpxml.write(tmp_path / "cut.fcpxml", resources, fcpxml.project(spine))
    for name, first, record in (("deep", 30, 0), ("angle B", 10, 24), ("synced", 44, 48)):
        source = opened(path, name)
        assert pictures(source)[0] == first and source.shot.record_start == record, name
    for name, first in (("deep", 30), ("synced", 44)):
        # Only a part of the clip is seen: the take lies there, at the same pictures.
        written = with_takes(opened(path, name), "take")
        take = opened(written, "take")
        assert (take.shot.record_start, take.shot.record_frames) == record_of(opened(path, name)), name
        assert (
            pictures(take) == list(range(len(pictures(opened(path, name)))))
            and pictures(opened(path, name))[0] == first
        )
    written = with_takes(opened(path, "synced"), "take")
    assert pictures(opened(written, "synced")) == pictures(opened(path, "synced"))


def test_auditions_and_transitions(footage: Path, tmp_path: Path) -> None:
    pick = fcpxml.clip("pick", "a24.mov", "0s", frames(10), frames(24))
    other = fcpxml.clip("other", "a24.mov", "0s", frames(50), frames(24))
    dissolve = f'<transition name="Cross Dissolve" offset="{frames(20)}" duration="{frames(8)}"/>'
    spine = f"<audition>{pick}{other}</audition>{dissolve}"
    spine += fcpxml.clip("next", "a24.mov", frames(24), frames(70), frames(20))
    path = cut(footage, tmp_path, spine)
    assert pictures(opened(path, "pick")) == list(range(10, 34)) and pictures(opened(path, "next"))[0] == 70
    assert (opened(path, "pick").shot.dissolves, opened(path, "next").shot.dissolves) == ((0, 4), (4, 0))
    assert lanes(with_takes(opened(path, "pick"), "take"))[-1] == ("take", 2, 0, 24)


def test_bundles_several_projects_and_no_project(footage: Path, tmp_path: Path) -> None:
    resources = fcpxml.asset(footage, "a24.mov", A24)
    spine = fcpxml.clip("x", "a24.mov", "0s", frames(10), frames(20))
    projects = (fcpxml.project(spine, "one"), fcpxml.project(spine.replace(frames(10), frames(40)), "two"))
    fcpxml.write(tmp_path / "cut.fcpxmld" / "Info.fcpxml", resources, *projects)
    with pytest.raises(SeveralTimelines) as caught:
        opened(tmp_path / "cut.fcpxmld", None)
    assert caught.value.names == ("one", "two")
    source = opened(tmp_path / "cut.fcpxmld", None, timeline="two")
    assert pictures(source) == list(range(40, 60)) and with_takes(source, "take").suffix == ".fcpxml"
    with pytest.raises(BadTimeline, match="no project"):
        opened(fcpxml.write(tmp_path / "clips.fcpxml", resources, spine), None)


# Out ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.8", "1.10"])
def test_a_take_is_connected_above_its_clip_and_nothing_else_changes(
    footage: Path, tmp_path: Path, version: str
) -> None:
    marked = '<marker start="20s" duration="1/24s" value="look"/><filter-video ref="r9" name="Grade"/>'
    spine = fcpxml.clip("one", "a24.mov", "0s", frames(10), frames(30), f'<adjust-transform scale="2 2"/>{marked}')
    spine += fcpxml.clip("two", "a24.mov", frames(30), frames(50), frames(20))
    path = cut(footage, tmp_path, spine, version)
    written = with_takes(opened(path, "one"), "take")
    assert written == tmp_path / "cut.dynvfx.fcpxml"
    assert lanes(written) == [("one", 1, 0, 30), ("two", 1, 30, 20), ("take", 2, 0, 30)]
    assert pictures(opened(written, "take")) == list(range(30))
    text = written.read_text()
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n')
    root = ElementTree.fromstring(text)
    take = root.find(".//asset-clip[@name='take']")
    parent = root.find(".//asset-clip[@name='one']")
    assert [each.tag for each in parent] == ["adjust-transform", "asset-clip", "marker", "filter-video"]
    assert (take.get("lane"), take.get("offset")) == ("1", "5/12s") and [each.tag for each in take] == [
        "adjust-transform",
        "filter-video",
    ]
    asset = root.find(f"resources/asset[@id='{take.get('ref')}']")
    assert (asset.get("format"), asset.get("src") is None) == ("r1", version == "1.10")
    parent.remove(take)
    root.find("resources").remove(asset)
    assert canonical(ElementTree.tostring(root, "unicode")) == canonical(path.read_text())


def canonical(text: str) -> str:
    return ElementTree.canonicalize(text, strip_text=True)


def test_a_part_and_versions(footage: Path, tmp_path: Path) -> None:
    path = cut(footage, tmp_path, fcpxml.clip("one", "a24.mov", "0s", frames(10), frames(30)))
    source = opened(path, "one", part=(12, 19))
    written = with_takes(source, "first", "second")
    root = ElementTree.parse(written).getroot()
    audition = root.find(".//audition")
    assert [each.get("name") for each in audition] == ["first", "second"] and audition.get("lane") == "1"
    assert Fraction(audition.get("offset")[:-1]) == Fraction(22, 24)
    assert lanes(written)[-1] == ("first", 2, 12, 8)


def test_what_is_connected_higher_up_stays_above(footage: Path, tmp_path: Path) -> None:
    """A title's place, lane 1, is needed for the take: it moves up; a lower lane and other times stay."""
    connected = fcpxml.clip("over", "a24.mov", frames(20), frames(60), frames(8), more='lane="1"')
    connected += fcpxml.clip("under", "a24.mov", frames(12), frames(70), frames(8), more='lane="-1"')
    spine = fcpxml.clip("one", "a24.mov", "0s", frames(10), frames(30), connected)
    spine += fcpxml.clip("two", "a24.mov", frames(30), frames(50), frames(20))
    path = cut(footage, tmp_path, spine)
    written = with_takes(opened(path, "one"), "take")
    assert {name: track for name, track, *_ in lanes(written)} == {"under": 1, "one": 2, "two": 2, "take": 3, "over": 4}
    above = with_takes(opened(path, "two"), "take")
    assert {name: track for name, track, *_ in lanes(above)}["over"] == 3
    of_connected = with_takes(opened(path, "over"), "take")
    assert {name: track for name, track, *_ in lanes(of_connected)}["take"] == 4
    of_lower = with_takes(opened(path, "under"), "take")
    assert {name: track for name, track, *_ in lanes(of_lower)} == {
        "under": 1,
        "take": 2,
        "one": 3,
        "two": 3,
        "over": 4,
    }


def test_the_panel_places_and_swaps_in_fcpxml(footage: Path, tmp_path: Path) -> None:
    spine = fcpxml.clip("one", "a24.mov", "0s", frames(10), frames(30))
    spine += fcpxml.clip("two", "a24.mov", frames(30), frames(50), frames(20))
    path = cut(footage, tmp_path, spine)
    host = OtioFiles(tmp_path / "records")
    host.open(path)
    done, failed = [], []
    for number, name in ((1, "first"), (2, "second")):
        host.select(number)
        shot = host.selected().shot
        movie = make_movie(tmp_path / f"{name}.mov", shot.frame_count, shot.frame_rate)
        host.place(shot, [PlacedTake(str(movie), shot.rate, shot.frame_count, name)], 0, done.append, failed.append)
    assert failed == [] and {each.where for each in done} == {str(tmp_path / "cut.dynvfx.fcpxml")}
    again = OtioFiles(tmp_path / "records")
    again.open(path)
    assert {number: each.take_name for number, each in again.placements().items()} == {1: "first", 2: "second"}
    shot = again.clips()[0].shot
    other = make_movie(tmp_path / "other.mov", shot.frame_count, shot.frame_rate)
    again.swap(shot, PlacedTake(str(other), shot.rate, shot.frame_count, "other"), done.append, failed.append)
    assert failed == [] and done[-1].take_name == "other"
    assert [item[0] for item in lanes(tmp_path / "cut.dynvfx.fcpxml")] == ["one", "two", "other", "second"]


def test_pictures_are_no_takes_for_final_cut(footage: Path, tmp_path: Path) -> None:
    source = opened(cut(footage, tmp_path, fcpxml.clip("one", "a24.mov", "0s", frames(10), frames(30))), None)
    shot = source.shot
    sequence = ImageSequence(str(tmp_path), "t.", ".png", 1, 1, 4, shot.frame_count)
    take = PlacedTake(sequence.image(0), shot.rate, shot.frame_count, "take", sequence=sequence)
    stack = TakeStack(shot, (take,))
    assert write_with_takes(source.opened, [stack], tmp_path / "out.otio") == tmp_path / "out.otio"
    with pytest.raises(BadUsage, match="--layer prores4444"):
        write_fcpxml(source.opened.path, [stack], tmp_path / "out.fcpxml")


def test_a_file_that_was_exported_again_gets_no_take_at_another_clip(footage: Path, tmp_path: Path) -> None:
    one, two = (
        fcpxml.clip(name, "a24.mov", frames(at), frames(10), frames(30)) for name, at in (("one", 0), ("two", 30))
    )
    source = opened(cut(footage, tmp_path, one + two), "two")
    cut(footage, tmp_path, fcpxml.clip("zero", "a24.mov", "0s", frames(40), frames(20)) + one + two)
    with pytest.raises(BadTimeline, match="has changed"):
        with_takes(source, "take")


def test_key_frames_move_with_the_take(footage: Path, tmp_path: Path) -> None:
    keys = (
        '<adjust-transform><param name="position"><keyframeAnimation><keyframe time="10/24s" value="0 0"/>'
        '<keyframe time="30/24s" value="5 0"/></keyframeAnimation></param></adjust-transform>'
    )
    path = cut(footage, tmp_path, fcpxml.clip("one", "a24.mov", "0s", frames(10), frames(30), keys))
    root = ElementTree.parse(with_takes(opened(path, "one"), "take")).getroot()
    times = [each.get("time") for each in root.find(".//asset-clip[@name='take']").iter("keyframe")]
    assert times == ["0s", "5/6s"]
