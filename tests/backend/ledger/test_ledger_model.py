"""Random lives of a ledger, crashes among them, against a model of a few lines."""

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from backend.ledger.errors import QueueFull
from backend.ledger.ledger import Ledger
from backend.ledger.states import MOVES, IllegalMove
from contract.events import AnyJobEvent
from contract.states import ENDED, RUNNING, STATES
from tests.backend.ledger.specimens import (
    ANNA,
    BERT,
    CLEO,
    FAILURE,
    PLAN,
    Clock,
    append_all,
    job_done,
    job_started,
    plan_ready,
    spec,
    step,
    take_done,
    write_specimen,
)

LIMIT = 4
EVENTS = [job_started(), plan_ready(), *(step(number) for number in range(1, 7)), step(1, 2, stage="encoding")]


@dataclass
class Expected:
    """What a job must look like."""

    client: str
    token: str
    state: str = "queued"
    attempt: int = 1
    deaths: int = 0
    after_plan: str = "generate"
    footprint: str = "normal"
    interrupted: bool = False
    plan: dict | None = None
    takes: dict[int, str] = field(default_factory=dict)
    events: list[AnyJobEvent] = field(default_factory=list)


class Lives(RuleBasedStateMachine):
    """`crash` opens a copy of what was on the disk at that moment, as the next process finds it after a kill."""

    jobs = Bundle("jobs")

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.lives = 0
        self.clock = Clock()
        self.ledger = self._opened()
        self.model: dict[str, Expected] = {}
        self.paused = False

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            self.ledger.close()
            shutil.rmtree(self.folder)

    def _opened(self) -> Ledger:
        return Ledger(self.folder / str(self.lives) / "ledger.sqlite", clock=self.clock, queue_limit=LIMIT)

    def _allowed(self, job: str, allowed: bool, call, *values, **named) -> bool:
        """Carry out a call that must be refused unless it is `allowed`."""
        if allowed:
            call(job, *values, **named)
        else:
            with pytest.raises(IllegalMove):
                call(job, *values, **named)
        return allowed

    @rule(
        target=jobs,
        client=st.sampled_from((ANNA, BERT, CLEO)),
        token=st.sampled_from("1234567"),
        after_plan=st.sampled_from(("generate", "wait")),
    )
    def submit(self, client, token, after_plan):
        known = [job for job, each in self.model.items() if (each.client, each.token) == (client, token)]
        waiting = [each for each in self.model.values() if each.client == client and each.state == "queued"]
        if not known and len(waiting) >= LIMIT:
            with pytest.raises(QueueFull):
                self.ledger.submit(client, token, spec(after_plan=after_plan))
            return ""
        row, created = self.ledger.submit(client, token, spec(after_plan=after_plan))
        assert created is not bool(known)
        if known:
            assert row.id == known[0]
        else:
            self.model[row.id] = Expected(client, token, after_plan=after_plan)
        return row.id

    @rule(job=jobs, state=st.sampled_from(STATES))
    def move(self, job, state):
        if job:
            expected = self.model[job]
            if state in ("failed", "cancelled", "queued") and state != expected.state:
                return
            if self._allowed(job, state == expected.state or state in MOVES[expected.state], self.ledger.move, state):
                if expected.state == "queued" and state in RUNNING:
                    expected.interrupted = False
                expected.state = state

    @rule()
    def start_next(self):
        row = next(iter(self.ledger.queue()), None)
        waiting = [each for each in self.model.values() if each.state == "queued"]
        assert (row is None) == (not waiting)
        if row is not None:
            expected = self.model[row.id]
            assert expected.state == "queued"
            assert expected.interrupted or not any(each.interrupted for each in waiting)
            self.ledger.move(row.id, "preparing")
            expected.state, expected.interrupted = "preparing", False

    @rule(job=jobs, events=st.lists(st.sampled_from(EVENTS), min_size=1, max_size=4))
    def append(self, job, events):
        if job and self._allowed(job, self.model[job].state not in ENDED, self._append, events):
            self._reported(self.model[job], events)

    @rule(job=jobs, number=st.integers(1, 3))
    def finish_take(self, job, number):
        if job and self.model[job].state in RUNNING:
            folder = self.folder / "takes" / job / str(number)
            write_specimen(folder, number)
            event = take_done(folder, number)
            repeat = event in self.model[job].events
            assert (self.ledger.record(job, event, 0 if repeat else None).event is None) == repeat
            if not repeat:
                self._reported(self.model[job], [event])
                self.model[job].takes[number] = "pending"

    @rule(job=jobs, number=st.integers(1, 3), status=st.sampled_from(("approved", "rejected")))
    def review(self, job, number, status):
        if job and number in self.model[job].takes:
            self.ledger.set_take(job, number, status)
            self.model[job].takes[number] = status

    @rule(job=jobs)
    def finish(self, job):
        if job and self.model[job].state in ("preparing", "planning", "delivering"):
            assert self.ledger.record(job, job_done()).event.number == len(self.model[job].events) + 1
            self._reported(self.model[job], [job_done()])
            self.model[job].state = "done"

    @rule(job=jobs)
    def fail(self, job):
        if job and self._allowed(job, self.model[job].state not in ENDED, self.ledger.fail, FAILURE):
            self.model[job].events.append(self.ledger.events(job)[-1].event)
            self.model[job].state = "failed"

    @rule(job=jobs)
    def pause_job(self, job):
        if not job:
            return
        expected = self.model[job]
        already = expected.state == "paused"
        if self._allowed(job, already or expected.state in ("queued", *RUNNING), self.ledger.pause_job) and not already:
            expected.events.append(self.ledger.events(job)[-1].event)
            expected.state, expected.interrupted = "paused", False

    @rule(job=jobs)
    def cancel(self, job):
        if not job:
            assert self.ledger.cancel("none") == ("not_found", None)
            return
        expected = self.model[job]
        outcome, numbered = self.ledger.cancel(job)
        assert outcome == ("already_done" if expected.state in ("done", "failed") else "cancelled")
        assert (numbered is None) == (expected.state in ENDED)
        if numbered is not None:
            assert numbered.number == len(expected.events) + 1
            expected.events.append(numbered.event)
            expected.state = "cancelled"

    @rule(job=jobs, footprint=st.sampled_from((None, "small")))
    def retry(self, job, footprint):
        before = self.model[job].state if job else ""
        if job and self._allowed(job, before in ("failed", "cancelled", "paused"), self.ledger.retry, footprint):
            expected = self.model[job]
            expected.state, expected.interrupted = "queued", False
            if before != "paused":
                expected.deaths = 0
                expected.attempt += 1
            expected.footprint = footprint or expected.footprint
            own = [each for each in self._own_order(expected.client) if not self.model[each].interrupted]
            assert own[0] == job

    @rule(job=jobs, plan=st.sampled_from((None, PLAN)))
    def approve(self, job, plan):
        if job and self._allowed(job, self.model[job].state == "awaiting_approval", self.ledger.approve, plan):
            expected = self.model[job]
            expected.state, expected.after_plan, expected.plan = "queued", "generate", plan or expected.plan

    @rule(job=jobs, died=st.booleans())
    def interrupt(self, job, died):
        if job and self._allowed(job, self.model[job].state in RUNNING, self.ledger.interrupt, died=died):
            expected = self.model[job]
            expected.state, expected.interrupted = "queued", True
            expected.attempt += died
            expected.deaths += died

    @rule(job=jobs, before=jobs)
    def reorder(self, job, before):
        if not job:
            return
        row, other = self.model[job], self.model.get(before)
        allowed = row.state == "queued" and (other is None or (other.state == "queued" and other.client == row.client))
        order = self._own_order(row.client)
        if self._allowed(job, allowed, self.ledger.reorder, before or None) and job != before:
            order.remove(job)
            order.insert(order.index(before) if before else len(order), job)
            assert self._own_order(row.client) == order
            for each in order:
                self.model[each].interrupted = self.ledger.job(each).interrupted and self.model[each].interrupted

    @rule(on=st.booleans())
    def pause(self, on):
        self.ledger.pause_queue(on)
        self.paused = on

    @rule(in_order=st.booleans())
    def crash(self, in_order):
        queue = [row.id for row in self.ledger.queue()]
        old = self.folder / str(self.lives)
        self.lives += 1
        if in_order:
            self.ledger.close()
        new = self.folder / str(self.lives)
        shutil.copytree(old, new)
        if not in_order:
            self.ledger.close()
        shutil.rmtree(old)
        self.ledger = self._opened()
        assert [row.id for row in self.ledger.queue()] == queue
        running = {job for job, each in self.model.items() if each.state in RUNNING}
        self._everything()
        recovered = [row.id for row in self.ledger.recover()]
        assert set(recovered) == running
        for job in running:
            self.model[job].state, self.model[job].interrupted = "queued", True
        interrupted = [job for job in self.model if self.model[job].state == "queued" and self.model[job].interrupted]
        assert {row.id for row in self.ledger.queue()[: len(interrupted)]} == set(interrupted)

    @invariant()
    def everything_is_as_expected(self):
        if hasattr(self, "ledger"):
            self._everything()

    def _everything(self):
        assert [row.id for row in self.ledger.jobs(limit=-1)] == list(reversed(self.model))
        for job, expected in self.model.items():
            row = self.ledger.job(job)
            assert {name: getattr(row, name) for name in ("client", "token", "state", "attempt", "deaths")} == {
                name: getattr(expected, name) for name in ("client", "token", "state", "attempt", "deaths")
            }
            assert (row.footprint, row.plan, row.interrupted, row.spec.after_plan) == (
                expected.footprint,
                expected.plan,
                expected.interrupted,
                expected.after_plan,
            )
            assert (row.failure is not None) == (expected.state == "failed")
            events = self.ledger.events(job)
            assert [each.number for each in events] == list(range(1, len(expected.events) + 1))
            assert [each.event for each in events] == expected.events
            assert row.events == self.ledger.job(job).events == len(events)
            assert {each.number: each.take.status for each in self.ledger.takes(job=job)} == expected.takes
        queue = self.ledger.queue()
        assert [row.position for row in queue] == list(range(1, len(queue) + 1))
        assert {row.id for row in queue} == {job for job, each in self.model.items() if each.state == "queued"}
        assert self.ledger.queue_paused == self.paused

    def _append(self, job: str, events: list[AnyJobEvent]) -> None:
        append_all(self.ledger, job, events)

    def _own_order(self, client: str) -> list[str]:
        return [row.id for row in self.ledger.queue() if row.client == client]

    def _reported(self, expected: Expected, events: list[AnyJobEvent]) -> None:
        expected.events += events
        if any(event is not EVENTS[0] for event in events if not isinstance(event, type(job_done()))):
            expected.deaths = 0


Lives.TestCase.settings = settings(
    max_examples=15, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
test_lives = Lives.TestCase
