"""Calls of a client that have no answer yet."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from bridge.wire.encoding import encode_call
from bridge.wire.messages import Approve, Refused, Reply, Request, Retry, Stop
from bridge.wire.session_errors import refusal
from contract.errors import ConnectionLost, Problem, TooLarge, Unreachable

Outcome = Reply | Problem
"""What becomes of a call: a reply that is no refusal, or why there is none."""

NOT_REPEATABLE = (Approve, Retry, Stop)
"""Requests that could do something else when they are carried out twice."""


@dataclass
class _Call:
    request: Request
    seconds: float
    deadline: float
    on_outcome: Callable[[Outcome], None]
    repeatable: bool
    sent: bool = False


class PendingCalls:
    """Numbers calls, keeps them until their end, and sends the repeatable ones again over the next connection."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.largest = 1 << 20
        """Bytes that the service accepts in one message."""
        self._clock = clock
        self._calls: dict[int, _Call] = {}
        self._unsent: deque[int] = deque()
        self._number = 0

    def next_number(self) -> int:
        """A number that no call had yet."""
        self._number += 1
        return self._number

    def add(
        self, request: Request, seconds: float, on_outcome: Callable[[Outcome], None], *, repeatable: bool = True
    ) -> int:
        """Keep a call until its outcome, which comes within `seconds`; not `repeatable`: on this connection only."""
        number = self.next_number()
        repeatable = repeatable and not isinstance(request, NOT_REPEATABLE)
        self._calls[number] = _Call(request, seconds, self._clock() + seconds, on_outcome, repeatable)
        self._unsent.append(number)
        return number

    @property
    def has_unsent(self) -> bool:
        """Whether something waits to be sent."""
        return bool(self._unsent)

    def has(self, kind: type[Request]) -> bool:
        """Whether a call of this kind is open; if it may be repeated, the next connection carries it out."""
        return any(isinstance(call.request, kind) for call in self._calls.values())

    def send(self, send: Callable[[bytes], bool]) -> None:
        """Send what waits, until nothing does or `send` returns False."""
        while self._unsent:
            number = self._unsent[0]
            call = self._calls.get(number)
            if call is None:  # it has ended before it was sent
                self._unsent.popleft()
                continue
            data = encode_call(number, call.request)
            if len(data) > self.largest:
                self._unsent.popleft()
                self._end(number, _too_large(len(data), self.largest))
                continue
            if not send(data):
                return
            self._unsent.popleft()
            call.sent = True

    def answered(self, number: int, reply: Reply) -> None:
        """An answer has come; one whose call has ended already is ignored."""
        if isinstance(reply, Refused):
            self._end(number, refusal(reply))
        else:
            self._end(number, reply)

    def failed(self, number: int, problem: Problem) -> None:
        """A call has no answer that can be used."""
        self._end(number, problem)

    def forget(self, number: int) -> None:
        """End a call without calling back."""
        self._calls.pop(number, None)

    def disconnected(self) -> None:
        """Nothing that was sent will be answered: repeatable calls wait to be sent again, the others end."""
        sent = [number for number, call in self._calls.items() if call.sent]
        again = [number for number in sent if self._calls[number].repeatable]
        for number in again:
            self._calls[number].sent = False
        self._unsent.extendleft(reversed(again))
        for number in sent:
            if number not in again:
                self._end(number, _lost())

    def expire(self) -> None:
        """End the calls whose time is up."""
        now = self._clock()
        for number in [number for number, call in self._calls.items() if call.deadline <= now]:
            call = self._calls.get(number)
            if call is not None:
                self._end(number, _no_answer(call.seconds))

    def next_deadline(self) -> float | None:
        """When the next call's time is up, on the clock; None when there is no call."""
        return min((call.deadline for call in self._calls.values()), default=None)

    def clear(self) -> None:
        """Forget all calls."""
        self._calls.clear()
        self._unsent.clear()

    def _end(self, number: int, outcome: Outcome) -> None:
        call = self._calls.pop(number, None)
        if call is not None:
            call.on_outcome(outcome)


def _too_large(size: int, largest: int) -> TooLarge:
    return TooLarge(
        f"The request has {size} bytes.", f"The backend takes {largest} at once.", "Shorten the instruction or plan."
    )


def _lost() -> ConnectionLost:
    return ConnectionLost(
        "The connection broke before the answer came.",
        "The request may or may not have been carried out.",
        "Look at the job and ask again if it was not.",
    )


def _no_answer(seconds: float) -> Unreachable:
    return Unreachable(
        f"The backend did not answer within {seconds:g} seconds.", "", "Look whether it is running: `dynvfx doctor`."
    )
