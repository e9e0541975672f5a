"""Messages to bytes and back, with everything checked that can be checked without knowing what a request means."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from bridge.wire.messages import Answer, Call, Pushed, Reply, Request
from contract.errors import BadRequest

DEEPEST = 64
"""Levels of lists and maps in a plan or the like; more is an attack, not a plan."""
_INTEGERS = range(-(2**63), 2**63)

_encoder = msgspec.msgpack.Encoder()
_calls = msgspec.msgpack.Decoder(Call)
_answers = msgspec.msgpack.Decoder(Answer)
_envelopes = msgspec.msgpack.Decoder(tuple[int, msgspec.Raw])
_tags = msgspec.msgpack.Decoder(dict[str, msgspec.Raw])
_texts = msgspec.msgpack.Decoder(str)
_KNOWN = frozenset(kind.__struct_config__.tag for kind in Request.__args__)

# A message comes from outside: whatever is wrong with it must end in one of these.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError, ValueError)


class DecodeError(ValueError):
    """Bytes that are no call at all: they cannot be answered, because they have no number."""


class BadCall(BadRequest):
    """A request with wrong fields in a call that has a `number`, so that it can be refused."""

    def __init__(self, number: int, what: str, remedy: str = "") -> None:
        super().__init__(what, remedy=remedy)
        self.number = number


class UnknownRequest(BadCall):
    """A request of another version of the protocol."""

    kind = "unknown_request"


def encode_call(number: int, body: Request) -> bytes:
    """One call as bytes."""
    return _encoder.encode(Call(number, body))


def encode_answer(number: int, body: Reply | Pushed) -> bytes:
    """One answer, or push with the number 0, as bytes."""
    return _encoder.encode(Answer(number, body))


def decode_call(data: bytes | memoryview) -> Call:
    """The call in a message. Raises DecodeError or BadCall, and nothing else, whatever the bytes are."""
    try:
        call = _calls.decode(data)
        fault = _fault(call.body, 0)
    except _UNREADABLE as error:
        raise _bad(data, str(error)) from error
    if not 0 < call.number < 2**63:
        raise DecodeError(f"{call.number} cannot number a call")
    if fault is not None:
        raise BadCall(call.number, fault)
    return call


def decode_answer(data: bytes | memoryview) -> Answer:
    """The answer in a message. Raises DecodeError."""
    try:
        return _answers.decode(data)
    except _UNREADABLE as error:
        raise DecodeError(str(error)) from error


def answer_number(data: bytes | memoryview) -> int | None:
    """The number of an answer whose body cannot be read, None when that cannot either."""
    try:
        return _envelopes.decode(data)[0]
    except _UNREADABLE:
        return None


def _bad(data: bytes | memoryview, reason: str) -> DecodeError | BadCall:
    try:
        number, raw = _envelopes.decode(data)
        tag = _texts.decode(_tags.decode(raw)["type"])
    except (*_UNREADABLE, KeyError):
        return DecodeError(reason)
    if not 0 < number < 2**63:
        return DecodeError(reason)
    if tag not in _KNOWN:
        return UnknownRequest(number, f"There is no request {tag[:40]!r}.", "Update the backend.")
    return BadCall(number, reason[:300])


def _fault(value: Any, depth: int) -> str | None:
    """What databases, JSON and file systems would choke on later, found where it can still be refused by name."""
    kind = type(value)
    if kind is str:
        return "A text holds a NUL character." if "\x00" in value else None
    if kind is int:
        return None if value in _INTEGERS else "A number has more than 63 bits."
    if kind is float:
        return None if math.isfinite(value) else "A number is not finite."
    if value is None or kind is bool:
        return None
    if depth >= DEEPEST:
        return f"Values are nested more than {DEEPEST} levels deep."
    if isinstance(value, msgspec.Struct):
        # Bytes have a field of their own, of a chunk or a mask, and no place within a plan.
        fields = (getattr(value, name) for name in value.__struct_fields__)
        return _first_fault((field for field in fields if type(field) is not bytes), depth)
    if kind in (list, tuple):
        return _first_fault(value, depth)
    if kind is dict:
        if not all(type(key) is str for key in value):
            return "A key is not a text."
        return _first_fault(value, depth) or _first_fault(value.values(), depth)
    return f"A value is of a kind that has no place in a request ({kind.__name__})."


def _first_fault(values: Any, depth: int) -> str | None:
    for value in values:
        fault = _fault(value, depth + 1)
        if fault is not None:
            return fault
    return None
