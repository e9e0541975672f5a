"""How long the panel's loop is held up: 200 takes in the list, a 4K clip, a job that reports every step.

    python benchmarks/panel.py [SECONDS]

Posts an event every 5 ms, notes how late each is handled, and prints the delays. Works without a screen.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import av  # noqa: E402
import numpy as np  # noqa: E402
from PyQt6.QtCore import QTimer  # noqa: E402
from PyQt6.QtWidgets import QApplication  # noqa: E402

from bridge.wire.messages import TakeEntry  # noqa: E402
from plugin.panel.application import Panel  # noqa: E402
from tests.plugin.panel.fake_service import PLAN, FakeService, FakeServices, make_take  # noqa: E402
from tests.plugin.panel.sample_takes import write_take_files  # noqa: E402

TAKES, EVERY_MS = 200, 5


def write_plate(path: Path) -> Path:
    """24 frames of 3840 x 2160."""
    with av.open(str(path), "w") as sink:
        stream = sink.add_stream("mpeg4", rate=Fraction(24))
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 3840, 2160, "yuv420p", 30_000_000
        noise = np.random.default_rng(0).integers(0, 255, (270, 480, 3), np.uint8).repeat(8, 0).repeat(8, 1)
        for index in range(24):
            sink.mux(stream.encode(av.VideoFrame.from_ndarray(np.roll(noise, 16 * index, 1))))
        sink.mux(stream.encode())
    return path


def main() -> None:
    """Measure and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["DYNVFX_HOME"] = str(folder / "home")
        app = QApplication([])
        service = FakeService()
        panel = Panel(app, services=FakeServices(service))
        panel.model.settings.set("welcomed", True)
        panel.window.show()
        panel.window.begin(write_plate(folder / "plate.mov"))
        run(app, lambda: panel.model.backend.ready and panel.model.shot.footage is not None)
        panel.model.ask.instruction = "add a red balloon"
        panel.model.make_plan()
        run(app, lambda: bool(panel.model.plan.job))
        job = panel.model.plan.job
        service.plan(job, PLAN)
        files = write_take_files(folder / "takes")
        for number in range(1, TAKES + 1):
            take = make_take(service.jobs[job], number)
            service.entries[job, number] = TakeEntry(job=job, number=number, folder=str(files), take=take)
        panel.model.jobs.reload()
        run(app, lambda: len(panel.model.takes.entries) == TAKES)
        panel.window.resize(900, 1000)
        service.change(job, state="refining")
        delays, turns = measure(app, service, job, seconds)
        panel.window.close()
        panel.close()
    delays, turns = sorted(delays), sorted(turns)
    print(f"{len(delays)} events in {seconds:g} s, {TAKES} takes, a 3840 x 2160 clip")
    for share in (0.5, 0.95, 0.99, 1.0):
        delay = 1000 * delays[min(len(delays) - 1, int(share * len(delays)))]
        turn = 1000 * turns[min(len(turns) - 1, int(share * len(turns)))]
        print(
            f"{100 * share:5.1f} % handled within {delay:6.1f} ms; turns of the loop took {turn:6.1f} ms of processor"
        )


def run(app: QApplication, until: object) -> None:
    """Handle events until something is so."""
    while not until():
        app.processEvents()


def measure(app: QApplication, service: FakeService, job: str, seconds: float) -> tuple[list[float], list[float]]:
    """How late events are, and how long each turn of the loop has computed (whatever else the machine does)."""
    delays: list[float] = []
    turns: list[float] = []
    due = time.perf_counter() + EVERY_MS / 1000
    step = 0

    def beat() -> None:
        nonlocal due
        now = time.perf_counter()
        delays.append(max(0.0, now - due))
        due = now + EVERY_MS / 1000

    def work() -> None:
        nonlocal step
        step += 1
        service.progress(job, step % 50, iterations=5)
        service.change(job, step=step % 50, steps=50)

    beats, steps = QTimer(), QTimer()
    beats.timeout.connect(beat)
    steps.timeout.connect(work)
    beats.setInterval(EVERY_MS)
    steps.start(40)
    beats.start()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.thread_time()
        app.processEvents()
        turns.append(time.thread_time() - began)
    return delays, turns


if __name__ == "__main__":
    main()
