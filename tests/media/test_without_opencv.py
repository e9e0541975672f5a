"""The panel has an environment of its own: what it reads pictures with needs neither OpenCV nor torch nor SciPy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCKED = ("cv2", "torch", "torchvision", "scipy", "ffmpeg")

PROGRAM = f"""
import importlib, sys
from pathlib import Path
for name in {BLOCKED!r}:
    sys.modules[name] = None
names = ["media.probe", "media.reader", "media.sequences"]
names += ["plugin.panel.thumbnails.thumbnails", "plugin.review_page.write"]
for path in sorted(Path("plugin/panel/review").rglob("*.py")):
    names.append(".".join(path.with_suffix("").parts))
for name in names:
    importlib.import_module(name)
from media.probe import probe
from media.reader import FrameReader
info = probe("backend/demo/divers.mp4")
print(len(names), info.kind, FrameReader(info.path, info.rate).frame(3).width == info.coded_width)
"""


def test_the_review_needs_no_opencv() -> None:
    movie = next((ROOT / "backend" / "demo").glob("*.mp4"))
    program = PROGRAM.replace("backend/demo/divers.mp4", movie.relative_to(ROOT).as_posix())
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    count, *facts = result.stdout.split()
    assert int(count) > 30 and facts == ["movie", "True"]
