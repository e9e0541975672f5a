"""DeleteClips that answers False at first, or for good; and what an interrupted change leaves, shown to the user."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from plugin.resolve import calls
from plugin.resolve.agent_journal import AgentJournal
from plugin.resolve.edition import read_edition
from plugin.resolve.errors import ResolveProblem
from plugin.resolve.placing.place_takes import place
from plugin.resolve.placing.recovery import recover
from plugin.resolve.placing.swap_takes import swap
from tests.plugin.resolve.double import Killed, Switches, World
from tests.plugin.resolve.films import Film, finish

DELETIONS = ("Timeline.DeleteClips", "MediaPool.DeleteClips", "Timeline.DeleteTrack", "MediaPool.DeleteFolders")


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    return pauses


def failing_after_placing(film: Film) -> None:
    """The take lands on the timeline, and its marker makes the placing fail."""
    film.world.answers["TimelineItem.AddMarker"] = lambda world, *given: 1 / 0


@pytest.mark.parametrize("refused", DELETIONS)
@pytest.mark.parametrize("times", [1, calls.TRIES - 1])
def test_a_deletion_that_is_refused_at_first_is_tried_again(
    film: Film, refused: str, times: int, no_pauses: list[float]
) -> None:
    item, take, before = film.clip(), film.take(), film.world.snapshot()
    failing_after_placing(film)
    film.world.refuse(refused, times)
    with pytest.raises(ZeroDivisionError):
        finish(place(film.current(), film.journal, item.uid, [take], 0))
    assert film.world.snapshot() == before and film.journal.unfinished() == []
    assert no_pauses == [calls.PAUSE] * times


@pytest.mark.parametrize(
    ("refused", "text"),
    [
        ("Timeline.DeleteClips", "1 clip on the timeline Cut 1 (unlock its track and delete it)"),
        ("Timeline.DeleteTrack", "the empty video track V2 (delete it)"),
        ("MediaPool.DeleteFolders", "an empty bin in the media pool (delete it)"),
    ],
)
def test_a_deletion_that_is_always_refused_is_reported(film: Film, refused: str, text: str) -> None:
    item, take = film.clip(), film.take()
    failing_after_placing(film)
    film.world.refuse(refused, 100)
    with pytest.raises(ResolveProblem) as reply:
        finish(place(film.current(), film.journal, item.uid, [take], 0))
    assert text in reply.value.why and len(film.journal.unfinished()) == 1


def test_media_that_cannot_be_deleted_is_reported(film: Film) -> None:
    item, takes = film.clip(), [film.take("a"), film.take("b")]
    failing_after_placing(film)
    film.world.refuse("MediaPool.DeleteClips", 100)
    with pytest.raises(ResolveProblem) as reply:
        finish(place(film.current(), film.journal, item.uid, takes, 0))
    assert "2 clips in the bin DynVFX of the media pool (delete them)" in reply.value.why


def test_a_wrong_reading_of_the_end_frame_is_deleted_at_the_second_try(tmp_path: Path) -> None:
    film = Film(tmp_path, World(switches=Switches(end_frame="inclusive", past_end="freezes")))
    item, take = film.clip(), film.take()
    film.world.refuse("Timeline.DeleteClips", 1)
    placed = finish(place(film.current(), film.journal, item.uid, [take], 0))
    assert placed["record_frames"] == item.duration
    assert len(film.timeline.tracks["video"][1].items) == 1


@pytest.mark.parametrize("times", [1, 100])
def test_a_swap_without_the_take_selector(tmp_path: Path, times: int) -> None:
    film = Film(tmp_path, World(switches=Switches(takes=False)))
    item, first, second = film.clip(), film.take("a"), film.take("b")
    finish(place(film.current(), film.journal, item.uid, [first], 0))
    film.world.refuse("Timeline.DeleteClips", times)
    if times == 1:
        assert swap(film.current(), film.journal, item.uid, second)["take"] == "take-b"
    else:
        with pytest.raises(ResolveProblem, match="did not delete the old take"):
            swap(film.current(), film.journal, item.uid, second)
    lane = film.timeline.tracks["video"][1].items
    assert [(each.start, each.duration) for each in lane] == [(item.start, item.duration)]


# What an interrupted change leaves ------------------------------------------------------------------------------------


def interrupted(film: Film) -> None:
    """The agent is killed while a take lies on the timeline already, and its track is locked afterwards."""
    item, take = film.clip(), film.take()
    placing = place(film.current(), film.journal, item.uid, [take], 0)
    for _ in range(3):
        next(placing)
    film.world.kill(1, "before", "agent")
    with pytest.raises(Killed):
        next(placing)
    film.world.restart()
    film.timeline.tracks["video"][1].locked = True


def the_agent(module: ModuleType, film: Film) -> object:
    """An agent of another process, with what the killed one left on the disk."""
    return module.Agent(film.world.resolve, read_edition(film.world.resolve), AgentJournal(film.journal.folder))


def test_what_could_not_be_undone_is_shown_until_it_is(agent: ModuleType, film: Film) -> None:
    interrupted(film)
    ours = the_agent(agent, film)
    for _ in range(2):
        found = ours.timeline({})["unrepaired"]
        assert "could not be undone" in found["what"] and "1 clip on the timeline Cut 1" in found["why"]
    # Its remedy: unlocking the track.
    film.timeline.tracks["video"][1].locked = False
    assert ours.timeline({})["unrepaired"] is None
    assert len(film.timeline.tracks["video"]) == 1 and film.journal.unfinished() == []


def test_nothing_is_shown_after_a_complete_repair(agent: ModuleType, film: Film) -> None:
    interrupted(film)
    film.timeline.tracks["video"][1].locked = False
    assert the_agent(agent, film).timeline({})["unrepaired"] is None


def test_a_swap_that_could_not_be_undone_stays_in_the_journal(tmp_path: Path) -> None:
    film = Film(tmp_path, World(switches=Switches(takes=False)))
    item, first, second = film.clip(), film.take("a"), film.take("b")
    finish(place(film.current(), film.journal, item.uid, [first], 0))
    film.world.answers["TimelineItem.GetProperty"] = lambda world, *given: world.kill(1, "before", "agent")
    with pytest.raises(Killed):
        swap(film.current(), film.journal, item.uid, second)
    film.world.restart()
    film.world.answers.clear()
    film.world.refuse("Timeline.DeleteClips", 100)
    left = recover(film.current(), film.journal)
    assert any("1 clip on the timeline" in each for each in left) and len(film.journal.unfinished()) == 1
    film.world.answers.clear()
    assert recover(film.current(), film.journal) == [] and film.journal.unfinished() == []
    lane = film.timeline.tracks["video"][1].items
    assert [(each.start, each.duration) for each in lane] == [(item.start, item.duration)]


def test_a_placing_under_way_is_not_taken_for_an_interrupted_one(agent: ModuleType, film: Film) -> None:
    item, take = film.clip(), film.take()
    ours = the_agent(agent, film)
    assert ours.timeline({})["unrepaired"] is None
    steps = ours.place({"uid": item.uid, "takes": [take], "active": 0})
    next(steps), next(steps), next(steps)
    # The user opens another timeline and comes back, and the panel reads both.
    project = film.world.resolve.GetProjectManager().GetCurrentProject()
    own = project.GetCurrentTimeline()
    project.GetMediaPool().CreateEmptyTimeline("Cut 2")
    ours.timeline({})
    project.SetCurrentTimeline(own)
    assert ours.timeline({})["unrepaired"] is None
    assert finish(steps)["take"] == "take-a"
