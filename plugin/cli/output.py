"""How a job's events are reported: JSON lines for programs, a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Protocol, TextIO

import msgspec
from tqdm import tqdm

from contract.events import (
    JobDone,
    JobEvent,
    JobFailed,
    JobNotice,
    JobStarted,
    MasksFound,
    ModelOpened,
    PlanReady,
    ShotChecked,
    StageProgress,
    TakeDone,
)
from contract.printable import one_line, printable_lines
from contract.states import stage_text


class Reporter(Protocol):
    """Shows every event of a job."""

    def report(self, event: JobEvent) -> None:
        """Show `event`."""

    def close(self) -> None:
        """Nothing more comes: clear what is still on the screen."""


def open_reporter(as_json: bool, out: TextIO, err: TextIO) -> Reporter:
    """The reporter for this run: results go to `out`, progress and errors to `err`."""
    return JsonLines(out) if as_json else TextReporter(out, err)


class JsonLines:
    """One JSON object a line, written at once. ASCII only, so that any terminal or pipe carries it."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def report(self, event: JobEvent) -> None:
        """Write `event` as a line."""
        self._out.write(json.dumps(msgspec.to_builtins(event)) + "\n")
        self._out.flush()

    def close(self) -> None:
        """Every line was written at once."""


class TextReporter:
    """Sentences for people; a bar with the stage and the time left when `err` is a terminal."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out, self._err = out, err
        self._bar: tqdm | None = None
        self._stage: tuple[int, str, int] | None = None
        self._takes = 1

    def report(self, event: JobEvent) -> None:
        """Show `event`."""
        if isinstance(event, StageProgress):
            self._progress(event)
            return
        if isinstance(event, JobStarted):
            self._takes = len(event.takes)
            size = f"{event.width}x{event.height}"
            self._say(f'"{one_line(event.clip)}", {event.frames} frames of {size} at {_rate(event.rate)} fps')
        elif isinstance(event, ShotChecked):
            self.close()
            self._say(event.report.summary)
        elif isinstance(event, ModelOpened):
            self._say(
                f"Model {event.model} ({event.licence}) on {event.device}: {event.frames} frames of "
                f"{event.width}x{event.height}"
            )
        elif isinstance(event, PlanReady):
            self._plan(event)
        elif isinstance(event, MasksFound):
            self._masks(event)
        elif isinstance(event, JobNotice):
            self._say(event.text)
        elif isinstance(event, TakeDone):
            self._take(event)
        elif isinstance(event, JobDone):
            self.close()
            if event.timeline is not None:
                self._out.write(f"Timeline: {one_line(event.timeline)}\n")
                fcpxml = Path(event.timeline).with_suffix(".fcpxml")
                if fcpxml.is_file():
                    self._out.write(f"For Final Cut Pro: {one_line(str(fcpxml))}\n")
            self._out.flush()
        elif isinstance(event, JobFailed):
            self._say("Error: " + " ".join(part for part in (event.what, event.why, event.remedy) if part))
            if event.log:
                self._say(f"The details are in {event.log}")

    def close(self) -> None:
        """Take the bar off the screen."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _progress(self, event: StageProgress) -> None:
        stage = (event.take, event.stage, event.iteration)
        text = self._text(event)
        if not self._err.isatty():
            if stage != self._stage:
                self._stage = stage
                self._say(text)
            return
        if stage != self._stage or self._bar is None:
            self.close()
            self._stage = stage
            self._bar = tqdm(
                total=event.steps,
                desc=text,
                file=self._err,
                leave=False,
                dynamic_ncols=True,
                bar_format="{desc} {bar} {n_fmt}/{total_fmt}{postfix}",
            )
        self._bar.n = event.step
        if event.seconds_left is not None:
            self._bar.set_postfix_str(f"{duration(event.seconds_left)} left", refresh=False)
        self._bar.refresh()

    def _text(self, event: StageProgress) -> str:
        text = stage_text(event.stage, event.iteration, event.iterations)
        return f"Take {event.take}: {text}" if self._takes > 1 and event.take else text

    def _plan(self, event: PlanReady) -> None:
        for remark in event.remarks:
            self._say(remark)
        came = {"written": "", "kept": " (kept from before)", "given": " (yours)"}[event.origin]
        self._say(f"Plan{came}: {event.plan.target_object}. {event.plan.composite_caption}")
        self._out.write(f"Plan: {one_line(event.path)}\n")

    def _masks(self, event: MasksFound) -> None:
        for mask in event.masks:
            found = f"{100 * mask.coverage:.1f} % of the picture" if mask.path else "not found"
            self._say(f"{mask.phrase}: {found}" + (f", see {mask.path}" if mask.path else ""))

    def _take(self, event: TakeDone) -> None:
        self.close()
        facts = [f"seed {event.seed}"]
        if not event.made:
            facts.append("finished before")
        if event.matte_coverage is not None:
            facts.append(f"the effect covers {100 * event.matte_coverage:.1f} % of the picture")
        if event.outside_change is not None:
            facts.append(
                "every pixel outside it is the camera's own"
                if event.outside_change == 0
                else f"pixels outside it differ by up to {event.outside_change:g} code values"
            )
        if event.made and event.seconds:
            facts.append(f"took {duration(sum(event.seconds.values()))}")
        self._out.write(f"Take {event.take}: {one_line(event.folder)} ({', '.join(facts)})\n")
        self._out.flush()

    def _say(self, text: str) -> None:
        self.close()
        self._err.write(printable_lines(text) + "\n")
        self._err.flush()


def duration(seconds: float) -> str:
    """Seconds as people say them: 8 s, 2 min 05 s, 1 h 20 min."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _rate(text: str) -> str:
    numerator, _, denominator = text.partition("/")
    return f"{int(numerator) / int(denominator or 1):.3f}".rstrip("0").rstrip(".")
