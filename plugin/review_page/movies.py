"""The page's movies: the original above the take in one picture, so that both always show the same frame."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from plugin.review_media.slice_reader import SliceReader
from plugin.review_media.slices import MediaSlice
from plugin.review_media.sound import CHANNELS, SAMPLE_RATE, read_sound
from plugin.review_page.errors import PageFailed

WIDEST = 1280
# Rows between the two pictures; each half repeats the edge beside it, so that filters change only these at the seam.
GAP = 16


def write_pair(
    original: MediaSlice,
    take: MediaSlice,
    target: Path,
    sound: np.ndarray | None,
    *,
    on_frame: Callable[[], None] = lambda: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[int, int]:
    """Encode both, one above the other, as H.264; returns the width and height of one picture, in square pixels.

    target: the movie's path. It is incomplete when the encoding was cancelled.
    sound: int16 [n, 2] at 48 kHz.
    on_frame: called after each frame.
    cancelled: checked before each frame.
    Raises BadMedia, or PageFailed when the movie cannot be written.
    """
    readers = SliceReader(original), SliceReader(take)
    try:
        first = readers[1].picture(0)
        width = max(2, min(WIDEST, first.width) // 2 * 2)
        height = max(2, round(width * first.height / first.width / 2) * 2)
        with av.open(str(target), "w", options={"movflags": "+faststart"}) as container:
            _encode(container, readers, (width, height), take.count, take.rate, sound, on_frame, cancelled)
    except av.error.FFmpegError as error:
        raise PageFailed(f"{target.name} cannot be written.", str(error), "Choose a folder with free space.") from error
    finally:
        for reader in readers:
            reader.close()
    return width, height


def _encode(
    container: av.container.OutputContainer,
    readers: tuple[SliceReader, SliceReader],
    size: tuple[int, int],
    count: int,
    rate: Fraction,
    sound: np.ndarray | None,
    on_frame: Callable[[], None],
    cancelled: Callable[[], bool],
) -> None:
    width, height = size
    options = {"crf": "17", "preset": "veryfast", "bf": "0", "g": str(max(1, round(rate / 2)))}
    stream = container.add_stream("libx264", rate=rate, options=options)
    stream.width, stream.height, stream.pix_fmt = width, 2 * height + GAP, "yuv420p"
    context = stream.codec_context
    context.color_primaries, context.color_trc, context.colorspace, context.color_range = 1, 1, 1, 1
    audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="stereo") if sound is not None else None
    for number in range(count):
        if cancelled():
            return
        halves = [_sized(reader.picture(number).pixels, width, height) for reader in readers]
        above, below = halves
        seam = [np.repeat(above[-1:], GAP // 2, 0), np.repeat(below[:1], GAP // 2, 0)]
        picture = av.VideoFrame.from_ndarray(np.concatenate([above, *seam, below]), "bgra")
        picture = picture.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        picture.pts, picture.time_base = number, 1 / rate
        container.mux(stream.encode(picture))
        on_frame()
    container.mux(stream.encode(None))
    if audio is not None and sound is not None:
        for block in _blocks(sound):
            container.mux(audio.encode(block))
        container.mux(audio.encode(None))


def _sized(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    if pixels.shape[:2] == (height, width):
        return pixels
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "bgra")
    return frame.reformat(width=width, height=height, interpolation="BICUBIC").to_ndarray()


def _blocks(sound: np.ndarray, length: int = 1024) -> list[av.AudioFrame]:
    resampler = av.AudioResampler("fltp", "stereo", SAMPLE_RATE)
    made = []
    for first in range(0, len(sound), length):
        part = np.ascontiguousarray(sound[first : first + length])
        frame = av.AudioFrame.from_ndarray(part.reshape(1, -1), "s16", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, first, Fraction(1, SAMPLE_RATE)
        made.extend(resampler.resample(frame))
    return made


def sound_of(original: MediaSlice, take: MediaSlice, offset: int) -> np.ndarray | None:
    """The original's sound under a take that begins at the original's frame `offset`. Raises BadMedia."""
    part = MediaSlice(original.path, original.first + offset, take.count, original.rate, original.own_rate)
    found = read_sound(part)
    assert found is None or found.shape[1] == CHANNELS
    return found
