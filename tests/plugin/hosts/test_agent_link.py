"""The agent's end of the link, in the Pythons that editing applications run."""

from __future__ import annotations

import ast
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.hosts import agent_link
from plugin.hosts.agent_link import AgentLink, AgentProblem

SOURCE = Path(agent_link.__file__)
SINCE_PYTHON_3_7 = {"walrus", "dataclasses", "contextvars", "importlib.resources", "graphlib", "tomllib", "zoneinfo"}


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Wire:
    """A link, and panels that connect to it."""

    def __init__(self) -> None:
        self.clock, self.closed, self.calls = Clock(), [], []
        methods = {
            "echo": lambda params: params,
            "nothing": lambda params: None,
            "refuse": self.refuse,
            "break": lambda params: 1 / 0,
            "long": self.long,
            "huge": lambda params: {"text": "x" * agent_link.LINE_BYTES},
            "odd": lambda params: {"value": object()},
            "state": self.calls.append,
        }
        self.link = AgentLink("blender", "4.5", "0.1", ["echo", "long"], methods, "png", None, self.clock)
        self.port, self.token = self.link.listen()
        self.sockets: list[socket.socket] = []

    def refuse(self, params: dict) -> dict:
        raise AgentProblem("track_locked", "The track is locked.", "It was locked by hand.", "Unlock it.")

    def long(self, params: dict) -> Iterator[dict]:
        try:
            for step in range(params.get("steps", 3)):
                yield {"done": step, "total": 3, "text": "on it"}
            return {"steps": step + 1}
        finally:
            self.closed.append(params.get("name", ""))

    def connect(self, **params: object) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.port))
        made.settimeout(5)
        self.sockets.append(made)
        if params:
            self.send(made, id=1, method="hello", params=params)
        return made

    def panel(self) -> socket.socket:
        made = self.connect(token=self.token, protocol=[1, 1])
        assert self.read(made)["result"]["protocol"] == 1
        return made

    def send(self, to: socket.socket, **message: object) -> None:
        to.sendall(json.dumps(message).encode() + b"\n")

    def poll(self, times: int = 4) -> None:
        for _ in range(times):
            self.link.poll(0.01)

    def read(self, of: socket.socket) -> dict | None:
        """The next line, None when the link has disconnected."""
        of.setblocking(False)
        line = b""
        for _ in range(400):
            self.link.poll(0.005)
            try:
                while (got := of.recv(1)) not in (b"", b"\n"):
                    line += got
            except BlockingIOError:
                continue
            except ConnectionError:
                return None
            return json.loads(line) if got else None
        raise AssertionError("nothing came")

    def close(self) -> None:
        self.link.close()
        for each in self.sockets:
            each.close()


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire()
    yield made
    made.close()


def test_hello_lists_the_capabilities(wire: Wire) -> None:
    panel = wire.connect(token=wire.token, protocol=[1, 3], panel="0.1")
    response = wire.read(panel)["result"]
    assert (
        response["capabilities"] == ["echo", "long"] and response["pid"] == os.getpid() and response["layer"] == "png"
    )
    assert wire.link.connected


@pytest.mark.parametrize("token", ["", "0" * 64, None, 5, ["x"], "é"])
def test_a_wrong_token_is_not_answered(wire: Wire, token: object) -> None:
    panel = wire.connect(token=token, protocol=[1, 1])
    assert wire.read(panel) is None
    assert not wire.link.connected


@pytest.mark.parametrize(
    "first", [b"\n", b"GET / HTTP/1.1\n", b"[]\n", b'{"method":"echo"}\n', b"\xff" * 20_000, b"[" * 9000 + b"\n"]
)
def test_another_first_line_is_not_answered(wire: Wire, first: bytes) -> None:
    stranger = wire.connect()
    stranger.sendall(first)
    assert wire.read(stranger) is None


def test_a_silent_peer_is_disconnected(wire: Wire) -> None:
    stranger = wire.connect()
    wire.poll()
    for _ in range(6):
        wire.clock.now += 1
        wire.poll(1)
    assert wire.read(stranger) is None


def test_unknown_peers_cannot_pile_up(wire: Wire) -> None:
    for _ in range(20):
        wire.connect()
        wire.poll(1)
    assert len(wire.link._unknown_peers) <= 8


def test_the_protocols_must_overlap_and_the_older_side_is_named(wire: Wire) -> None:
    newer = wire.read(wire.connect(token=wire.token, protocol=[2, 3]))["error"]["data"]
    older = wire.read(wire.connect(token=wire.token, protocol=[0, 0]))["error"]["data"]
    assert newer["kind"] == older["kind"] == "protocol"
    assert "add-on" in newer["remedy"] and "the panel" in older["remedy"]


def test_a_second_panel_is_refused_until_the_first_has_ended(wire: Wire) -> None:
    first = wire.panel()
    second = wire.connect(token=wire.token, protocol=[1, 1])
    assert wire.read(second)["error"]["data"]["kind"] == "panel_already_there"
    first.close()
    wire.poll()
    assert not wire.link.connected
    wire.panel()
    assert wire.link.connected


def test_requests_are_answered_or_refused(wire: Wire) -> None:
    panel = wire.panel()
    wire.send(panel, id=2, method="echo", params={"name": "\udcff é"})
    assert wire.read(panel)["result"] == {"name": "\udcff é"}
    wire.send(panel, id=3, method="nothing")
    assert wire.read(panel)["result"] == {}
    kinds = {}
    for number, method in enumerate(("refuse", "break", "huge", "odd", "missing"), start=4):
        wire.send(panel, id=number, method=method)
        kinds[method] = wire.read(panel)["error"]["data"]
    assert [each["kind"] for each in kinds.values()] == [
        "track_locked", "agent_error", "too_long", "agent_error", "not_supported",
    ]  # fmt: skip
    assert kinds["refuse"]["remedy"] == "Unlock it." and "ZeroDivisionError" in kinds["break"]["what"]
    wire.send(panel, id=9, method="echo", params=[1])
    assert wire.read(panel)["error"]["code"] == -32600
    panel.sendall(b"garbage\n")
    assert wire.read(panel)["error"]["code"] == -32700
    assert wire.link.connected


def test_a_line_that_is_too_long_ends_the_connection(wire: Wire) -> None:
    panel = wire.panel()
    sent = 0
    panel.setblocking(False)
    while wire.link.connected and sent < 3 * agent_link.LINE_BYTES:
        try:
            sent += panel.send(b"x" * 65536)
        except (BlockingIOError, ConnectionError):
            pass
        wire.link.poll()
    assert not wire.link.connected and sent <= agent_link.LINE_BYTES + 8_000_000


def test_long_calls_go_one_step_a_poll_and_report_their_progress(wire: Wire) -> None:
    panel = wire.panel()
    wire.send(panel, id=2, method="long", params={"steps": 2})
    reply = [wire.read(panel) for _ in range(3)]
    assert [each.get("method") for each in reply] == ["progress", "progress", None]
    assert reply[0]["params"] == {"call": 2, "done": 0, "total": 3, "text": "on it"}
    assert reply[2]["result"] == {"steps": 2} and wire.closed == [""] and not wire.link.working


def test_cancelled_long_calls_undo_their_work(wire: Wire) -> None:
    panel = wire.panel()
    wire.send(panel, id=2, method="long", params={"steps": 10**9, "name": "a"})
    wire.send(panel, id=3, method="long", params={"steps": 10**9, "name": "b"})
    wire.poll()
    wire.send(panel, method="cancel_call", params={"call": 2})
    while "error" not in (response := wire.read(panel)):
        pass
    assert response["id"] == 2 and response["error"]["data"]["kind"] == "cancelled" and wire.closed == ["a"]
    panel.close()
    wire.poll()
    assert wire.closed == ["a", "b"] and not wire.link.working


def test_both_sides_send_heartbeats_and_silence_counts_only_while_polling(wire: Wire) -> None:
    panel = wire.panel()
    wire.clock.now += 2.5
    assert wire.read(panel)["method"] == "beat"
    wire.clock.now += 300  # the application rendered for five minutes
    wire.poll()
    assert wire.link.connected
    for _ in range(12):
        wire.clock.now += 1
        wire.poll(1)
    assert not wire.link.connected


def test_the_panel_answers_calls_inside_poll(wire: Wire) -> None:
    answers: list = []
    problems: list = []
    wire.link.call("generate", {}, answers.append, problems.append)
    assert problems == []
    wire.poll()
    assert [each.kind for each in problems] == ["panel_gone"]
    panel = wire.panel()
    wire.link.call("generate", {"uids": []}, answers.append, problems.append)
    asked = wire.read(panel)
    wire.send(panel, id=asked["id"], result={"jobs": ["1"]})
    wire.poll()
    assert answers == [{"jobs": ["1"]}]
    wire.link.call("generate", {}, answers.append, problems.append)
    asked = wire.read(panel)
    wire.send(panel, id=asked["id"], error={"code": -32000, "message": "No.", "data": {"kind": "x", "what": "No."}})
    wire.poll()
    assert (problems[-1].kind, problems[-1].what) == ("x", "No.")
    wire.link.call("generate", {}, answers.append, problems.append)
    panel.close()
    wire.poll()
    assert problems[-1].kind == "panel_gone" and len(answers) == 1
    wire.send(wire.panel(), method="state", params={"jobs": []})
    wire.poll()
    assert wire.calls == [{"jobs": []}]


def test_a_method_that_polls_does_not_run_within_itself(wire: Wire) -> None:
    panel = wire.panel()
    wire.link._methods["nested"] = lambda params: wire.link.poll(0.0)
    wire.send(panel, id=2, method="nested")
    assert wire.read(panel)["result"] == {}


def test_closing_notifies_the_panel(wire: Wire) -> None:
    panel = wire.panel()
    wire.link.close()
    assert b'"closing"' in panel.recv(1000)
    assert panel.recv(10) == b""


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_messages_may_arrive_in_any_chunks(data: st.DataObject) -> None:
    """Requests with garbage between them, split at any byte: each request is answered once, in order."""
    wire = Wire()
    try:
        panel = wire.panel()
        garbage = st.binary(max_size=40).map(lambda found: found.replace(b"\n", b""))
        parts = data.draw(st.lists(st.one_of(st.text(max_size=8), garbage), max_size=12))
        stream, wanted = b"", []
        for number, part in enumerate(parts, start=2):
            if isinstance(part, str):
                wanted.append((number, part))
                part = json.dumps({"id": number, "method": "echo", "params": {"text": part}}).encode()
            stream += part + b"\n"
        cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
        for start, end in itertools.pairwise([0, *cuts, len(stream)]):
            panel.sendall(stream[start:end])
            wire.link.poll()
        wire.send(panel, id="end", method="echo")
        found = []
        while (response := wire.read(panel)) is not None and response.get("id") != "end":
            if isinstance(response.get("id"), int) and "result" in response:
                found.append((response["id"], response["result"]["text"]))
        assert found == wanted and wire.link.connected
    finally:
        wire.close()


def test_the_file_is_python_3_6_and_the_standard_library_alone() -> None:
    tree = ast.parse(SOURCE.read_text(), feature_version=(3, 6))
    modules = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names])
    }
    assert modules <= sys.stdlib_module_names - SINCE_PYTHON_3_7 - {"__future__", "asyncio"}
    assert not any(isinstance(node, ast.NamedExpr | ast.Match) for node in ast.walk(tree))


def interpreters() -> list[str]:
    """The machine's Pythons of other versions."""
    found = {sys.version_info[:2]: sys.executable}
    names = [f"python3.{minor}" for minor in range(6, 16)]
    places = [
        *sorted(Path.home().glob(".pyenv/versions/*/bin")),
        *sorted(Path.home().glob(".local/share/uv/python/*/bin")),
    ]
    for name in names:
        for path in [*(str(place / name) for place in places), shutil.which(name)]:
            if path and os.access(path, os.X_OK):
                asked = subprocess.run(
                    [path, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True
                )
                if asked.returncode == 0:
                    found.setdefault(tuple(map(int, asked.stdout.split())), path)
    return [found[version] for version in sorted(found)]


ROUND = """
import importlib.util, json, socket, sys
spec = importlib.util.spec_from_file_location("agent_link", sys.argv[1])
link_file = importlib.util.module_from_spec(spec)
spec.loader.exec_module(link_file)
def long(params):
    yield {"done": 1, "total": 1, "text": ""}
    return {"got": params["text"]}
link = link_file.AgentLink("resolve", "20", "1", ["long"], {"long": long}, "prores4444")
port, token = link.listen()
panel = socket.create_connection(("127.0.0.1", port))
panel.settimeout(0.01)
def say(**message):
    panel.sendall(json.dumps(message).encode() + b"\\n")
def receive(count):
    got = b""
    while got.count(b"\\n") < count:
        link.poll(0.01)
        try:
            got += panel.recv(65536)
        except socket.timeout:
            pass
    return [json.loads(line.decode()) for line in got.splitlines()]
say(id=1, method="hello", params={"token": token, "protocol": [1, 1]})
assert receive(1)[0]["result"]["host"] == "resolve"
say(id=2, method="long", params={"text": u"\\xe9"})
assert receive(2)[1]["result"] == {"got": u"\\xe9"}
look = "import os, sys; sys.exit(os.environ['DYNVFX_AGENT'] != sys.argv[1])"
process = link.start_panel([sys.executable, "-c", look, "127.0.0.1:%d" % port], {"GONE": None})
assert process.wait() == 0 and not link.panel_running
link.close()
"""


@pytest.mark.parametrize("python", interpreters())
def test_it_runs_in_every_installed_python(python: str) -> None:
    done = subprocess.run([python, "-W", "error", "-c", ROUND, str(SOURCE)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
