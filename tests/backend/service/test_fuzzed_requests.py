"""Requests in good form with senseless values, from a client with a key: each is answered, none ends the service.

`tests/bridge/wire/test_wire_fuzz.py` breaks the form; here the form is right, so that everything reaches the handlers.
"""

from __future__ import annotations

import random
import types
import typing
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from bridge.files.chunks import chunk_digest
from bridge.wire.messages import Hello, PauseQueue, Ping, Request, Stop
from contract.job import JobSpec
from tests.backend.service.running import ROOT, RunningService, running, script, submit, to_the_end
from tests.bridge.wire.raw_client import RawClient, pack
from tests.contract.sample_plan import a_plan

MESSAGES = 1500
TEXTS = [
    "", " ", "a", "..", "../../etc/passwd", "/", "/dev/zero", "/proc/self/mem", "~", "~nobody_here", "~/x", "C:\\x",
    "\\\\x\\y",
    "é" * 300, "a" * 5000, "/" + "a/" * 2000, "\n\r\t", "\u202e\ufeff", "😀", "%s%n{0}{x}", "'; DROP TABLE jobs; --",
    "1/0", "0/1", "-24/1", "nan", "1e400", "24000/1001", "9" * 400, "24", "tiny", "standard", "offline", "fire",
    "none", "null", "tcp://x", "http://x/y", "a" * 12, "0" * 64, "F" * 64,
]  # fmt: skip
INTEGERS = [0, 1, -1, 2, 5, 64, 65, 255, 1000, 2**31, 2**53, 2**63 - 1, -(2**63)]
NUMBERS = [0.0, -1.0, 1e308, 5e-324, 0.5]
VALUES = [None, True, 3, -1.5, "x", [], {}, [1, [2, {"a": []}]], {"": ""}, {"a" * 300: ["b" * 300]}]


class Fool:
    """Fills every field with something of its type."""

    def __init__(self, seed: int, jobs: list[str]) -> None:
        self.chance, self.jobs = random.Random(seed), jobs
        self.kinds = [kind for kind in typing.get_args(Request) if kind not in (Stop, Hello)]

    def request(self) -> Request:
        return self.struct(self.chance.choice(self.kinds))

    def struct(self, kind: type[msgspec.Struct]) -> Any:
        chosen = {}
        for field in msgspec.structs.fields(kind):
            required = field.default is msgspec.NODEFAULT and field.default_factory is msgspec.NODEFAULT
            if required or self.chance.random() < 0.5:
                chosen[field.name] = self.field(field.name, field.type)
        if kind is JobSpec and self.chance.random() < 0.7:  # the rest in order: the one odd value comes far
            odd = self.chance.choice([*chosen, "start"])
            chosen = msgspec.structs.asdict(script("steps=1")) | {odd: chosen.get(odd, "x")}
        if chosen.get("digest") is not None and self.chance.random() < 0.8:
            chosen["digest"] = chunk_digest(chosen["data"])
        return kind(**chosen)

    def field(self, name: str, kind: Any) -> Any:
        chance = self.chance
        if name in ("job", "before") and chance.random() < 0.8:
            return chance.choice(self.jobs)
        if name == "sha256" and chance.random() < 0.7:
            return (
                chance.choice(["0", "e3b0c44298fc1c14"]) * 64 if chance.random() < 0.2 else chance.choice("01ab") * 64
            )
        if name == "plan" and chance.random() < 0.8:
            odd = {key: self.value() for key in ("x", "schema")}
            return msgspec.to_builtins(a_plan(target_object=chance.choice(["", "ball", "b" * 30_000]))) | odd
        return self.of(kind)

    def value(self) -> Any:
        return self.chance.choice(VALUES)

    def of(self, kind: Any) -> Any:
        chance, origin, inner = self.chance, typing.get_origin(kind), typing.get_args(kind)
        if origin in (typing.Union, types.UnionType):
            return self.of(chance.choice(inner))
        if origin is typing.Literal:
            return chance.choice(inner)
        if origin in (list, tuple):
            count = chance.choice([0, 1, 3]) if origin is list or inner[-1] is Ellipsis else len(inner)
            return [self.of(inner[0]) for _ in range(count)]
        if origin is dict:
            return {chance.choice(TEXTS): self.value() for _ in range(chance.randrange(3))}
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self.struct(kind)
        if kind is bytes:
            return chance.randbytes(chance.choice([0, 1, 32, 1000]))
        pools: dict[Any, list[Any]] = {str: TEXTS, int: INTEGERS, float: NUMBERS, bool: [True, False], Any: VALUES}
        return None if kind is type(None) else chance.choice(pools[kind])


def raw_client(service: RunningService, keys: Any = None) -> RawClient:
    place = SimpleNamespace(
        address=service.found.address, server_key=service.found.key, owner_pair=service.owner_keys()
    )
    return RawClient(place, keys)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_senseless_values_are_answered_and_the_service_goes_on(tmp_path: Path, seed: int) -> None:
    with running(tmp_path / "home", "--media-root", str(ROOT)) as service:
        with service.client() as client:
            done, other = (submit(client, script("steps=1"), token).id for token in "ab")
            to_the_end(client, done)
            to_the_end(client, other)
            client.call(PauseQueue())
            waiting = submit(client, script("steps=1"), "c").id
        fool = Fool(seed, [done, other, waiting])
        counts: Counter[str] = Counter()
        with raw_client(service) as raw:
            raw.greet()
            for number in range(2, MESSAGES + 2):
                request = fool.request()
                answered, reply = ask(service, raw, number, request)
                assert answered == number, f"{request} was answered as another call"
                counts[reply.get("kind", reply["type"])] += 1
                assert reply.get("kind") not in ("unexpected", "system"), f"{request} found a mistake: {reply['what']}"
        with service.client() as client:
            assert client.call(Ping()).state in ("idle", "busy")
            client.call(PauseQueue(on=False))
        assert counts["bad_request"] < MESSAGES / 10, "the form was right"
        assert len(counts) > 15, counts
        assert service.terminate() == 0


def ask(service: RunningService, raw: RawClient, number: int, request: Request) -> tuple[int, dict[str, Any]]:
    """The answer; pushes in between are nothing to us."""
    raw.socket.send(pack([number, request]))
    waited = 0
    while True:
        while not raw.socket.poll(1000):
            waited += 1
            assert service.process.poll() is None, f"the service ended at {request}"
            assert waited < 60, f"no answer to {request}"
        answered, reply = msgspec.msgpack.decode(raw.socket.recv())
        if answered:
            return answered, reply


def test_the_fool_knows_every_request() -> None:
    fool = Fool(0, ["a"])
    seen = {type(fool.request()) for _ in range(600)}
    assert seen == set(fool.kinds)
