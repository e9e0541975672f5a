"""A job that is killed again and again reports the same as one that is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from backend.worker.event_journal import EventJournal, JournalEntry
from contract.errors import OutOfDisk
from contract.events import (
    AnyJobEvent,
    JobDone,
    JobNotice,
    JobStarted,
    PreviewWritten,
    StageProgress,
    TakeDone,
    decode_event,
)

START = JobStarted(
    output="o", source="s", clip="c", media="m", first=0, frames=1, rate="24", width=1, height=1, takes=[1]
)


class Killed(Exception):
    """SIGKILL."""


@dataclass
class Engine:
    """What a job stores, as the real one does: a step is stored first, then reported."""

    inverting: int
    refining: tuple[int, ...]
    delivering: int
    retry: bool
    takes: int
    inverted: int = 0
    refined: dict[int, list[int]] = field(default_factory=dict)
    retried: set[int] = field(default_factory=set)
    finished: set[int] = field(default_factory=set)

    def run(self, kill_at: Iterator[bool]) -> Iterator[AnyJobEvent]:
        def stored() -> None:
            """Something is on the disk, and the process may be killed before it is reported."""
            if next(kill_at):
                raise Killed

        yield START
        for take in range(1, self.takes + 1):
            if take in self.finished:
                yield done(take, made=False)
                continue
            yield from self._take(take, stored)
            self.finished.add(take)
            stored()
            yield done(take, made=True)
        yield JobDone(output="o", takes=list(range(1, self.takes + 1)), timeline=None)

    def _take(self, take: int, stored) -> Iterator[AnyJobEvent]:
        def step(stage: str, number: int, steps: int, iteration: int = 0) -> StageProgress:
            return StageProgress(take=take, stage=stage, step=number, steps=steps, iteration=iteration,
                                 iterations=len(self.refining) if iteration else 0)  # fmt: skip

        yield step("segmenting", 1, 1)
        yield step("encoding", 1, 2)
        yield step("encoding", 2, 2)
        states = self.refined.setdefault(take, [0])
        if len(states) == 1:
            if self.inverting and self.inverted == self.inverting:
                yield JobNotice(kind="reused", text="reused", take=take)
            while self.inverted < self.inverting:
                self.inverted += 1
                stored()
                yield step("inverting", self.inverted, self.inverting)
        if len(states) > 1:
            yield JobNotice(kind="resumed", text=f"{len(states) - 1} done", take=take)
        resumes = True
        while len(states) <= len(self.refining):
            iteration = len(states)
            steps = self.refining[iteration - 1]
            if states[-1] and resumes:
                yield JobNotice(kind="resumed", text=f"after {states[-1]}", take=take)
            resumes = False
            while states[-1] < steps:
                states[-1] += 1
                stored()
                yield step("refining", states[-1], steps, iteration)
                if self.retry and iteration == 1 and states[-1] == steps and take not in self.retried:
                    break
            if self.retry and iteration == 1 and take not in self.retried:
                yield JobNotice(kind="retry", text="again", take=take)
                # The next attempt's first step is what is stored.
                self.retried.add(take)
                states[-1] = 1
                stored()
                yield step("refining", 1, steps, iteration)
                continue
            states.append(0)
            yield PreviewWritten(take=take, path="p", iteration=iteration, iterations=len(self.refining))
        yield step("finishing", 1, 1)
        for number in range(1, self.delivering + 1):
            yield step("delivering", number, self.delivering)


def done(take: int, *, made: bool) -> TakeDone:
    return TakeDone(take=take, folder="f", seed=take, made=made, seconds={}, matte_coverage=None, outside_change=None)


class Ledger:
    """What the service keeps: entries in the order of their numbers, each once."""

    def __init__(self) -> None:
        self.events: list[AnyJobEvent] = []
        self.recorded = 0

    def record(self, number: int, event: AnyJobEvent) -> None:
        if number > self.recorded:
            self.events.append(event)
            self.recorded = number


def decoded(entries: list[JournalEntry]) -> list[tuple[int, AnyJobEvent]]:
    return [(number, decode_event(data)) for number, data in entries]


def reported(engine: Engine, path: Path, kills: list[tuple[int, int]]) -> list[AnyJobEvent]:
    """All events of a job whose processes are killed: each after storing so often, with so many messages on their
    way."""
    ledger = Ledger()
    path.unlink(missing_ok=True)
    moments = iter(kills)
    while not (ledger.events and isinstance(ledger.events[-1], JobDone)):
        after, in_flight = next(moments, (1 << 30, 0))
        sent: list[tuple[int, AnyJobEvent]] = []
        with EventJournal(path, ledger.recorded, ledger.events) as journal:
            sent += decoded(journal.unrecorded)
            try:
                if not journal.is_over:
                    for event in engine.run(iter(number == after for number in range(1 << 30))):
                        sent += decoded(journal.add(event))
            except Killed:
                sent = sent[: max(0, len(sent) - in_flight)]
        for number, event in sent:
            ledger.record(number, event)
    return ledger.events


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(
        st.sampled_from((0, 2, 3, 4)),
        st.lists(st.integers(2, 5), min_size=1, max_size=3).map(tuple),
        st.integers(1, 3),
        st.booleans(),
        st.integers(1, 2),
    ),
    # That two processes in a row come no further than storing one step, and not to reporting it, looks the same as an
    # iteration with fewer steps: the second is killed at its second step at the earliest.
    kills=st.lists(st.tuples(st.integers(1, 12), st.integers(0, 6)), max_size=12),
    at_once=st.booleans(),
)  # fmt: skip
def test_a_killed_job_reports_what_an_undisturbed_one_reports(
    shape, kills, at_once: bool, tmp_path_factory: pytest.TempPathFactory
):
    kills = [(0, 0), *kills] if at_once else kills
    path = tmp_path_factory.getbasetemp() / "journal"
    whole = reported(Engine(*shape), path, [])
    assert reported(Engine(*shape), path, kills) == whole


@pytest.mark.parametrize("after", range(4))
def test_an_iteration_of_one_step_is_not_skipped(tmp_path: Path, after: int):
    whole = reported(Engine(0, (1, 1, 1), 1, False, 1), tmp_path / "a", [])
    assert reported(Engine(0, (1, 1, 1), 1, False, 1), tmp_path / "b", [(after, 0)] * 3) == whole


def a_step(number: int) -> StageProgress:
    return StageProgress(take=1, stage="refining", step=number, steps=9, iteration=1, iterations=1)


def test_what_was_half_written_is_cut_off(tmp_path: Path):
    path = tmp_path / "journal"
    with EventJournal(path) as journal:
        assert decoded(journal.add(a_step(1))) == [(1, a_step(1))]
    whole = path.read_bytes()
    for part in (b"\0", b"\0\0\0\x09", b"\0\0\0\x09\x85event"):
        path.write_bytes(whole + part)
        with EventJournal(path) as journal:
            assert decoded(journal.unrecorded) == [(1, a_step(1))]
        assert path.read_bytes() == whole
    with EventJournal(path) as journal:
        assert decoded(journal.add(a_step(2))) == [(2, a_step(2))]
    with EventJournal(path, 1, [a_step(1)]) as journal:
        assert decoded(journal.unrecorded) == [(2, a_step(2))]


def test_after_a_power_cut_numbers_go_on_behind_the_ledgers(tmp_path: Path):
    path = tmp_path / "journal"
    sizes = []
    with EventJournal(path) as journal:
        for number in range(1, 4):
            journal.add(a_step(number))
            sizes.append(path.stat().st_size)
    path.write_bytes(path.read_bytes()[: sizes[0]])
    known = [a_step(number) for number in range(1, 4)]
    with EventJournal(path, 3, known) as journal:
        assert journal.unrecorded == []
        assert [number for number, _ in journal.add(a_step(3))] == [0], "the ledger has it"
        assert decoded(journal.add(a_step(4))) == [(4, a_step(4))]
    with EventJournal(path, 3, known) as journal:
        assert decoded(journal.unrecorded) == [(4, a_step(4))]


def test_another_jobs_steps_are_not_reported(tmp_path: Path):
    with EventJournal(tmp_path / "journal") as journal:
        assert decoded(journal.add(a_step(7))) == [(1, a_step(7))]
    with EventJournal(tmp_path / "journal", 1, [a_step(7)]) as journal:
        assert decoded(journal.add(a_step(8))) == [(2, a_step(8))]


def test_without_a_file_events_are_numbered_in_memory(tmp_path: Path):
    with EventJournal(None) as journal:
        assert decoded(journal.add(a_step(1))) == [(1, a_step(1))] and journal.unrecorded == []
        again = replace(a_step(1), seconds_left=3.0)
        assert decoded(journal.add(again)) == [(0, again)]


def test_where_nothing_can_be_written_the_path_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutOfDisk) as caught:
        EventJournal(tmp_path / "file" / "journal")
    assert str(tmp_path) in caught.value.what
