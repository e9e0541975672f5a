"""Frame-exact pictures of one slice for the screen."""

from __future__ import annotations

from fractions import Fraction

import av

from contract.errors import BadMedia
from media.reader import FrameReader
from plugin.review_media.pictures import Picture, PictureMaker
from plugin.review_media.slices import MediaSlice


class SliceReader:
    """Reads one slice, from one thread at a time; call `close` at the end.

    `grey` pictures are mattes: one channel. Frames count from 0 at the slice's first frame.
    """

    def __init__(self, media: MediaSlice, grey: bool = False) -> None:
        self.media, self.grey = media, grey
        self._maker = PictureMaker()
        self._reader = FrameReader(media.path, media.grid)

    def picture(self, frame: int, level: int = 0) -> Picture:
        """The picture at a frame, halved `level` times. Raises BadMedia."""
        found = self.frame(frame)
        return self._maker.picture(found, level, self.grey, self._reader.pixel_aspect)

    def frame(self, frame: int) -> av.VideoFrame:
        """The decoded frame with its stored code values. Raises BadMedia."""
        if not 0 <= frame < self.media.count:
            raise BadMedia(f"{self.media.name} has no frame {frame}.", f"It has {self.media.count}.", "")
        return self._reader.frame(self.media.first + frame)

    @property
    def start(self) -> Fraction:
        """Seconds of the slice's first frame on the movie's own clock. Raises BadMedia."""
        return self._reader.start + self.media.first / self.media.grid

    def close(self) -> None:
        """Close the file; another read opens it again."""
        self._reader.close()
