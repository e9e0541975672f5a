"""Killing the agent or Resolve at every call of placing a take: afterwards the take is complete or absent."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Literal

import pytest

from plugin.resolve.agent_journal import AgentJournal
from plugin.resolve.errors import ResolveProblem
from plugin.resolve.placing.place_takes import place
from plugin.resolve.placing.placements import placements
from plugin.resolve.placing.recovery import recover
from plugin.resolve.placing.swap_takes import swap
from tests.plugin.resolve.double import Killed, Switches, World
from tests.plugin.resolve.films import Film, finish, without_ours

Who = Literal["agent", "resolve"]
Moment = Literal["before", "after"]


def film_of(tmp_path: Path, *, live_save: bool = False, takes: bool = True) -> Film:
    film = Film(tmp_path, World(switches=Switches(live_save=live_save, takes=takes)))
    film.tracks(2)
    film.clip(at=5)
    film.clip("title.mov", at=0, frames=50, track=2)
    return film


def calls_of_a_placing(tmp_path: Path) -> int:
    film = film_of(tmp_path)
    current = film.current()
    film.world.calls.clear()
    finish(place(current, film.journal, film.timeline.tracks["video"][0].items[0].uid, film_takes(film), 0))
    return len(film.world.calls)


def film_takes(film: Film) -> list[dict]:
    return [film.take("a"), film.take("b")]


# Live save makes no difference to a killed agent; a killed Resolve restarts with its last or its saved state.
@pytest.mark.parametrize(("who", "live_save"), [("agent", False), ("resolve", False), ("resolve", True)])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_at_every_call_of_a_placing(tmp_path: Path, who: Who, moment: Moment, live_save: bool) -> None:
    total = calls_of_a_placing(tmp_path / "counted")
    assert total > 50
    placed_whole = 0
    for number in range(1, total + 1):
        film = film_of(tmp_path / str(number), live_save=live_save)
        shot = film.timeline.tracks["video"][0].items[0]
        takes, current = film_takes(film), film.current()
        before = film.world.snapshot()
        film.world.kill(number, moment, who)
        with contextlib.suppress(Killed, ResolveProblem):
            finish(place(current, film.journal, shot.uid, takes, 0))
        film.world.restart()
        journal = AgentJournal(film.journal.folder)
        assert recover(film.current(), journal) == [], number
        placed = placements(film.current(), journal)
        after = film.world.snapshot()
        if placed:
            placed_whole += 1
            assert [(each["uid"], each["record_start"], each["record_frames"]) for each in placed] == [
                (shot.uid, shot.start, shot.duration)
            ], number
            placed = {item.uid for track in after.timelines[0].tracks["video"] for item in track.items}
            placed -= {item.uid for track in before.timelines[0].tracks["video"] for item in track.items}
            after = without_ours(after, placed)
        assert after == before, number
        assert journal.unfinished() == [], number
    # The last calls come after the take is complete; a kill before them undoes everything.
    assert placed_whole <= total // 4


@pytest.mark.parametrize("has_takes", [True, False])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_at_every_call_of_a_swap(tmp_path: Path, moment: Moment, has_takes: bool) -> None:
    def prepared(name: str) -> tuple[Film, str, dict]:
        film = film_of(tmp_path / name, takes=has_takes)
        shot = film.timeline.tracks["video"][0].items[0]
        finish(place(film.current(), film.journal, shot.uid, [film.take("a")], 0))
        return film, shot.uid, film.take("b")

    film, uid, other = prepared("counted")
    current = film.current()
    film.world.calls.clear()
    swap(current, film.journal, uid, other)
    total = len(film.world.calls)
    for number in range(1, total + 1):
        film, uid, other = prepared(str(number))
        current = film.current()
        film.world.kill(number, moment, "agent")
        with contextlib.suppress(Killed):
            swap(current, film.journal, uid, other)
        film.world.restart()
        journal = AgentJournal(film.journal.folder)
        assert recover(film.current(), journal) == [], number
        shot = film.timeline.tracks["video"][0].items[0]
        lane = film.timeline.tracks["video"][1].items
        assert [(item.start, item.duration) for item in lane] == [(shot.start, shot.duration)], number
        placed = placements(film.current(), journal)
        assert [(each["uid"], each["record_start"]) for each in placed] == [(uid, shot.start)], number
        assert placed[0]["take"] in ("take-a", "take-b")


def test_a_cancelled_placing_leaves_nothing(tmp_path: Path) -> None:
    for steps in range(1, 5):
        film = film_of(tmp_path / str(steps))
        before = film.world.snapshot()
        shot = film.timeline.tracks["video"][0].items[0]
        placing = place(film.current(), film.journal, shot.uid, film_takes(film), 0)
        for _ in range(steps):
            next(placing)
        placing.close()
        assert film.world.snapshot() == before
        assert film.journal.unfinished() == []


def test_an_unfinished_placing_of_another_timeline_waits_for_it(tmp_path: Path) -> None:
    film = film_of(tmp_path)
    shot = film.timeline.tracks["video"][0].items[0]
    takes, current = film_takes(film), film.current()
    before = film.world.snapshot()
    film.world.kill(60, "after", "agent")
    with pytest.raises(Killed):
        finish(place(current, film.journal, shot.uid, takes, 0))
    film.world.restart()
    other = film.world.resolve.GetProjectManager().GetCurrentProject().GetMediaPool().CreateEmptyTimeline("Cut 2")
    recover(film.current(), film.journal)
    assert len(film.journal.unfinished()) == 1
    project = film.world.resolve.GetProjectManager().GetCurrentProject()
    project.GetMediaPool().DeleteTimelines([other])
    film.world.project.root.clips = [each for each in film.world.project.root.clips if each.path]
    recover(film.current(), film.journal)
    assert film.journal.unfinished() == []
    assert film.world.snapshot() == before
