"""Decoded pictures of a movie with their places: which one each is, and whether it is whole."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import av

from media.decoding.decoded_track import DecodedTrack, UnclearDamage
from media.decoding.packets import PacketIndex
from media.decoding.picture_packets import open_packets
from media.movies import video_stream
from media.timing import FrameTimes

# Files of these kinds have no index, and a search for times passes the key picture: they are sought by bytes.
_SOUGHT_BY_BYTES = ("mpegts", "mpeg", "h264", "hevc", "mpegvideo", "m4v")


@dataclass(frozen=True)
class DecodedPicture:
    """A decoded picture.

    ordinal: its place among the movie's pictures as they are shown, from 0
    whole: neither it nor what it was predicted from is damaged
    """

    ordinal: int
    frame: av.VideoFrame
    whole: bool


def is_lost(index: PacketIndex, times: FrameTimes, frame: int) -> bool:
    """Whether a frame of the grid is no hold, but the place of a picture that is missing in the file."""
    ordinal = times.picture_at(frame)
    return ordinal in index.torn and frame > times.frames[ordinal]


class MovieDecoder:
    """An open movie that gives out its pictures in the order in which they are shown. One thread at a time."""

    def __init__(self, path: str, index: PacketIndex, threads: bool = True) -> None:
        self._path, self._index, self._threads = path, index, threads
        self._order = sorted(range(len(index.stamps)), key=index.stamps.__getitem__)
        self._ordinals = {number: ordinal for ordinal, number in enumerate(self._order)}
        self._open()
        self._numbers = self._known_numbers()

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    @property
    def stream(self) -> av.VideoStream:
        """The picture track of the open file."""
        return self._stream

    def pictures_from(self, ordinal: int) -> Iterator[DecodedPicture]:
        """The pictures from `ordinal` on.

        What cannot be decoded is left out, so ordinals rise and may have gaps; nothing comes when all is lost. Only one
        such iteration at a time: a new one moves the file. Raises DamagedMedia when the file cannot be read on.
        """
        starts = list(self._starts(ordinal))
        last = -1
        while starts:
            reached = False
            try:
                for picture in self._decoded_from(starts[0]):
                    if picture.ordinal < ordinal:
                        continue
                    if not reached and starts[0] is not None and (picture.ordinal > ordinal or not picture.whole):
                        break  # the seek landed behind the picture, or behind its key picture: begin further back
                    reached = True
                    if picture.ordinal > last:
                        last = picture.ordinal
                        yield picture
            except UnclearDamage:
                self._threads = False  # and once more: one picture at a time shows which one is damaged
                self._container.close()
                self._open()
                continue
            if reached:
                return
            starts.pop(0)

    def _known_numbers(self) -> dict[tuple[int, int] | int | None, int]:
        """Numbers by place and, where files are sought by them, by time; each where it is the only one."""
        index = self._index
        times = () if self._by_position else index.seeks
        known: list[tuple[int, int] | int] = [*index.places, *times]
        often = Counter(known)
        numbers = [*range(len(index.places)), *range(len(times))]
        return {
            key: number
            for key, number in zip(known, numbers, strict=True)
            if often[key] == 1 and (isinstance(key, int) or key[0] >= 0)
        }

    def _open(self) -> None:
        self._container = open_packets(self._path, self._index.ignore_edits)
        self._stream = video_stream(self._container, self._path)
        self._stream.thread_type = "AUTO" if self._threads else "SLICE"

    def _starts(self, ordinal: int) -> Iterator[int | None]:
        """Numbers of the packets to begin decoding at, nearest first; None is the beginning of the file."""
        index = self._index
        number = self._order[ordinal]
        if not index.places:
            yield from (number - back for back in (0, 48) if number > back)
        elif index.seeks or self._by_position:
            place = bisect_right(index.keys, number) - 1
            if place >= 0 and index.stamps[index.keys[place]] > index.stamps[number]:
                place -= 1  # shown before the key picture, and predicted from the group before as well
            yield from (index.keys[place - back] for back in (0, 1, 3) if place - back > 0)
        yield None

    @property
    def _by_position(self) -> bool:
        return self._container.format.name in _SOUGHT_BY_BYTES and bool(self._index.places)

    def _rewind(self, start: int | None) -> bool:
        """Go to a packet; False when the file cannot do that."""
        if start is None:
            # Some containers cannot seek to before their first picture's decoding time.
            self._container.close()
            self._open()
            return True
        try:
            if self._by_position:
                # Pictures may begin in the middle of a block: the last known place before.
                place = next(place for place, _ in self._index.places[start::-1] if place >= 0)
                self._container.seek(place, stream=self._stream, unsupported_byte_offset=True)
            else:
                self._container.seek(self._index.seeks[start], stream=self._stream, backward=True)
        except (av.error.FFmpegError, OSError, StopIteration):
            return False
        return True

    def _decoded_from(self, start: int | None) -> Iterator[DecodedPicture]:
        if not self._rewind(start):
            return
        track = DecodedTrack(self._container, self._stream, self._path, self._index, self._numbers, start is None)
        for decoded in track.decoded(threads=self._threads):
            if start is None or not track.lacks_group_before(decoded.number):
                yield DecodedPicture(self._ordinals[decoded.number], decoded.frame, decoded.whole)
