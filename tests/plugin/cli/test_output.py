from __future__ import annotations

import io
import json

import msgspec
import pytest

from contract.events import (
    AnyJobEvent,
    JobDone,
    JobFailed,
    JobNotice,
    JobStarted,
    ModelOpened,
    PlanReady,
    PreviewWritten,
    StageProgress,
    TakeDone,
)
from plugin.cli.output import JsonLines, TextReporter, duration
from tests.contract.sample_plan import a_plan

EVENTS = [
    JobStarted(
        output="/o",
        source="a.otio",
        clip="strâße 🎈",
        media="/m.mov",
        first=0,
        frames=48,
        rate="24000/1001",
        width=1920,
        height=1080,
        takes=[1, 2],
    ),
    ModelOpened(model="tiny", licence="GPL-3.0-or-later", device="cpu", frames=17, width=160, height=96, rate="8"),
    PlanReady(
        path="/o/plan.json",
        origin="written",
        plan=a_plan(target_object="red balloon", composite_caption="A red balloon."),
        remarks=["Simple."],
    ),
    StageProgress(take=1, stage="inverting", step=3, steps=29),
    StageProgress(take=1, stage="refining", step=1, steps=45, iteration=1, iterations=6, seconds_left=125.0),
    StageProgress(take=1, stage="refining", step=2, steps=45, iteration=1, iterations=6, seconds_left=124.0),
    PreviewWritten(take=1, path="/o/p.png", iteration=1, iterations=6),
    JobNotice(kind="retry", text="Trying again.", take=1),
    TakeDone(
        take=1, folder="/o/takes/01", seed=0, made=True, seconds={"r": 65.0}, matte_coverage=0.04, outside_change=0.0
    ),
    JobDone(output="/o", takes=[1, 2], timeline="/o/timeline.otio"),
    JobFailed(kind="bad_media", what="What.", why="Why.", remedy="Do.", exit_code=3, log="/log"),
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_json_lines_read_back_as_the_same_events():
    out = io.StringIO()
    reporter = JsonLines(out)
    for event in EVENTS:
        reporter.report(event)
    lines = out.getvalue().splitlines()
    assert [msgspec.json.decode(line, type=AnyJobEvent) for line in lines] == EVENTS
    assert all(line.isascii() for line in lines)
    assert [json.loads(line)["event"] for line in lines[:3]] == ["job_started", "model_opened", "plan_ready"]


def test_results_on_stdout_and_the_rest_on_stderr():
    out, err = io.StringIO(), io.StringIO()
    reporter = TextReporter(out, err)
    for event in EVENTS:
        reporter.report(event)
    assert out.getvalue().splitlines() == [
        "Plan: /o/plan.json",
        "Take 1: /o/takes/01 (seed 0, the effect covers 4.0 % of the picture, every pixel outside it is the camera's "
        "own, took 1 min 05 s)",
        "Timeline: /o/timeline.otio",
    ]
    said = err.getvalue()
    assert '"strâße 🎈", 48 frames of 1920x1080 at 23.976 fps' in said
    assert said.count("Denoising, pass 1 of 6") == 1, "a log gets one line a stage"
    assert "Error: What. Why. Do.\nThe details are in /log\n" in said


def test_names_and_paths_cannot_write_control_characters():
    out, err = io.StringIO(), io.StringIO()
    reporter = TextReporter(out, err)
    for event in EVENTS:
        if isinstance(event, JobStarted):
            event = msgspec.structs.replace(event, clip="a\x1b[31m\nb")
        elif isinstance(event, JobDone):
            event = msgspec.structs.replace(event, timeline="/o/\x07\u202e.otio")
        elif isinstance(event, JobFailed):
            event = msgspec.structs.replace(event, why="It\x9b2J\nfailed.")
        reporter.report(event)
    assert '"a\\x1b[31m\\nb", 48 frames' in err.getvalue() and "It\\x9b2J\nfailed." in err.getvalue()
    assert "Timeline: /o/\\x07\\u202e.otio\n" in out.getvalue()
    assert all(each.isprintable() or each == "\n" for each in out.getvalue() + err.getvalue())


def test_a_terminal_gets_a_bar_with_the_time_left():
    err = Terminal()
    reporter = TextReporter(io.StringIO(), err)
    for event in EVENTS[:6]:
        reporter.report(event)
    assert (
        "Denoising, pass 1 of 6" in err.getvalue() and "2/45" in err.getvalue() and "2 min 04 s left" in err.getvalue()
    )
    reporter.close()


def test_a_changed_outside_is_not_hidden():
    out = io.StringIO()
    TextReporter(out, io.StringIO()).report(msgspec.structs.replace(EVENTS[8], outside_change=2.0))
    assert "differ by up to 2 code values" in out.getvalue()


@pytest.mark.parametrize(("seconds", "text"), [(0, "0 s"), (59.4, "59 s"), (60, "1 min 00 s"), (4805, "1 h 20 min")])
def test_durations(seconds: float, text: str):
    assert duration(seconds) == text
