"""PROTOCOL.md says the same as the code: every message, field, type and default, and nothing else."""

from __future__ import annotations

import re
import types
import typing
from pathlib import Path
from typing import Any

import msgspec
import pytest

import bridge
from bridge.wire import messages
from bridge.wire.keys import KEY_LENGTH
from bridge.wire.link import BACKOFF_FIRST, BACKOFF_LONGEST
from bridge.wire.messages import (
    Pushed,
    Reply,
    Request,
    body,
    pushes,
    replies,
    requests,
)
from bridge.wire.pending import NOT_REPEATABLE
from bridge.wire.server import ANSWER_BYTES, CONNECTIONS, HEARTBEAT_MS, HEARTBEAT_TIMEOUT_MS, MEBIBYTE
from bridge.wire.session import PING_EVERY, PONG_WITHIN
from contract import events, job, part, plan, preflight, take
from contract.events import AnyJobEvent
from contract.states import CancelOutcome, JobState, Stage, WorkerState
from contract.take import Status

FOLDER = Path(bridge.__file__).parent
TEXT = (FOLDER / "PROTOCOL.md").read_text(encoding="utf-8")
WORDS = {
    JobState: "JobState",
    CancelOutcome: "CancelOutcome",
    WorkerState: "WorkerState",
    Stage: "Stage",
    Status: "Status",
}
PLAIN = {str: "text", int: "integer", float: "number", bool: "boolean", bytes: "bytes", type(None): "nil", Any: "any"}
SECTIONS = {"Requests": Request, "Replies": Reply, "Pushes": Pushed, "Job events": AnyJobEvent}
Rows = dict[str, tuple[str, str]]


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found is not None, f"there is no section {title}"
    return found[1]


def described(title: str) -> dict[str, Rows]:
    """By heading: the type and default of each field."""
    parts = re.split(r"^### (.*)\n", section(title), flags=re.MULTILINE)[1:]
    headings, texts = parts[::2], parts[1::2]
    assert len(set(headings)) == len(headings)
    return dict(zip(headings, map(rows, texts), strict=True))


def rows(text: str) -> Rows:
    found = {}
    for name, kind, default, meaning in re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \| (.*?) \|$", text, re.MULTILINE):
        assert meaning.strip(), f"{name} has no meaning"
        assert name not in found
        found[name] = (kind, default.strip("`"))
    assert bool(found) != ("No fields." in text)
    return found


def fields(struct: type[msgspec.Struct]) -> Rows:
    return {field.encode_name: (kind_text(field.type), default_text(field)) for field in msgspec.structs.fields(struct)}


def kind_text(kind: Any) -> str:
    if kind in WORDS or kind in PLAIN:
        return WORDS.get(kind) or PLAIN[kind]
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return kind_text(inner[0])
    if origin is typing.Literal:
        return " or ".join(f'"{value}"' for value in inner)
    if origin in (typing.Union, types.UnionType):
        return "a job event" if kind == AnyJobEvent else " or ".join(map(kind_text, inner))
    if origin is dict:
        return f"map of {kind_text(inner[0])} to {kind_text(inner[1])}"
    if origin is list or inner[-1:] == (Ellipsis,):
        return f"list of {kind_text(inner[0])}"
    if origin is tuple:
        assert len(set(inner)) == 1
        return f"list of {len(inner)} {kind_text(inner[0])}s"
    assert issubclass(kind, msgspec.Struct), kind
    return kind.__name__


def default_text(field: msgspec.structs.FieldInfo) -> str:
    value = field.default
    if value is msgspec.NODEFAULT and field.default_factory is not msgspec.NODEFAULT:
        value = field.default_factory()
    return "" if value is msgspec.NODEFAULT else msgspec.json.encode(value).decode().replace("null", "nil")


def heading(struct: type[msgspec.Struct]) -> str:
    return f"`{struct.__struct_config__.tag}` ({struct.__name__})"


@pytest.mark.parametrize("title", SECTIONS)
def test_messages(title: str) -> None:
    code = {heading(struct): fields(struct) for struct in typing.get_args(SECTIONS[title])}
    assert described(title) == code


def test_parts() -> None:
    messages_proper = {struct for union in SECTIONS.values() for struct in typing.get_args(union)}
    envelopes = {messages.Body, messages.Part, messages.Call, messages.Answer, events.JobEvent}
    code = {}
    modules = (part, body, job, requests, replies, pushes, messages, events, plan, preflight, take)
    for each in structs(*modules) - messages_proper - envelopes:
        code[each.__name__] = fields(each)
    assert described("Parts") == code


def structs(*modules: types.ModuleType) -> set[type[msgspec.Struct]]:
    """All that the modules define themselves."""
    classes = ((module, each) for module in modules for each in vars(module).values() if isinstance(each, type))
    return {each for module, each in classes if issubclass(each, msgspec.Struct) and each.__module__ == module.__name__}


def test_words() -> None:
    listed = dict(re.findall(r"^\| (\w+) \| (`.*`) \|$", section("Words"), re.MULTILINE))
    assert listed == {
        name: ", ".join(f"`{value}`" for value in typing.get_args(words)) for words, name in WORDS.items()
    }


def test_each_request_names_its_answer() -> None:
    replies = {struct.__struct_config__.tag for struct in typing.get_args(Reply)}
    text = section("Requests")
    named = re.findall(r"^### `\w+` .*?Answered by `(\w+)`", text, re.MULTILINE | re.DOTALL)
    assert len(named) == len(typing.get_args(Request))
    assert set(named) <= replies
    assert replies - set(named) == {"refused"}


def kinds(*paths: str) -> set[str]:
    found = set()
    for path in paths:
        source = (FOLDER.parent / path).read_text(encoding="utf-8")
        found |= set(re.findall(r'\bkind(?:, exit_code)? = "(\w+)"', source))
    return found


def test_refusals() -> None:
    own, services = (
        set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) for table in section("Refusals").split("Kinds of the")
    )
    assert own == kinds("bridge/wire/refusals.py", "bridge/wire/encoding.py") | {"bad_request", "too_large"}
    refusing = kinds(
        "bridge/files/errors.py",
        "backend/service/access.py",
        "backend/service/replies.py",
        "backend/ledger/errors.py",
        "backend/ledger/states.py",
        "backend/jobs/media_roots.py",
    )
    # Not for clients: the client's own word, and what keeps a service from starting.
    refusing -= {"ledger_in_use", "ledger_damaged", "ledger_too_new"}
    assert services == refusing | {"bad_usage", "not_found", "out_of_disk", "unexpected"}


def test_figures() -> None:
    plain = " ".join(TEXT.split())
    assert f"version {messages.PROTOCOL_HIGH}" in TEXT.splitlines()[0]
    assert f"as {KEY_LENGTH} characters of Z85" in plain
    assert f"heartbeats every {HEARTBEAT_MS // 1000} seconds" in plain
    assert f"has been silent for {HEARTBEAT_TIMEOUT_MS // 1000}." in plain
    assert f"after {BACKOFF_FIRST} s at first and up to {BACKOFF_LONGEST:g} s later" in plain
    assert f"received nothing for {PING_EVERY:g} seconds" in plain
    assert f"within {PONG_WITHIN:g} seconds" in plain
    assert f"at most {ANSWER_BYTES // MEBIBYTE} MiB" in plain
    assert f"has {CONNECTIONS} greeted connections" in plain
    tags = [f"`{each.__struct_config__.tag}`" for each in NOT_REPEATABLE]
    assert f"but for {tags[0]}, {tags[1]} and {tags[2]}" in plain


def test_the_check_finds_what_it_looks_for() -> None:
    class Odd(msgspec.Struct):
        job: str
        part: tuple[int, int] | None = None

    assert fields(Odd) == {"job": ("text", ""), "part": ("list of 2 integers or nil", "nil")}
    assert rows("| `job` | text |  | A job |\n") != fields(Odd)
    with pytest.raises(AssertionError, match="no meaning"):
        rows("| `job` | text |  |  |\n")
    with pytest.raises(AssertionError):
        rows("nothing")
