"""The agent's main loop. Resolve runs the agent as a script in a separate process; the agent starts the panel.

It ends when the panel or Resolve has ended: Resolve does not end such a script itself.
"""

import json
import os
import time
from types import GeneratorType
from typing import Any, Callable, Dict, Generator, Iterator, List, Optional, Set, Tuple

from . import VERSION
from .agent_journal import AgentJournal, journal_folder
from .agent_link import AgentLink, AgentProblem
from .edition import Edition, read_edition
from .errors import NoAnswer, ResolveProblem
from .export.clip_export import export_clip
from .placing.place_takes import place
from .placing.placements import placed_item, placements
from .placing.recovery import recover, unrepaired
from .placing.swap_takes import add_versions, swap
from .single_instance import SingleInstance
from .timeline.current_timeline import CurrentTimeline
from .timeline.note_markers import mark
from .timeline.timeline_info import fingerprint, seek, timeline_info

WAIT_SECONDS = 0.2
LOOK_SECONDS = 1.0
_PANEL_COMMAND = "panel_command.json"


class Agent:
    """The protocol's methods over one running Resolve."""

    def __init__(self, resolve: Any, edition: Edition, journal: AgentJournal) -> None:
        self.resolve, self.edition, self.journal = resolve, edition, journal
        self._repaired = ""
        self._unfinished: Set[str] = set()
        self._left: List[str] = []

    def methods(self) -> Dict[str, Callable[[Dict[str, Any]], Any]]:
        """The methods by their names in the protocol; they raise AgentProblem."""
        names = ("timeline", "export", "place", "swap", "placements", "seek", "mark", "versions")
        return {name: _with_agent_problems(getattr(self, name)) for name in names}

    def timeline(self, params: Dict[str, Any]) -> Dict[str, Any]:
        """The open timeline and its selection, and what an interrupted change left in it."""
        current = self._current_timeline()
        return dict(timeline_info(current, self.journal), unrepaired=unrepaired(self._left))

    def export(self, params: Dict[str, Any]) -> Dict[str, Any]:
        """Export a clip as a timeline with that clip alone."""
        return export_clip(self._current_timeline(), self.journal, str(params["uid"]), str(params["folder"]))

    def place(self, params: Dict[str, Any]) -> Generator[Dict[str, Any], None, Dict[str, Any]]:
        """Place takes above their clip; if one is placed already, the active take replaces it."""
        current, uid, takes = self._current_timeline(), str(params["uid"]), list(params["takes"])
        active = int(params.get("active") or 0)
        if placed_item(current, self.journal, uid) is None:
            return (yield from place(current, self.journal, uid, takes, active))
        return swap(current, self.journal, uid, takes[active])

    def swap(self, params: Dict[str, Any]) -> Dict[str, Any]:
        """Replace the visible take with another one."""
        return swap(self._current_timeline(), self.journal, str(params["uid"]), params["take"])

    def placements(self, params: Dict[str, Any]) -> Dict[str, Any]:
        """The takes placed in the timeline."""
        return {"placements": placements(self._current_timeline(), self.journal)}

    def seek(self, params: Dict[str, Any]) -> Dict[str, Any]:
        """Move the playhead."""
        seek(self._current_timeline(), int(params["frame"]))
        return {}

    def mark(self, params: Dict[str, Any]) -> Dict[str, Any]:
        """Show notes as markers."""
        mark(self._current_timeline(), self.journal, str(params["uid"]), list(params["notes"]))
        return {}

    def versions(self, params: Dict[str, Any]) -> Dict[str, Any]:
        """Add takes to Resolve's own take selector."""
        count = add_versions(self._current_timeline(), self.journal, str(params["uid"]), list(params["takes"]))
        return {"count": count}

    def _current_timeline(self) -> CurrentTimeline:
        current = CurrentTimeline(self.resolve, self.edition)
        if self._repaired != current.timeline_id:
            self._repaired = current.timeline_id
            # A change of this process may be under way.
            self._unfinished = {entry["id"] for entry in self.journal.unfinished()} - self.journal.begun
            self._left = []
        if self._unfinished:
            # Before anything else is done with it, and again until the user has unlocked what was locked.
            self._left = recover(current, self.journal, self._unfinished)
            self._unfinished &= {entry["id"] for entry in self.journal.unfinished()}
        return current


def run(
    resolve: Any, here: str, report: Callable[[str], Any] = print, clock: Callable[[], float] = time.monotonic
) -> int:
    """Start the panel and serve it until the panel or Resolve has ended.

    resolve: Resolve's scripting object.
    here: the folder of the agent's files.
    report: called with messages for the user, such as the reason of a failure.
    clock: seconds, monotonic.
    Returns 0, or 1 when the panel could not be started.
    """
    try:
        edition = read_edition(resolve)
        problem = edition.problem()
    except ResolveProblem as gone:
        problem = gone
    if problem is not None:
        report(f"DynVFX: {problem}")
        return 1
    journal = AgentJournal(journal_folder())
    instance = SingleInstance(journal.folder)
    if not instance.acquire():
        instance.request_show()
        report("DynVFX is already running; its panel is brought to the front.")
        return 0
    try:
        return _serve(resolve, edition, journal, instance, here, report, clock)
    finally:
        instance.release()


def panel_command(here: str) -> Optional[Tuple[List[str], Dict[str, Any]]]:
    """Command and environment of the panel, from the installer's file; None without a readable file."""
    try:
        with open(os.path.join(here, _PANEL_COMMAND), encoding="utf-8") as file:
            written = json.load(file)
        return [str(each) for each in written["command"]], dict(written.get("environment") or {})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _serve(
    resolve: Any,
    edition: Edition,
    journal: AgentJournal,
    instance: SingleInstance,
    here: str,
    report: Callable,
    clock: Callable,
) -> int:
    started = panel_command(here)
    if started is None:
        report("The DynVFX installation is incomplete: run `python3 run.py install` in its folder.")
        return 1
    agent = Agent(resolve, edition, journal)
    methods = agent.methods()
    version = ".".join(str(each) for each in edition.version)
    link = AgentLink("resolve", version, VERSION, sorted(methods), methods, "prores4444", parts=True)
    try:
        link.start_panel(started[0], started[1], os.path.join(journal.folder, "panel.log"))
    except OSError as error:
        report(f"DynVFX: the panel could not be started ({error}). Install it again: `python3 run.py install`.")
        link.close()
        return 1
    try:
        loop(link, agent, instance, clock)
    finally:
        link.close()
    return 0


def loop(link: Any, agent: Agent, instance: SingleInstance, clock: Callable[[], float]) -> None:
    """Poll the link and report changes in Resolve to the panel, until Resolve or the panel ends."""
    seen, looked = None, clock() - LOOK_SECONDS  # type: Any, float
    while link.connected or link.panel_running:
        link.poll(0.0 if link.working else WAIT_SECONDS)
        if clock() - looked < LOOK_SECONDS:
            continue
        looked = clock()
        if instance.take_show_request():
            link.call("show", {})
        try:
            now = fingerprint(agent.resolve)
        except NoAnswer:
            return  # Resolve was closed
        if seen is not None and now != seen:
            link.notify("changed", {})
        seen = now


def _with_agent_problems(method: Callable[[Dict[str, Any]], Any]) -> Callable[[Dict[str, Any]], Any]:
    """The method with every ResolveProblem raised as an AgentProblem; a generator stays a generator."""

    def guarded(params: Dict[str, Any]) -> Any:
        try:
            result = method(params)
        except ResolveProblem as problem:
            raise _agent_problem(problem) from problem
        return _steps_with_agent_problems(result) if isinstance(result, GeneratorType) else result

    return guarded


def _steps_with_agent_problems(steps: Any) -> Iterator[Any]:
    try:
        return (yield from steps)
    except ResolveProblem as problem:
        raise _agent_problem(problem) from problem


def _agent_problem(problem: ResolveProblem) -> AgentProblem:
    return AgentProblem(problem.kind, problem.what, problem.why, problem.remedy)
