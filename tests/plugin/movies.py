"""Small movies and timelines for the panel's tests."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import opentimelineio as otio

from bridge.editorial.placement import write_timeline
from bridge.editorial.rates import as_time


def write_movie(
    path: Path, frames: int = 24, rate: Fraction = Fraction(24), size: tuple[int, int] = (64, 48), codec: str = "mpeg4"
) -> Path:
    """A movie of `frames` pictures whose grey level is the frame's number (8 a frame)."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for index in range(frames):
            picture = np.full((size[1], size[0], 3), 16 + index * 8 % 224, np.uint8)
            picture[:, : size[0] // 2, 1] //= 2
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode())
    return path


def write_cut(folder: Path, names: tuple[str, ...] = ("street",), frames: int = 24, rate: int = 24) -> Path:
    """`cut.otio` with one clip for every name, behind 12 frames of nothing, from 01:00:00:00 on."""
    exact = Fraction(rate)
    timeline = otio.schema.Timeline("cut", global_start_time=as_time(3600 * rate, exact))
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    track.append(otio.schema.Gap(duration=as_time(12, exact)))
    for name in names:
        movie = write_movie(folder / f"{name}.mov", frames, exact)
        whole = otio.opentime.TimeRange(as_time(0, exact), as_time(frames, exact))
        shown = otio.opentime.TimeRange(as_time(2, exact), as_time(frames - 6, exact))
        track.append(otio.schema.Clip(name, otio.schema.ExternalReference(str(movie), whole), shown))
    timeline.tracks.append(track)
    write_timeline(timeline, folder / "cut.otio")
    return folder / "cut.otio"
