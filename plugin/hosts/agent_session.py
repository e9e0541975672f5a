"""The panel's end of the link with an agent, in Qt's event loop: nothing here blocks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil
from PyQt6.QtCore import QObject, QTimer, pyqtSignal
from PyQt6.QtNetwork import QAbstractSocket, QTcpSocket

from contract.errors import Problem
from plugin.hosts.agent_link import BEAT_SECONDS, HELLO_SECONDS, LINE_BYTES, PROTOCOL
from plugin.hosts.agent_messages import AgentHello, read_reply
from plugin.hosts.base import HostProblem

BUSY_SECONDS = 2.5 * BEAT_SECONDS
_LONGEST_HELLO = 6 * HELLO_SECONDS
"""Seconds for the agent's hello, long because an application that is still starting does not poll."""

Replied = Callable[[dict[str, Any]], None]
Failed = Callable[[Problem], None]
Progressed = Callable[[int, int, str], None]


class HostGone(HostProblem):
    """The editing application or its agent has ended."""

    kind = "host_gone"


@dataclass
class _Call:
    done: Replied
    failed: Failed
    progress: Progressed | None


class Responder:
    """Answers one request of the agent; only the first answer is sent."""

    def __init__(self, session: AgentSession, number: int | str | None) -> None:
        self._session, self._number = session, number

    def reply(self, result: dict[str, Any] | None = None) -> None:
        """Send the result."""
        self._send({"result": result or {}})

    def reject(self, problem: Problem) -> None:
        """Send an error."""
        facts = {"kind": problem.kind, "what": problem.what, "why": problem.why, "remedy": problem.remedy}
        self._send({"error": {"code": -32000, "message": problem.what, "data": facts}})

    def _send(self, message: dict[str, Any]) -> None:
        number, self._number = self._number, None
        if number is not None:
            self._session.send({"id": number, **message})


class AgentSession(QObject):
    """The connection to an agent.

    welcomed: the agent accepted the panel; carries its AgentHello.
    changed: the timeline must be read again.
    asked: the agent's request (method, params, Responder).
    busyChanged: whether the application has stopped sending heartbeats.
    ended: emitted once, as the last signal, with HostGone or another Problem.
    """

    welcomed = pyqtSignal(object)
    changed = pyqtSignal()
    asked = pyqtSignal(str, dict, object)
    busyChanged = pyqtSignal(bool)
    ended = pyqtSignal(object)

    def __init__(
        self,
        address: str,
        token: str,
        version: str,
        parent: QObject | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(parent)
        self._address, self._token, self._version, self._clock = address, token, version, clock
        self.hello: AgentHello | None = None
        self.busy = False
        self._ended = False
        self._calls: dict[int, _Call] = {}
        self._number = 0
        self._incoming = bytearray()
        self._received_at = self._started_at = clock()
        self._process: psutil.Process | None = None
        self._socket = QTcpSocket(self)
        self._socket.setSocketOption(QAbstractSocket.SocketOption.LowDelayOption, 1)
        self._socket.connected.connect(self._greet)
        self._socket.readyRead.connect(self._read)
        self._socket.disconnected.connect(self._on_disconnect)
        self._socket.errorOccurred.connect(self._on_disconnect)
        self._heartbeat = QTimer(self)
        self._heartbeat.setInterval(round(1000 * BEAT_SECONDS / 2))
        self._heartbeat.timeout.connect(self._tick)

    def begin(self) -> None:
        """Connect to the agent."""
        host, _, port = self._address.rpartition(":")
        if not host or not port.isdecimal():
            what = f"{self._address!r} is not the address of an editing application."
            self._end(HostProblem(what, "", "Start the panel from the application's menu."))
            return
        self._started_at = self._clock()
        self._heartbeat.start()
        self._socket.connectToHost(host, int(port))

    def close(self) -> None:
        """Disconnect; open calls fail."""
        self._end(HostGone("The panel has closed."))

    # Calls and notifications ------------------------------------------------------------------------------------------

    def call(
        self, method: str, params: dict[str, Any], done: Replied, failed: Failed, progress: Progressed | None = None
    ) -> int:
        """Call a method of the agent; `done` or `failed` is called later. Returns the call's number, for `cancel`."""
        self._number += 1
        self._calls[self._number] = _Call(done, failed, progress)
        if self._ended:
            QTimer.singleShot(0, lambda number=self._number: self._fail(number, _host_gone()))
        else:
            self.send({"id": self._number, "method": method, "params": params})
        return self._number

    def cancel(self, call: int) -> None:
        """Cancel a call; it fails with the kind "cancelled" unless it is already finished."""
        if call in self._calls:
            self.notify("cancel_call", {"call": call})

    def notify(self, method: str, params: dict[str, Any]) -> None:
        """Send the agent a notification."""
        self.send({"method": method, "params": params})

    def send(self, message: dict[str, Any]) -> None:
        """Send a message, if connected."""
        if not self._ended and self._socket.state() == QAbstractSocket.SocketState.ConnectedState:
            self._socket.write(json.dumps({"jsonrpc": "2.0", **message}).encode("ascii") + b"\n")

    # The connection ---------------------------------------------------------------------------------------------------

    def _greet(self) -> None:
        params = {"token": self._token, "protocol": [PROTOCOL, PROTOCOL], "panel": self._version}
        self.call("hello", params, self._on_hello, self._end)

    def _on_hello(self, reply: dict[str, Any]) -> None:
        try:
            hello = read_reply(reply, AgentHello)
        except Problem as problem:
            self._end(problem)
            return
        try:
            self._process = psutil.Process(hello.pid)
        except (psutil.Error, ValueError):
            self._process = None  # no access to that process: only the closed socket will show that it has ended
        self.hello = hello
        self.welcomed.emit(hello)

    def _tick(self) -> None:
        now = self._clock()
        if self.hello is None:
            if now - self._started_at > _LONGEST_HELLO:
                self._end(HostGone("The editing application does not answer the panel.", "", "Open the panel again."))
            return
        self.notify("beat", {})
        self._set_busy(now - self._received_at > BUSY_SECONDS)
        if self.busy and self._process is not None and not _is_alive(self._process):
            self._end(_host_gone())

    def _set_busy(self, busy: bool) -> None:
        if busy != self.busy:
            self.busy = busy
            self.busyChanged.emit(busy)

    def _read(self) -> None:
        self._incoming += self._socket.readAll().data()
        self._received_at = self._clock()
        self._set_busy(False)
        while not self._ended:
            line, end, rest = self._incoming.partition(b"\n")
            if not end:
                break
            self._incoming = rest
            self._handle(bytes(line))
        if len(self._incoming) > LINE_BYTES:
            self._end(HostProblem("The editing application sent a line that is too long."))

    def _on_disconnect(self) -> None:
        if self._socket.bytesAvailable():
            self._read()
        self._end(_host_gone())

    def _end(self, problem: Problem) -> None:
        if self._ended:
            return
        self._ended = True
        self._heartbeat.stop()
        for number in list(self._calls):
            self._fail(number, problem)
        self._socket.abort()
        self.ended.emit(problem)

    # Messages ---------------------------------------------------------------------------------------------------------

    def _handle(self, line: bytes) -> None:
        try:
            message = json.loads(line.decode("utf-8"))
        except (ValueError, RecursionError):
            return
        if not isinstance(message, dict):
            return
        method, params = message.get("method"), message.get("params")
        params = params if isinstance(params, dict) else {}
        if method is None:
            self._answered(message)
        elif message.get("id") is not None:
            self.asked.emit(str(method), params, Responder(self, message["id"]))
        elif method == "changed":
            self.changed.emit()
        elif method == "progress":
            self._progressed(params)
        elif method == "closing":
            self._end(_host_gone())

    def _answered(self, message: dict[str, Any]) -> None:
        number, error = message.get("id"), message.get("error")
        if not isinstance(number, int) or number not in self._calls:
            return
        if error is not None:
            self._fail(number, _problem(error))
        else:
            result = message.get("result")
            self._calls.pop(number).done(result if isinstance(result, dict) else {})

    def _progressed(self, params: dict[str, Any]) -> None:
        number = params.get("call")
        call = self._calls.get(number) if isinstance(number, int) else None
        if call is not None and call.progress is not None:
            done, total = (each if isinstance(each, int) else 0 for each in (params.get("done"), params.get("total")))
            call.progress(done, total, str(params.get("text") or ""))

    def _fail(self, number: int, problem: Problem) -> None:
        self._calls.pop(number).failed(problem)


def _problem(error: Any) -> Problem:
    data = error.get("data") if isinstance(error, dict) else None
    details = data if isinstance(data, dict) else {"what": str(error)}
    what, why, remedy = (str(details.get(name) or "") for name in ("what", "why", "remedy"))
    problem = HostProblem(what or "The editing application reported an error.", why, remedy)
    problem.kind = str(details.get("kind") or "host")
    return problem


def _host_gone() -> HostGone:
    return HostGone(
        "The editing application is no longer connected.",
        "It was closed, or DynVFX was switched off in it.",
        "Open the panel again from the application. Finished takes are safe.",
    )


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
