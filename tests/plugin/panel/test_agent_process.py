"""The processes of the panel and the application: what each does when the other dies."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from PyQt6.QtCore import QCoreApplication

from plugin.hosts.agent_session import AgentSession
from tests.plugin.hosts.agent_driver import AgentProcess, write_project

Until = Callable[[Callable[[], bool]], None]
PATIENCE = 120.0


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[AgentProcess]:
    made = AgentProcess(write_project(tmp_path / "project"))
    yield made
    made.close()


def start_panel(agent: AgentProcess, tmp_path: Path) -> psutil.Process:
    """The real panel, without a window and without a backend to start."""
    (tmp_path / "home").mkdir(mode=0o700, exist_ok=True)
    agent.do(
        "start_panel",
        command=[sys.executable, "-m", "plugin.panel", "--agent", "--hidden"],
        environment={
            "QT_QPA_PLATFORM": "offscreen",
            "PYTHONPATH": str(Path(__file__).resolve().parents[3]),
            "DYNVFX_HOME": str(tmp_path / "home"),
            "OMP_NUM_THREADS": "1",
        },
        log=str(tmp_path / "panel.txt"),
    )
    before = len(agent.messages)
    agent.wait(lambda: any("panel" in each for each in agent.messages[before:]), PATIENCE)
    process = psutil.Process(agent.last("panel"))
    agent.wait(lambda: any("state" in each for each in agent.messages[before:]), PATIENCE)
    return process


def ended(process: psutil.Process) -> bool:
    try:
        process.wait(PATIENCE)
    except psutil.TimeoutExpired:
        return False
    return True


@pytest.fixture
def quiet_backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings with the address of a backend that does not run, so that the panel starts none of its own."""
    folder = tmp_path / "home" / "panel"
    folder.mkdir(parents=True)
    (tmp_path / "home").chmod(0o700)
    key = '"\\"0000000000000000000000000000000000000000\\""'
    (folder / "panel.ini").write_text(f'[General]\nservice_address="\\"tcp://127.0.0.1:9\\""\nservice_key={key}\n')


@pytest.mark.slow
def test_the_panel_ends_with_the_application_and_is_started_again(
    agent: AgentProcess, quiet_backend: None, tmp_path: Path
) -> None:
    first = start_panel(agent, tmp_path)
    assert agent.report()["connected"]
    agent.do("call", method="show", params={})
    assert agent.wait(lambda: agent.last("answer") == {} or None, PATIENCE)
    agent.do("call", method="generate", params={"uids": ["strip-1"], "instruction": "add fire"})
    problem = agent.wait(lambda: agent.last("problem"), PATIENCE)
    assert "not ready" in problem[1]
    # The panel crashes: the application continues and accepts a new panel.
    os.kill(first.pid, signal.SIGKILL)
    agent.wait(lambda: not agent.report()["connected"], PATIENCE)
    second = start_panel(agent, tmp_path)
    assert second.pid != first.pid
    # The application ends the session.
    agent.do("close")
    assert ended(second)


@pytest.mark.slow
def test_a_killed_application_leaves_no_panel_behind(agent: AgentProcess, quiet_backend: None, tmp_path: Path) -> None:
    panel = start_panel(agent, tmp_path)
    agent.kill()
    assert ended(panel)


def test_a_panel_without_an_application_explains_how_to_open_it(tmp_path: Path) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    for extra, message in (
        ({}, "was not started by an editing application"),
        ({"DYNVFX_AGENT": "127.0.0.1:1", "DYNVFX_AGENT_TOKEN": "x"}, "is no longer connected"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "plugin.panel", "--agent"],
            env={**environment, **extra},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 1 and message in done.stderr


class TakenLayers:
    """Takes as the agent receives them, without their files."""

    @staticmethod
    def of(name: str) -> dict:
        return {"id": name, "label": name, "path": f"/takes/{name}.mov"}


def session_with(agent: AgentProcess, until: Until) -> AgentSession:
    session = AgentSession(agent.address, agent.token, "0.1")
    session.begin()
    until(lambda: session.hello is not None)
    return session


@pytest.mark.parametrize("seed", range(4))
def test_after_a_kill_a_take_is_placed_completely_or_not_at_all(
    agent: AgentProcess, qapp: QCoreApplication, until: Until, seed: int
) -> None:
    """The panel disconnects or the application is killed while four takes are placed step by step."""
    chance = random.Random(seed)
    session = session_with(agent, until)
    agent.set(slow=0.01)
    takes = [TakenLayers.of(f"take-{number}") for number in range(4)]
    steps: list[int] = []
    results: list = []
    session.call(
        "place",
        {"uid": "strip-1", "takes": takes, "active": 1},
        results.append,
        results.append,
        lambda done, total, text: steps.append(done),
    )
    until(lambda: len(steps) >= chance.randint(0, 3) or bool(results))
    if seed % 2:
        agent.kill()
        layers = agent.saved().get("layers", [])
    else:
        session.close()
        agent.wait(lambda: not agent.report()["connected"])
        layers = agent.report()["project"]["layers"]
        assert agent.saved().get("layers", []) == layers
    assert [each["take"] for each in layers] in ([], [each["id"] for each in takes])
    session.close()


def test_a_busy_application_is_shown_and_waited_for(agent: AgentProcess, qapp: QCoreApplication, until: Until) -> None:
    now = [0.0]
    session = AgentSession(agent.address, agent.token, "0.1", clock=lambda: now[0])
    ends: list = []
    session.ended.connect(ends.append)
    session.begin()
    until(lambda: session.hello is not None)
    agent.do("busy", seconds=3)
    agent.wait(lambda: agent.last("busy"))
    QCoreApplication.processEvents()
    answers: list = []
    session.call("timeline", {}, answers.append, answers.append)
    now[0] += 60
    until(lambda: session.busy)
    assert not ends
    until(lambda: bool(answers))
    assert answers[0]["title"] == "Scene" and not session.busy
    session.close()


def test_a_wrong_token_and_a_second_panel_end_with_a_message(
    agent: AgentProcess, qapp: QCoreApplication, until: Until
) -> None:
    ends: list = []
    wrong = AgentSession(agent.address, "f" * 64, "0.1")
    wrong.ended.connect(ends.append)
    wrong.begin()
    until(lambda: len(ends) == 1)
    assert ends[0].kind == "host_gone"
    session = session_with(agent, until)
    second = AgentSession(agent.address, agent.token, "0.1")
    second.ended.connect(ends.append)
    second.begin()
    until(lambda: len(ends) == 2)
    assert ends[1].kind == "panel_already_there" and session.hello is not None
    session.close()
