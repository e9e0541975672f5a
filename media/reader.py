"""Exact decoded frames by number in any order, decoded forward for as long as that is cheaper than seeking."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterator
from fractions import Fraction

import av

from contract.image_sequence import ImageSequence
from media.errors import BadRange, DamagedMedia, MissingFrames
from media.movies import open_media, pixel_aspect, read_image, read_stamps, video_stream
from media.timing import FrameTimes

# Reading on is cheaper than seeking for this many pictures: about the length of a group of pictures.
_READ_ON = 24
# A seek that lands behind the wanted picture (open groups, odd indices) is tried again this many pictures earlier.
_FURTHER_BACK = (0, 48, None)


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

    @property
    def pixel_aspect(self) -> Fraction:
        """A stored pixel's width over its height; pictures of a sequence have square pixels. Raises BadMedia."""
        return Fraction(1) if isinstance(self.media, ImageSequence) else self._opened(self.media).pixel_aspect

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
    with open_media(path) as container:
        time_base = video_stream(container, path).time_base
    assert time_base is not None, "an open video stream has a time base"
    stamps, _ = read_stamps(path)
    return FrameTimes.from_stamps(stamps, time_base, rate)


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
        self.times = read_frame_times(path, rate)
        self._open()
        self.pixel_aspect = pixel_aspect(self._stream)
        self._decoded: Iterator[av.VideoFrame] | None = None
        self._held: av.VideoFrame | None = None

    def close(self) -> None:
        self._decoded, self._held = None, None
        self._container.close()

    def frame(self, number: int) -> av.VideoFrame:
        """The picture that is shown at a frame of the grid."""
        if number > self.times.last_frame + 1 and not self.times.has_holds:
            raise DamagedMedia(
                f"{self._path} ends before frame {number}.",
                f"Its last picture is at frame {self.times.last_frame}.",
                "Relink the clip, or make the take again.",
            )
        picture = self.times.picture_at(number)
        wanted = self.times.stamps[picture]
        if self._held is not None and self._held.pts == wanted:
            return self._held
        try:
            found = self._read_to(wanted) if self._is_just_ahead(picture) else None
            for back in _FURTHER_BACK:
                if found is not None:
                    return found
                self._seek(0 if back is None else max(0, picture - back))
                found = self._read_to(wanted)
        except av.error.FFmpegError as error:
            raise DamagedMedia(f"{self._path} cannot be decoded.", str(error), "Copy it or render it again.") from error
        if found is None:
            raise DamagedMedia(
                f"Frame {number} of {self._path} cannot be decoded.", "The file is damaged there.", "Copy it again."
            )
        return found

    def _open(self) -> None:
        self._container = open_media(self._path)
        self._stream = video_stream(self._container, self._path)
        self._stream.thread_type = "AUTO"

    def _is_just_ahead(self, picture: int) -> bool:
        if self._decoded is None or self._held is None or self._held.pts is None:
            return False
        held = bisect_left(self.times.stamps, self._held.pts)
        return held <= picture <= held + _READ_ON and self._held.pts < self.times.stamps[picture]

    def _seek(self, picture: int) -> None:
        self._held = None
        if picture == 0:
            # Some containers cannot seek to before their first picture's decoding time.
            self._container.close()
            self._open()
        else:
            self._container.seek(self.times.stamps[picture], stream=self._stream, backward=True)
        self._decoded = self._container.decode(self._stream)

    def _read_to(self, wanted: int) -> av.VideoFrame | None:
        """Decode up to the picture with a timestamp; None when reading began behind it or the file ended."""
        assert self._decoded is not None
        for frame in self._decoded:
            if frame.pts is None or frame.is_corrupt:
                continue
            self._held = frame
            if frame.pts == wanted:
                return frame
            if frame.pts > wanted:
                return None
        self._decoded = None
        return None
