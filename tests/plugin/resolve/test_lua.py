"""The Lua scripts for the free edition: the timeline to the panel, and its takes above their clips."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from plugin.hosts.otio_files import OtioFiles
from plugin.resolve.placing.placements import placements
from tests.plugin.resolve.double import Switches, World
from tests.plugin.resolve.double.appending import new_timeline
from tests.plugin.resolve.double.state import Item, Track
from tests.plugin.resolve.films import Film, without_ours
from tests.plugin.resolve.lua_runtime import RUNTIMES, LuaResolve

Run = Callable[..., str]


class Scripts:
    """A film with the installed Lua scripts beside it."""

    def __init__(self, film: Film, fusion: Path, kind: str = "LuaJIT") -> None:
        self.film, self._menu = film, fusion / "Scripts" / "Utility"
        self.lua = LuaResolve(film.world.resolve, film.folder, kind)

    def open(self) -> str:
        return self.lua.run(self._menu / "DynVFX_Lua_open.lua")

    def place(self) -> str:
        return self.lua.run(self._menu / "DynVFX_Lua_place.lua")

    @property
    def record(self) -> dict:
        return json.loads(next(self.film.folder.rglob("request.json")).read_text("utf-8"))

    def panel_places(self, *takes: tuple[Item, str], track: int = 1) -> None:
        """What the panel writes beside the export: a track with takes directly above the clips' track."""
        record = self.record
        document = json.loads(Path(record["otio"]).read_text("utf-8"))
        rate, children, at = record["rate"], [], 0
        for item, name in takes:
            take = self.film.take(name, item.duration)
            first = item.start - record["start"]
            if first > at:
                children.append(gap(first - at, rate))
            children.append(clip(name, take["path"], take["id"], item.duration, rate))
            at = first + item.duration
        lane = {"OTIO_SCHEMA": "Track.1", "kind": "Video", "name": "VFX - a", "children": children}
        document["tracks"]["children"].insert(track, lane)
        Path(record["otio"]).with_suffix(".dynvfx.otio").write_text(json.dumps(document), "utf-8")


def time_range(frames: int, rate: float) -> dict:
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": 0.0},
        "duration": {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": float(frames)},
    }


def gap(frames: int, rate: float) -> dict:
    return {"OTIO_SCHEMA": "Gap.1", "source_range": time_range(frames, rate)}


def clip(name: str, path: str, take: str, frames: int, rate: float) -> dict:
    reference = {
        "OTIO_SCHEMA": "ExternalReference.1",
        "target_url": path,
        "available_range": time_range(frames, rate),
        "metadata": {"dynvfx": {"take": take, "label": 'Zoë "Ballon" 🎈'}},
    }
    return {
        "OTIO_SCHEMA": "Clip.2",
        "name": name,
        "source_range": time_range(frames, rate),
        "media_references": {"DEFAULT_MEDIA": reference},
        "active_media_reference_key": "DEFAULT_MEDIA",
    }


@pytest.fixture
def scripts(film: Film, assembled: Path) -> Scripts:
    return Scripts(film, assembled)


def layer(film: Film, track: int = 2) -> list[tuple[int, int]]:
    return [(item.start, item.duration) for item in film.timeline.tracks["video"][track - 1].items]


# Opening ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", RUNTIMES)
def test_from_the_timeline_to_the_take_above_its_clip(film: Film, assembled: Path, kind: str) -> None:
    scripts = Scripts(film, assembled, kind)
    item = film.clip(at=12, first=5)
    film.timeline.playhead = item.start + 3
    item.properties["ZoomX"] = 1.5
    before = film.world.snapshot()
    assert "open this file in the panel" in scripts.open()
    assert film.world.snapshot() == before
    record = scripts.record
    assert record["selected"] == item.uid and record["timeline"] == film.timeline.uid
    assert record["clips"] == [
        {
            "uid": item.uid,
            "name": item.name,
            "track": 1,
            "start": item.start,
            "frames": item.duration,
            "offset": 5,
            "path": str(film.folder / "street.mov"),
        }
    ]
    scripts.panel_places((item, "a"))
    assert scripts.place() == "DynVFX: a is on V2."
    assert layer(film) == [(item.start, item.duration)]
    assert film.timeline.tracks["video"][1].name == "VFX - a"
    placed = film.timeline.tracks["video"][1].items[0]
    assert placed.properties["ZoomX"] == 1.5
    pool = next(each for each in film.world.project.root.bins if each.name == "DynVFX").clips
    assert [each.properties["Alpha mode"] for each in pool] == ["Straight"]
    assert without_ours(film.world.project, {placed.uid}) == before
    # The Python agent, in Studio, knows the take by its marker.
    (found,) = placements(film.current(), film.journal)
    assert (found["uid"], found["take"]) == (item.uid, "take-a")
    # Once more: nothing is placed twice.
    assert "on the timeline already" in scripts.place() and len(layer(film)) == 1


def test_the_panel_reads_the_export_and_its_take_is_placed(film: Film, scripts: Scripts) -> None:
    """The real file host of the panel in the middle."""
    from tests.plugin.hosts.test_otio_files import put, shot_of, take_of
    from tests.plugin.movies import write_movie

    street = film.media("street.mov", 48)
    write_movie(Path(street.path), 48, 24)
    film.tracks(2)
    item = film.clip(at=10, frames=24, first=4, media=street, track=2)
    scripts.open()
    host = OtioFiles(film.folder / "records")
    host.open(Path(scripts.record["otio"]))
    shot = shot_of(host, host.clips()[0].index)
    take = take_of(shot, film.folder, "take a")
    film._takes[take.media_path] = (24, "24", 0, False)
    put(host, shot, [take], 0)
    assert "is on V3" in scripts.place()
    assert layer(film, 3) == [(item.start, 24)]


def test_the_panel_is_started_with_the_file(film: Film, assembled: Path, tmp_path: Path) -> None:
    fusion = tmp_path / "it's Fusion"
    for part in assembled.rglob("*"):
        if part.is_file():
            target = fusion / part.relative_to(assembled)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(part.read_bytes())
    command = {"command": [sys.executable, "-I", "-m", "plugin.panel", "--agent"], "environment": {"A": "b'c"}}
    (fusion / "DynVFX_agent" / "panel_command.json").write_text(json.dumps(command))
    film.clip()
    scripts = Scripts(film, fusion)
    assert "the panel opens" in scripts.open()
    (line,) = scripts.lua.started
    assert line.startswith("A='b'\\''c' '") and "--agent" not in line and line.endswith(" >/dev/null 2>&1 &")
    assert scripts.record["otio"] in line


@pytest.mark.parametrize("otio", [{"otio": False}, {"otio_since": (30, 0, 0)}])
def test_a_resolve_that_exports_nothing_is_reported(tmp_path: Path, assembled: Path, otio: dict) -> None:
    film = Film(tmp_path / "film", World(switches=Switches(**otio)))
    film.clip()
    said = Scripts(film, assembled).open()
    assert "did not export" in said and "Update Resolve" in said


def test_an_export_that_writes_nothing_is_reported(film: Film, scripts: Scripts) -> None:
    film.clip()
    film.world.answers["Timeline.Export"] = True
    assert "did not export" in scripts.open()


def test_no_timeline_is_open(film: Film, scripts: Scripts) -> None:
    film.world.project.current_timeline = ""
    assert "No timeline is open" in scripts.open() and "No timeline is open" in scripts.place()


# Placing ------------------------------------------------------------------------------------------------------------


def ready(film: Film, scripts: Scripts, **more: int) -> Item:
    item = film.clip(**more)
    scripts.open()
    scripts.panel_places((item, "a"), track=more.get("track", 1))
    return item


def test_nothing_waits_yet(film: Film, scripts: Scripts) -> None:
    assert "Choose DynVFX_Lua_open first" in scripts.place()
    film.clip()
    scripts.open()
    assert "No take is placed in the panel yet" in scripts.place()


def test_two_takes_share_a_track_and_other_clips_stay(film: Film, scripts: Scripts) -> None:
    film.tracks(2)
    one, two = film.clip("one.mov", at=0), film.clip("two.mov", at=100)
    above = film.clip("title.mov", at=0, frames=200, track=2)
    scripts.open()
    scripts.panel_places((one, "a"), (two, "b"))
    assert scripts.place() == "DynVFX: a is on V2.\nDynVFX: b is on V2."
    assert layer(film) == [(one.start, 24), (two.start, 24)]
    assert [item.uid for item in film.timeline.tracks["video"][2].items] == [above.uid]


def test_a_moved_clip_gets_its_take_where_it_is_now(film: Film, scripts: Scripts) -> None:
    item = ready(film, scripts)
    item.start += 17
    assert "is on V2" in scripts.place() and layer(film) == [(item.start, 24)]


@pytest.mark.parametrize(("change", "text"), [({"first": 9}, "first frame"), ({"duration": 20}, "length")])
def test_a_changed_clip_is_refused_until_it_is_as_before(
    film: Film, scripts: Scripts, change: dict[str, int], text: str
) -> None:
    item = ready(film, scripts)
    then = {name: getattr(item, name) for name in change}
    before = film.world.snapshot()
    for name, value in change.items():
        setattr(item, name, value)
    said = scripts.place()
    assert f"Its {text} changed" in said and "Undo the change" in said
    for name, value in then.items():
        setattr(item, name, value)
    assert film.world.snapshot() == before
    assert "is on V2" in scripts.place()


def test_a_deleted_clip_and_another_timeline(film: Film, scripts: Scripts) -> None:
    item = ready(film, scripts)
    film.timeline.tracks["video"][0].items.clear()
    assert f"The clip {item.name} is no longer on the timeline" in scripts.place()
    new_timeline(film.world, film.world.project, "Cut 2")
    assert "was not opened in the panel yet" in scripts.place()


@pytest.mark.parametrize(
    "switches",
    [
        {"end_frame": "inclusive", "past_end": "freezes"},
        {"add_track": "appends"},
        {"alpha": "refuses"},
        {"new_bin_is_current": False},
        {"otio_clip": 1},
        {"live_save": True},
    ],
)
def test_quirks(tmp_path: Path, assembled: Path, switches: dict) -> None:
    film = Film(tmp_path / "film", World(switches=Switches(**switches)))
    scripts = Scripts(film, assembled)
    item = ready(film, scripts)
    said = scripts.place()
    assert "is on V2" in said and layer(film) == [(item.start, item.duration)]
    assert ("Alpha mode" in said) == ("alpha" in switches)


def test_before_19_tracks_are_added_on_top(tmp_path: Path, assembled: Path) -> None:
    film = Film(tmp_path / "film", World(version=(18, 6, 4)))
    film.tracks(2)
    scripts = Scripts(film, assembled)
    ready(film, scripts)
    film.clip("title.mov", track=2)
    before = film.world.snapshot()
    assert "Update Resolve to version 19" in scripts.place()
    assert film.world.snapshot() == before


@pytest.mark.parametrize("times", [1, 2])
def test_a_refused_deletion_is_tried_again(film: Film, scripts: Scripts, times: int) -> None:
    ready(film, scripts)
    before = film.world.snapshot()
    film.world.answers["TimelineItem.AddMarker"] = lambda world, *given: 1 / 0
    film.world.refuse("Timeline.DeleteClips", times)
    assert "Unexpected error" in scripts.place()
    assert film.world.snapshot() == before


def test_what_cannot_be_undone_is_reported(film: Film, scripts: Scripts) -> None:
    ready(film, scripts)
    film.world.answers["TimelineItem.AddMarker"] = lambda world, *given: 1 / 0
    film.world.refuse("Timeline.DeleteClips", 100)
    assert "could not be undone: 1 clip on V2 (unlock the track and delete it)" in scripts.place()


def test_an_unreadable_take_leaves_nothing(film: Film, scripts: Scripts) -> None:
    ready(film, scripts)
    film._takes.clear()
    before = film.world.snapshot()
    said = scripts.place()
    assert "Resolve cannot read the take" in said and "ProRes 4444" in said
    assert film.world.snapshot() == before


def test_a_take_that_an_ended_script_left_is_not_placed_twice(film: Film, scripts: Scripts) -> None:
    """The script was ended between the track and the take."""
    item = ready(film, scripts)
    film.timeline.tracks["video"].insert(1, Track(name="VFX - a"))
    assert "is on V2" in scripts.place()
    assert len(film.timeline.tracks["video"]) == 2 and layer(film) == [(item.start, item.duration)]


# JSON ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=RUNTIMES)
def lua_json(request: pytest.FixtureRequest, assembled: Path) -> tuple[LuaResolve, object]:
    lua = LuaResolve(World().resolve, assembled, request.param)
    return lua, lua.lua.globals().dofile(str(assembled / "DynVFX_agent" / "lua" / "json.lua"))


@pytest.mark.parametrize(
    "value",
    ["Zoë 🎈 \u20ac \x7f", 'a "quoted"\\ \n\t text', 0, -12, 1.5, 1e300, 123456789012, True, False, [], [1, "2", [3]]],
)
def test_json_is_read_and_written(lua_json: tuple[LuaResolve, object], value: object) -> None:
    lua, module = lua_json
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False), json.dumps({"a": value}, indent=2)):
        read = module.decode(text)
        assert json.loads(module.encode(read)) == json.loads(text)


@pytest.mark.parametrize("text", ["", "{", "[1", '{"a"', '{"a": }', '"\\u12', '"\\q"', "nul", "-", "[1 2]", "[" * 5000])
def test_what_is_not_json_is_refused(lua_json: tuple[LuaResolve, object], text: str) -> None:
    lua, module = lua_json
    worked, problem = lua.lua.globals().pcall(module.decode, text)
    assert not worked and "not JSON" in problem["what"]
