"""A job that is killed again and again tells the same as one that is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from backend.ledger.event_dedup import SeenEvents
from backend.worker.event_journal import EventJournal
from contract.errors import OutOfDisk
from contract.events import AnyJobEvent, JobDone, JobNotice, JobStarted, PreviewWritten, StageProgress, TakeDone

START = JobStarted(
    output="o", source="s", clip="c", media="m", first=0, frames=1, rate="24", width=1, height=1, takes=[1]
)


class Killed(Exception):
    """SIGKILL."""


@dataclass
class Engine:
    """What a job stores, as the real one does: a step is stored first, then told."""

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
            """Something is on the disk, and the process may be killed before it is told."""
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
    """What the service keeps: numbers heard, repeats dropped."""

    def __init__(self) -> None:
        self.events: list[AnyJobEvent] = []
        self.heard = 0
        self._told = SeenEvents()

    def record(self, event: AnyJobEvent, count: int) -> None:
        if not 0 < count <= self.heard and not self._told.is_repeat(event):
            self.events.append(event)
            self._told.add(event)
        self.heard = max(count, self.heard)


def told(engine: Engine, path: Path, kills: list[tuple[int, int]]) -> list[AnyJobEvent]:
    """All events of a job whose processes are killed: each after storing so often, with so many words on their way."""
    ledger = Ledger()
    path.unlink(missing_ok=True)
    moments = iter(kills)
    while not (ledger.events and isinstance(ledger.events[-1], JobDone)):
        after, in_flight = next(moments, (1 << 30, 0))
        words: list[tuple[int, AnyJobEvent]] = []
        with EventJournal(path, ledger.heard) as tale:
            words += tale.unheard
            try:
                if not tale.is_over:
                    for event in engine.run(iter(number == after for number in range(1 << 30))):
                        words += tale.add(event)
            except Killed:
                words = words[: max(0, len(words) - in_flight)]
        for count, event in words:
            ledger.record(event, count)
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
    # That two processes in a row come no further than storing one step, and not to telling it, cannot be told apart
    # from an iteration with fewer steps: the second is killed at its second step at the earliest.
    kills=st.lists(st.tuples(st.integers(1, 12), st.integers(0, 6)), max_size=12),
    at_once=st.booleans(),
)  # fmt: skip
def test_a_killed_job_tells_what_an_undisturbed_one_tells(
    shape, kills, at_once: bool, tmp_path_factory: pytest.TempPathFactory
):
    kills = [(0, 0), *kills] if at_once else kills
    path = tmp_path_factory.getbasetemp() / "tale.jsonl"
    whole = told(Engine(*shape), path, [])
    assert told(Engine(*shape), path, kills) == whole


@pytest.mark.parametrize("after", range(4))
def test_an_iteration_of_one_step_is_not_skipped(tmp_path: Path, after: int):
    whole = told(Engine(0, (1, 1, 1), 1, False, 1), tmp_path / "a", [])
    assert told(Engine(0, (1, 1, 1), 1, False, 1), tmp_path / "b", [(after, 0)] * 3) == whole


def a_step(number: int) -> StageProgress:
    return StageProgress(take=1, stage="refining", step=number, steps=9, iteration=1, iterations=1)


def test_what_was_half_written_is_cut_off(tmp_path: Path):
    path = tmp_path / "tale.jsonl"
    with EventJournal(path) as tale:
        assert tale.add(a_step(1)) == [(1, a_step(1))]
    with path.open("ab") as file:
        file.write(b'{"event":"progr')
    with EventJournal(path) as tale:
        assert tale.unheard == [(1, a_step(1))]
        assert tale.add(a_step(2)) == [(2, a_step(2))]
    with EventJournal(path, 1) as tale:
        assert tale.unheard == [(2, a_step(2))]


def test_after_a_power_cut_numbers_go_on_behind_the_ledgers(tmp_path: Path):
    path = tmp_path / "tale.jsonl"
    with EventJournal(path) as tale:
        for number in range(1, 4):
            tale.add(a_step(number))
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    with EventJournal(path, 3) as tale:
        assert tale.unheard == []
        assert [count for count, _ in tale.add(a_step(4))] == [4, 5, 6]
    with EventJournal(path, 3) as tale:
        assert tale.unheard == [(4, a_step(2)), (5, a_step(3)), (6, a_step(4))]


def test_another_jobs_steps_are_not_told(tmp_path: Path):
    with EventJournal(tmp_path / "tale.jsonl") as tale:
        assert tale.add(a_step(7)) == [(1, a_step(7))]
    with EventJournal(tmp_path / "tale.jsonl", 1) as tale:
        assert tale.add(a_step(8)) == [(2, a_step(8))]


def test_without_a_file_nothing_is_numbered(tmp_path: Path):
    with EventJournal(None) as tale:
        assert tale.add(a_step(1)) == [(0, a_step(1))] and tale.unheard == []
        assert tale.add(replace(a_step(1), seconds_left=3.0)) == [(0, replace(a_step(1), seconds_left=3.0))]


def test_where_nothing_can_be_written_the_path_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutOfDisk) as caught:
        EventJournal(tmp_path / "file" / "tale.jsonl")
    assert str(tmp_path) in caught.value.what
