"""The real panel process with a scripted user: `python -m tests.plugin.panel.robot_artist REPORT INSTRUCTION`.

For applications that leave all asking to the panel's window. Plans, generates, approves and places the first take of
the selected clip, writes what came of it to REPORT as JSON, and closes the panel.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication

from plugin.panel.agent_application import ADDRESS, TOKEN, AgentPanel
from plugin.panel.application import application
from plugin.panel.models.panel.panel_model import PanelModel

EVERY_MS = 20


class Artist:
    """Carries out its steps, each as soon as the panel is ready for it."""

    def __init__(self, panel: AgentPanel, report: Path, instruction: str) -> None:
        self._panel, self._report, self._instruction = panel, report, instruction
        self._steps = self._work()
        self._timer = QTimer()
        self._timer.timeout.connect(self._go_on)
        self._timer.start(EVERY_MS)

    def _go_on(self) -> None:
        if self._panel.panel is None:
            return
        model = self._panel.panel.model
        problem = model.problem or model.shot.problem or model.plan.problem or model.placements.problem
        failed = [each.job.failure for each in model.takes.jobs.values() if each.job.failure is not None]
        if problem is not None or failed:
            self._leave({"problem": str(problem or failed[0])})
        elif (reported := next(self._steps)) is not None:
            self._leave(reported)

    def _work(self) -> Iterator[dict | None]:
        model: PanelModel = self._panel.panel.model
        while not (model.backend.ready and model.shot.shot is not None):
            yield None
        model.ask.instruction, model.ask.quality = self._instruction, "draft"
        if model.plan_hindrance:
            yield {"problem": model.plan_hindrance}
        model.make_plan()
        while model.plan.state != "ready":
            yield None
        model.generate()
        while not model.takes.cards or not model.takes.entries:
            yield None
        entry = next(iter(model.takes.entries.values()))
        model.decisions.approve_and_place(entry.take.id)
        while model.placements.current is None or model.takes.entry_of(entry.take.id).take.status != "approved":
            yield None
        yield {"take": entry.take.id, "folder": entry.folder, "sentence": model.placements.status_text}

    def _leave(self, reported: dict) -> None:
        self._timer.stop()
        partial = self._report.with_suffix(".partial")
        partial.write_text(json.dumps(reported))
        partial.replace(self._report)
        QApplication.quit()


def main(report: Path, instruction: str) -> int:
    """Like `plugin.panel.agent_application.run_for_agent`; returns the exit code."""
    environment = {name: os.environ.pop(name, "") for name in (ADDRESS, TOKEN)}
    with application() as program:
        panel = AgentPanel(program, environment, hidden=True)
        panel.session.begin()
        artist = Artist(panel, report, instruction)
        try:
            program.app.exec()
        finally:
            del artist
            panel.close()
    return panel.exit_code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
