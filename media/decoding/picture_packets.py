"""The packets of a movie's picture track, and what each of them is: a picture, a part of one, or none."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto

import av
from av.bitstream import BitStreamFilterContext

from media.bitstream.h264_fields import FieldPairs
from media.bitstream.mpeg4_vops import VopHeaders
from media.movies import open_media

# Slices begin within the first kilobytes of a packet: what stands before them is parameter sets and messages.
_HEAD = 1 << 14


class Role(Enum):
    """What a packet is to the picture that is shown: its beginning, more of it, or a place where nothing changes."""

    PICTURE = auto()
    MORE = auto()
    REPEAT = auto()


class PicturePackets:
    """Reads on from the container's position: the packets of `stream`, in decoding order."""

    def __init__(self, container: av.container.InputContainer, stream: av.VideoStream) -> None:
        self._container, self._stream = container, stream
        codec, header = stream.codec_context.name, stream.codec_context.extradata
        # DivX and XviD put two pictures into one packet and none into the next.
        self._unpack = BitStreamFilterContext("mpeg4_unpack_bframes", stream) if codec == "mpeg4" else None
        self._vops = VopHeaders(header) if codec == "mpeg4" else None
        self._fields = FieldPairs(header) if codec == "h264" else None
        self._hides = codec == "vp8"

    @property
    def lost_before(self) -> bool:
        """Whether a picture that later ones refer to is missing before the last packet."""
        return self._fields is not None and self._fields.lost_before

    def __iter__(self) -> Iterator[tuple[av.Packet[av.VideoStream], Role]]:
        for packet in self._container.demux(self._stream):
            if packet.size:
                for whole in self._unpack.filter(packet) if self._unpack else (packet,):
                    yield whole, self._role(whole)
        for whole in self._unpack.filter(None) if self._unpack else ():
            yield whole, self._role(whole)

    def _role(self, packet: av.Packet[av.VideoStream]) -> Role:
        if self._fields is not None:
            begins = self._fields.begins_picture(bytes(memoryview(packet)[:_HEAD]), packet.size <= _HEAD)
            return Role.PICTURE if begins else Role.MORE
        if self._vops is not None:
            return Role.PICTURE if self._vops.is_coded(bytes(memoryview(packet)[:_HEAD])) else Role.REPEAT
        # VP8's alternate reference pictures are decoded and not shown (RFC 6386, 9.1).
        return Role.MORE if self._hides and not memoryview(packet)[0] >> 4 & 1 else Role.PICTURE


def open_packets(path: str, ignore_edits: bool = False) -> av.container.InputContainer:
    """The container, its edit list honoured unless `ignore_edits`. Raises a subclass of BadMedia."""
    return open_media(path, {"ignore_editlist": "1"} if ignore_edits else None)
