"""What kind of picture a packet of an MPEG-4 stream holds, from its headers (ISO/IEC 14496-2, 6.2)."""

from __future__ import annotations

from media.bitstream.bit_reader import BitReader

_LAYERS = range(0x20, 0x30)
_VOP = 0xB6
_BUFFERING_BITS = 79


class VopHeaders:
    """Follows one stream's packets. `extradata` is the container's own header of the stream."""

    def __init__(self, extradata: bytes | None) -> None:
        self._increment_bits: int | None = None
        self.is_coded(extradata or b"")

    def is_coded(self, packet: bytes) -> bool:
        """False for a VOP that is not coded: the picture before it is shown on."""
        at = packet.find(b"\0\0\1")
        while 0 <= at < len(packet) - 4:
            kind, rest = packet[at + 3], packet[at + 4 : at + 64]
            if kind in _LAYERS:
                self._increment_bits = _increment_bits(rest)
            elif kind == _VOP:
                return self._increment_bits is None or _is_vop_coded(rest, self._increment_bits)
            at = packet.find(b"\0\0\1", at + 3)
        return True


def is_bidirectional_vop(packet: bytes) -> bool:
    """Whether the packet's first VOP is shown before the one that was decoded before it."""
    at = packet.find(b"\0\0\1\xb6")
    return 0 <= at < len(packet) - 4 and packet[at + 4] >> 6 == 2


def _increment_bits(layer: bytes) -> int | None:
    """Bits of a VOP's time; None for shapes that are no whole pictures."""
    reader = BitReader(layer)
    reader.skip(1 + 8)
    if reader.bits(1):
        reader.skip(4 + 3)
    if reader.bits(4) == 15:
        reader.skip(8 + 8)
    if reader.bits(1):
        reader.skip(2 + 1)
        if reader.bits(1):
            reader.skip(_BUFFERING_BITS)
    if reader.bits(2):
        return None
    reader.skip(1)
    return max(1, (reader.bits(16) - 1).bit_length())


def _is_vop_coded(vop: bytes, increment_bits: int) -> bool:
    reader = BitReader(vop)
    reader.skip(2)
    for _ in range(64):  # seconds since the picture before, a bit for each
        if not reader.bits(1):
            break
    reader.skip(1 + increment_bits + 1)
    return bool(reader.bits(1))
