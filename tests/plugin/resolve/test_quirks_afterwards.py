"""Quirks after placing, when the user edits, selects takes or moves the playhead, one test each."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugin.resolve.errors import ResolveProblem
from plugin.resolve.export.clip_export import export_clip
from plugin.resolve.placing.place_takes import place
from plugin.resolve.placing.placements import placements
from plugin.resolve.placing.swap_takes import add_versions, swap
from plugin.resolve.placing.take_markers import read_marker
from plugin.resolve.timeline.current_timeline import CurrentTimeline
from plugin.resolve.timeline.note_markers import mark
from plugin.resolve.timeline.timeline_info import seek
from tests.plugin.resolve.double import Switches, World
from tests.plugin.resolve.double.appending import new_timeline
from tests.plugin.resolve.double.state import Item, Marker
from tests.plugin.resolve.films import Film, finish


def placed_in(film: Film, item: Item, *names: str) -> dict:
    takes = [film.take(name, item.duration) for name in names or ("a",)]
    return finish(place(film.current(), film.journal, item.uid, takes, 0))


def layer(film: Film, track: int = 2) -> Item:
    return film.timeline.tracks["video"][track - 1].items[0]


# The user continues editing -------------------------------------------------------------------------------------------


def test_a_moved_clip_gets_its_take_where_it_is_now(film: Film) -> None:
    item = film.clip()
    export_clip(film.current(), film.journal, item.uid, str(film.folder))
    item.start += 17
    assert placed_in(film, item)["record_start"] == item.start


@pytest.mark.parametrize("change", [{"first": 5}, {"duration": 20}, {"start": 1}])
def test_a_slipped_or_trimmed_clip_is_reported(film: Film, change: dict[str, int]) -> None:
    item = film.clip()
    take = film.take()
    export_clip(film.current(), film.journal, item.uid, str(film.folder))
    for name, value in change.items():
        setattr(item, name, value if name != "start" else item.start)
    if "start" in change:
        item.pool = film.media("another.mov").uid
    before = film.world.snapshot()
    with pytest.raises(ResolveProblem) as reply:
        finish(place(film.current(), film.journal, item.uid, [take], 0))
    assert reply.value.kind == "clip_changed"
    assert film.world.snapshot() == before


def test_a_deleted_clip_is_reported(film: Film) -> None:
    item = film.clip()
    take = film.take()
    film.timeline.tracks["video"][0].items.clear()
    with pytest.raises(ResolveProblem) as reply:
        finish(place(film.current(), film.journal, item.uid, [take], 0))
    assert reply.value.kind == "clip_gone"


def test_another_timeline_is_open_now(film: Film) -> None:
    item = film.clip()
    export_clip(film.current(), film.journal, item.uid, str(film.folder))
    new_timeline(film.world, film.world.project, "Cut 2")
    with pytest.raises(ResolveProblem, match="Cut 1"):
        finish(place(film.current(), film.journal, item.uid, [film.take()], 0))


def test_the_timeline_is_switched_while_it_is_placed(film: Film) -> None:
    """AppendToTimeline always uses the current timeline."""
    item, take = film.clip(), film.take()
    other = new_timeline(film.world, film.world.project, "Cut 2")
    film.world.project.current_timeline = film.timeline.uid
    before = film.world.snapshot()
    real = film.world.behaviour("MediaPool", "AppendToTimeline")

    def switched(world: World, clips: list) -> object:
        world.project.current_timeline = other.uid
        return real(world, world.project, clips)

    film.world.answers["MediaPool.AppendToTimeline"] = switched
    with pytest.raises(ResolveProblem, match="Another timeline"):
        finish(place(film.current(), film.journal, item.uid, [take], 0))
    after = film.world.snapshot()
    assert after.current_timeline == other.uid
    after.current_timeline = before.current_timeline
    assert after == before


def test_a_locked_original_does_not_matter_and_a_locked_layer_does(film: Film) -> None:
    item = film.clip()
    film.timeline.tracks["video"][0].locked = True
    placed_in(film, item, "a", "b")
    film.timeline.tracks["video"][1].locked = True
    before = film.world.snapshot()
    with pytest.raises(ResolveProblem) as reply:
        swap(film.current(), film.journal, item.uid, film.take("b"))
    assert reply.value.kind == "track_locked"
    assert film.world.snapshot() == before


# Takes, markers, playhead ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("takes", [True, False])
@pytest.mark.parametrize("keeps", [True, False])
def test_takes_are_swapped_in_place(tmp_path: Path, takes: bool, keeps: bool) -> None:
    film = Film(tmp_path, World(switches=Switches(takes=takes, take_keeps_marker=keeps)))
    item = film.clip(properties={"ZoomX": 1.4})
    placed_in(film, item, "a", "b")
    assert len(layer(film).takes) == (2 if takes else 0)
    reply = swap(film.current(), film.journal, item.uid, film.take("b"))
    assert reply["take"] == "take-b" and reply["media_path"].endswith("take b.mov")
    assert (layer(film).start, layer(film).duration) == (item.start, item.duration)
    assert layer(film).properties["ZoomX"] == 1.4
    assert [each["take"] for each in placements(film.current(), film.journal)] == ["take-b"]
    handle = film.world.handle("TimelineItem", layer(film).uid)
    assert read_marker(handle) == (item.uid, "take-b")


def test_a_take_that_the_user_has_chosen_in_resolve_is_seen(film: Film) -> None:
    item = film.clip()
    placed_in(film, item, "a", "b")
    film.world.handle("TimelineItem", layer(film).uid).SelectTakeByIndex(2)
    assert [each["take"] for each in placements(film.current(), film.journal)] == ["take-b"]


def test_cut_and_paste_makes_another_item_that_is_still_ours(film: Film) -> None:
    item = film.clip()
    placed_in(film, item)
    layer(film).uid = film.world.uid("item")
    layer(film).start += 10
    found = placements(film.current(), film.journal)
    assert [(each["uid"], each["record_start"]) for each in found] == [(item.uid, item.start + 10)]


def test_a_removed_take_is_no_longer_placed(film: Film) -> None:
    item = film.clip()
    placed_in(film, item)
    film.timeline.tracks["video"][1].items.clear()
    assert placements(film.current(), film.journal) == []
    with pytest.raises(ResolveProblem, match="no take of this clip"):
        swap(film.current(), film.journal, item.uid, film.take("b"))


def test_versions_join_the_take_selector(film: Film) -> None:
    item = film.clip()
    placed_in(film, item, "a")
    assert add_versions(film.current(), film.journal, item.uid, [film.take("a"), film.take("b"), film.take("c")]) == 3
    assert placements(film.current(), film.journal)[0]["take"] == "take-a"


def test_notes_find_a_free_frame_and_replace_ours_only(film: Film) -> None:
    item = film.clip(at=10)
    film.timeline.markers[13.0] = Marker("Blue", "mine", "", 1.0, "")
    notes = [{"first": 3, "last": 5, "text": "too dark", "category": "", "author": ""}]
    for _ in range(2):
        mark(film.current(), film.journal, item.uid, notes)
        assert sorted(film.timeline.markers) == [13.0, 14.0]
    assert film.timeline.markers[14.0].name and film.timeline.markers[14.0].duration == 2.0
    mark(film.current(), film.journal, item.uid, [])
    assert sorted(film.timeline.markers) == [13.0]


@pytest.mark.parametrize("rate", ["24", "23.976", "25", "29.97", "29.97 DF", "59.94 DF", "60"])
def test_the_playhead_goes_to_the_frame(tmp_path: Path, rate: str) -> None:
    film = Film(tmp_path, rate=rate)
    for frame in (
        film.start,
        film.start + 1,
        film.start + 1798,
        film.start + 1800,
        film.start + 17982,
        film.start + 99999,
    ):
        seek(film.current(), frame)
        assert film.timeline.playhead == frame


def test_pages_without_a_playhead_are_reported(film: Film) -> None:
    film.world.page = "media"
    with pytest.raises(ResolveProblem, match="did not go"):
        seek(film.current(), film.start + 5)


def test_handles_are_never_compared() -> None:
    world = World()
    assert CurrentTimeline.is_current.__doc__
    assert world.resolve.GetProjectManager() != world.resolve.GetProjectManager()
