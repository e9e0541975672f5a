"""Pictures as they come out of a movie's decoder, each with the number of its packet, and whether it is whole."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import av

from media.bitstream.torn_packets import TornPackets
from media.decoding.packets import DEEPEST_REORDER, PacketIndex
from media.decoding.picture_packets import PicturePackets, Role
from media.errors import DamagedMedia

# A picture that has not come out after so many later ones never will: reordered, and by several threads at a time.
_LATEST = 2 * DEEPEST_REORDER


@dataclass(frozen=True)
class Decoded:
    """A picture that came out of the decoder; `number` is that of its packet in decoding order."""

    number: int
    frame: av.VideoFrame
    whole: bool


class UnclearDamage(Exception):
    """Several pictures were decoded at a time, and which one of them is damaged cannot be seen."""


class DecodedTrack:
    """Decodes on from where the file is, and follows damage from picture to picture.

    numbers: of the packets, by their places in the file and by their times
    from_start: the file is at its beginning
    """

    def __init__(
        self,
        container: av.container.InputContainer,
        stream: av.VideoStream,
        path: str,
        index: PacketIndex,
        numbers: Mapping[tuple[int, int] | int | None, int],
        from_start: bool,
    ) -> None:
        self._container, self._stream, self._path = container, stream, path
        self._index, self._numbers, self._from_start = index, numbers, from_start
        self._torn = TornPackets(stream, index.marks_ends)
        self._last: int | None = None
        self._keys: list[int] = []
        self._began_at_key = False
        self._waiting: list[int] = []
        self._damaged: list[int] = []
        self._damaged_leading: list[int] = []
        # Where recordings were joined a transport stream miscounts, and calls one of the last packets damaged.
        self._ends = frozenset(number for jump in index.jumps for number in (jump - 2, jump - 1))

    def decoded(self, *, threads: bool) -> Iterator[Decoded]:
        """Every picture in the order in which it comes out, once it is known whether it is whole.

        Raises UnclearDamage, with `threads`, and DamagedMedia when the file cannot be read on.
        """
        held: deque[tuple[int, av.VideoFrame]] = deque()
        try:
            packets = PicturePackets(self._container, self._stream)
            for packet, role in packets:
                if self._label(packet, role):
                    if packets.lost_before and self._last:
                        # A key picture does not need the lost one, those that are shown before it do.
                        insort(self._damaged_leading if packet.is_keyframe else self._damaged, self._last)
                    held.extend(self._out_of(packet, threads))
                    while held and self._is_settled(held[0][0]):
                        yield self._judged(*held.popleft())
        except av.error.FFmpegError as error:
            raise DamagedMedia(
                f"{self._path} cannot be read on after {self._last or 0} pictures.", str(error), "Copy it again."
            ) from error
        held.extend(self._out_of(None, threads))
        for number in self._waiting:
            self._damage(number)
        self._waiting = []
        yield from (self._judged(*each) for each in held)

    def lacks_group_before(self, number: int) -> bool:
        """Whether a picture was predicted from one before the key picture at which decoding began."""
        return bool(self._keys) and self._index.stamps[number] < self._index.stamps[self._keys[0]]

    def _label(self, packet: av.Packet[av.VideoStream], role: Role) -> bool:
        """Write the packet's number where the decoder carries it to the picture. False: the packet is not known."""
        if packet.is_discard:  # an edit list cuts it away: it is decoded, and does not come out
            self._began_at_key |= packet.is_keyframe
            return True
        if role is Role.PICTURE:
            number = self._number_of(packet)
            if number is None:
                return False
            self._send(number, packet.is_keyframe)
        if self._last is None:
            return False
        packet.pts = packet.dts = self._last if role is not Role.REPEAT else None
        if packet.is_corrupt and self._last not in self._ends:
            insort(self._damaged, self._last)  # whole pictures may be lost behind it
        if self._torn.is_torn(bytes(packet)):
            self._damage(self._last)
        return True

    def _number_of(self, packet: av.Packet[av.VideoStream]) -> int | None:
        place = (-1 if packet.pos is None else packet.pos, packet.size)
        number = self._numbers.get(place, self._numbers.get(packet.pts if packet.pts is not None else packet.dts))
        if number is None and (self._from_start or self._last is not None):
            return 0 if self._last is None else self._last + 1
        return number

    def _send(self, number: int, key: bool) -> None:
        if key or self._index.intra:
            self._keys.append(number)
        elif self._last is None and self._index.keys and not self._began_at_key:
            self._damage(number)  # the pictures that it was predicted from are not in the file
        self._last = number
        if not self._index.intra and not self.lacks_group_before(number):
            self._waiting.append(number)

    def _out_of(self, packet: av.Packet[av.VideoStream] | None, threads: bool) -> Iterator[tuple[int, av.VideoFrame]]:
        try:
            frames = self._stream.codec_context.decode(packet)
        except av.error.EOFError:
            return
        except (av.error.FFmpegError, ValueError) as error:
            if not self._index.intra:
                if threads:
                    raise UnclearDamage from error
                self._damage(self._last or 0)
            return
        for frame in frames:
            number = frame.pts
            if number is None or not 0 <= number < len(self._index.stamps):
                continue
            if frame.is_corrupt or number in self._index.guessed:
                if threads and not self._index.intra:
                    raise UnclearDamage
                self._damage(number)
            if number in self._waiting:
                self._waiting.remove(number)
            yield number, frame

    def _is_settled(self, number: int) -> bool:
        """Whether all that a picture may have been predicted from has come out, or never will."""
        base = self._group_of(number)
        for other in [each for each in self._waiting if each < number]:
            if other >= base and (self._last or 0) - other <= _LATEST and self._matters(other, number):
                return False
            if other < base or (self._last or 0) - other > _LATEST:
                self._waiting.remove(other)
                self._damage(other)
        return True

    def _damage(self, number: int) -> None:
        insort(self._damaged_leading if self._is_leading(number) else self._damaged, number)

    def _judged(self, number: int, frame: av.VideoFrame) -> Decoded:
        if self._index.intra:
            return Decoded(number, frame, _last_up_to(self._damaged, number) < number)
        whole = _last_up_to(self._damaged, number) < self._group_of(number)
        if self._is_leading(number):
            whole &= _last_up_to(self._damaged_leading, number) < self._keys[bisect_right(self._keys, number) - 1]
        return Decoded(number, frame, whole)

    def _matters(self, number: int, to: int) -> bool:
        """Whether a picture may be predicted from another one of its group."""
        return self._is_leading(to) or not self._is_leading(number)

    def _is_leading(self, number: int) -> bool:
        """Whether a picture is decoded after a key picture and shown before it: no others refer to such ones."""
        place = bisect_right(self._keys, number) - 1
        return place >= 0 and self._index.stamps[number] < self._index.stamps[self._keys[place]]

    def _group_of(self, number: int) -> int:
        """The key picture from which on others are needed to predict a picture."""
        place = bisect_right(self._keys, number) - 1 - self._is_leading(number)
        return self._keys[place] if place >= 0 else 0


def _last_up_to(damaged: list[int], number: int) -> int:
    place = bisect_right(damaged, number)
    return damaged[place - 1] if place else -1
