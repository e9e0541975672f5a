"""Decoded pictures of a movie with their places: which one each is, and whether it is whole."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

import av

from media.errors import DamagedMedia
from media.movies import video_stream
from media.packets import DEEPEST_REORDER, PacketIndex, PicturePackets, open_packets


@dataclass(frozen=True)
class DecodedPicture:
    """A decoded picture.

    ordinal: its place among the movie's pictures as they are shown, from 0
    whole: neither it nor what it was predicted from is damaged
    """

    ordinal: int
    frame: av.VideoFrame
    whole: bool


class MovieDecoder:
    """An open movie that gives out its pictures in the order in which they are shown. One thread at a time."""

    def __init__(self, path: str, index: PacketIndex, threads: bool = True) -> None:
        self._path, self._index, self._threads = path, index, threads
        self._shown = sorted(index.stamps)
        self._numbers = {stamp: number for number, stamp in enumerate(index.stamps)}
        self._number_at = {place: number for number, place in enumerate(index.places)}
        self._open()

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    @property
    def stream(self) -> av.VideoStream:
        """The picture track of the open file."""
        return self._stream

    def pictures_from(self, ordinal: int) -> Iterator[DecodedPicture]:
        """The pictures from `ordinal` on, or from one before it.

        What cannot be decoded is left out, so ordinals rise and may have gaps; nothing comes when all is lost. Only one
        such iteration at a time: a new one moves the file. Raises DamagedMedia when the file cannot be read on.
        """
        for start in self._starts(ordinal):
            reached = False
            for picture in self._decoded_from(start):
                if not reached and start is not None and picture.ordinal > ordinal:
                    break  # the seek landed behind the picture: begin further back
                reached = True
                yield picture
            if reached:
                return

    def _open(self) -> None:
        self._container = open_packets(self._path, self._index.ignore_edits)
        self._stream = video_stream(self._container, self._path)
        self._stream.thread_type = "AUTO" if self._threads else "NONE"

    def _starts(self, ordinal: int) -> Iterator[int | None]:
        """Numbers of the packets to begin decoding at, nearest first; None is the beginning of the file."""
        index = self._index
        if not index.places:
            yield from (ordinal - back for back in (0, 48) if ordinal > back)
        elif index.by_order:
            # Two groups back: in the first of them the pictures' places are not certain yet.
            keys = index.keys[: bisect_right(index.keys, ordinal - DEEPEST_REORDER)]
            if len(keys) > 2 and (self._by_position or index.are_stamps_stored):
                yield keys[-2]
        else:
            number = self._numbers[self._shown[ordinal]]
            place = bisect_right(index.keys, number) - 1
            if place >= 0 and index.stamps[index.keys[place]] > self._shown[ordinal]:
                place -= 1  # shown before the key picture, and predicted from the group before as well
            yield from (index.keys[place - back] for back in (0, 1, 3) if place - back > 0)
        yield None

    def _decoded_from(self, start: int | None) -> Iterator[DecodedPicture]:
        if not self._rewind(start):
            return
        track = _Track(self._container, self._stream, self._path, self._index)
        if self._index.by_order:
            yield from self._in_order(track, start)
        else:
            yield from self._by_time(track, start)

    @property
    def _by_position(self) -> bool:
        """Whether to seek by bytes: a transport stream has no index, and a search for times passes the key picture."""
        return "mpegts" in self._container.format.name and bool(self._index.places)

    def _rewind(self, start: int | None) -> bool:
        """Go to a packet; False when the file cannot do that."""
        if start is None:
            # Some containers cannot seek to before their first picture's decoding time.
            self._container.close()
            self._open()
            return True
        try:
            if self._by_position:
                position = self._index.places[start][0]
                self._container.seek(position, stream=self._stream, unsupported_byte_offset=True)
            else:
                stamp = self._index.stamps[start] if self._index.places else self._shown[start]
                self._container.seek(stamp, stream=self._stream, backward=True)
        except (av.error.FFmpegError, OSError):
            return False
        return True

    def _by_time(self, track: _Track, start: int | None) -> Iterator[DecodedPicture]:
        for decoded in track.decoded():
            if start is not None and decoded.before_first_key:
                continue
            ordinal = bisect_left(self._shown, decoded.packet.stamp)
            if ordinal < len(self._shown) and self._shown[ordinal] == decoded.packet.stamp:
                yield DecodedPicture(ordinal, decoded.frame, decoded.whole)

    def _in_order(self, track: _Track, start: int | None) -> Iterator[DecodedPicture]:
        """Pictures by counting: certain from the beginning of the file, else from the second key picture on.

        Of a key picture it is known how many pictures are decoded before it, and it is seen here how many that are
        decoded after it come out before.
        """
        if start is None:
            yield from (DecodedPicture(count, each.frame, each.whole) for count, each in enumerate(track.decoded()))
            return
        ordinal, early = None, 0
        first = anchor = None
        for decoded in track.decoded():
            if first is None:
                first = self._number_at.get(track.first_place)
                if first is None:
                    return
                anchor = next((key for key in self._index.keys if key > first), None)
            if anchor is None:
                return
            number = first + decoded.packet.number
            if ordinal is None and number == anchor:
                ordinal = anchor + early
            early += number > anchor
            if ordinal is not None:
                yield DecodedPicture(ordinal, decoded.frame, decoded.whole)
                ordinal += 1


@dataclass
class _Sent:
    """A packet that was sent to the decoder: its number since decoding began, and its time."""

    number: int
    stamp: int


@dataclass(frozen=True)
class _Decoded:
    frame: av.VideoFrame
    packet: _Sent
    whole: bool
    before_first_key: bool


class _Track:
    """Decodes on from where the file is, and follows damage from picture to picture."""

    def __init__(
        self, container: av.container.InputContainer, stream: av.VideoStream, path: str, index: PacketIndex
    ) -> None:
        self._container, self._stream, self._path, self._index = container, stream, path, index
        self._sent: list[_Sent] = []
        self._damaged: list[int] = []
        self._keys: list[int] = []
        self._first_key: int | None = None
        self.first_place: tuple[int, int] = (-1, 0)
        # Where recordings were joined a transport stream miscounts, and calls one of the last packets damaged.
        self._ends = frozenset(place for jump in index.jumps for place in index.places[max(0, jump - 2) : jump])

    def decoded(self) -> Iterator[_Decoded]:
        """Every picture that comes out, as it comes out. Raises DamagedMedia when the file cannot be read."""
        try:
            for packet, begins in PicturePackets(self._container, self._stream):
                if begins:
                    self._send(packet)
                if packet.is_corrupt and self._place(packet) not in self._ends:
                    self._damage(len(self._sent) - 1)
                yield from self._out_of(packet)
        except av.error.FFmpegError as error:
            raise DamagedMedia(
                f"{self._path} cannot be read on after {len(self._sent)} pictures.", str(error), "Copy it again."
            ) from error
        yield from self._out_of(None)

    def _send(self, packet: av.Packet[av.VideoStream]) -> None:
        number = len(self._sent)
        stamp = packet.pts if packet.pts is not None else packet.dts
        if packet.is_keyframe or self._index.intra:
            self._keys.append(number)
            if self._first_key is None:
                self._first_key = stamp
        elif number == 0 and self._index.keys and not self._keys:
            self._damage(0)  # the pictures that it was predicted from are not in the file
        if packet.is_discard:
            return  # an edit list cuts it away: it is decoded, and does not come out
        if not self._sent:
            self.first_place = self._place(packet)
        self._sent.append(_Sent(number, number if stamp is None else stamp))
        packet.pts = number  # the decoder carries it to the picture

    @staticmethod
    def _place(packet: av.Packet[av.VideoStream]) -> tuple[int, int]:
        return (-1 if packet.pos is None else packet.pos, packet.size)

    def _damage(self, number: int) -> None:
        self._damaged.append(max(0, number))
        self._damaged.sort()

    def _out_of(self, packet: av.Packet[av.VideoStream] | None) -> Iterator[_Decoded]:
        try:
            frames = self._stream.codec_context.decode(packet)
        except av.error.EOFError:
            return
        except (av.error.FFmpegError, ValueError):
            self._damage(len(self._sent) - 1)
            return
        for frame in frames:
            if frame.pts is not None and 0 <= frame.pts < len(self._sent):
                sent = self._sent[frame.pts]
                if frame.is_corrupt:
                    self._damage(sent.number)
                yield _Decoded(frame, sent, self._is_whole(sent), self._is_before_first_key(sent))

    def _is_whole(self, sent: _Sent) -> bool:
        worst = bisect_right(self._damaged, sent.number)
        if not worst:
            return True
        damaged = self._damaged[worst - 1]
        if damaged == sent.number:
            return False
        return self._index.intra or bisect_right(self._keys, sent.number) > bisect_right(self._keys, damaged)

    def _is_before_first_key(self, sent: _Sent) -> bool:
        return self._first_key is not None and sent.stamp < self._first_key
