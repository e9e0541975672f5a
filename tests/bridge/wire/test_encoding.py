"""Whatever bytes come, reading them ends in a call or in one of two errors."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.wire.encoding import (
    DEEPEST,
    BadCall,
    DecodeError,
    answer_number,
    decode_answer,
    decode_call,
    encode_answer,
    encode_call,
)
from bridge.wire.messages import (
    Answer,
    Call,
    Done,
    GetJob,
    Ping,
    Pong,
    SetTake,
    Submit,
)
from tests.contract.sample_job import a_follow_up, a_job, painted
from tests.contract.sample_plan import a_plan

pack = msgspec.msgpack.encode


def noted(extra: Any) -> dict[str, Any]:
    """A request with unknown fields: a note of a newer program."""
    return {"type": "set_take", "job": "a", "take": 1, "notes": [{"text": "x", "first": 0, "last": 0, "extra": extra}]}


def planned(**changes: Any) -> dict[str, Any]:
    return {"type": "approve", "job": "a", "plan": {**msgspec.to_builtins(a_plan()), **changes}}


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_there_and_back() -> None:
    spec = a_job(instruction="a whale", source="/clips/a.mov", plan=a_plan(source_objects=("x", "ü")))
    call = Call(3, Submit(token="t", spec=spec))
    assert decode_call(encode_call(call.number, call.body)) == call
    assert decode_answer(encode_answer(3, Done())) == Answer(3, Done())


def test_a_follow_up_travels_with_what_limits_it_and_without_what_it_leaves_open() -> None:
    limits = {"region": (0.0, 0.25, 0.5, 1.0), "levels": (679, 439)}
    spec = a_follow_up("larger", job="a", number=1, **limits, **painted(3, b"png"))
    assert decode_call(encode_call(3, Submit(token="t", spec=spec))).body.spec == spec
    plain = msgspec.msgpack.decode(encode_call(3, Submit(token="t", spec=a_follow_up("larger"))))[1]["spec"]
    assert plain == {"start": {"kind": "take"}, "edit": {"kind": "add", "instruction": "larger"}}


@pytest.mark.parametrize(
    "changes",
    [
        {"edit": {"region": [0, 0, 1]}},
        {"edit": {"region": [0, 0, math.nan, 1]}},
        {"edit": {"region": "left"}},
        {"edit": {"kind": "paint"}},
        {"edit": {"scope": "everything"}},
        {"edit": {"mask": b"png"}},
        {"edit": {"mask": {"frame": "one"}}},
        {"start": {"kind": "film"}},
        {"levels": ["high"]},
        {"levels": 679},
        {"quality": "best"},
        {"inputs": [{"path": "mask.png"}]},
    ],
)
def test_values_of_the_wrong_type_are_refused(changes: dict[str, Any]) -> None:
    spec = {"start": {"kind": "take"}, "edit": {"kind": "add", "instruction": "larger"}, **changes}
    if "edit" in changes:
        spec["edit"] = {"kind": "add", "instruction": "larger", **changes["edit"]}
    with pytest.raises(BadCall) as caught:
        decode_call(pack([7, {"type": "submit", "token": "t", "spec": spec}]))
    assert caught.value.kind == "bad_request"


def test_fields_of_newer_versions_are_ignored() -> None:
    assert decode_call(pack([4, {"type": "job", "job": "a", "later": {"x": 1}}, "more"])).body == GetJob(job="a")
    newer = {"type": "pong", "state": "idle", "workers": [], "queued": 0, "running": 0, "paused": False, "mood": 3}
    assert isinstance(decode_answer(pack([4, newer])).body, Pong)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"type": "dance"}, "unknown_request"),
        ({"type": "job"}, "bad_request"),
        ({"type": "job", "job": 5}, "bad_request"),
        ({"type": "pong", "state": "idle"}, "unknown_request"),
        ({"type": "hello", "protocol_low": "1"}, "bad_request"),
        ({"type": "job", "job": "a\x00b"}, "bad_request"),
        ({"type": "events", "job": "a", "first": 2**63}, "bad_request"),
        (noted({"x": math.nan}), "bad_request"),
        (noted({"x": math.inf}), "bad_request"),
        (noted({"a\x00": 1}), "bad_request"),
        (noted({"x": {3: 1}}), "bad_request"),
        (noted({"x": msgspec.msgpack.Ext(5, b"code")}), "bad_request"),
        (noted({"x": nested(DEEPEST + 1)}), "bad_request"),
        (planned(instruction="a\x00b"), "bad_request"),
        (planned(scope="all"), "bad_request"),
        (planned(source_objects=[1]), "bad_request"),
        (planned(target_object=b"code"), "bad_request"),
    ],
)
def test_what_can_be_refused_by_its_number(body: dict, kind: str) -> None:
    with pytest.raises(BadCall) as caught:
        decode_call(pack([9, body]))
    assert (caught.value.number, caught.value.kind) == (9, kind)
    assert caught.value.what


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"GET / HTTP/1.1\r\n\r\n",
        pack({"type": "ping"}),
        pack([{"type": "ping"}, 1]),
        pack([0, {"type": "ping"}]),
        pack([-1, {"type": "ping"}]),
        pack([2**64 - 1, {"type": "ping"}]),
        pack([1]),
        pack([1, "ping"]),
        pack([1, {"type": 3}]),
        pack([1, {b"type": "ping"}]),
        b"\x92\x01\x81\xa4type\xa4\xff\xfe\xfd\xfc",
        b"\x92\x01" + b"\x91" * 100_000,
        b"\x92\x01\xdd\xff\xff\xff\xff",
    ],
)
def test_what_cannot_be_answered(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_call(data)


def test_a_note_as_deep_as_the_stack() -> None:
    deep = pack([1, noted(7)]).replace(
        pack("extra") + b"\x07", pack("extra") + b"\x81\xa1x" + b"\x91" * 50_000 + b"\x01"
    )
    with pytest.raises(DecodeError):
        decode_call(deep)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=15,
)


@given(st.binary(max_size=200))
@example(encode_call(1, Ping())[:-1])
def test_bytes_of_any_kind(data: bytes) -> None:
    for read in (decode_call, decode_answer):
        try:
            read(data)
        except (DecodeError, BadCall):
            pass
    answer_number(data)


@given(json_like)
def test_notes_of_any_kind(value: Any) -> None:
    try:
        call = decode_call(pack([7, noted({"x": value})]))
    except BadCall as error:
        assert error.number == 7
    else:
        # What is let through is plain enough for a database and for JSON: nothing is lost on the way there and back.
        assert isinstance(call.body, SetTake)
        assert b"\\u0000" not in msgspec.json.encode(call.body.notes)


def test_bytes_have_no_place_in_a_note() -> None:
    with pytest.raises(BadCall, match="kind"):
        decode_call(pack([7, noted({"x": b"\x00\x01"})]))
