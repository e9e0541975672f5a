"""The check of the machine: `dynvfx doctor` in a process of its own, read line by line."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PyQt6.QtCore import QObject, QProcess

from plugin.panel.models.observable import Field, Observable

_MARKS = {"ok": "fine", "--": "missing", "BROKEN": "broken"}
COMMAND = (sys.executable, "-m", "plugin.cli.main", "doctor")


@dataclass(frozen=True)
class Checked:
    """One finding: `missing` is optional, `broken` keeps the shipped model from working."""

    subject: str
    state: Literal["fine", "missing", "broken"]
    text: str
    remedy: str = ""


class ChecksModel(Observable):
    """Findings as they come. `state` is idle, running, fine or broken."""

    state: Field[str] = Field("idle")
    findings: Field[tuple[Checked, ...]] = Field(())

    def __init__(self, command: tuple[str, ...] = COMMAND, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._command = command
        self._process: QProcess | None = None
        self._rest = ""

    def run(self) -> None:
        """Begin the check, unless one is under way."""
        if self._process is not None:
            return
        self.findings, self._rest = (), ""
        self._process = QProcess(self)
        self._process.setWorkingDirectory(str(Path(__file__).resolve().parents[4]))
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.finished.connect(self._finished)
        self._process.errorOccurred.connect(self._not_started)
        self.state = "running"
        self._process.start(self._command[0], list(self._command[1:]))

    def stop(self) -> None:
        """End a check that is under way."""
        if self._process is not None:
            process, self._process = self._process, None
            process.kill()
            process.waitForFinished(2000)

    def _read(self) -> None:
        if self._process is None:
            return
        text = self._rest + bytes(self._process.readAllStandardOutput()).decode("utf-8", "replace")
        *lines, self._rest = text.split("\n")
        for line in lines:
            self.hear(line)

    def hear(self, line: str) -> None:
        """A line of the check's report."""
        mark, _, rest = line.strip().partition(" ")
        if line.startswith(" ") and self.findings:
            last = self.findings[-1]
            self.findings = (*self.findings[:-1], Checked(last.subject, last.state, last.text, line.strip()))
        elif mark in _MARKS and ":" in rest:
            subject, _, text = rest.partition(":")
            self.findings = (*self.findings, Checked(subject.strip(), _MARKS[mark], text.strip()))

    def _finished(self, code: int, _: QProcess.ExitStatus) -> None:
        if self._process is not None:
            self._read()
            self._process = None
            broken = code != 0 or any(each.state == "broken" for each in self.findings)
            self.state = "broken" if broken else "fine"

    def _not_started(self, error: QProcess.ProcessError) -> None:
        if self._process is not None and error == QProcess.ProcessError.FailedToStart:
            why = self._process.errorString()
            self._process = None
            self.findings = (Checked("Check", "broken", why, "Reinstall DynVFX."),)
            self.state = "broken"
