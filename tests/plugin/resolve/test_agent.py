"""The agent as it is installed, over the real link, with a panel in a separate process."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.plugin.resolve.conftest import ROOT
from tests.plugin.resolve.double import World
from tests.plugin.resolve.films import Film

# Connects like the panel, sends the given requests, writes the answers to a file and ends.
PANEL = r"""
import json, os, socket, sys
asks, answers = sys.argv[1], sys.argv[2]
host, port = os.environ["DYNVFX_AGENT"].split(":")
link = socket.create_connection((host, int(port)), 20).makefile("rw", encoding="utf-8", newline="\n")
def ask(number, method, params):
    link.write(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) + "\n")
    link.flush()
    for line in link:
        message = json.loads(line)
        if message.get("id") == number and "method" not in message:
            return message.get("result", message.get("error"))
        seen.append(message.get("method"))
seen = []
given = [ask(0, "hello", {"token": os.environ["DYNVFX_AGENT_TOKEN"], "protocol": [1, 1], "panel": "test"})]
for number, (method, params) in enumerate(json.load(open(asks, encoding="utf-8")), start=1):
    given.append(ask(number, method, params))
json.dump({"answers": given, "seen": seen}, open(answers, "w", encoding="utf-8"))
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The folder of an installed agent, with only the panel's command in it."""
    folder = tmp_path / "DynVFX_agent"
    folder.mkdir()
    (tmp_path / "panel.py").write_text(PANEL)
    command = [sys.executable, str(tmp_path / "panel.py"), str(tmp_path / "asks"), str(tmp_path / "answers")]
    (folder / "panel_command.json").write_text(json.dumps({"command": command, "environment": {}}))
    return folder


def served(agent: ModuleType, film: Film, here: Path, asks: list) -> dict:
    (here.parent / "asks").write_text(json.dumps(asks))
    reply: list[str] = []
    assert agent.run(film.world.resolve, str(here), reply.append) == 0
    assert reply == []
    return json.loads((here.parent / "answers").read_text())


def test_a_clip_is_exported_and_the_take_placed(agent: ModuleType, film: Film, here: Path, tmp_path: Path) -> None:
    item = film.clip(at=12, first=5)
    folder = tmp_path / "shot"
    folder.mkdir()
    asks = [
        ("timeline", {}),
        ("export", {"uid": item.uid, "folder": str(folder), "handles": 8}),
        ("place", {"uid": item.uid, "takes": [film.take("a"), film.take("b")], "active": 0}),
        ("place", {"uid": item.uid, "takes": [film.take("c")], "active": 0}),
        ("swap", {"uid": item.uid, "take": film.take("b")}),
        ("placements", {}),
        ("seek", {"frame": item.start + 3}),
        ("mark", {"uid": item.uid, "notes": [{"first": 0, "last": 2, "text": "x", "category": "", "author": ""}]}),
        ("versions", {"uid": item.uid, "takes": [film.take("a")]}),
        ("swap", {"uid": "unknown", "take": film.take("b")}),
    ]
    reply = served(agent, film, here, asks)
    hello, timeline, export, placed, again, swapped, placed_items, _, _, versions, problem = reply["answers"]
    assert (hello["host"], hello["host_version"], hello["layer"]) == ("resolve", "21.0.4", "prores4444")
    assert set(hello["capabilities"]) == {method for method, _ in asks}
    assert (timeline["title"], timeline["rate"], timeline["start"]) == ("Cut 1", [24, 1], 86400)
    assert (timeline["width"], timeline["height"]) == (1920, 1080)
    assert timeline["clips"][0]["uid"] == item.uid and timeline["clips"][0]["problem"] is None
    assert export == {"otio": "shot.otio", "clip": "1"}
    assert (placed["record_start"], placed["record_frames"]) == (item.start, item.duration)
    assert [each["take"] for each in (placed, again, swapped)] == ["take-a", "take-c", "take-b"]
    assert [each["take"] for each in placed_items["placements"]] == ["take-b"]
    assert film.timeline.playhead == item.start + 3
    assert versions == {"count": 3}
    assert problem["data"]["kind"] == "clip_gone" and problem["data"]["remedy"]
    assert reply["seen"].count("progress") == 4
    assert len(film.timeline.tracks["video"]) == 2


def test_a_dead_resolve_ends_the_agent(agent: ModuleType, film: Film, here: Path) -> None:
    slow = "import time; time.sleep(60)"
    (here / "panel_command.json").write_text(json.dumps({"command": [sys.executable, "-c", slow]}))
    ticks = iter(range(1000))

    def clock() -> float:
        film.world.gone = True
        return float(next(ticks))

    assert agent.run(film.world.resolve, str(here), pytest.fail, clock) == 0


def test_a_killed_placing_is_mended_before_anything_else(
    agent: ModuleType, film: Film, here: Path, tmp_path: Path
) -> None:
    item = film.clip()
    before = film.world.snapshot()
    link = agent.Agent(
        film.world.resolve, agent.read_edition(film.world.resolve), agent.AgentJournal(agent.journal_folder())
    )
    placing = link.methods()["place"]({"uid": item.uid, "takes": [film.take()], "active": 0})
    for _ in range(3):
        next(placing)
    assert film.world.snapshot() != before
    # Killed: the generator is kept alive, so that its clean-up does not run.
    reply = served(agent, film, here, [("timeline", {})])
    assert [each["uid"] for each in reply["answers"][1]["clips"]] == [item.uid]
    assert film.world.snapshot() == before
    with pytest.raises(agent.AgentProblem):
        list(placing)


def test_a_change_of_selection_is_seen_cheaply(agent: ModuleType, film: Film) -> None:
    one, two = film.clip(at=0), film.clip(at=40)
    seen = {agent.fingerprint(film.world.resolve)}
    for change in ({"selected": [one.uid]}, {"selected": [two.uid]}, {"selected": []}):
        film.world.selected = change["selected"]
        film.world.calls.clear()
        seen.add(agent.fingerprint(film.world.resolve))
        assert len(film.world.calls) < 15
    film.timeline.playhead = two.start
    seen.add(agent.fingerprint(film.world.resolve))
    assert len(seen) == 4


def test_the_free_edition_gets_one_sentence(agent: ModuleType, here: Path) -> None:
    reply: list[str] = []
    assert agent.run(World((21, 1, 0), "free").resolve, str(here), reply.append) == 1
    assert len(reply) == 1 and "21.1" in reply[0] and "DynVFX_Lua_open" in reply[0]


def test_an_agent_that_is_not_installed_whole(agent: ModuleType, film: Film, tmp_path: Path) -> None:
    reply: list[str] = []
    assert agent.run(film.world.resolve, str(tmp_path), reply.append) == 1
    assert "run.py install" in reply[0]


def test_a_second_start_brings_the_first_ones_panel_up(agent: ModuleType, film: Film, here: Path) -> None:
    one = agent.SingleInstance(agent.AgentJournal(agent.journal_folder()).folder)
    assert one.acquire()
    reply: list[str] = []
    assert agent.run(film.world.resolve, str(here), reply.append) == 0
    assert "already" in reply[0]
    assert one.take_show_request() and not one.take_show_request()
    one.release()


def test_the_menu_script_finds_the_agent(assembled: Path, film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolve runs the script without setting `__file__`, so that only its code's file name is known."""
    script = assembled / "Scripts" / "Utility" / "DynVFX.py"
    film.world.answers["Resolve.GetProductName"] = "DaVinci Resolve"
    film.world.version = (21, 1, 0)
    monkeypatch.setattr(sys, "path", list(sys.path))
    names: dict = {"__name__": "script"}
    exec(compile(script.read_text(encoding="utf-8"), str(script), "exec"), names)
    assert names["agent_folder"]() == str(assembled)
    assert names["main"](film.world.resolve) == 1


def test_every_file_of_the_agent_is_python_3_6() -> None:
    files = sorted((ROOT / "plugin" / "resolve").rglob("*.py")) + [ROOT / "plugin" / "hosts" / "agent_link.py"]
    assert len(files) > 25
    for path in files:
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=(3, 6))
        # Parsed, but younger than 3.6: annotations that are evaluated, and names of later libraries.
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
        assert imports == [], path
        for node in ast.walk(tree):
            for note in _annotations(node):
                for part in ast.walk(note):
                    assert not isinstance(part, ast.BinOp), f"{path}:{part.lineno} has X | Y as an annotation"
                    plain = isinstance(part, ast.Subscript) and isinstance(part.value, ast.Name)
                    assert not (plain and part.value.id in ("list", "dict", "tuple", "set", "type")), path


def _annotations(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.FunctionDef):
        every = [*node.args.args, *node.args.kwonlyargs]
        return [each for each in (node.returns, *(argument.annotation for argument in every)) if each is not None]
    return [node.annotation] if isinstance(node, ast.AnnAssign) else []
