"""A take on a new track exactly above its clip, and nothing else changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugin.resolve.errors import ResolveProblem
from plugin.resolve.placing.place_takes import place
from plugin.resolve.placing.swap_takes import swap
from tests.plugin.resolve.double import Switches, World
from tests.plugin.resolve.films import Film, finish, without_ours


def test_a_take_is_exactly_above_its_clip(tmp_path: Path) -> None:
    film = Film(tmp_path)
    film.tracks(2, 2)
    shot = film.clip(at=12)
    over = film.clip("title.mov", at=0, frames=50, track=2)
    before = film.world.snapshot()
    placed = finish(place(film.current(), film.journal, shot.uid, [film.take()], 0))
    item = film.timeline.tracks["video"][1].items[0]
    assert (item.start, item.duration, item.first) == (shot.start, 24, 0)
    assert film.timeline.tracks["video"][2].items == [over]
    assert placed == {
        "take": "take-a", "take_name": "balloon a", "where": "Cut 1",
        "track_name": "VFX - balloon a", "track_number": 2,
        "record_start": shot.start, "record_frames": 24, "media_path": str(tmp_path / "take a.mov"), "note": "",
    }  # fmt: skip
    assert without_ours(film.world.snapshot(), {item.uid}) == before
    assert film.journal.unfinished() == []


@pytest.mark.parametrize("end_frame", ["exclusive", "inclusive"])
@pytest.mark.parametrize("past_end", ["clamps", "refuses", "freezes"])
def test_whatever_end_frame_means(tmp_path: Path, end_frame: str, past_end: str) -> None:
    film = Film(tmp_path, World(switches=Switches(end_frame=end_frame, past_end=past_end)))
    shot = film.clip()
    placed = finish(place(film.current(), film.journal, shot.uid, [film.take()], 0))
    assert (placed["record_start"], placed["record_frames"]) == (shot.start, 24)


def test_append_that_reports_success_but_places_nothing_is_undone(tmp_path: Path) -> None:
    film = Film(tmp_path)
    shot = film.clip()
    before = film.world.snapshot()
    film.world.answers["MediaPool.AppendToTimeline"] = lambda world, clips: [world.handle("TimelineItem", "nothing")]
    with pytest.raises(ResolveProblem) as reply:
        finish(place(film.current(), film.journal, shot.uid, [film.take()], 0))
    assert reply.value.kind == "placement_failed"
    assert film.world.snapshot() == before
    assert film.journal.unfinished() == []


def of_part(film: Film, name: str, first: int, frames: int) -> dict:
    return {**film.take(name, frames), "part": [first, frames]}


def test_takes_of_parts_are_over_their_frames(tmp_path: Path) -> None:
    film = Film(tmp_path)
    shot = film.clip(at=12)
    placed = finish(place(film.current(), film.journal, shot.uid, [of_part(film, "a", 4, 6)], 0))
    assert (placed["record_start"], placed["record_frames"]) == (shot.start + 4, 6)
    # Another part goes beside it on the same track; an alternative of that part takes its place.
    placed = swap(film.current(), film.journal, shot.uid, of_part(film, "b", 14, 10))
    assert (placed["record_start"], placed["record_frames"], placed["track_number"]) == (shot.start + 14, 10, 2)
    placed = swap(film.current(), film.journal, shot.uid, of_part(film, "c", 14, 10))
    assert (placed["take"], placed["record_start"], placed["record_frames"]) == ("take-c", shot.start + 14, 10)
    items = film.timeline.tracks["video"][1].items
    assert sorted((item.start - shot.start, item.duration) for item in items) == [(4, 6), (14, 10)]


def test_a_part_beyond_the_clip_is_refused(tmp_path: Path) -> None:
    film = Film(tmp_path)
    shot = film.clip()
    before = film.world.snapshot()
    with pytest.raises(ResolveProblem) as reply:
        finish(place(film.current(), film.journal, shot.uid, [of_part(film, "a", 20, 6)], 0))
    assert reply.value.kind == "clip_changed" and "from its frame 20 on" in reply.value.why
    assert film.world.snapshot() == before
