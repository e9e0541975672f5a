"""A step is encoded once, by the worker; what every later hop stores and sends are the same bytes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

import backend.worker.link
import bridge.wire.encoding
import contract.events
from backend.ledger.ledger import Ledger
from backend.service.subscriptions import Subscriptions
from backend.worker.event_journal import EventJournal
from backend.worker.messages import EventReported
from bridge.wire.encoding import decode_answer
from bridge.wire.keys import KeyFolder
from bridge.wire.messages import EventPushed, JobChanged
from bridge.wire.server import WireServer
from contract.events import StageProgress, decode_event
from tests.backend.ledger.specimens import ANNA, started, step

STEPS = 20
PANELS = (b"one", b"two", b"three")


class Counted:
    """An encoder or decoder that counts its calls."""

    def __init__(self, codec: Any, counts: Counter[str], name: str) -> None:
        self._codec, self._counts, self._name = codec, counts, name

    def encode(self, value: Any) -> bytes:
        self._counts[self._name] += 1
        return self._codec.encode(value)

    def decode(self, data: Any) -> Any:
        self._counts[self._name] += 1
        return self._codec.decode(data)


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    found: Counter[str] = Counter()
    for module, codec, name in (
        (contract.events, "_encoder", "event encoded"),
        (contract.events, "_decoder", "event decoded"),
        (backend.worker.link, "_encoder", "link message encoded"),
        (backend.worker.link, "_from_worker", "link message decoded"),
        (bridge.wire.encoding, "_encoder", "push encoded"),
        (bridge.wire.encoding, "_answers", "push decoded"),
    ):
        monkeypatch.setattr(module, codec, Counted(getattr(module, codec), found, name))
    return found


def test_a_step_is_encoded_once_and_reaches_each_panel_once(
    tmp_path: Path, counts: Counter[str], monkeypatch: pytest.MonkeyPatch
):
    sent: list[tuple[bytes, bytes]] = []
    monkeypatch.setattr(WireServer, "_may_be_pushed_to", lambda self, connection: True)
    monkeypatch.setattr(WireServer, "_send", lambda self, *message: sent.append(message) or True)
    server = WireServer("tcp://127.0.0.1:*", KeyFolder(tmp_path / "keys"))
    with Ledger(tmp_path / "ledger.db") as ledger, EventJournal(tmp_path / "journal") as journal:
        job = started(ledger)
        ledger.move(job, "refining")
        subscriptions = Subscriptions(server, ledger, lambda row, client: True)
        for panel in PANELS:
            subscriptions.follow_job(panel, job, True)
            subscriptions.follow_all(panel, ANNA, True)
        for number in range(1, STEPS + 1):
            for entry in journal.add(step(number)):
                data = backend.worker.link.encode(
                    EventReported(job=job, event=msgspec.Raw(entry.data), number=entry.number)
                )
                message = backend.worker.link._from_worker.decode(data)
                event = decode_event(message.event)
                recorded = ledger.record(job, event, message.number, bytes(message.event))
                subscriptions.publish_event(job, recorded.event)
                assert not recorded.moved
            subscriptions.flush()
        arrived = [(connection, decode_answer(data).body) for connection, data in sent]
        assert counts == {
            "event encoded": STEPS,
            "link message encoded": STEPS,
            "link message decoded": STEPS,
            "event decoded": STEPS,
            "push encoded": STEPS,
            "push decoded": STEPS * len(PANELS),
        }
        # What is on the disk and on the wire is what the worker encoded.
        stored = [each.data for each in ledger.events(job)]
        assert all(any(data in message for _, message in sent) for data in stored)
        counts.clear()
        replayed = bridge.wire.encoding._encoder.encode([each.numbered() for each in ledger.events(job)])
        assert counts == {"push encoded": 1} and stored[0] in replayed
    server.close()
    for panel in PANELS:
        events = [body for connection, body in arrived if connection == panel]
        assert not any(isinstance(body, JobChanged) for body in events)
        assert [body.event.event.step for body in events if isinstance(body, EventPushed)] == list(range(1, STEPS + 1))
        assert all(isinstance(body.event.event, StageProgress) for body in events)
