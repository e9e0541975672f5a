"""Every published quirk of Resolve, one test each."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugin.resolve.edition import read_edition
from plugin.resolve.errors import NoAnswer, ResolveProblem
from plugin.resolve.placing.media_pool import BIN, import_take, set_straight
from plugin.resolve.placing.place_takes import place
from plugin.resolve.placing.placements import placements
from plugin.resolve.placing.take_markers import marker_data
from plugin.resolve.timeline.timeline_info import SELECTION_COLOUR, selected, timeline_info
from tests.plugin.resolve.double import Switches, World
from tests.plugin.resolve.double.state import Item
from tests.plugin.resolve.films import Film, finish


def placed_in(film: Film, item: Item, *names: str) -> dict:
    takes = [film.take(name, item.duration) for name in names or ("a",)]
    return finish(place(film.current(), film.journal, item.uid, takes, 0))


def layer(film: Film, track: int = 2) -> Item:
    return film.timeline.tracks["video"][track - 1].items[0]


# Editions and versions ------------------------------------------------------------------------------------------------


def test_the_free_edition_without_scripting_is_refused_before_any_gated_call() -> None:
    world = World((21, 1, 0), "free")
    problem = read_edition(world.resolve).problem()
    assert problem is not None and problem.kind == "edition"
    assert "free" in problem.what and "DynVFX_Lua_open" in problem.remedy
    assert set(world.calls) <= {"Resolve.GetProductName", "Resolve.GetVersion"}


@pytest.mark.parametrize(
    ("version", "edition", "works"),
    [
        ((21, 0, 4), "free", True),
        ((21, 1, 0), "studio", True),
        ((18, 5, 0), "free", True),
        ((18, 1, 4), "studio", False),
    ],
)
def test_which_editions_work(version: tuple[int, int, int], edition: str, works: bool) -> None:
    assert (read_edition(World(version, edition).resolve).problem() is None) is works


def test_a_resolve_that_is_gone_is_an_answer_of_none(film: Film) -> None:
    current = film.current()
    film.world.gone = True
    assert current.timeline.GetName is None
    with pytest.raises(NoAnswer):
        read_edition(film.world.resolve)


def test_no_project_and_no_timeline(film: Film) -> None:
    film.world.project.current_timeline = ""
    with pytest.raises(ResolveProblem, match="No timeline"):
        film.current()
    film.world.answers["ProjectManager.GetCurrentProject"] = None
    with pytest.raises(ResolveProblem, match="No project"):
        film.current()


# Selection ------------------------------------------------------------------------------------------------------------


def test_selection_then_playhead_then_colour(film: Film) -> None:
    film.tracks(2)
    one, two = film.clip(at=0), film.clip(at=40)
    film.timeline.playhead = two.start
    film.world.selected = [one.uid]
    assert selected(film.current(), film.journal) == [one.uid]
    film.world.selected = [one.uid, two.uid]
    assert selected(film.current(), film.journal) == [two.uid]
    film.world.selected, film.timeline.playhead = [], film.start + 30
    assert selected(film.current(), film.journal) == []
    one.color = SELECTION_COLOUR
    assert selected(film.current(), film.journal) == [one.uid]


def test_versions_without_a_selection_call_use_the_playhead(tmp_path: Path) -> None:
    film = Film(tmp_path, World((21, 0, 2)))
    one, two = film.clip(at=0), film.clip(at=40)
    film.world.selected, film.timeline.playhead = [one.uid], two.start
    assert selected(film.current(), film.journal) == [two.uid]


def test_linked_audio_does_not_make_two_of_one(film: Film) -> None:
    one = film.clip()
    sound = Item(film.world.uid("item"), "sound", one.pool, one.start, one.duration)
    film.timeline.tracks["audio"][0].items.append(sound)
    film.world.selected = [one.uid, sound.uid]
    assert selected(film.current(), film.journal) == [one.uid]


def test_a_placed_take_selects_its_clip_and_is_not_listed(film: Film) -> None:
    item = film.clip()
    film.timeline.playhead = item.start
    placed_in(film, item)
    reply = timeline_info(film.current(), film.journal)
    assert reply["selected"] == [item.uid]
    assert [each["uid"] for each in reply["clips"]] == [item.uid]


# Placing --------------------------------------------------------------------------------------------------------------


def test_a_track_index_is_read_again_after_a_track_was_added(film: Film) -> None:
    film.tracks(3)
    item = film.clip(track=2)
    above = film.clip("title.mov", track=3)
    assert placed_in(film, item)["track_number"] == 3
    assert film.timeline.tracks["video"][3].items == [above]


@pytest.mark.parametrize(
    "world", [World((18, 5, 0)), World(switches=Switches(add_track="appends"))], ids=["18.5", "appends"]
)
def test_tracks_that_are_added_on_top_only(tmp_path: Path, world: World) -> None:
    film = Film(tmp_path, world)
    film.tracks(2)
    item = film.clip()
    title = film.clip("title.mov", at=200, track=2)
    assert placed_in(film, item)["track_number"] == 3
    title.start = item.start
    other = film.clip(at=60)
    title.start = other.start + 3
    before = film.world.snapshot()
    with pytest.raises(ResolveProblem) as reply:
        placed_in(film, other, "b")
    assert reply.value.kind == "no_free_track"
    assert film.world.snapshot() == before


def test_a_second_take_nearby_shares_our_track(film: Film) -> None:
    one, two = film.clip(at=0), film.clip(at=40)
    assert placed_in(film, one)["track_number"] == placed_in(film, two, "b")["track_number"] == 2
    assert len(film.timeline.tracks["video"]) == 2


def test_the_users_bin_stays_current(film: Film) -> None:
    item = film.clip()
    pool = film.world.resolve.GetProjectManager().GetCurrentProject().GetMediaPool()
    rushes = pool.AddSubFolder(pool.GetRootFolder(), "Rushes")
    pool.SetCurrentFolder(rushes)
    placed_in(film, item)
    assert pool.GetCurrentFolder().GetName() == "Rushes"
    assert [each.GetName() for each in pool.GetRootFolder().GetSubFolderList()] == ["Rushes", BIN]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_alpha_mode_is_set_and_read_back_in_every_language(tmp_path: Path, language: str) -> None:
    film = Film(tmp_path, World(switches=Switches(language=language)))
    clip = import_take(film.current().pool, film.take())
    assert set_straight(clip)
    state = film.world.project.root.bins[0].clips[0]
    assert state.properties["Alpha mode"] == "Straight"


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("alpha", ["refuses", "forgets"])
def test_an_alpha_mode_that_does_not_stick_is_noted_in_the_marker(tmp_path: Path, alpha: str, language: str) -> None:
    film = Film(tmp_path, World(switches=Switches(alpha=alpha, language=language)))
    placed = placed_in(film, film.clip())
    assert "Straight" in placed["note"]
    assert "Straight" in layer(film).markers[0.0].note


def test_only_video_is_appended(film: Film) -> None:
    item = film.clip()
    film._takes = {}
    take = film.take()
    film._takes[take["path"]] = (24, "24", 0, True)
    finish(place(film.current(), film.journal, item.uid, [take], 0))
    assert film.timeline.tracks["audio"][0].items == []


def test_a_take_that_resolve_cannot_read(film: Film) -> None:
    item, take = film.clip(), film.take()
    before = film.world.snapshot()
    film.world.probe = lambda path: None
    with pytest.raises(ResolveProblem, match="cannot read"):
        finish(place(film.current(), film.journal, item.uid, [take], 0))
    assert film.world.snapshot() == before


def test_a_take_of_another_length_in_resolve(film: Film) -> None:
    item, take = film.clip(), film.take()
    before = film.world.snapshot()
    film.world.probe = lambda path: (23, "24", 0, False)
    with pytest.raises(ResolveProblem, match="23 frames"):
        finish(place(film.current(), film.journal, item.uid, [take], 0))
    assert film.world.snapshot() == before


def test_set_property_that_reports_failure_but_sets(film: Film) -> None:
    item = film.clip(properties={"AnchorPointX": 12.0, "Pan": 3.0})
    assert placed_in(film, item)["note"] == ""
    assert layer(film).properties == {"AnchorPointX": 12.0, "Pan": 3.0}


def test_the_marker_has_a_name_and_identifies_the_take(film: Film) -> None:
    item = film.clip()
    take = film.take()
    take["label"] = ""
    finish(place(film.current(), film.journal, item.uid, [take], 0))
    marker = layer(film).markers[0.0]
    assert marker.name and marker.custom == marker_data(item.uid, take["id"])


def test_placed_all_the_same_when_no_marker_can_be_put(film: Film) -> None:
    film.world.answers["TimelineItem.AddMarker"] = False
    placed = placed_in(film, film.clip())
    assert "marker" in placed["note"]
    assert len(placements(film.current(), film.journal)) == 1


@pytest.mark.parametrize("call", ["MediaPool.AppendToTimeline", "Timeline.AddTrack", "MediaPool.ImportMedia"])
@pytest.mark.parametrize("answer", [True, False, None, []], ids=str)
def test_calls_that_do_nothing_whatever_they_say(film: Film, call: str, answer: object) -> None:
    item, take = film.clip(), film.take()
    before = film.world.snapshot()
    film.world.answers[call] = answer
    current = film.current()
    with pytest.raises((ResolveProblem, TypeError)) as reply:
        finish(place(current, film.journal, item.uid, [take], 0))
    assert isinstance(reply.value, ResolveProblem)
    assert film.world.snapshot() == before
    assert film.journal.unfinished() == []


def test_what_cannot_be_taken_back_is_reported(film: Film) -> None:
    item, take = film.clip(), film.take()
    film.world.answers["TimelineItem.AddMarker"] = lambda world, *given: world.answers.update(
        {"Timeline.DeleteClips": True, "TimelineItem.GetStart": 5}
    )
    with pytest.raises(ResolveProblem) as reply:
        finish(place(film.current(), film.journal, item.uid, [take], 0))
    assert (
        reply.value.kind == "placement_failed"
        and "1 clip on the timeline Cut 1 (unlock its track and delete it)" in reply.value.why
    )
    assert len(film.journal.unfinished()) == 1
