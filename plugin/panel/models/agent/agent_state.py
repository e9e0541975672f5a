"""The state of backend, jobs and takes for the host's own small panel: plain values, as PROTOCOL.md names them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from contract.errors import Problem
from contract.states import RUNNING
from plugin.hosts.base import IdentifiesClips
from plugin.panel.models.backend.backend import BackendModel
from plugin.panel.models.panel.panel_model import PanelModel
from plugin.panel.models.takes.cards import JobProgress, job_card

_MOST_TAKES = 200


def agent_state(panel: PanelModel, host: IdentifiesClips, still: Callable[[str], str]) -> dict[str, Any]:
    """The notification `state`. `still` gives the PNG of a take's preview movie, "" while there is none."""
    problem = panel.placements.problem or panel.problem
    return {
        "backend": {"state": _backend_state(panel.backend), "text": _backend_text(panel.backend)},
        "jobs": [_job(each, host) for each in panel.takes.jobs.values() if _shown(each, panel)],
        "takes": _takes(panel, host, still),
        "takes_listed": panel.finished.listed,
        "placing": panel.placements.placing,
        "problem": _problem(problem),
    }


def _backend_state(backend: BackendModel) -> str:
    if backend.state == "ready":
        return "busy" if backend.working else "ready"
    if backend.state == "refused":
        return "old"
    return "missing" if backend.state in ("missing", "silent") else "starting"


def _backend_text(backend: BackendModel) -> str:
    return backend.headline if backend.ready else f"{backend.headline} {backend.detail}".strip()


def _shown(progress: JobProgress, panel: PanelModel) -> bool:
    job = progress.job
    return job.state != "done" and job.id not in panel.takes.dismissed


def _job(progress: JobProgress, host: IdentifiesClips) -> dict[str, Any]:
    card, job = job_card(progress), progress.job
    # While it runs, the line names the stage already.
    parts = (card.line,) if job.state in RUNNING else (card.state_text, card.line)
    return {
        "id": job.id,
        "uid": host.uid_of(progress.shot),
        "instruction": job.instruction,
        "state": card.state,
        "stage": job.stage or "",
        "fraction": card.progress,
        "seconds_left": job.seconds_left,
        "text": " · ".join(filter(None, parts)),
        "problem": _problem(card.problem),
    }


def _takes(panel: PanelModel, host: IdentifiesClips, still: Callable[[str], str]) -> list[dict[str, Any]]:
    """The newest takes, the newest first."""
    takes = panel.takes
    entries = sorted(takes.entries.values(), key=lambda each: (each.take.created, each.number), reverse=True)
    labels: dict[tuple[str, int], str] = {}
    for shot in {takes.shots.get(each.job, "") for each in entries}:
        labels |= takes.labels_of(shot)
    found = []
    for each in entries[:_MOST_TAKES]:
        take = each.take
        preview = next((media.path for media in take.media if media.role == "preview"), "")
        found.append(
            {
                "id": take.id,
                "job": each.job,
                "uid": host.uid_of(takes.shots.get(each.job, "")),
                "label": f"{labels.get((each.job, each.number), take.name)} · {take.instruction}",
                "status": take.status,
                "thumbnail": still(f"{each.folder}/{preview}") if preview else "",
                "placed": take.id in takes.placed,
            }
        )
    return found


def _problem(problem: Problem | None) -> dict[str, str] | None:
    if problem is None:
        return None
    return {"what": problem.what, "why": problem.why, "remedy": problem.remedy}
