from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import opentimelineio as otio
import pytest

from bridge.editorial.clip_list import Shot
from bridge.editorial.placement import PlacedTake
from contract.errors import BadTimeline
from plugin.hosts.base import (
    FollowsSelection,
    NativeVersions,
    OpensTimelines,
    Placement,
    PlacementFailed,
    PlacesTakes,
    SeeksTo,
    SelectsClips,
    SwapsTakes,
)
from plugin.hosts.otio_files import OtioFiles
from plugin.hosts.placed_record import PlacedStack
from plugin.hosts.reading_back import read_back
from tests.plugin.movies import write_cut, write_movie


@pytest.fixture
def host(tmp_path: Path) -> OtioFiles:
    return OtioFiles(tmp_path / "memory")


def take_of(shot: Shot, folder: Path, name: str) -> PlacedTake:
    path = write_movie(folder / f"{name}.mov", shot.frame_count, shot.frame_rate)
    return PlacedTake(str(path), shot.rate, shot.frame_count, name, {"dynvfx": {"take": name, "label": "balloon"}})


def shot_of(host: OtioFiles, index: int) -> Shot:
    host.select(index)
    return host.selected().shot


def put(host: OtioFiles, shot: Shot, takes: list[PlacedTake], active: int) -> Placement:
    return reply(lambda done, failed: host.place(shot, takes, active, done, failed))


def swapped_in(host: OtioFiles, shot: Shot, take: PlacedTake) -> Placement:
    return reply(lambda done, failed: host.swap(shot, take, done, failed))


def reply(asks: Callable) -> Placement:
    answers, problems = [], []
    asks(answers.append, problems.append)
    if problems:
        raise problems[0]
    return answers[0]


def test_capabilities(host: OtioFiles) -> None:
    for capability in (OpensTimelines, SelectsClips, FollowsSelection, PlacesTakes, SwapsTakes):
        assert isinstance(host, capability)
    assert not isinstance(host, SeeksTo) and not isinstance(host, NativeVersions)


def test_opening_lists_clips_and_selects_the_only_one(host: OtioFiles, tmp_path: Path) -> None:
    changes = []
    host.on_change(lambda: changes.append(host.title))
    host.open(write_cut(tmp_path))
    assert [each.name for each in host.clips()] == ["street"]
    assert host.selected().name == "street" and host.title == "cut.otio" and changes == ["cut.otio"]
    source = host.source_of(host.selected().shot)
    assert (source.source, source.clip) == (str(tmp_path / "cut.otio"), "1")
    assert host.output_folder() == tmp_path / "cut dynvfx"


def test_a_movie_is_a_timeline_of_one_clip(host: OtioFiles, tmp_path: Path) -> None:
    host.open(write_movie(tmp_path / "plate.mov", 10))
    assert host.selected().shot.frame_count == 10
    assert host.source_of(host.selected().shot).clip is None
    placed = put(host, host.selected().shot, [take_of(host.selected().shot, tmp_path, "a")], 0)
    assert placed.where == str(tmp_path / "plate.dynvfx.otio")


def test_several_clips_wait_for_a_choice(host: OtioFiles, tmp_path: Path) -> None:
    host.open(write_cut(tmp_path, ("one", "two")))
    assert host.selected() is None
    host.select(2)
    assert host.selected().name == "two"
    with pytest.raises(BadTimeline):
        host.select(3)


def test_placing_writes_a_new_file_and_reads_it_back(host: OtioFiles, tmp_path: Path) -> None:
    cut = write_cut(tmp_path, ("one", "two"))
    before = cut.read_bytes()
    host.open(cut)
    second = shot_of(host, 2)
    placement = put(host, second, [take_of(second, tmp_path, "a"), take_of(second, tmp_path, "b")], 1)
    assert cut.read_bytes() == before
    assert (placement.take, placement.track_number, placement.track_name) == ("b", 2, "VFX - balloon")
    assert (placement.record_in, placement.record_out) == second.record_timecodes
    written = otio.adapters.read_from_file(placement.where)
    tracks = written.video_tracks()
    assert len(tracks) == 2 and tracks[1].range_of_child_at_index(1) == tracks[0].range_of_child_at_index(2)


def test_two_shots_stay_side_by_side_and_swapping_changes_one(host: OtioFiles, tmp_path: Path) -> None:
    host.open(write_cut(tmp_path, ("one", "two")))
    first, second = shot_of(host, 1), shot_of(host, 2)
    put(host, first, [take_of(first, tmp_path, "a"), take_of(first, tmp_path, "b")], 0)
    put(host, second, [take_of(second, tmp_path, "c")], 0)
    assert {index: each.take for index, each in host.placements().items()} == {1: "a", 2: "c"}
    swapped = swapped_in(host, first, take_of(first, tmp_path, "b"))
    assert swapped.take == "b"
    assert {index: each.take for index, each in host.placements().items()} == {1: "b", 2: "c"}
    assert len(otio.adapters.read_from_file(swapped.where).video_tracks()) == 3


def test_a_later_start_remembers_what_was_placed(host: OtioFiles, tmp_path: Path) -> None:
    cut = write_cut(tmp_path)
    host.open(cut)
    put(host, shot_of(host, 1), [take_of(shot_of(host, 1), tmp_path, "a")], 0)
    again = OtioFiles(tmp_path / "memory")
    again.open(cut)
    assert again.placements()[1].take == "a"
    (tmp_path / "cut.dynvfx.otio").unlink()
    assert again.placements() == {}


def test_a_take_that_is_not_there_is_reported(host: OtioFiles, tmp_path: Path) -> None:
    from bridge.editorial.timeline import open_timeline

    host.open(write_cut(tmp_path))
    shot = shot_of(host, 1)
    with pytest.raises(PlacementFailed, match="is not above"):
        stack = PlacedStack(shot, (take_of(shot, tmp_path, "a"),), 0)
        read_back(open_timeline(tmp_path / "cut.otio"), tmp_path / "cut.otio", stack)
