"""How the cost of a list of clips grows: 500 clips and 2,000, of as many movies.

    python benchmarks/many_clips.py [--clips 500 2000]

Prints the seconds to open a timeline without available ranges, to list its clips and to choose one by name and by a
name that is not there, with the number of files that were asked; the last line is the ratio between the last two sizes.
Four times the clips should cost about four times as much.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import opentimelineio as otio

from bridge.editorial.clip_list import list_clips, select_shot
from bridge.editorial.timeline import open_timeline
from contract.errors import BadTimeline


def write_cut(folder: Path, count: int) -> Path:
    """A timeline of `count` clips of one second, each of a file of its own."""
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    for number in range(count):
        media = folder / f"{number:05d}.mov"
        media.write_bytes(b"")
        shown = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(24, 24))
        track.append(otio.schema.Clip(f"shot {number:05d}", otio.schema.ExternalReference(str(media)), shown))
    path = folder / "cut.otio"
    otio.adapters.write_to_file(otio.schema.Timeline("cut", [track]), str(path))
    return path


def measure(count: int) -> dict[str, float]:
    """Seconds of each step, and how many files were asked."""
    asked: list[str] = []

    def probe(path: str) -> int:
        asked.append(path)
        return 0

    with tempfile.TemporaryDirectory() as folder:
        path = write_cut(Path(folder), count)
        marks = [time.perf_counter()]
        opened = open_timeline(path)
        marks.append(time.perf_counter())
        list_clips(opened)
        marks.append(time.perf_counter())
        select_shot(opened, f"shot {count // 2:05d}", probe=probe)
        marks.append(time.perf_counter())
        try:
            select_shot(opened, "no such shot", probe=probe)
        except BadTimeline:
            pass
        marks.append(time.perf_counter())
    steps = [after - before for before, after in zip(marks, marks[1:], strict=False)]
    return dict(zip(("open", "list", "choose", "no such"), steps, strict=True)) | {"files asked": len(asked)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, nargs=2, default=(500, 2000), metavar="N")
    sizes = parser.parse_args().clips
    results = [measure(size) for size in sizes]
    for size, result in zip(sizes, results, strict=True):
        print(f"{size:6d} clips: " + ", ".join(f"{name} {value:.3g}" for name, value in result.items()))
    small, large = (sum(value for name, value in each.items() if name != "files asked") for each in results)
    print(f"{sizes[1] / sizes[0]:.2g} times the clips: {large / small:.2f} times the seconds")


if __name__ == "__main__":
    main()
