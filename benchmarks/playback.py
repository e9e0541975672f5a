"""How smoothly the review view plays: two 720p sources at 24 frames a second, wiped, in the real widget.

    python -m benchmarks.playback [--seconds 8] [--size 1280x720] [--mode wipe] [--report FILE]

The original is H.264 as cameras write it, the take H.264 at qp 0 as this program delivers it. Printed: frames a second
that reached the screen, skipped frames, processor seconds per second of playback by thread, the longest the window did
not answer, and the cache's fill against its limit. Playback is smooth when `shown_per_second` is the clip's rate and
`processor_per_second` is below the number of cores that are free.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PyQt6.QtCore import QEventLoop, QTimer
from PyQt6.QtWidgets import QApplication

from contract.plan import Plan
from contract.take import Take
from plugin.panel.review.compare import Mode
from plugin.panel.review.model import ReviewModel
from plugin.panel.review.widgets.view import ReviewView
from plugin.review_media.slices import MediaSlice, ReviewTake

RATE = Fraction(24)
CAMERA = {"crf": "20", "preset": "veryfast"}
DELIVERED = {"qp": "0", "preset": "ultrafast", "bf": "0", "g": "12"}


def picture(number: int, width: int, height: int, ball: bool) -> np.ndarray:
    """uint8 [height, width, 3]: a textured scene that pans, with a ball in it for the take."""
    generator = np.random.default_rng(7)
    coarse = generator.integers(40, 200, (height // 16 + 8, width // 16 + 64, 3), dtype=np.uint8)
    scene = np.repeat(np.repeat(coarse, 16, 0), 16, 1)
    left = number * 3 % 512
    cut = scene[:height, left : left + width].copy()
    grain = np.random.default_rng(number).integers(0, 6, (height, width, 1), dtype=np.uint8)
    cut += grain
    if ball:
        y, x = np.mgrid[:height, :width]
        inside = (x - width // 3 - number) ** 2 + (y - height // 2) ** 2 < (height // 6) ** 2
        cut[inside] = (220, 40, 30)
    return cut


def write_movie(path: Path, count: int, size: tuple[int, int], ball: bool, options: dict[str, str]) -> None:
    """Encode `count` pictures as H.264."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(picture(number, *size, ball), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def take_of(path: Path) -> ReviewTake:
    """The delivered movie as a take."""
    said = {"name": "take 01", "instruction": "add a ball", "model": "tiny", "licence": "", "assistant": ""}
    said |= {"layer": "layer.mov", "composite": path.name, "frame_count": 1}
    plan = Plan(instruction="add a ball", source_caption="a", composite_caption="b", target_object="ball")
    take = Take(id="take", **said, request={}, plan=plan, seed=1, created="", version="")
    return ReviewTake("take", "take 01", 1, str(path), None, None, None, take)


def wait(seconds: float) -> None:
    """Run the event loop."""
    loop = QEventLoop()
    QTimer.singleShot(int(seconds * 1000), loop.quit)
    loop.exec()


def thread_seconds() -> dict[str, float]:
    """Processor seconds of every thread of this process by name, where the system reports them (Linux)."""
    found: dict[str, float] = {}
    tick = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
    for task in Path("/proc/self/task").glob("*/stat"):
        text = task.read_text()
        name, fields = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
        found[name] = found.get(name, 0) + (int(fields[11]) + int(fields[12])) / tick
    return found


def measure(seconds: float, size: tuple[int, int], mode: Mode, folder: Path) -> dict[str, object]:
    """Play and count."""
    count = int(seconds * RATE)
    write_movie(folder / "original.mp4", count, size, False, CAMERA)
    write_movie(folder / "composite.mov", count, size, True, DELIVERED)
    model = ReviewModel()
    view = ReviewView(model)
    view.resize(1280, 800)
    model.set_shot(MediaSlice(str(folder / "original.mp4"), 0, count, RATE), RATE, 86400)
    model.set_takes([take_of(folder / "composite.mov")])
    model.compare.set(mode=mode)
    view.show()
    wait(1.5)
    pulse, gaps = time.perf_counter(), [0.0]

    def beat() -> None:
        nonlocal pulse
        now = time.perf_counter()
        gaps.append(now - pulse)
        pulse = now

    heart = QTimer()
    heart.timeout.connect(beat)
    heart.start(5)
    pulse = time.perf_counter()
    before, wall, threads = time.process_time(), time.perf_counter(), thread_seconds()
    model.transport.loop(False)
    model.transport.play()
    while model.transport.playing:
        wait(0.05)
    wall = time.perf_counter() - wall
    used = time.process_time() - before
    after = thread_seconds()
    heart.stop()
    result = {
        "mode": mode.value,
        "size": f"{size[0]}x{size[1]}",
        "rate": float(RATE),
        "seconds": round(wall, 2),
        "shown_per_second": round(model.playback.frames_shown / wall, 2),
        "skipped": model.playback.late,
        "processor_per_second": round(used / wall, 3),
        "by_thread": {
            name: round((value - threads.get(name, 0)) / wall, 3)
            for name, value in sorted(after.items(), key=lambda item: -item[1])
            if value - threads.get(name, 0) > 0.02
        },
        "longest_pause_ms": round(max(gaps) * 1000, 1),
        "cache_mib": round(model.cache.bytes / 2**20),
        "cache_limit_mib": model.cache.limit >> 20,
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }
    model.close()
    view.close()
    return result


def main() -> int:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--mode", default="wipe", choices=[mode.value for mode in Mode])
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    width, height = (int(side) for side in options.size.split("x"))
    application = QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        result = measure(options.seconds, (width, height), Mode(options.mode), Path(folder))
    text = json.dumps(result, indent=2)
    print(text)
    if options.report:
        options.report.write_text(text + "\n", encoding="utf-8")
    del application
    return 0


if __name__ == "__main__":
    sys.exit(main())
