"""Exact decoded frames by number in any order, decoded forward for as long as that is cheaper than seeking."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property

import av

from contract.image_sequence import ImageSequence
from media.decoding.movie_decoder import DecodedPicture, MovieDecoder, is_lost
from media.decoding.packets import PacketIndex, index_packets
from media.errors import BadRange, DamagedMedia, MissingFrames
from media.movies import damaged_frames, header_rates, open_media, pixel_aspect, read_image, video_stream
from media.timing import FrameTimes, Timing, measure_timing

# Reading on is cheaper than seeking for this many pictures: about the length of a group of pictures.
_READ_ON = 24


class FrameReader:
    """Reads a movie or an image sequence on the grid of `rate` frames a second. One thread at a time; `close` it.

    Frames count from 0 at the media's first picture. Opening waits until the first frame is wanted.
    """

    def __init__(self, media: str | ImageSequence, rate: Fraction) -> None:
        self.media, self.rate = media, rate
        self._movie: _Movie | None = None

    def frame(self, number: int) -> av.VideoFrame:
        """The decoded frame with its stored code values. Raises a subclass of BadMedia, or BadRange below 0."""
        if number < 0:
            raise BadRange(f"There is no frame {number}.", "Frames count from 0.")
        if isinstance(self.media, ImageSequence):
            return _read_picture(self.media, number)
        return self._opened(self.media).frame(number)

    @cached_property
    def pixel_aspect(self) -> Fraction:
        """A stored pixel's width over its height. Raises BadMedia."""
        if isinstance(self.media, ImageSequence):
            first = self.media.image(0)
            with open_media(first) as container:
                return pixel_aspect(video_stream(container, first), first)
        return self._opened(self.media).pixel_aspect

    @property
    def start(self) -> Fraction:
        """Seconds of frame 0 on the movie's own clock, 0 for a sequence. Raises BadMedia."""
        return Fraction(0) if isinstance(self.media, ImageSequence) else self._opened(self.media).times.start

    def close(self) -> None:
        """Close the file; reading opens it again."""
        if self._movie is not None:
            self._movie.close()
            self._movie = None

    def _opened(self, path: str) -> _Movie:
        if self._movie is None:
            self._movie = _Movie(path, self.rate)
        return self._movie


def read_frame_times(path: str, rate: Fraction) -> FrameTimes:
    """A movie's pictures on the grid of `rate`, without decoding. Raises a subclass of BadMedia."""
    return _index(path, rate)[1].times


def _index(path: str, rate: Fraction) -> tuple[PacketIndex, Timing]:
    with open_media(path) as container:
        headers = header_rates(video_stream(container, path))
    packets = index_packets(path)
    return packets, measure_timing(packets.stamps, packets.last_duration, packets.time_base, headers, rate)


def _read_picture(sequence: ImageSequence, index: int) -> av.VideoFrame:
    if sequence.count and index >= sequence.count:
        raise MissingFrames(
            f"Picture {index} of {os.path.basename(sequence.pattern)} is missing.",
            f"There are {sequence.count}.",
            "Relink the clip.",
        )
    return read_image(sequence.image(index))


class _Movie:
    """An open movie, positioned somewhere."""

    def __init__(self, path: str, rate: Fraction) -> None:
        self._path = path
        self._packets, timing = _index(path, rate)
        self.times, self._frame_count = timing.times, timing.frame_count
        self._decoder = MovieDecoder(path, self._packets)
        self.pixel_aspect = pixel_aspect(self._decoder.stream, path)
        self._pictures: Iterator[DecodedPicture] | None = None
        self._held: DecodedPicture | None = None

    def close(self) -> None:
        self._pictures, self._held = None, None
        self._decoder.close()

    def frame(self, number: int) -> av.VideoFrame:
        """The picture that is shown at a frame of the grid."""
        if number > max(self.times.last_frame + 1, self._frame_count - 1) and not self.times.has_holds:
            raise DamagedMedia(
                f"{self._path} ends before frame {number}.",
                f"Its last picture is at frame {self.times.last_frame}.",
                "Relink the clip, or make the take again.",
            )
        wanted = self.times.picture_at(number)
        if is_lost(self._packets, self.times, number):
            raise damaged_frames(self._path, [(number, number)])
        if self._held is None or not self._held.ordinal <= wanted <= self._held.ordinal + _READ_ON:
            self._pictures, self._held = self._decoder.pictures_from(wanted), None
        while self._held is None or self._held.ordinal < wanted:
            assert self._pictures is not None, "a held picture came from an iteration"
            self._held = next(self._pictures, None)
            if self._held is None:
                break
        if self._held is None or self._held.ordinal != wanted or not self._held.whole:
            raise damaged_frames(self._path, [(number, number)])
        return self._held.frame
