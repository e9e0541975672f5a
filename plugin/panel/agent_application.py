"""The panel of an editing application: started by the agent, hidden until requested, and ended with it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from PyQt6.QtCore import QObject, QTimer
from PyQt6.QtWidgets import QApplication

from contract.errors import BadUsage, Problem
from plugin.hosts.agent_abilities import agent_host
from plugin.hosts.agent_host import AgentHost
from plugin.hosts.agent_messages import AgentHello, ClipProblem
from plugin.hosts.agent_session import AgentSession, HostGone
from plugin.hosts.base import Host, HostProblem
from plugin.panel.application import Panel, Program, application, log
from plugin.panel.background import Background
from plugin.panel.models.agent.agent_requests import AgentRequests
from plugin.panel.models.backend.backend import Services
from plugin.panel.thumbnails.stills import Stills

ADDRESS, TOKEN = "DYNVFX_AGENT", "DYNVFX_AGENT_TOKEN"


class AgentPanel(QObject):
    """Connects to the agent and serves as its panel until either ends. `exit_code` is the exit code of the process."""

    def __init__(
        self,
        program: Program,
        environment: Mapping[str, str],
        hidden: bool = False,
        services: Services | None = None,
    ) -> None:
        super().__init__()
        if not environment.get(ADDRESS) or not environment.get(TOKEN):
            raise BadUsage(
                "The panel was not started by an editing application.",
                f"{ADDRESS} and {TOKEN} are not set.",
                "Open it from the application, or without --agent.",
            )
        self._program, self._hidden, self._services = program, hidden, services
        self.exit_code = 0
        self.panel: Panel | None = None
        self.agent_requests: AgentRequests | None = None
        self._unrepaired: ClipProblem | None = None
        self.session = AgentSession(environment[ADDRESS], environment[TOKEN], version("dynvfx"), self)
        self.session.welcomed.connect(self._welcomed)
        self.session.ended.connect(self._ended)

    def close(self) -> None:
        """Disconnect from the agent and the backend; jobs continue."""
        self.session.close()
        if self.panel is not None:
            self.panel.window.close()
            self.panel.close()

    def _welcomed(self, hello: AgentHello) -> None:
        log.info("agent: %s %s, %s", hello.host, hello.host_version, hello.capabilities)

        def make(folder: Path, background: Background) -> Host:
            return agent_host(self.session, hello, folder / "hosts" / hello.host, background)

        try:
            self.panel = Panel(self._program.app, make, self._services)
        except Problem as problem:
            self._ended(problem)
            return
        panel, host = self.panel, self.panel.host
        assert isinstance(host, AgentHost)
        self._program.report_to(panel)
        host.on_change(self._show_unrepaired)
        stills = Stills(panel.model.settings.folder / "stills", panel.background, self._still_made)
        self.agent_requests = AgentRequests(panel.model, host, stills, panel.background, self)
        self.agent_requests.showRequested.connect(self.show)
        self.session.busyChanged.connect(lambda busy: setattr(panel.model, "host_busy", busy))
        panel.window.begin()
        host.read_timeline()
        if not self._hidden:
            self.show()

    def show(self) -> None:
        """Bring the window up."""
        if self.panel is None:
            return
        window = self.panel.window
        window.showNormal() if window.isMinimized() else window.show()
        window.raise_()
        window.activateWindow()

    def _show_unrepaired(self) -> None:
        """What an interrupted change left in the timeline, once."""
        if self.panel is None or not isinstance(self.panel.host, AgentHost):
            return
        timeline = self.panel.host.timeline
        found = timeline.unrepaired if timeline is not None else None
        if found is not None and found != self._unrepaired:
            self.panel.model.problem = HostProblem(found.what, found.why, found.remedy)
        self._unrepaired = found

    def _still_made(self) -> None:
        if self.agent_requests is not None:
            self.agent_requests.schedule_state()

    def _ended(self, problem: Problem) -> None:
        expected = self.panel is not None and isinstance(problem, HostGone)
        if not expected:
            self.exit_code = 1
            print(problem, file=sys.stderr)
        log.info("the agent disconnected: %s", problem)
        # Deferred, because the event loop may not be running yet.
        QTimer.singleShot(0, QApplication.quit)


def run_for_agent(hidden: bool = False) -> int:
    """Run the panel of the agent that the environment names; returns the exit code. Raises BadUsage."""
    # Removed, so that a backend which the panel starts does not inherit the token.
    environment = {name: os.environ.pop(name, "") for name in (ADDRESS, TOKEN)}
    with application() as program:
        # The application can show a closed window again.
        program.app.setQuitOnLastWindowClosed(False)
        panel = AgentPanel(program, environment, hidden)
        panel.session.begin()
        try:
            program.app.exec()
        finally:
            panel.close()
    return panel.exit_code
