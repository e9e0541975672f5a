"""The add-on's agent: one link to one panel process, served from an app timer on Blender's main thread."""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Callable
from typing import Any

import bpy

from .agent_link import AgentLink, AgentProblem
from .export.bake import saving_copy
from .export.clip_export import Exporter
from .interface.disk_facts import DiskFacts
from .interface.palette import theme_palette
from .interface.panel_state import PanelState
from .layers.layers import Layers
from .layers.note_markers import mark_notes
from .layers.take_files import read_take
from .layers.undo_step import redraw
from .panel_start import panel_command
from .strips import compat
from .strips.identity import Identities
from .timeline import stamp
from .timeline.change_watch import Watch, content_changed
from .timeline.timeline_info import describe_timeline

_CAPABILITIES = ("timeline", "export", "place", "swap", "placements", "seek", "mark")
_WATCH_SECONDS = 0.3
_START_SECONDS = 60.0
"""How long a started panel may take to connect before it counts as failed."""


class Agent:
    """The add-on's state and the methods that the panel calls. The panel is not started before `ensure_panel`."""

    def __init__(self, version: str) -> None:
        self.identities = Identities()
        self.exporter = Exporter(self.identities)
        self.layers = Layers(self.identities, self.exporter)
        self.state = PanelState()
        self.disk = DiskFacts()
        self._version = version
        self._link: AgentLink | None = None
        self._watch = Watch()
        self._watched = 0.0
        self._was_connected = False
        self._started: float | None = None
        self._waiting: list[tuple[str, dict[str, Any], Callable | None]] = []

    # For the sidebar --------------------------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether the panel is connected."""
        return self._link is not None and self._link.connected

    @property
    def starting(self) -> bool:
        """Whether the panel was started and has not connected yet."""
        return self._started is not None and not self.connected

    def ask(self, method: str, params: dict[str, Any], then: Callable | None = None) -> None:
        """Call a method of the panel, starting the panel first if necessary. The sidebar shows a failed call.

        method: its name in the protocol.
        params: its parameters.
        then: called with the result.
        Raises AgentProblem when the panel cannot be started.
        """
        self.state.problem = None
        if self._link is not None and self._link.connected:
            self._link.call(method, params, then, self._show_problem)
            return
        self._waiting.append((method, params, then))
        try:
            self.ensure_panel(hidden=method != "show")
        except AgentProblem:
            self._waiting.clear()
            raise

    def ensure_panel(self, hidden: bool = True) -> None:
        """Start the panel's process unless it is connected or starting. Raises AgentProblem."""
        if self.connected or (self._link is not None and self._link.panel_running):
            return
        command, environment = panel_command()
        if self._link is None:
            self._link = self._new_link()
        log = os.path.join(bpy.app.tempdir, "dynvfx-panel.log")  # a folder that Blender removes when it quits
        try:
            self._link.start_panel([*command, "--hidden"] if hidden else command, environment, log)
        except OSError as error:
            raise AgentProblem(
                "not_installed",
                "The DynVFX panel could not be started.",
                f"{command[0]}: {error.strerror or error}",
                "Run `python3 run.py install` in the DynVFX folder again.",
            ) from error
        self._started = time.monotonic()
        self.state.log = log
        if not bpy.app.timers.is_registered(self.tick):
            bpy.app.timers.register(self.tick, persistent=True)

    # Life -------------------------------------------------------------------------------------------------------------

    def tick(self) -> float | None:
        """Called by the app timer; returns the seconds until the next call, None to stop the timer."""
        link = self._link
        if link is None:
            return None
        link.poll()
        if link.connected != self._was_connected:
            self._was_connected = link.connected
            self._panel_connected(link) if link.connected else self._panel_left()
        if self._started is not None and not link.connected:
            self._check_start(link, self._started)
        if link.connected and time.monotonic() - self._watched >= _WATCH_SECONDS:
            self._watched = time.monotonic()
            if self._watch.changed():
                link.notify("changed", {})
        if link.working:
            return 0.02
        return 0.05 if link.connected or self.starting else 0.5

    def close(self) -> None:
        """Close the link, which ends the panel."""
        for timer in (self.tick, self._mend):
            if bpy.app.timers.is_registered(timer):
                bpy.app.timers.unregister(timer)
        self.close_link()
        self.state.clear()

    def close_link(self) -> None:
        """Close the link without calling Blender, whose API is no longer available at exit."""
        link, self._link = self._link, None
        if link is not None:
            link.close()
        self._was_connected, self._started = False, None
        self._waiting.clear()

    def file_loaded(self) -> None:
        """Another file was opened: forget the clips of the previous one."""
        self.identities.file_loaded()
        self.exporter.forget()
        self.disk.forget()
        self._watch.touch()

    def touched(self) -> None:
        """Blender reports a change in the file."""
        self._watch.touch()
        if not bpy.app.timers.is_registered(self._mend):
            bpy.app.timers.register(self._mend)  # the strips must not be changed while Blender reports

    def _mend(self) -> None:
        self.layers.mend_mixes()

    def _new_link(self) -> AgentLink:
        methods = {name: getattr(self, "_" + name) for name in _CAPABILITIES}
        methods["state"] = self._show_state
        version = ".".join(map(str, bpy.app.version))
        link = AgentLink(
            "blender", version, self._version, list(_CAPABILITIES), methods, "png", theme_palette(), parts=True
        )
        try:
            link.listen()
        except OSError as error:
            raise AgentProblem(
                "no_link", "The add-on cannot listen for the panel.", str(error), "Allow 127.0.0.1 in the firewall."
            ) from error
        atexit.register(link.close)
        return link

    def _panel_connected(self, link: AgentLink) -> None:
        self._started = None
        self._watch.touch()
        waiting, self._waiting = self._waiting, []
        for method, params, then in waiting:
            link.call(method, params, then, self._show_problem)
        redraw()

    def _panel_left(self) -> None:
        self.state.clear()
        redraw()

    def _check_start(self, link: AgentLink, started: float) -> None:
        ended = not link.panel_running
        if ended or time.monotonic() - started > _START_SECONDS:
            self._started = None
            self._waiting.clear()
            what = "The DynVFX panel ended while it started." if ended else "The DynVFX panel does not answer."
            why = f"Its log is {self.state.log}."
            self._show_problem(AgentProblem("panel_gone", what, why, "Start it again."))

    def _show_problem(self, problem: AgentProblem) -> None:
        self.state.problem = problem
        redraw()

    # What the panel asks ----------------------------------------------------------------------------------------------

    def _show_state(self, params: dict[str, Any]) -> None:
        self.state.update(params)
        redraw()

    def _timeline(self, params: dict[str, Any]) -> dict[str, Any]:
        described = describe_timeline(self.identities)
        self.state.clips = {each["uid"]: each for each in described["clips"]}
        return described

    def _export(self, params: dict[str, Any]) -> Any:
        return self.exporter.export(params["uid"], params["folder"])

    def _place(self, params: dict[str, Any]) -> dict[str, Any]:
        return self.layers.place(params["uid"], [read_take(each) for each in params["takes"]], int(params["active"]))

    def _swap(self, params: dict[str, Any]) -> dict[str, Any]:
        return self.layers.swap(params["uid"], read_take(params["take"]))

    def _placements(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"placements": self.layers.placements()}

    def _seek(self, params: dict[str, Any]) -> dict[str, Any]:
        compat.edited_scene().frame_current = int(params["frame"])
        return {}

    def _mark(self, params: dict[str, Any]) -> dict[str, Any]:
        scene, clip = self.identities.find(params["uid"])
        mark_notes(scene, clip, params["uid"], params["notes"])
        return {}


agent: list[Agent] = []
"""Holds the agent while the add-on is switched on, else empty."""


@bpy.app.handlers.persistent
def _on_load(*_: Any) -> None:
    agent[0].file_loaded()


@bpy.app.handlers.persistent
def _on_saving(*_: Any) -> None:
    if not saving_copy[0]:
        agent[0].identities.before_saving()


@bpy.app.handlers.persistent
def _on_undo(*_: Any) -> None:
    stamp.content_version[0] += 1
    agent[0].touched()


@bpy.app.handlers.persistent
def _on_update(scene: Any, depsgraph: Any = None) -> None:
    agent[0].touched()
    if depsgraph is not None:
        content_changed(depsgraph)


_HANDLERS = (
    ("load_post", _on_load),
    ("save_pre", _on_saving),
    ("undo_post", _on_undo),
    ("redo_post", _on_undo),
    ("depsgraph_update_post", _on_update),
)


def switch_on(version: str) -> None:
    """Create the agent and install its handlers in Blender."""
    agent.append(Agent(version))
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)


def switch_off() -> None:
    """Remove the handlers and close the agent."""
    for name, handler in _HANDLERS:
        known = getattr(bpy.app.handlers, name)
        if handler in known:
            known.remove(handler)
    agent.pop().close()
