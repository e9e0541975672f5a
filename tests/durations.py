"""How long tests take: `--fast` leaves out the slow ones by a recorded list, and `--record` brings the list up to date.

A test's time is that of its own setup, call and teardown, and its share of the fixtures that it uses together with
other tests. Tests of a parametrized function are slow or fast together.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

LIMIT = 0.5
"""Seconds from which on a test is slow, on the machine that records: two cores."""
LONGEST = 20.0
"""Tests that take longer than this come first, so that no process of the suite ends long after the others."""
RECORD = Path(__file__).parent / "slow_tests.txt"
_HEADER = f"# Tests of more than {LIMIT:g} s. Made by `python3 run.py test --record`: do not edit.\n"
_SHARED, _PREPARED = "shared fixtures", "prepared fixtures"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `python3 run.py test`."""
    group = parser.getgroup("durations")
    group.addoption("--fast", action="store_true", help="leave out the slow tests")
    group.addoption(
        "--record", action="store_true", help="write down which tests are slow; with --fast: of those that run"
    )


class Durations:
    """The plugin: in each process it chooses and measures, in the main one it records and reports."""

    def __init__(self, config: pytest.Config) -> None:
        self._fast, self._record = bool(config.option.fast), bool(config.option.record)
        self._slow = read_record(RECORD)
        self._left_out: Counter[str] = Counter()
        self._own: dict[str, float] = defaultdict(float)
        self._fixtures: dict[str, float] = defaultdict(float)
        self._uses: dict[str, list[str]] = {}
        self._prepared: dict[str, float] = {}
        self._collected: set[str] = set()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out the slow ones; the longest of the others come first."""
        self._collected = {function_of(item.nodeid) for item in items}
        if self._fast:
            slow = [item for item in items if function_of(item.nodeid) in self._slow]
            self._left_out.update(room_of(item.nodeid) for item in slow)
            items[:] = [item for item in items if function_of(item.nodeid) not in self._slow]
            config.hook.pytest_deselected(items=slow)
        items.sort(key=lambda item: self._slow.get(function_of(item.nodeid), 0.0) < LONGEST)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef, request: pytest.FixtureRequest) -> Iterator[None]:
        """Measure fixtures that several tests use."""
        began, inner = time.perf_counter(), sum(self._prepared.values())
        try:
            return (yield)
        finally:
            if fixturedef.scope != "function":
                within = sum(self._prepared.values()) - inner  # other shared fixtures that this one asked for
                self._prepared[fixture_name(fixturedef)] = time.perf_counter() - began - within

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
        """Send what was measured to the main process."""
        report = yield
        if self._record and report.when == "setup":
            definitions = [each for found in item._fixtureinfo.name2fixturedefs.values() for each in found]
            shared = [fixture_name(each) for each in definitions if each.scope != "function"]
            report.user_properties += [(_SHARED, shared), (_PREPARED, self._prepared)]
            self._prepared = {}
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up what the processes measured."""
        if not self._record:
            return
        measured = dict(report.user_properties) if report.when == "setup" else {}
        prepared = measured.get(_PREPARED, {})
        for name, seconds in prepared.items():
            self._fixtures[name] = max(self._fixtures[name], seconds)
        if report.when == "setup":
            self._uses[report.nodeid] = measured.get(_SHARED, [])
        self._own[report.nodeid] += report.duration - sum(prepared.values())

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand over to the main process what only this one knows; there, record."""
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["durations"] = (dict(self._left_out), sorted(self._collected))
        elif self._record:
            write_record(RECORD, self._new_record())

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Take over what a process knew; all of them collected the same tests."""
        left_out, collected = getattr(node, "workeroutput", {}).get("durations", ({}, []))
        self._left_out = Counter(left_out) or self._left_out
        self._collected |= set(collected)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """What was left out, before pytest's closing line."""
        if self._left_out:
            rooms = ", ".join(f"{room} {count}" for room, count in sorted(self._left_out.items()))
            total = sum(self._left_out.values())
            terminalreporter.write_line(f"Left out {total} slow tests: {rooms}. All of them run without --fast.")
        if self._record:
            terminalreporter.write_line(f"{RECORD.name} has {len(read_record(RECORD))} slow test functions.")

    def _new_record(self) -> dict[str, float]:
        """The old record with what was measured, and without the tests that are gone."""
        users = Counter(name for shared in self._uses.values() for name in shared)
        measured: dict[str, float] = defaultdict(float)
        for nodeid, own in self._own.items():
            share = sum(self._fixtures[name] / users[name] for name in self._uses.get(nodeid, ()))
            measured[function_of(nodeid)] = max(measured[function_of(nodeid)], own + share)
        files = {name.partition("::")[0] for name in self._collected}
        record = {}
        for name, seconds in {**self._slow, **measured}.items():
            path = name.partition("::")[0]
            gone = path in files and name not in self._collected or not (RECORD.parents[1] / path).exists()
            if seconds >= LIMIT and not gone:
                record[name] = seconds
        return record


def function_of(nodeid: str) -> str:
    """The test function of a test, without its parameters."""
    return nodeid.partition("[")[0]


def room_of(nodeid: str) -> str:
    """The room that a test belongs to: tests/backend/ledger/test_queue.py is in backend/ledger."""
    folders = nodeid.partition("::")[0].split("/")[1:-1]
    return "/".join(folders[:2]) or "tests"


def fixture_name(fixture: pytest.FixtureDef) -> str:
    """A name for a fixture that no other one has."""
    return f"{fixture.baseid}::{fixture.argname}"


def read_record(path: Path) -> dict[str, float]:
    """Seconds by test function; empty when nothing was recorded yet."""
    if not path.exists():
        return {}
    lines = [line.split(maxsplit=1) for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    return {name: float(seconds) for seconds, name in lines}


def write_record(path: Path, record: dict[str, float]) -> None:
    """Write what `read_record` reads, in the order of the names."""
    lines = [f"{seconds:7.1f}  {name}\n" for name, seconds in sorted(record.items())]
    path.write_text(_HEADER + "".join(lines), "utf-8")
