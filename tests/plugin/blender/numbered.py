"""Pictures that carry their number as eight bars of bits, as movies, sequences and take layers; and reading it back.

Clips have their bars in the lower half, layers in the top quarter, so that both are read from one rendered frame.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import imageio_ffmpeg
import numpy as np
from PIL import Image

WIDTH, HEIGHT = 160, 96
BITS = 8
GROUND = (200, 100, 50)
PATCHES = ((255, 0, 0, 128), (0, 255, 0, 255), (255, 255, 255, 64), (10, 20, 250, 0))
"""Straight RGBA of a layer's four patches, from left to right; alpha 128/255 and so on."""
_PATCH_ROWS = slice(HEIGHT // 4, HEIGHT // 2)


def clip_picture(number: int) -> np.ndarray:
    """RGB [96, 160, 3] with its number in the lower half."""
    picture = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    picture[:] = GROUND
    _bars(picture[HEIGHT // 2 :], number)
    return picture


def layer_picture(number: int) -> np.ndarray:
    """RGBA [96, 160, 4]: its number at the top, four patches below, the lower half transparent."""
    picture = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    _bars(picture[: HEIGHT // 4, :, :3], number)
    picture[: HEIGHT // 4, :, 3] = 255
    for place, colour in enumerate(PATCHES):
        picture[_PATCH_ROWS, place * WIDTH // 4 : (place + 1) * WIDTH // 4] = colour
    return picture


def number_in(picture: np.ndarray) -> int:
    """The number of the clip's picture that a rendered frame [H, W, 3] shows."""
    return _read(picture[picture.shape[0] // 2 :])


def layer_number_in(picture: np.ndarray) -> int:
    """The number of the layer's picture that a rendered frame shows."""
    return _read(picture[: picture.shape[0] // 4])


def patches_in(picture: np.ndarray) -> np.ndarray:
    """Mean colours [4, 3] in the middle of the patches of a rendered frame."""
    height, width = picture.shape[:2]
    rows = picture[height * 5 // 16 : height * 7 // 16]
    step = width // 4
    return np.stack([rows[:, step * p + step // 4 : step * (p + 1) - step // 4].mean((0, 1)) for p in range(4)])


def read_pictures(paths: Sequence[str]) -> list[np.ndarray]:
    """Rendered frames as RGB."""
    return [np.asarray(Image.open(path).convert("RGB")) for path in paths]


def write_pictures(folder: Path, count: int, pattern: str = "shot_{:04d}.png", first: int = 1, layer: bool = False,
                   make: Callable[[int], np.ndarray] | None = None) -> list[str]:  # fmt: skip
    """Numbered PNGs whose pictures are 0, 1, ...; their names."""
    folder.mkdir(parents=True, exist_ok=True)
    make = make or (layer_picture if layer else clip_picture)
    names = [pattern.format(first + index) for index in range(count)]
    for index, name in enumerate(names):
        Image.fromarray(make(index)).save(folder / name, compress_level=1)
    return names


def write_movie(path: Path, count: int, rate: Fraction = Fraction(24), codec: str = "libx264",
                held: Callable[[int], int] = lambda index: 1) -> Path:  # fmt: skip
    """A movie of numbered pictures; picture `index` stays for `held(index)` frames of `rate`."""
    formats = {"libx264": "yuv420p", "prores_ks": "yuv422p10le", "mpeg4": "yuv420p", "mpeg2video": "yuv420p"}
    with av.open(str(path), "w") as container:
        options = {"profile": "3"} if codec == "prores_ks" else {"crf": "12", "bf": "2", "g": "12"}
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, formats[codec]
        stream.codec_context.time_base = 1 / rate
        time = 0
        for index in range(count):
            frame = av.VideoFrame.from_ndarray(clip_picture(index), format="rgb24").reformat(format=formats[codec])
            frame.pts, frame.time_base = time, 1 / rate
            time += held(index)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def with_edit_list(source: Path, target: Path, seconds: float) -> Path:
    """A copy of an MP4 with an edit list that skips its first pictures; they stay in the file."""
    tool = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run([tool, "-v", "error", "-y", "-ss", str(seconds), "-i", str(source), "-c", "copy", str(target)],
                   check=True)  # fmt: skip
    return target


def _bars(rows: np.ndarray, number: int) -> None:
    step = rows.shape[1] // BITS
    for bit in range(BITS):
        rows[:, bit * step : (bit + 1) * step, :3] = 235 if number >> bit & 1 else 16


def _read(rows: np.ndarray) -> int:
    # Bars are read in their middle, so that the size of the rendered frame does not matter.
    rows = cv2.resize(rows, (BITS, 1), interpolation=cv2.INTER_AREA)
    return sum(1 << bit for bit in range(BITS) if rows[0, bit].mean() > 125)
