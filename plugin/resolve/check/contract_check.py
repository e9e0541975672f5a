"""The contract check: tests the agent's assumptions in a running Resolve, in a separate project.

It saves the open project, works in a new one, deletes that, and opens the user's project again.
"""

import datetime
import json
import os
import platform
import shutil
import sys
import tempfile
from typing import Any, Callable, Dict, List, Optional

from .. import VERSION
from ..calls import call, call_if_present
from ..edition import Edition, read_edition
from ..errors import ResolveProblem
from .bench import Bench
from .questions import ASSUMED, HANDLED, QUESTIONS, run_question
from .sample_pictures import write_pictures

Report = Dict[str, Any]


def check(resolve: Any, write_line: Callable[[str], Any] = print, now: Optional[datetime.datetime] = None) -> Report:
    """Run all questions and return the report. Raises ResolveProblem before anything is changed."""
    edition = read_edition(resolve)
    problem = edition.problem()
    if problem is not None:
        raise problem
    time = now or datetime.datetime.now()
    manager = call(resolve, "GetProjectManager")
    theirs = call(manager, "GetCurrentProject")
    if theirs is not None and not call(manager, "SaveProject"):
        raise ResolveProblem(
            "not_supported",
            "Resolve did not save the open project, so the check did not start.",
            "The check closes your project, works in a new one, and opens yours again.",
            "Save your project once by hand (Ctrl+S), and run the check again.",
        )
    title = str(call(theirs, "GetName")) if theirs is not None else ""
    own = f"DynVFX check {time:%Y-%m-%d %H.%M.%S}"
    project = call(manager, "CreateProject", own)
    if project is None:
        raise ResolveProblem(
            "not_supported", f"Resolve did not create the project {own!r}.", "", "Check the project library."
        )
    folder = tempfile.mkdtemp(prefix="dynvfx check ")
    findings = []  # type: List[Dict[str, Any]]
    try:
        write_pictures(folder)
        findings += _ask_all(Bench(resolve, project, folder), write_line)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        findings.append(_finding("cleaned_up", True, _clean_up(manager, own, title), ""))
    return _report(edition, time, findings)


def save(report: Report, folder: str) -> List[str]:
    """Write the report as JSON and as text into `folder`; returns both paths. Raises OSError."""
    name = os.path.join(folder, "dynvfx-resolve-report-" + report["time"].replace(":", ".").replace("T", "-"))
    with open(name + ".json", "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)
    with open(name + ".txt", "w", encoding="utf-8") as file:
        file.write(text(report))
    return [name + ".json", name + ".txt"]


def text(report: Report) -> str:
    """The report as text."""
    lines = ["DynVFX checked {product} {version} on {system}, Python {python}, {time}.".format(**report), ""]
    lines += [_line(each) for each in report["findings"]]
    differing = [each for each in report["findings"] if not each["agrees"]]
    needed = [each["name"] for each in differing if not each["handled"]]
    lines.append("")
    if not differing:
        lines.append("Everything works as DynVFX assumes.")
    elif not needed:
        lines.append(f"{len(differing)} things differ; DynVFX handles all of them.")
    else:
        lines.append("DynVFX does not handle: " + ", ".join(needed) + ".")
    lines.append("Please send this report even if nothing differs. It contains nothing from your projects.")
    return "\n".join(lines) + "\n"


def _ask_all(bench: Bench, write_line: Callable[[str], Any]) -> List[Dict[str, Any]]:
    findings = []
    for question in QUESTIONS:
        name = question.__name__
        seen, error = run_question(bench, question)
        findings.append(_finding(name, ASSUMED[name], seen, error))
        write_line(_line(findings[-1]))
    return findings


def _finding(name: str, assumed: Any, seen: Any, error: str) -> Dict[str, Any]:
    agrees = not error and seen == assumed
    return {
        "name": name,
        "assumed": assumed,
        "seen": seen,
        "error": error,
        "agrees": agrees,
        "handled": agrees or (name in HANDLED and not error),
    }


def _line(finding: Dict[str, Any]) -> str:
    mark = "as assumed" if finding["agrees"] else ("handled" if finding["handled"] else "DIFFERENT")
    seen = finding["error"] or finding["seen"]
    rest = "" if finding["agrees"] else " (assumed: {})".format(finding["assumed"])
    return "{:<11} {}: {}{}".format(mark, finding["name"].replace("_", " "), seen, rest)


def _clean_up(manager: Any, own: str, theirs: str) -> bool:
    """Delete the check's project and open the user's; returns whether reading back confirms both."""
    current = call(manager, "GetCurrentProject")
    if current is not None and str(call(current, "GetName")) == own:
        call(manager, "SaveProject")  # otherwise closing it may ask the user
        call_if_present(manager, "CloseProject", current)
        if theirs:
            call(manager, "LoadProject", theirs)
    call(manager, "DeleteProject", own)
    now = call(manager, "GetCurrentProject")
    is_theirs = not theirs or (now is not None and str(call(now, "GetName")) == theirs)
    return is_theirs and own not in (call_if_present(manager, "GetProjectListInCurrentFolder") or [])


def _report(edition: Edition, time: datetime.datetime, findings: List[Dict[str, Any]]) -> Report:
    return {
        "report": 1,
        "agent": VERSION,
        "product": edition.product,
        "version": ".".join(str(each) for each in edition.version),
        "studio": edition.studio,
        "system": platform.platform(),
        "python": platform.python_version(),
        "executable": os.path.basename(sys.executable or ""),
        "time": f"{time:%Y-%m-%dT%H:%M:%S}",
        "findings": findings,
    }
