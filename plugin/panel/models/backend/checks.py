"""The check of the machine: `dynvfx doctor --json` in a process of its own, one finding a line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
from PyQt6.QtCore import QObject, QProcess, QProcessEnvironment

from bridge.local.named_backend import ADDRESS_VARIABLE, KEY_VARIABLE, NamedBackend
from contract.errors import BadUsage
from contract.finding import Finding
from plugin.panel.models.observable import Field, Observable

COMMAND = (sys.executable, "-m", "plugin.cli.main", "doctor", "--json")


class ChecksModel(Observable):
    """Findings as they come. `state` is idle, running, fine or broken."""

    state: Field[str] = Field("idle")
    findings: Field[tuple[Finding, ...]] = Field(())

    def __init__(
        self,
        command: tuple[str, ...] = COMMAND,
        backend: Callable[[], NamedBackend | None] = lambda: None,
        parent: QObject | None = None,
    ) -> None:
        """`backend` tells which backend of another machine is to be checked."""
        super().__init__(parent)
        self._command, self._backend = command, backend
        self._process: QProcess | None = None
        self._rest = b""

    def run(self) -> None:
        """Start the check, unless one is running."""
        if self._process is not None:
            return
        self.findings, self._rest = (), b""
        self._process = QProcess(self)
        self._process.setWorkingDirectory(str(Path(__file__).resolve().parents[4]))
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.finished.connect(self._finished)
        self._process.errorOccurred.connect(self._not_started)
        self._process.setProcessEnvironment(self._environment())
        self.state = "running"
        self._process.start(self._command[0], list(self._command[1:]))

    def stop(self) -> None:
        """End a check that is running."""
        if self._process is not None:
            process, self._process = self._process, None
            process.kill()
            process.waitForFinished(2000)

    def _environment(self) -> QProcessEnvironment:
        """This process's, with the panel's own backend in it."""
        environment = QProcessEnvironment.systemEnvironment()
        try:
            backend = self._backend()
        except BadUsage:
            return environment  # the check itself reports the wrong variable
        environment.insert(ADDRESS_VARIABLE, backend.address if backend else "")
        environment.insert(KEY_VARIABLE, backend.key if backend else "")
        return environment

    def _read(self) -> None:
        if self._process is None:
            return
        *lines, self._rest = (self._rest + self._process.readAllStandardOutput().data()).split(b"\n")
        for line in lines:
            self._add(line)

    def _add(self, line: bytes) -> None:
        try:
            finding = msgspec.json.decode(line, type=Finding)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return  # a library printed something
        self.findings = (*self.findings, finding)

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
            self.findings = (Finding("Check", "broken", why, "Reinstall DynVFX."),)
            self.state = "broken"
