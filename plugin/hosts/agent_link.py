"""The agent's end of the link between an editing application and the panel; PROTOCOL.md beside this file defines it.

One file on purpose: it is copied beside every agent and runs in the application's own Python, 3.6 to 3.14. It uses only
the standard library, no threads and no blocking calls: `AgentLink.poll` does all the work, on the thread that calls it.
"""

import json
import os
import select
import socket
import subprocess
import sys
import time
import traceback
import types
from functools import partial
from hmac import compare_digest
from secrets import token_hex
from typing import Any, Callable, Dict, List, Optional, Tuple

PROTOCOL = 1
BEAT_SECONDS = 2.0
SILENCE_SECONDS = 10.0
"""A panel that sends nothing for this long while the agent polls is disconnected."""
HELLO_SECONDS = 5.0
LINE_BYTES = 4 * 1024 * 1024
_HELLO_BYTES = 16 * 1024
_UNREAD_BYTES = 32 * 1024 * 1024  # a panel that does not read is disconnected beyond this
_READ_BYTES = 256 * 1024
_MOST_UNKNOWN_PEERS = 8
_LINES_A_POLL = 64
_HOSTS_OWN = ("PYTHONHOME", "PYTHONPATH", "PYTHONEXECUTABLE", "PYTHONSTARTUP", "__PYVENV_LAUNCHER__", "VIRTUAL_ENV",
              "QT_PLUGIN_PATH", "QT_QPA_PLATFORM_PLUGIN_PATH")  # fmt: skip


class AgentProblem(Exception):
    """An error for the user: a stable identifier `kind`, and the sentences `what`, `why`, `remedy`."""

    def __init__(self, kind: str, what: str, why: str = "", remedy: str = "") -> None:
        Exception.__init__(self, " ".join(part for part in (what, why, remedy) if part))
        self.kind, self.what, self.why, self.remedy = kind, what, why, remedy


class AgentLink:
    """Listens for one panel and answers its calls.

    host: the application's name in the protocol ("blender", "resolve").
    host_version, agent_version: their versions, as text.
    capabilities: the names of the methods that are offered to the panel.
    methods: functions by name, also for the panel's notifications (`state`). Each takes a dict and returns a dict, None
        or a generator. A generator yields {"done", "total", "text"} (or None), is advanced once per `poll`, and returns
        the result. It is closed when the panel cancels the call or disconnects, and must then undo its work in
        `finally`.
    layer: the kind of layer file that the application composites correctly ("png", "prores4444").
    palette: the application's colours, or None.
    parts: whether `place` and `swap` take takes of a part of a clip.
    clock: seconds, monotonic.
    """

    def __init__(
        self,
        host: str,
        host_version: str,
        agent_version: str,
        capabilities: List[str],
        methods: Dict[str, Callable[[Dict[str, Any]], Any]],
        layer: str,
        palette: Optional[Dict[str, str]] = None,
        clock: Callable[[], float] = time.monotonic,
        parts: bool = False,
    ) -> None:
        missing = sorted(set(capabilities) - set(methods))
        if missing:
            raise ValueError("no method for the capabilities " + ", ".join(missing))
        self._hello = {"protocol": PROTOCOL, "host": host, "host_version": host_version, "layer": layer}
        self._hello.update(agent_version=agent_version, capabilities=sorted(capabilities), palette=palette)
        self._hello.update(pid=os.getpid(), parts=parts)
        self._methods, self._clock = methods, clock
        self._listener = None  # type: Optional[socket.socket]
        self._token = ""
        self._unknown_peers = []  # type: List[Peer]
        self._panel = None  # type: Optional[Peer]
        self._running = []  # type: List[Tuple[Any, types.GeneratorType]]
        self._pending = {}  # type: Dict[int, Tuple[Optional[Callable], Optional[Callable]]]
        self._failed = []  # type: List[Tuple[Optional[Callable], AgentProblem]]
        self._number = 0
        self._polled = self._beaten = clock()
        self._polling = False
        self._process = None  # type: Optional[subprocess.Popen]

    # Beginning and ending ---------------------------------------------------------------------------------------------

    def listen(self) -> Tuple[int, str]:
        """Listen on 127.0.0.1; returns the port and the token that a panel must send. Raises OSError."""
        if self._listener is None:
            self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self._listener.bind(("127.0.0.1", 0))
            self._listener.listen(_MOST_UNKNOWN_PEERS)
            self._listener.setblocking(False)
            self._token = token_hex(32)
        return self._listener.getsockname()[1], self._token

    def start_panel(
        self, command: List[str], environment: Optional[Dict[str, Optional[str]]] = None, log: Optional[str] = None
    ) -> subprocess.Popen:
        """Start the panel's process, which then connects. Raises OSError when it cannot be started.

        environment: added to the host's environment; None removes a variable.
        log: a file to which the panel's output is appended.
        """
        port, token = self.listen()
        # Variables that the application sets for its own Python and Qt would break the panel's.
        inherited = {name: value for name, value in os.environ.items() if name not in _HOSTS_OWN}
        inherited.update(environment or {})  # type: ignore[arg-type]
        inherited.update(DYNVFX_AGENT=f"127.0.0.1:{port}", DYNVFX_AGENT_TOKEN=token)
        clean = {name: value for name, value in inherited.items() if value is not None}
        flags = {"creationflags": 0x08000200} if sys.platform == "win32" else {"start_new_session": True}  # type: Dict
        with open(log or os.devnull, "ab") as output:
            self._process = subprocess.Popen(
                command, env=clean, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, **flags
            )
        return self._process

    def close(self) -> None:
        """Send `closing` to the panel, disconnect and stop listening. A second call does nothing."""
        if self._panel is not None:
            self.notify("closing", {})
            self._panel.finish()
        self._drop_panel("The editing application closed the link.")
        for peer in self._unknown_peers:
            peer.socket.close()
        self._unknown_peers = []
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    # State ------------------------------------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether a panel with the right token is connected."""
        return self._panel is not None

    @property
    def panel_running(self) -> bool:
        """Whether the process that `start_panel` started is running."""
        return self._process is not None and self._process.poll() is None

    @property
    def working(self) -> bool:
        """Whether calls are running that need to be advanced soon by another `poll`."""
        return bool(self._running)

    # Messages ---------------------------------------------------------------------------------------------------------

    def notify(self, method: str, params: Dict[str, Any]) -> None:
        """Send the panel a notification; does nothing without a panel."""
        if self._panel is not None:
            self._panel.send({"method": method, "params": params})

    def call(
        self,
        method: str,
        params: Dict[str, Any],
        then: Optional[Callable[[Dict[str, Any]], Any]] = None,
        failed: Optional[Callable[[AgentProblem], Any]] = None,
    ) -> None:
        """Call a method of the panel; a later `poll` calls `then` or `failed`."""
        if self._panel is None:
            self._failed.append((failed, _panel_gone("")))
            return
        self._number += 1
        self._pending[self._number] = (then, failed)
        self._panel.send({"id": self._number, "method": method, "params": params})

    def poll(self, seconds: float = 0.0) -> None:
        """Accept panels, answer, advance calls, send heartbeats. Waits up to `seconds` when there is nothing to do."""
        if self._polling or self._listener is None:
            return  # called again from a method that ran the host's event loop
        self._polling = True
        try:
            self._poll(seconds)
        finally:
            self._polling = False

    def _poll(self, seconds: float) -> None:
        now = self._clock()
        gap = now - self._polled
        peers = self._unknown_peers + ([self._panel] if self._panel else [])
        if gap > BEAT_SECONDS:
            for peer in peers:
                peer.received_at += gap  # time without polling does not count as the panel's silence
        waits = self._running or self._failed or any(b"\n" in peer.incoming for peer in peers)
        due = max(0.0, self._beaten + BEAT_SECONDS - now) if self._panel else seconds
        reading = [self._listener] + [peer.socket for peer in peers]
        writing = [peer.socket for peer in peers if peer.outgoing]
        try:
            ready, _, _ = select.select(reading, writing, [], 0.0 if waits else min(seconds, due))
        except (OSError, ValueError):
            ready = reading  # reading from each finds the broken one
        self._polled = now = self._clock()
        if self._listener in ready:
            self._accept(now)
        failed, self._failed = self._failed, []
        for callback, problem in failed:
            if callback is not None:
                self._run_guarded(None, partial(callback, problem))
        self._read_panel(now)
        for peer in list(self._unknown_peers):
            self._authenticate(peer, now)
        self._advance_calls()
        if self._panel is not None and now - self._beaten >= BEAT_SECONDS:
            self._beaten = now
            self.notify("beat", {})
        if self._panel is not None and not self._panel.flush():
            self._drop_panel("The connection was lost.")

    # Panels come and go -----------------------------------------------------------------------------------------------

    def _accept(self, now: float) -> None:
        try:
            incoming, _ = self._listener.accept()  # type: ignore[union-attr]
        except OSError:
            return  # it has gone again
        if len(self._unknown_peers) >= _MOST_UNKNOWN_PEERS:
            incoming.close()
        else:
            self._unknown_peers.append(Peer(incoming, now))

    def _authenticate(self, peer: "Peer", now: float) -> None:
        """Check that the first line is a hello with the token; otherwise close without an answer."""
        alive = peer.read(now=None)
        line = peer.next_line()
        if line is None:
            if not alive or len(peer.incoming) > _HELLO_BYTES or now - peer.received_at > HELLO_SECONDS:
                self._unknown_peers.remove(peer)
                peer.socket.close()
            return
        self._unknown_peers.remove(peer)
        message = _parsed(line) if len(line) <= _HELLO_BYTES else None
        params = message.get("params") if message else None
        token = params.get("token") if isinstance(params, dict) else None
        known = compare_digest(str(token).encode("utf-8", "replace"), self._token.encode())
        if not known or not isinstance(token, str) or message.get("method") != "hello":  # type: ignore[union-attr]
            peer.socket.close()
            return
        problem = _refusal(params.get("protocol"), self._panel is not None)  # type: ignore[union-attr]
        number = message.get("id")  # type: ignore[union-attr]
        if problem is not None:
            peer.send(_error(number, problem))
            peer.finish()
            return
        peer.received_at = self._beaten = now
        self._panel = peer
        peer.send({"id": number, "result": self._hello})

    def _read_panel(self, now: float) -> None:
        peer = self._panel
        if peer is None:
            return
        alive = peer.read(now)
        for _ in range(_LINES_A_POLL):
            line = peer.next_line()
            if line is None or self._panel is not peer:
                break
            self._handle(line)
        if self._panel is not peer:
            return
        if not alive and b"\n" not in peer.incoming:
            self._drop_panel("The panel has ended.")
        elif len(peer.incoming) > LINE_BYTES and b"\n" not in peer.incoming[: LINE_BYTES + 1]:
            self._drop_panel("The panel sent a line that is too long.")
        elif now - peer.received_at > SILENCE_SECONDS:
            self._drop_panel(f"The panel was silent for {SILENCE_SECONDS:.0f} seconds.")

    def _drop_panel(self, why: str) -> None:
        if self._panel is None:
            return
        self._panel.socket.close()
        self._panel = None
        running, self._running = self._running, []
        for _, generator in running:
            self._run_guarded(None, generator.close)
        asked, self._pending = self._pending, {}
        self._failed += [(failed, _panel_gone(why)) for _, failed in asked.values()]

    # Messages ---------------------------------------------------------------------------------------------------------

    def _handle(self, line: bytes) -> None:
        message = _parsed(line)
        if message is None:
            if self._panel is not None:
                self._panel.send(_error(None, AgentProblem("garbled", "A line was not a JSON object."), -32700))
        elif "method" not in message:
            self._answered(message)
        elif message["method"] == "cancel_call":
            self._cancel(message)
        elif message["method"] != "beat":
            self._start_call(message)

    def _answered(self, message: Dict[str, Any]) -> None:
        number = message.get("id")
        then, failed = self._pending.pop(number, (None, None)) if isinstance(number, int) else (None, None)
        if message.get("error") is not None:
            if failed is not None:
                self._run_guarded(None, lambda: failed(_problem(message["error"])))
        elif then is not None:
            self._run_guarded(None, lambda: then(message.get("result") or {}))

    def _start_call(self, message: Dict[str, Any]) -> None:
        number, params = message.get("id"), message.get("params", {})
        method = self._methods.get(message["method"]) if isinstance(message["method"], str) else None
        if not isinstance(params, dict) or not isinstance(number, (int, str, type(None))) or self._runs(number):
            self._finish(number, problem=AgentProblem("garbled", "The request is not well-formed."), code=-32600)
        elif method is None:
            what = f"This application does not offer {message['method']!r}."
            self._finish(number, problem=AgentProblem("not_supported", what), code=-32601)
        else:
            result = self._run_guarded(number, lambda: method(params))
            if isinstance(result, types.GeneratorType):
                self._running.append((number, result))
            elif result is not _FAILED:
                self._finish(number, result)

    def _runs(self, number: Any) -> bool:
        return number is not None and any(each == number for each, _ in self._running)

    def _advance_calls(self) -> None:
        for call in list(self._running):
            if call not in self._running:
                continue  # closed by the step of another one
            number, generator = call
            step = self._run_guarded(number, partial(_step, generator))
            if step is _FAILED or step[0]:
                self._running = [each for each in self._running if each is not call]
            if step is _FAILED:
                continue
            if step[0]:
                self._finish(number, step[1])
            elif step[1] is not None and number is not None:
                self.notify("progress", dict(step[1], call=number))

    def _cancel(self, message: Dict[str, Any]) -> None:
        params = message.get("params")
        wanted = params.get("call") if isinstance(params, dict) else None
        for call in [each for each in self._running if wanted is not None and each[0] == wanted]:
            self._running.remove(call)
            self._run_guarded(None, call[1].close)
            self._finish(wanted, problem=AgentProblem("cancelled", "Cancelled."))
        self._finish(message.get("id"), {})

    def _run_guarded(self, number: Any, work: Callable[[], Any]) -> Any:
        """Return the result of `work`; if it raises, send the error to the panel and return _FAILED."""
        try:
            return work()
        except AgentProblem as problem:
            self._finish(number, problem=problem)
        except Exception as error:  # noqa: BLE001 - an application's API may raise anything; its event loop must not stop
            traceback.print_exc()
            what = f"An error occurred in the editing application ({type(error).__name__})."
            self._finish(
                number, problem=AgentProblem("agent_error", what, str(error), "Report it if it happens again.")
            )
        return _FAILED

    def _finish(
        self, number: Any, result: Any = None, problem: Optional[AgentProblem] = None, code: int = -32000
    ) -> None:
        """Answer a request; a notification has no number and gets no answer."""
        if number is None or self._panel is None:
            return
        if problem is None:
            problem = self._panel.send({"id": number, "result": {} if result is None else result})
        if problem is not None:
            self._panel.send(_error(number, problem, code))


_FAILED = object()


def _step(generator: types.GeneratorType) -> Tuple[bool, Any]:
    try:
        return False, next(generator)
    except StopIteration as stop:
        return True, stop.value


class Peer:
    """A non-blocking socket that carries lines; `received_at` is when it last received bytes."""

    def __init__(self, connection: socket.socket, now: float) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket, self.received_at = connection, now
        self.incoming, self.outgoing = bytearray(), bytearray()

    def read(self, now: Optional[float]) -> bool:
        """Read what has arrived; False when the connection is closed or broken."""
        while len(self.incoming) <= LINE_BYTES:
            try:
                chunk = self.socket.recv(_READ_BYTES)
            except (BlockingIOError, InterruptedError):
                return True
            except OSError:
                return False
            if not chunk:
                return False
            self.incoming += chunk
            self.received_at = self.received_at if now is None else now
        return True

    def next_line(self) -> Optional[bytes]:
        """The next complete line without its newline; None when there is none."""
        line, end, rest = self.incoming.partition(b"\n")
        if not end:
            return None
        self.incoming = rest
        return bytes(line)

    def send(self, message: Dict[str, Any]) -> Optional[AgentProblem]:
        """Queue a message. Returns a problem, and queues nothing, when it is not JSON or too long."""
        try:
            line = json.dumps(dict(message, jsonrpc="2.0"), allow_nan=False).encode("ascii") + b"\n"
        except (TypeError, ValueError, RecursionError) as error:
            return AgentProblem("agent_error", "The answer is not JSON.", str(error))
        if len(line) > LINE_BYTES:
            return AgentProblem("too_long", f"The answer has {len(line)} bytes; the limit is {LINE_BYTES}.")
        self.outgoing += line
        return None

    def flush(self) -> bool:
        """Send what the socket accepts now; False when the connection is broken or the panel does not read."""
        try:
            while self.outgoing:
                del self.outgoing[: self.socket.send(self.outgoing[:_READ_BYTES])]
        except (BlockingIOError, InterruptedError):
            return len(self.outgoing) <= _UNREAD_BYTES
        except OSError:
            return False
        return True

    def finish(self) -> None:
        """Send the queued messages within half a second if possible, and close."""
        try:
            self.socket.settimeout(0.5)
            self.socket.sendall(self.outgoing)
        except OSError:
            pass  # the panel has already disconnected
        self.socket.close()


def _parsed(line: bytes) -> Optional[Dict[str, Any]]:
    try:
        message = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def _error(number: Any, problem: AgentProblem, code: int = -32000) -> Dict[str, Any]:
    data = {"kind": problem.kind, "what": problem.what, "why": problem.why, "remedy": problem.remedy}
    return {"id": number, "error": {"code": code, "message": problem.what, "data": data}}


def _problem(error: Any) -> AgentProblem:
    data = error.get("data") if isinstance(error, dict) else None
    facts = data if isinstance(data, dict) else {"what": str(error)}
    return AgentProblem(*(str(facts.get(name) or "") for name in ("kind", "what", "why", "remedy")))


def _refusal(spoken: Any, taken: bool) -> Optional[AgentProblem]:
    if taken:
        return AgentProblem("panel_already_there", "Another panel is connected.", "", "Close it first.")
    if not (isinstance(spoken, list) and len(spoken) == 2 and all(isinstance(each, int) for each in spoken)):
        return AgentProblem("protocol", "The panel did not send its protocol versions.", "", "Update the panel.")
    if spoken[0] <= PROTOCOL <= spoken[1]:
        return None
    older = "the panel" if spoken[1] < PROTOCOL else "the add-on in the editing application"
    why = f"The panel supports protocol versions {spoken[0]} to {spoken[1]}, the application version {PROTOCOL}."
    return AgentProblem(
        "protocol",
        "The panel and the part of DynVFX in the application have incompatible versions.",
        why,
        f"Update {older}: install DynVFX again.",
    )


def _panel_gone(why: str) -> AgentProblem:
    return AgentProblem("panel_gone", "The panel is not open.", why, "Open it again.")
