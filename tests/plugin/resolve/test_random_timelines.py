"""Random timelines: the take's record range is the clip's, and nothing else has changed.

DYNVFX_EXAMPLES sets their number; the default is 500 if CI is set, else fewer.
"""

from __future__ import annotations

import itertools
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from plugin.resolve.errors import ResolveProblem
from plugin.resolve.placing.place_takes import place
from plugin.resolve.placing.placements import placements
from plugin.resolve.placing.rollback import begin, roll_back, set_stage
from plugin.resolve.placing.tracks import add_track_above
from tests.plugin.resolve.double import Switches, World
from tests.plugin.resolve.double.state import Item, Marker
from tests.plugin.resolve.films import Film, finish, without_ours

EXAMPLES = int(os.environ.get("DYNVFX_EXAMPLES") or (500 if os.environ.get("CI") else 60))
SWITCHES = st.builds(
    Switches,
    end_frame=st.sampled_from(["exclusive", "inclusive"]),
    past_end=st.sampled_from(["clamps", "refuses", "freezes"]),
    frame_base=st.sampled_from(["zero", "media"]),
    add_track=st.sampled_from(["shifts", "appends"]),
    language=st.sampled_from(["en", "ja"]),
    takes=st.booleans(),
    take_keeps_marker=st.booleans(),
    sequence_names=st.sampled_from(["brackets", "first"]),
)
VERSIONS = st.sampled_from([(18, 5, 0), (19, 0, 0), (19, 1, 2), (20, 0, 0), (21, 0, 4), (21, 1, 0)])
RATES = st.sampled_from(["24", "23.976", "25", "29.97", "29.97 DF", "60"])


@st.composite
def timelines(draw: st.DrawFn) -> tuple[World, str, list[list[tuple[int, int, int]]], tuple[int, int], dict]:
    """A world, a rate, the clips of each track (gap, length, first), the clip to use, and the tracks' states."""
    world = World(draw(VERSIONS), "studio", draw(SWITCHES))
    piece = st.tuples(st.integers(0, 40), st.integers(1, 60), st.integers(0, 30))
    lanes = draw(st.lists(st.lists(piece, max_size=4), min_size=1, max_size=4).filter(any))
    filled = [number for number, lane in enumerate(lanes) if lane]
    lane = draw(st.sampled_from(filled))
    clip = draw(st.integers(0, len(lanes[lane]) - 1))
    states = {
        "locked": draw(st.lists(st.booleans(), min_size=4, max_size=4)),
        "names": draw(st.lists(st.sampled_from(["", "Titles", "VFX - old"]), min_size=4, max_size=4)),
        "markers": draw(st.lists(st.integers(0, 50), max_size=3, unique=True)),
        "sequence": draw(st.booleans()),
        "others": draw(st.integers(0, 2)),
        "zoom": draw(st.sampled_from([1.0, 1.5])),
    }
    return world, draw(RATES), lanes, (lane, clip), states


def build(folder: Path, drawn: tuple) -> tuple[Film, Item]:
    world, rate, lanes, chosen, states = drawn
    film = Film(folder, world, rate)
    film.tracks(len(lanes), 2)
    media = film.media("street.mov", 200)
    for number, lane in enumerate(lanes):
        at = 0
        for gap, length, first in lane:
            film.clip(media=media, at=at + gap, frames=length, first=first, track=number + 1)
            at += gap + length
    for number, track in enumerate(film.timeline.tracks["video"]):
        track.locked, track.name = states["locked"][number], states["names"][number]
    for frame in states["markers"]:
        film.timeline.markers[float(frame)] = Marker("Blue", "mine", "", 1.0, "")
    item = film.timeline.tracks["video"][chosen[0]].items[chosen[1]]
    item.properties["ZoomX"] = states["zoom"]
    world.save()
    return film, item


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(drawn=timelines())
def test_the_take_is_where_the_clip_is_and_nothing_else_changes(drawn: tuple) -> None:
    with tempfile.TemporaryDirectory() as folder:
        film, item = build(Path(folder), drawn)
        takes = [
            film.take(name, item.duration, sequence=drawn[4]["sequence"]) for name in "abc"[: drawn[4]["others"] + 1]
        ]
        before, start, length = film.world.snapshot(), item.start, item.duration
        try:
            placed = finish(place(film.current(), film.journal, item.uid, takes, len(takes) - 1))
        except ResolveProblem as problem:
            # The only valid reason: this Resolve adds tracks on top only, and a track between covers the clip.
            assert problem.kind == "no_free_track"
            assert film.world.version < (19, 0, 0) or film.world.switches.add_track == "appends"
            assert film.world.snapshot() == before
            event("refused")
            return
        assert (placed["record_start"], placed["record_frames"]) == (start, length)
        known = {each.uid for track in before.timelines[0].tracks["video"] for each in track.items}
        lanes = film.timeline.tracks["video"]
        ours = [(number, each) for number, track in enumerate(lanes) for each in track.items if each.uid not in known]
        assert [(each.start, each.duration, each.first) for _, each in ours] == [(start, length, 0)]
        assert ours[0][1].properties.get("ZoomX", 1.0) == item.properties["ZoomX"]
        below = next(number for number, track in enumerate(lanes) if any(each.uid == item.uid for each in track.items))
        between = itertools.chain.from_iterable(track.items for track in lanes[below + 1 : ours[0][0]])
        assert not any(each.start < start + length and start < each.end for each in between)
        assert without_ours(film.world.snapshot(), {ours[0][1].uid}) == before
        assert [(each["uid"], each["take"]) for each in placements(film.current(), film.journal)] == [
            (item.uid, takes[-1]["id"])
        ]
        event("placed")


@settings(max_examples=max(50, EXAMPLES // 5), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(drawn=timelines(), steps=st.integers(0, 3))
def test_taking_back_restores_every_timeline(drawn: tuple, steps: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        film, item = build(Path(folder), drawn)
        before = film.world.snapshot()
        placing = place(film.current(), film.journal, item.uid, [film.take("a", item.duration)], 0)
        try:
            for _ in range(steps):
                next(placing)
        except ResolveProblem as problem:
            assert problem.kind == "no_free_track"
        placing.close()
        assert film.world.snapshot() == before


@pytest.mark.parametrize("empty", [0, 1, 2])
def test_only_our_own_empty_track_is_taken_back(tmp_path: Path, empty: int) -> None:
    film = Film(tmp_path)
    film.tracks(1 + empty)
    item = film.clip()
    before = film.world.snapshot()
    current = film.current()
    entry = begin(current, film.journal, item.uid, [film.take()], above=2)
    set_stage(film.journal, entry, "track")
    assert add_track_above(current, 1, item.start, item.duration) == 2
    assert roll_back(current, film.journal, entry) == []
    assert film.world.snapshot() == before
