"""python3 run.py test --corpus DIR [--report FILE]

Puts every movie, picture, image sequence and timeline below DIR through what a job does with a shot: the check before
any work, reading in and out of order against ffmpeg's own decoding, a delivery with a synthetic matte; of a timeline
each clip, and a take placed. Prints a line for each file and writes a report that can be sent: it names files by their
place below DIR alone. Nothing in DIR is changed. Ends with 1 when something is wrong.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from bridge.editorial.timeline_kinds import is_timeline
from media.sequences import IMAGE_SUFFIXES
from tests.corpus.clips import judge_clip
from tests.corpus.timelines import judge_timeline
from tests.corpus.verdicts import VERDICTS, Verdict, report_of

_NO_MEDIA = frozenset((".txt", ".md", ".json", ".sh", ".py", ".log", ".sha256", ".licence", ".license", ".csv", ".pdf"))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns its exit status."""
    parser = argparse.ArgumentParser("run.py test --corpus", description="Try a folder of media and timelines.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--report", type=Path, default=Path("corpus-report.json"))
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        print(f"{options.folder} is not a folder.", file=sys.stderr)
        return 2
    verdicts = []
    for verdict in judge_all(options.folder):
        verdicts.append(verdict)
        print(str(verdict).replace(str(options.folder.resolve()), ""), flush=True)
    options.report.write_text(report_of(verdicts, options.folder), encoding="utf-8")
    counts = Counter(verdict.outcome for verdict in verdicts)
    print(", ".join(f"{counts[outcome]} {outcome}" for outcome in VERDICTS), f"of {len(verdicts)}.", options.report)
    return 1 if counts["wrong"] else 0


def judge_all(folder: Path) -> Iterator[Verdict]:
    """A verdict for everything below `folder` that may be media or a timeline."""
    root = folder.resolve()
    for place, names, files in os.walk(root):
        here, bundles = Path(place), [name for name in names if is_timeline(name)]
        names[:] = sorted(name for name in names if not name.startswith(".") and name not in bundles)
        for name in sorted(bundles):
            yield from _judged(root, here / name, "timeline")
        pictures = [name for name in files if Path(name).suffix.lower() in IMAGE_SUFFIXES]
        if pictures:
            yield from _judged(root, here, "sequence")
        for name in sorted(files):
            path = here / name
            if name.startswith(".") or name in pictures or path.suffix.lower() in _NO_MEDIA:
                continue
            yield from _judged(root, path, "timeline" if is_timeline(str(path)) else "movie")


def _judged(root: Path, path: Path, kind: str) -> Iterator[Verdict]:
    name = path.relative_to(root).as_posix() or "."
    with tempfile.TemporaryDirectory() as scratch:
        if kind == "timeline":
            yield from judge_timeline(name, path, root, Path(scratch))
        else:
            yield judge_clip(name, kind, path, Path(scratch))


if __name__ == "__main__":
    sys.exit(main())
