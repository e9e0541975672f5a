"""The numbered footage that the timelines beside this file refer to, made once per process of the suite."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from backend.delivery.ffmpeg import ffmpeg_program

WIDTH, HEIGHT, BITS = 192, 48, 12
CASES = Path(__file__).parent / "timelines"

_MOVIES = (
    ("a24", 100, "24", ""),
    ("a25", 100, "25", ""),
    ("a30", 120, "30", ""),
    ("a2997", 120, "30000/1001", ""),
    ("a23976", 100, "24000/1001", ""),
    ("a50", 120, "50", ""),
    ("a60", 130, "60", ""),
    ("tc24", 100, "24", "01:00:00:00"),
    ("tc2997df", 120, "30000/1001", "01:00:00;00"),
    ("tc23976", 100, "24000/1001", "10:11:12:13"),
)


def picture(number: int) -> np.ndarray:
    """uint8 [HEIGHT, WIDTH, 3]: twelve upright bars in the lower half, white for a set bit, most significant first."""
    made = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    bits = [235 if number >> (BITS - 1 - bit) & 1 else 20 for bit in range(BITS)]
    made[HEIGHT // 2 :] = np.repeat(np.array(bits, np.uint8), WIDTH // BITS)[None, :, None]
    return made


def number_of(made: np.ndarray) -> int:
    """The number in a picture [H, W, 3] of any integer type."""
    row = made[HEIGHT * 3 // 4, :, 1].reshape(BITS, -1)[:, WIDTH // BITS // 2]
    return sum(int(value > np.iinfo(made.dtype).max / 2) << (BITS - 1 - bit) for bit, value in enumerate(row))


def make_movie(path: Path, count: int, rate: str | Fraction, timecode: str = "") -> Path:
    """`count` numbered pictures with B-frames and a key picture each twelfth, at `rate` frames a second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(rate), "-i", "-"]
    codec = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-qp", "4", "-pix_fmt", "yuv444p", "-g", "12"]
    command = [ffmpeg_program(), "-y", "-loglevel", "error", *source, *codec]
    command += ["-timecode", timecode] if timecode else []
    pictures = b"".join(picture(number).tobytes() for number in range(count))
    subprocess.run([*command, str(path)], input=pictures, check=True)
    return path


def make_sequence(folder: Path, prefix: str, first: int, count: int) -> None:
    """Pictures 0 to count - 1 as PNG files with four digits, the first of which has the number `first`."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        Image.fromarray(picture(number)).save(folder / f"{prefix}{first + number:04d}.png", compress_level=1)


def make_footage(folder: Path) -> Path:
    """All that the cases refer to, below `folder`."""
    for name, count, rate, timecode in _MOVIES:
        make_movie(folder / f"{name}.mov", count, rate, timecode)
    make_sequence(folder / "seq", "output.", 1000, 101)
    make_sequence(folder / "seq1", "shot_", 1, 60)
    make_sequence(folder / "holes", "shot.", 1, 40)
    (folder / "holes" / "shot.0010.png").unlink()
    return folder


def case_file(name: str, media: Path, folder: Path) -> Path:
    """The timeline of a case, its media references set to `media`, written into `folder`."""
    path = folder / name / "cut.otio"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = (CASES / name / "cut.otio").read_text(encoding="utf-8")
    path.write_text(text.replace("MEDIA", media.resolve().as_posix()), encoding="utf-8")
    return path
