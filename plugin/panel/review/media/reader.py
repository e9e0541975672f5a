"""Exact pictures of one slice by frame number, decoded forward for as long as that is cheaper than seeking."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from fractions import Fraction

import av

from contract.errors import BadMedia
from plugin.panel.review.media.frame_times import FrameTimes, open_movie, read_frame_times, video_of
from plugin.panel.review.media.pictures import Picture, PictureMaker
from plugin.panel.review.media.slices import MediaSlice

# Reading on is cheaper than seeking for this many pictures: about the length of a group of pictures.
_READ_ON = 24
# A seek that lands behind the wanted picture (open groups, odd indices) is tried again this many pictures earlier.
_FURTHER_BACK = (0, 48, None)


class SliceReader:
    """Reads one slice. One thread at a time; `close` when done.

    `grey` pictures are mattes: one channel. Frames count from 0 at the slice's first frame.
    """

    def __init__(self, media: MediaSlice, grey: bool = False) -> None:
        self.media, self.grey = media, grey
        self._maker = PictureMaker()
        self._movie: _Movie | None = None

    def picture(self, frame: int, level: int = 0) -> Picture:
        """The picture at a frame, halved `level` times. Raises BadMedia."""
        found = self.frame(frame)
        # Images carry no usable pixel aspect: their pixels are square.
        return self._maker.picture(found, level, self.grey, self._movie.aspect if self._movie else None)

    def frame(self, frame: int) -> av.VideoFrame:
        """The decoded frame with its stored code values. Raises BadMedia."""
        if not 0 <= frame < self.media.count:
            raise BadMedia(f"{self.media.name} has no frame {frame}.", f"It has {self.media.count}.", "")
        place = self.media.first + frame
        if self.media.images:
            return _image(self.media.images, place)
        if self._movie is None:
            self._movie = _Movie(str(self.media.path), self.media.rate)
        return self._movie.frame(place)

    @property
    def start(self) -> Fraction:
        """Seconds of the slice's first frame on the movie's own clock. Raises BadMedia."""
        if self._movie is None:
            self._movie = _Movie(str(self.media.path), self.media.rate)
        return self._movie.times.start + self.media.first / self.media.rate

    def close(self) -> None:
        """Close the file; reading opens it again."""
        if self._movie is not None:
            self._movie.close()
            self._movie = None


def _image(images: tuple[str, ...], place: int) -> av.VideoFrame:
    if place >= len(images):
        raise BadMedia(f"Image {place} of the sequence is missing.", f"There are {len(images)}.", "Relink the clip.")
    with open_movie(images[place]) as container:
        try:
            frame = next(container.decode(video_of(container, images[place])), None)
        except av.error.FFmpegError as error:
            raise _damaged(images[place], error) from error
    if frame is None:
        raise BadMedia(f"{images[place]} holds no picture.", "The file is damaged.", "Render it again.")
    return frame


def _damaged(path: str, error: Exception) -> BadMedia:
    return BadMedia(f"{path} cannot be decoded.", str(error), "Copy it again, or render it again.")


class _Movie:
    """An open movie, positioned somewhere."""

    def __init__(self, path: str, rate: Fraction) -> None:
        self._path = path
        self.times: FrameTimes = read_frame_times(path, rate)
        self._container = open_movie(path)
        self._stream = video_of(self._container, path)
        self._stream.thread_type = "AUTO"
        self.aspect = self._stream.sample_aspect_ratio
        self._decoded: Iterator[av.VideoFrame] | None = None
        self._held: av.VideoFrame | None = None

    def close(self) -> None:
        self._decoded, self._held = None, None
        self._container.close()

    def frame(self, place: int) -> av.VideoFrame:
        """The picture that is shown at a frame of the grid."""
        picture = self.times.picture(place)
        if place > self.times.last_place + 1 and not self.times.variable:
            raise BadMedia(
                f"{self._path} ends before frame {place}.",
                f"Its last picture is at frame {self.times.last_place}.",
                "Relink the clip, or make the take again.",
            )
        wanted = self.times.stamps[picture]
        if self._held is not None and self._held.pts == wanted:
            return self._held
        try:
            if self._is_just_ahead(picture):
                found = self._read_to(wanted)
                if found is not None:
                    return found
            for back in _FURTHER_BACK:
                self._seek(0 if back is None else max(0, picture - back))
                found = self._read_to(wanted)
                if found is not None:
                    return found
        except av.error.FFmpegError as error:
            raise _damaged(self._path, error) from error
        raise BadMedia(
            f"Frame {place} of {self._path} cannot be decoded.", "The file is damaged there.", "Copy it again."
        )

    def _is_just_ahead(self, picture: int) -> bool:
        if self._decoded is None or self._held is None:
            return False
        held = bisect_left(self.times.stamps, self._held.pts)
        return held <= picture <= held + _READ_ON and self._held.pts < self.times.stamps[picture]

    def _seek(self, picture: int) -> None:
        self._held = None
        if picture == 0:
            # Some containers cannot seek to before their first picture's decoding time.
            self._container.close()
            self._container = open_movie(self._path)
            self._stream = video_of(self._container, self._path)
            self._stream.thread_type = "AUTO"
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
