"""Reads the original sound as samples, exact to the sample."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np

from contract.errors import BadMedia
from contract.image_sequence import ImageSequence
from media.movies import open_media
from plugin.review_media.slice_reader import SliceReader
from plugin.review_media.slices import MediaSlice

SAMPLE_RATE, CHANNELS = 48_000, 2
# Five minutes, 55 MiB: shots are shorter; longer ones have sound up to there.
LONGEST = 300


def read_sound(media: MediaSlice, cancelled: Callable[[], bool] = lambda: False) -> np.ndarray | None:
    """int16 [n, 2] at 48 kHz from the slice's first frame to its end; None without sound, or when cancelled.

    Raises BadMedia.
    """
    if isinstance(media.path, ImageSequence):
        return None
    reader = SliceReader(media)
    try:
        begin = reader.start
    finally:
        reader.close()
    length = int(min(Fraction(media.count) / media.rate, Fraction(LONGEST)) * SAMPLE_RATE)
    samples = np.zeros((length, CHANNELS), np.int16)
    path = media.path
    with open_media(path) as container:
        stream = next((each for each in container.streams.audio if each.codec_context is not None), None)
        if stream is None or stream.time_base is None:
            return None
        if begin > 1:
            container.seek(int((begin - Fraction(1, 2)) / stream.time_base), stream=stream, backward=True)
        resampler = av.AudioResampler("s16", "stereo", SAMPLE_RATE)
        place: int | None = None
        try:
            for frame in container.decode(stream):
                if cancelled():
                    return None
                if place is None:
                    seconds = (frame.pts or 0) * (frame.time_base or stream.time_base)
                    place = round((seconds - begin) * SAMPLE_RATE)
                for ready in resampler.resample(frame):
                    place = _put(samples, ready.to_ndarray(), place)
                if place >= length:
                    break
        except av.error.FFmpegError as error:
            raise BadMedia(f"The sound of {path} cannot be decoded.", str(error), "Play it without sound.") from error
    return samples if place is not None else None


def _put(samples: np.ndarray, packed: np.ndarray, place: int) -> int:
    """Write interleaved samples at a position, clipped to the array; returns the position after them."""
    block = packed.reshape(-1, CHANNELS)
    first, last = max(0, place), min(len(samples), place + len(block))
    if first < last:
        samples[first:last] = block[first - place : last - place]
    return place + len(block)


def sample_of(frame: int, rate: Fraction) -> int:
    """The index of a frame's first sample."""
    return int(Fraction(frame) / rate * SAMPLE_RATE)
