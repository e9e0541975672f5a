"""Small clips made on the spot: every picture carries its number as eight bars."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from backend.delivery.ffmpeg import ffmpeg_program


def numbered(number: int, width: int = 128, height: int = 72) -> np.ndarray:
    """uint8 [height, width, 3]: eight vertical bars, white for a set bit (most significant left), over a gradient."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[..., 0] = np.linspace(60, 120, width, dtype=np.uint8)
    picture[..., 1] = np.linspace(120, 60, height, dtype=np.uint8)[:, None]
    picture[..., 2] = 90
    edges = np.linspace(0, width, 9).astype(int)
    for bit in range(8):
        picture[height // 2 :, edges[bit] : edges[bit + 1]] = 235 if number >> (7 - bit) & 1 else 16
    return picture


def number_of(picture: np.ndarray) -> int:
    """Read the bars of an upright picture, uint8 or uint16."""
    height, width = picture.shape[:2]
    half = np.iinfo(picture.dtype).max / 2
    edges = np.linspace(0, width, 9).astype(int)
    rows = slice(height * 5 // 8, height * 7 // 8)
    bits = [picture[rows, (edges[k] + edges[k + 1]) // 2 - 1 : (edges[k] + edges[k + 1]) // 2 + 1].mean() > half
            for k in range(8)]  # fmt: skip
    return int("".join("1" if bit else "0" for bit in bits), 2)


def make_movie(
    path: Path,
    count: int = 30,
    rate: Fraction | int = 24,
    size: tuple[int, int] = (128, 72),
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    durations: list[int] | None = None,
    options: dict[str, str] | None = None,
    sound: str | None = None,
    tags: tuple[int, int, int, int] = (1, 1, 1, 1),
    aspect: Fraction | None = None,
    picture=numbered,
) -> Path:
    """Encode `count` pictures. `durations` (in frames) makes the rate variable; `tags` are primaries, transfer,
    matrix and range (1 = limited) as H.273 numbers; `sound` is an audio codec that carries a rising tone."""
    rate = Fraction(rate)
    defaults = {"g": "12", "bf": "2", "crf": "10", "preset": "ultrafast"} if codec == "libx264" else {}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options={**defaults, **(options or {})})
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        stream.time_base = 1 / rate
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = tags
        if aspect is not None:
            context.sample_aspect_ratio = aspect
        audio = container.add_stream(sound, rate=48000, layout="mono") if sound else None
        time = 0
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(picture(number, *size), "rgb24")
            frame = frame.reformat(format=pix_fmt, dst_colorspace=int(tags[2]), dst_color_range=int(tags[3]))
            frame.color_primaries, frame.color_trc = tags[:2]
            frame.pts, frame.time_base = time, 1 / rate
            time += durations[number] if durations else 1
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if audio:
            _add_tone(container, audio, Fraction(time) / rate)
    return path


def _add_tone(container: av.container.OutputContainer, stream: av.AudioStream, seconds: Fraction) -> None:
    samples = int(seconds * 48000)
    time = np.arange(samples) / 48000
    tone = (np.sin(2 * np.pi * (300 * time + 900 * time**2)) * 3000).astype(np.int16)
    resampler = av.AudioResampler(stream.codec_context.format, "mono", 48000)
    for first in range(0, samples, 1024):
        frame = av.AudioFrame.from_ndarray(tone[None, first : first + 1024], "s16", "mono")
        frame.sample_rate, frame.pts = 48000, first
        for ready in resampler.resample(frame):
            container.mux(stream.encode(ready))
    container.mux(stream.encode(None))


def run_tool(*arguments: object) -> None:
    """Run the ffmpeg program on files."""
    command = [ffmpeg_program(), "-hide_banner", "-v", "error", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def make_sequence(folder: Path, pattern: str = "shot.%04d.png", first: int = 1001, count: int = 5) -> str:
    """Write numbered pictures as files and return the printf path."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        Image.fromarray(numbered(number)).save(folder / (pattern % (first + number)))
    return str(folder / pattern)


def planes(path: Path | str) -> list[list[np.ndarray]]:
    """All pictures of a movie as planes, decoded without our reader."""
    with av.open(str(path)) as container:
        return [
            [
                np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[
                    :, : plane.width * (1 + (part.bits > 8))
                ]
                for plane, part in zip(frame.planes, frame.format.components, strict=False)
            ]
            for frame in container.decode(video=0)
        ]
