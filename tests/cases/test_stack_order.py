"""Which track is above: Kdenlive's files, other programs' files, and files that do not say it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from backend.jobs.sources import Source, open_source
from bridge.editorial.clip_list import list_clips
from bridge.editorial.placement import PlacedTake, TakeStack, place_stacks
from bridge.editorial.timeline import open_timeline
from plugin.hosts.otio_files import OtioFiles
from tests.bridge.editorial import exported as ex
from tests.cases.test_timelines import placed


def kdenlive(footage: Path, *tracks: tuple[str, str, list[str | int]], **fields: object) -> dict:
    """A timeline as Kdenlive writes it: (name, kind, clips' names and gaps' lengths) of each track, the top one first.

    Each clip is 10 frames of the same movie.
    """
    media = ex.movie(str(footage / "a25.mov"), ex.span(0, 100, 25))
    made = []
    for name, kind, items in tracks:
        children = [
            ex.gap(item, 25.0) if isinstance(item, int) else ex.clip2(item, media, ex.span(20, 10, 25))
            for item in items
        ]
        length = sum(item if isinstance(item, int) else 10 for item in items)
        made.append(ex.track(*children, kind=kind, name=name, source_range=ex.span(0, length, 25)))
    return ex.timeline(*made, **({"name": ""} | fields))


def opened(folder: Path, built: dict, clip: str) -> Source:
    return open_source(str(ex.write(folder / "cut.otio", built)), clip, unpacked=folder / "unpacked")


def names(timeline: object) -> list[str]:
    return [track.name for track in timeline.tracks]


UNNAMED = [("", "Video", ["top"]), ("", "Video", [5, "mid"]), ("", "Video", ["low", 3, "last"]), ("", "Audio", ["low"])]


@pytest.mark.parametrize(("clip", "number", "above"), [("top", 3, 0), ("mid", 2, 1), ("low", 1, 2), ("last", 1, 2)])
def test_kdenlive_without_names(footage: Path, tmp_path: Path, clip: str, number: int, above: int) -> None:
    source = opened(tmp_path, kdenlive(footage, *UNNAMED), clip)
    assert source.shot.track_number == number
    timeline = placed(source, tmp_path)
    assert names(timeline).index("VFX - ball") == above == source.shot.track_index
    taken, below = timeline.tracks[above][-1], timeline.tracks[above + 1][source.shot.address[-1]]
    assert taken.range_in_parent() == below.range_in_parent()
    assert "Kdenlive" in source.notices[0]


def test_kdenlive_with_sound_between_and_an_empty_track(footage: Path, tmp_path: Path) -> None:
    built = kdenlive(
        footage,
        ("", "Video", ["top"]),
        ("", "Audio", ["top"]),
        ("", "Video", []),
        ("", "Video", ["low"]),
        ("", "Audio", []),
    )
    source = opened(tmp_path, built, "low")
    assert source.shot.track_number == 1
    timeline = placed(source, tmp_path)
    assert [bool(track.name) for track in timeline.tracks] == [False, False, False, True, False, False]


def test_kdenlive_guides_are_a_certain_mark(footage: Path, tmp_path: Path) -> None:
    built = kdenlive(footage, ("Titles", "Video", ["top"]), ("Camera", "Video", ["low"]), name="named by hand")
    del built["tracks"]["children"][0]["source_range"]
    guide = {"OTIO_SCHEMA": "Marker.2", "metadata": {"kdenlive": {"type": 3}}, "name": "", "color": "GREEN"}
    built["tracks"]["markers"] = [guide | {"marked_range": ex.span(1, 1, 25)}]
    source = opened(tmp_path, built, "low")
    assert not any("track first" in notice for notice in source.notices) and source.shot.track_number == 1
    timeline = placed(source, tmp_path)
    assert names(timeline) == ["Titles", "VFX - ball", "Camera"]


def test_clips_that_begin_together_count_from_the_bottom(footage: Path, tmp_path: Path) -> None:
    path = ex.write(tmp_path / "cut.otio", kdenlive(footage, *UNNAMED))
    assert [each.name for each in list_clips(open_timeline(path))] == ["low", "top", "mid", "last"]


def test_several_takes_of_one_track_and_the_file_read_again(footage: Path, tmp_path: Path) -> None:
    path = ex.write(tmp_path / "cut.otio", kdenlive(footage, *UNNAMED))
    low, last, mid = (opened(tmp_path, kdenlive(footage, *UNNAMED), clip) for clip in ("low", "last", "mid"))
    stacks = [
        TakeStack(each.shot, (PlacedTake(str(tmp_path / "t.mov"), each.shot.rate, 10, each.shot.name),))
        for each in (low, last, mid)
    ]
    timeline = place_stacks(open_timeline(path), stacks)
    listed = names(timeline)
    assert [name for name in listed if name][0] == "VFX - mid" and listed[1:3] == ["VFX - mid", ""]
    assert sorted(listed[3:5]) == ["VFX - last", "VFX - low"] and listed[5:] == ["", ""]
    # What was written is a file of the same order, with takes of ours in it.
    placed(low, tmp_path)
    again = open_source(str(tmp_path / "placed.otio"), "mid", unpacked=tmp_path)
    assert again.shot.track_number == 3 and again.opened.stack_order.top_first


def test_the_panel_places_above_and_finds_it_there(footage: Path, tmp_path: Path) -> None:
    host = OtioFiles(tmp_path / "records")
    host.open(ex.write(tmp_path / "cut.otio", kdenlive(footage, *UNNAMED)))
    results: list[object] = []
    for number, clip in enumerate(("low", "last")):
        host.select(next(each.index for each in host.clips() if each.name == clip))
        shot = host.selected().shot
        take = PlacedTake(
            str(footage / "a24.mov"), shot.rate, shot.frame_count, f"t{number}", {"dynvfx": {"take": clip}}
        )
        host.place(shot, [take], 0, results.append, results.append)
    assert [(each.take, each.track_number) for each in results] == [("low", 2), ("last", 2)]
    assert {placement.take for placement in host.placements().values()} == {"low", "last"}


def with_names(*given: str) -> Callable[[Path], dict]:
    return lambda footage: kdenlive(footage, *((name, "Video", [name]) for name in given))


def resolve(footage: Path) -> dict:
    return with_names("Video 2", "Video 1")(footage) | {
        "metadata": {"Resolve_OTIO": {"Resolve OTIO Meta Version": "1.0"}}
    }


def other(*given: str) -> Callable[[Path], dict]:
    """A program that says nothing of itself, and writes no ranges for tracks."""

    def built(footage: Path) -> dict:
        made = with_names(*given)(footage) | {"global_start_time": ex.time(90000, 25), "name": "reel"}
        for track in made["tracks"]["children"]:
            del track["source_range"]
        return made

    return built


@pytest.mark.parametrize(
    ("build", "clip", "order", "number", "uncertain"),
    [
        (resolve, "Video 1", ["Video 2", "Video 1", "VFX - ball"], 2, False),
        (other("V1", "V2"), "V1", ["V1", "VFX - ball", "V2"], 1, False),
        (other("Camera", "Titles"), "Camera", ["Camera", "VFX - ball", "Titles"], 1, True),
        (other("V2", "V1"), "V1", ["V2", "VFX - ball", "V1"], 1, True),
        (with_names("V1", "V2"), "V1", ["V1", "VFX - ball", "V2"], 1, True),
        (with_names("V10", "V9", "V8"), "V9", ["V10", "VFX - ball", "V9", "V8"], 2, True),
    ],
)
def test_who_wrote_it(
    footage: Path, tmp_path: Path, build: Callable, clip: str, order: list[str], number: int, uncertain: bool
) -> None:
    source = opened(tmp_path, build(footage), clip)
    timeline = placed(source, tmp_path)
    assert names(timeline) == order and source.shot.track_number == number
    assert any("track" in notice for notice in source.notices) == uncertain


def test_a_trimmed_track_is_no_mark_of_kdenlive(footage: Path, tmp_path: Path) -> None:
    built = kdenlive(footage, ("", "Video", ["a", "b"]))
    built["tracks"]["children"][0]["source_range"] = ex.span(0, 15, 25)
    source = opened(tmp_path, built, "a")
    assert not source.opened.stack_order.top_first and source.notices == ()
    timeline = placed(source, tmp_path)
    assert names(timeline) == ["", "VFX - ball"]
