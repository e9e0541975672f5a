"""Small movies in which every picture encodes its number, and takes made of them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from contract.take import Take
from plugin.review_media.slices import MediaSlice, ReviewTake
from tests.contract.sample_plan import a_plan

RATES = (Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(30))
WIDTH, HEIGHT = 128, 72


def numbered(number: int, width: int = WIDTH, height: int = HEIGHT, ground: int = 60) -> np.ndarray:
    """uint8 [height, width, 3]: eight bars in the lower half, white for a set bit, over a plain ground."""
    picture = np.full((height, width, 3), ground, np.uint8)
    edges = np.linspace(0, width, 9).astype(int)
    for bit in range(8):
        picture[height // 2 :, edges[bit] : edges[bit + 1]] = 235 if number >> (7 - bit) & 1 else 16
    return picture


def number_of(pixels: np.ndarray) -> int:
    """Read the bars of uint8 [height, width, 4]."""
    height, width = pixels.shape[:2]
    edges = np.linspace(0, width, 9).astype(int)
    rows = slice(height * 5 // 8, height * 7 // 8)
    middles = [(edges[bit] + edges[bit + 1]) // 2 for bit in range(8)]
    return int("".join("1" if pixels[rows, x - 1 : x + 1, :3].mean() > 127 else "0" for x in middles), 2)


def write_movie(
    path: Path,
    count: int = 30,
    rate: Fraction | int = 24,
    *,
    times: list[int] | None = None,
    picture=numbered,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    pix_fmt: str = "yuv420p",
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    tone: bool = False,
) -> Path:
    """Encode `count` pictures; `times` are their places in frames, for a variable rate. Exact: qp 0, with B-frames."""
    rate = Fraction(rate)
    default = {"qp": "0", "g": "12", "bf": "2", "preset": "ultrafast"} if codec == "libx264" else {}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=default if options is None else options)
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        stream.time_base = 1 / rate
        sound = container.add_stream("pcm_s16le", rate=48000, layout="stereo") if tone else None
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(picture(number, *size), "rgb24").reformat(format=pix_fmt)
            frame.pts, frame.time_base = times[number] if times else number, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            samples = np.arange(int(count / rate * 48000), dtype=np.int64)
            values = (samples // 480 % 200 * 100).astype(np.int16)
            block = av.AudioFrame.from_ndarray(np.repeat(values, 2)[None], "s16", "stereo")
            block.sample_rate, block.pts, block.time_base = 48000, 0, Fraction(1, 48000)
            container.mux(sound.encode(block))
            container.mux(sound.encode(None))
    return path


def slice_of(path: Path | str, count: int, rate: Fraction | int = 24, first: int = 0) -> MediaSlice:
    return MediaSlice(str(path), first, count, Fraction(rate))


def record(take_id: str, **values) -> Take:
    """A minimal record of a take."""
    known = {"name": take_id, "instruction": "add a ball", "request": {"levels": [900, 700, 500]}, "plan": a_plan()}
    known |= {"model": "tiny", "licence": "", "assistant": "", "seed": 1, "created": "", "version": ""}
    known |= {"layer": "layer.mov", "composite": "composite.mov", "frame_count": 12}
    return Take(id=take_id, **{**known, **values})


def review_take(path: Path | str, take_id: str = "one", number: int = 1, **values) -> ReviewTake:
    fields = {name: values.pop(name, None) for name in ("layer", "matte", "preview", "count")}
    offset = values.pop("offset", 0)
    return ReviewTake(take_id, f"take {number:02d}", number, str(path), take=record(take_id, **values), offset=offset,
                      **fields)  # fmt: skip
