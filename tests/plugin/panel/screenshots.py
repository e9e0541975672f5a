"""Screenshots of every state of the panel, over the scriptable backend.

    python -m tests.plugin.panel.screenshots OUT [NAME ...]

Run it under Xvfb (`xvfb-run -s "-screen 0 2560x2048x24"`) or with QT_QPA_PLATFORM=offscreen; QT_SCALE_FACTOR=2 makes
those of 200 % scaling.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import av
import msgspec
import numpy as np
import opentimelineio as otio
from PIL import Image, ImageDraw
from PyQt6.QtCore import QElapsedTimer  # noqa: E402
from PyQt6.QtWidgets import QApplication  # noqa: E402

from bridge.editorial.placement import write_timeline  # noqa: E402
from bridge.editorial.rates import as_time  # noqa: E402
from bridge.wire.messages import Failure, Worker  # noqa: E402
from contract.errors import Problem  # noqa: E402
from contract.events import FoundMask, PreviewWritten, ShotChecked  # noqa: E402
from contract.finding import Finding  # noqa: E402
from contract.preflight import Preflight, PreflightCheck  # noqa: E402
from contract.take import Note  # noqa: E402
from media.probe import probe  # noqa: E402
from plugin.panel.application import Panel  # noqa: E402
from plugin.panel.review.compare import Mode  # noqa: E402
from tests.plugin.panel.fake_service import PLAN, FakeService, FakeServices  # noqa: E402
from tests.plugin.panel.more_states import model_not_there, travelling
from tests.plugin.panel.sample_takes import SAMPLE, write_take_files  # noqa: E402

CHECKED = Preflight(
    frames=96,
    held=[],
    checks=[
        PreflightCheck("pictures", "fine", "Every picture of the 96 frames is whole."),
        PreflightCheck("clip", "notice", "This clip is interlaced. Its two fields are worked on as one picture."),
    ],
)
NARROW, USUAL, WIDE = (380, 940), (460, 980), (1500, 940)
COLOURS = ((214, 52, 44), (52, 96, 214), (222, 186, 40))


class Stage:
    """A panel over a scripted backend, and the files that it shows."""

    def __init__(self, app: QApplication, out: Path, folder: Path) -> None:
        self.app, self.out, self.folder = app, out, folder
        self.service = FakeService()
        self.services = FakeServices(self.service)
        self.panel = Panel(app, services=self.services)
        self.model, self.window = self.panel.model, self.panel.window
        self.model.settings.set("welcomed", True)

    def settle(self, ms: int = 700, until: Callable[[], bool] | None = None) -> None:
        """Process events for `ms`, or until a condition holds."""
        clock = QElapsedTimer()
        clock.start()
        while clock.elapsed() < (20_000 if until else ms):
            self.app.processEvents()
            if until is not None and until():
                return
        if until is not None:
            raise SystemExit("A state that is to be shown does not come about.")

    def shoot(self, name: str, size: tuple[int, int] = USUAL, ms: int = 1500) -> None:
        """Save a picture."""
        self.window.resize(*size)
        self.settle(ms)
        self.window.grab().save(str(self.out / f"{name}.png"))
        print(name, self.window.width(), self.window.height())

    def open(self) -> None:
        """The shot, and the backend ready."""
        self.window.show()
        self.window.begin(write_edit(self.folder))
        self.settle(until=lambda: bool(self.model.shot.clips))
        self.model.shot.choose(1)
        self.settle(until=lambda: self.model.ask.estimate is not None)

    def plan(self) -> str:
        """Make a plan that awaits approval; returns its job."""
        self.model.ask.instruction = "add a red balloon on the left"
        self.model.make_plan()
        self.settle(until=lambda: bool(self.model.plan.job))
        job = self.model.plan.job
        masks = (
            FoundMask(phrase="man in a coat", role="source", coverage=0.11, frame=4, path=str(self.mask("mask.png"))),
            FoundMask(phrase="lamp post", role="source", coverage=0.03, frame=4, path=str(self.mask("post.png", 0.7))),
            FoundMask(phrase="red balloon", role="target", coverage=0, frame=0, path=None),
        )
        self.service.push_event(job, ShotChecked(report=CHECKED))
        self.service.plan(job, masks=masks)
        self.settle(until=lambda: self.model.plan.state == "ready")
        return job

    def mask(self, name: str, across: float = 0.5) -> Path:
        """Write a frame with a coloured mask."""
        with av.open(str(SAMPLE)) as container:
            picture = Image.fromarray(next(container.decode(video=0)).to_ndarray(format="rgb24"))
        shade = Image.new("RGB", picture.size, (60, 160, 255))
        hole = Image.new("L", picture.size)
        width, height = picture.size
        box = (width * (across - 0.08), height * 0.25, width * (across + 0.08), height * 0.95)
        ImageDraw.Draw(hole).rounded_rectangle(box, 40, fill=150)
        path = self.folder / name
        Image.composite(shade, picture, hole).save(path)
        return path

    def takes(self, count: int = 3) -> list[str]:
        """Make finished takes with pictures; returns their ids."""
        job = self.plan()
        self.model.generate()
        ids = []
        for number in range(1, count + 1):
            colour = COLOURS[(number - 1) % len(COLOURS)]
            folder = write_take_files(self.folder / "takes" / f"{number:02d}", colour=colour)
            more = {"parent": ids[0]} if number == 3 else {}
            notes = [Note(text="The edge is soft here", first=20, last=31, category="edge")] if number == 1 else []
            status = ("approved", "pending", "retake")[(number - 1) % 3]
            take = self.service.finish_take(job, number, folder, notes=notes, status=status, frame_count=66, **more)
            ids.append(take.id)
        self.service.finish(job)
        self.settle(until=lambda: sum(card.kind == "take" for card in self.model.takes.cards) == count)
        return ids

    def close(self) -> None:
        """Close the panel."""
        self.window.close()
        self.panel.close()


def write_edit(folder: Path) -> Path:
    """A timeline with the sample and two other clips, one of which cannot be used."""
    facts = probe(str(SAMPLE))
    rate = facts.rate
    timeline = otio.schema.Timeline("evening walk", global_start_time=as_time(108_000, rate))
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    whole = otio.opentime.TimeRange(as_time(0, rate), as_time(facts.frame_count, rate))
    track.append(otio.schema.Gap(duration=as_time(12, rate)))
    track.append(otio.schema.Clip("garden path", otio.schema.ExternalReference(str(SAMPLE), whole), whole))
    track.append(otio.schema.Clip("river", otio.schema.ExternalReference(str(SAMPLE), whole), whole))
    slow = otio.schema.Clip("gate, slowed", otio.schema.ExternalReference(str(SAMPLE), whole), whole)
    slow.effects.append(otio.schema.LinearTimeWarp(time_scalar=0.5))
    track.append(slow)
    timeline.tracks.append(track)
    write_timeline(timeline, folder / "evening walk.otio")
    return folder / "evening walk.otio"


# The states -----------------------------------------------------------------------------------------------------------


def first_run(stage: Stage) -> None:
    stage.model.settings.set("welcomed", False)
    stage.window.checks._command = (sys.executable, "-c", "")
    stage.window.show()
    stage.window.begin()
    stage.settle(until=lambda: stage.model.backend.ready and stage.window.checks.state != "running")
    stage.window.checks.findings = (
        Finding("Python", "fine", "3.11.9 on Linux"),
        Finding("Memory", "fine", "33.5 GB, 21.2 GB free"),
        Finding("Disk here", "fine", "212.4 GB free"),
        Finding("ffmpeg", "fine", "ffmpeg version 7.0.2"),
        Finding("Shipped model", "fine", "11 files are as they were shipped"),
        Finding("GPU", "missing", "none is seen; work is done on 8 CPU threads"),
    )
    stage.window.checks.state = "fine"
    stage.shoot("01-first-run", USUAL)
    bad = Finding("Memory", "broken", "4.1 GB, 1.2 GB free", "The shipped model needs 3 GB free: close other programs.")
    stage.window.checks.findings = (bad, *stage.window.checks.findings[2:])
    stage.window.checks.state = "broken"
    stage.shoot("02-first-run-error", NARROW)


def empty(stage: Stage) -> None:
    stage.window.show()
    stage.window.begin()
    stage.settle(until=lambda: stage.model.backend.ready)
    stage.shoot("03-empty")


def shot(stage: Stage) -> None:
    stage.open()
    stage.shoot("04-shot", ms=4000)
    stage.model.shot.choose_part(10, 40)
    stage.window.ask_zone.region.setChecked(True)
    stage.model.ask.draw_region((0.1, 0.15, 0.45, 0.7))
    stage.model.ask.model = "zai-org/CogVideoX-5b"
    stage.shoot("05-part-region-model", ms=4000)
    stage.model.shot.choose(3)
    stage.shoot("06-clip-that-cannot-be-used")


def planning(stage: Stage) -> None:
    stage.open()
    stage.model.ask.instruction = "add a red balloon on the left"
    stage.model.make_plan()
    stage.settle(until=lambda: bool(stage.model.plan.job))
    stage.service.change(stage.model.plan.job, state="planning", position=None)
    stage.shoot("07-planning", ms=3000)
    stage.service.plan(stage.model.plan.job, masks=())
    stage.model.drop_plan()
    stage.plan()
    stage.shoot("08-plan", (460, 1180), ms=3000)
    stage.shoot("09-plan-wide", WIDE)


def generating(stage: Stage) -> None:
    stage.open()
    job = stage.plan()
    stage.model.ask.takes = 2
    stage.model.generate()
    stage.settle()
    job = next(each for each in stage.service.jobs if each != job)
    picture = stage.folder / "preview.png"
    with av.open(str(SAMPLE)) as container:
        frame = next(container.decode(video=0)).to_ndarray(format="rgb24")
    noisy = frame * 0.6 + np.random.default_rng(0).integers(0, 100, frame.shape)
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).resize((160, 96)).save(picture)
    stage.service.workers = (Worker(device="cpu", state="busy", job=job, model="tiny"),)
    stage.service.progress(job, 30, iterations=5, seconds_left=74.0, iteration=2)
    stage.service.push_event(job, PreviewWritten(take=1, path=str(picture), iteration=2, iterations=5))
    for instruction in ("add smoke behind the bench", "add snow"):
        stage.model.ask.instruction = instruction
        stage.model.make_plan()
        stage.settle(400)
        stage.service.plan(
            stage.model.plan.job, msgspec.structs.replace(PLAN, target_object=instruction.removeprefix("add "))
        )
        stage.settle(until=lambda: stage.model.plan.state == "ready")
        stage.model.generate()
        stage.model.plan.clear()
    stage.model.ask.instruction = ""
    stage.shoot("10-generating", ms=3000)
    stage.model.jobs.pause(job)
    failure = Failure(
        kind="out_of_memory",
        what="The graphics card ran out of memory.",
        why="",
        remedy="Try again with less memory, or a shorter part.",
        exit_code=5,
        offers=("again", "small"),
    )
    stage.service.fail(list(stage.service.jobs)[-1], failure)
    stage.shoot("11-paused-and-failed", NARROW)


def takes(stage: Stage) -> None:
    stage.open()
    ids = stage.takes()
    stage.model.plan.clear()
    stage.shoot("12-takes", ms=5000)
    stage.model.decisions.approve_and_place(ids[1])
    stage.shoot("13-placed", ms=3000)
    stage.window.open_review(ids[0])
    stage.panel.review.transport.seek(30)
    for mode in Mode:
        stage.panel.review.compare.set(mode=mode)
        stage.shoot(f"14-review-{mode.name.lower()}", WIDE, ms=3000)
    stage.shoot("15-review-narrow", NARROW, ms=2500)
    stage.window.review.show_follow_up(True)
    stage.shoot("16-follow-up", WIDE, ms=2000)


def errors(stage: Stage) -> None:
    stage.open()
    stage.services.runs = False
    stage.services.missing = Problem(
        "The backend could not be started.", "It ended with exit code 1.", "Run `dynvfx doctor` to find the cause."
    )
    stage.service.die()
    stage.settle(until=lambda: stage.model.backend.state == "silent")
    stage.shoot("17-backend-silent", ms=300)
    stage.settle(until=lambda: stage.model.backend.state == "missing")
    stage.model.problem = Problem(
        "The take cannot be placed.",
        "The timeline's folder is read-only.",
        "Choose another folder, or copy the timeline.",
    )
    stage.shoot("18-backend-missing", NARROW)


def settings(stage: Stage) -> None:
    from plugin.panel.widgets.settings import SettingsDialog

    dialog = SettingsDialog(stage.model.settings)
    dialog.show()
    stage.settle(500)
    dialog.grab().save(str(stage.out / "19-settings.png"))
    dialog.close()


_ALL = (first_run, empty, shot, planning, generating, takes, errors, settings, travelling, model_not_there)
STATES = {each.__name__: each for each in _ALL}


def main() -> None:
    """Make the pictures."""
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    app = QApplication(sys.argv[:1])
    for name in sys.argv[2:] or STATES:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["DYNVFX_HOME"] = str(Path(folder) / "home")
            stage = Stage(app, out, Path(folder))
            STATES[name](stage)
            stage.close()


if __name__ == "__main__":
    main()
