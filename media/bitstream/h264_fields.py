"""Which packets of an H.264 stream begin a picture, and which are missing, from the slice headers (ITU-T H.264, 7.3).

Interlaced cameras and broadcasts may code each field by itself, and a transport stream then carries two packets for one
picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from media.bitstream.bit_reader import BitReader
from media.bitstream.nal_units import is_whole, length_size, unescaped, units

# Messages, parameter sets, delimiters, ends and filler.
_COMPANIONS = frozenset(range(6, 16))
_HIGH_PROFILES = (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135)


@dataclass(frozen=True)
class _Sequence:
    frame_number_bits: int
    may_skip_numbers: bool
    frames_only: bool
    separate_planes: bool


class FieldPairs:
    """Follows one stream's packets in decoding order. `extradata` is the container's own header of the stream.

    lost_before: a picture to which others refer is missing between the last packet and the one before it
    """

    def __init__(self, extradata: bytes | None) -> None:
        header = extradata or b""
        self._length_size = length_size("h264", header)
        self._sequences: dict[int, _Sequence] = {}
        self._pictures: dict[int, int] = {}
        self._open_field: tuple[int, int] | None = None
        self._reference: int | None = None
        self.lost_before = False
        for unit in _avcc_units(header) if self._length_size else units(header, 0):
            self._learn(unit)

    def begins_picture(self, packet: bytes, whole: bool) -> bool:
        """Whether a packet begins a picture: it neither completes the one before it, nor is it without slices.

        packet: its beginning, or all of it if `whole`
        """
        self.lost_before = False
        kinds = set()
        for unit in units(packet, self._length_size):
            kind = unit[0] & 31
            kinds.add(kind)
            if kind in (7, 8):
                self._learn(unit)
            elif kind in (1, 2, 5):
                return not self._closes(unit)
        # Where nothing is known, it is a picture that lost its bytes.
        return not (whole and kinds and kinds <= _COMPANIONS and is_whole(packet, self._length_size))

    def _learn(self, unit: bytes) -> None:
        kind = unit[0] & 31
        if kind == 7 and len(unit) > 4:
            number, sequence = _sequence_of(unit)
            self._sequences[number] = sequence
        elif kind == 8:
            reader = BitReader(unescaped(unit[1:16]))
            picture = reader.unsigned()
            self._pictures[picture] = reader.unsigned()

    def _closes(self, unit: bytes) -> bool:
        """Whether a slice is one of a second field."""
        reader = BitReader(unescaped(unit[1:32]))
        reader.unsigned()  # first_mb_in_slice
        reader.unsigned()  # slice_type
        sequence = self._sequences.get(self._pictures.get(reader.unsigned(), -1))
        if sequence is None:
            self._open_field = self._reference = None
            return False
        if sequence.separate_planes:
            reader.skip(2)
        number = reader.bits(sequence.frame_number_bits)
        field = (number, reader.bits(1)) if not sequence.frames_only and reader.bits(1) else None
        if field is not None and self._open_field == (number, 1 - field[1]):
            self._open_field = None
            return True
        self._open_field = field
        self._count(number, unit[0] & 31 == 5, bool(unit[0] & 0x60), sequence)
        return False

    def _count(self, number: int, idr: bool, reference: bool, sequence: _Sequence) -> None:
        """Follow the numbers of reference pictures (7.4.3, frame_num)."""
        before, most = self._reference, 1 << sequence.frame_number_bits
        # A picture may also set the count to 0 behind it (8.2.1), which is not looked for.
        follows = idr or before is None or number in (before, (before + 1) % most) or number <= 1
        self.lost_before = not follows and not sequence.may_skip_numbers
        if reference or self.lost_before:
            self._reference = number


def _sequence_of(unit: bytes) -> tuple[int, _Sequence]:
    """(id, facts) of a sequence parameter set."""
    reader = BitReader(unescaped(unit[4:256]))
    profile = unit[1]
    number = reader.unsigned()
    separate = False
    if profile in _HIGH_PROFILES:
        chroma = reader.unsigned()
        if chroma == 3:
            separate = bool(reader.bits(1))
        reader.unsigned()
        reader.unsigned()
        reader.skip(1)
        if reader.bits(1):
            for place in range(12 if chroma == 3 else 8):
                if reader.bits(1):
                    _skip_scaling_list(reader, 16 if place < 6 else 64)
    frame_number_bits = reader.unsigned() + 4
    order = reader.unsigned()
    if order == 0:
        reader.unsigned()
    elif order == 1:
        reader.skip(1)
        reader.signed()
        reader.signed()
        for _ in range(min(reader.unsigned(), 255)):
            reader.signed()
    reader.unsigned()
    may_skip_numbers = bool(reader.bits(1))
    reader.unsigned()
    reader.unsigned()
    return number, _Sequence(frame_number_bits, may_skip_numbers, bool(reader.bits(1)), separate)


def _skip_scaling_list(reader: BitReader, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + reader.signed()) % 256
        last = following or last


def _avcc_units(header: bytes) -> Iterator[bytes]:
    """Parameter sets of an avcC box (ISO/IEC 14496-15, 5.3.3)."""
    at, counts = 6, header[5] & 31
    for group in range(2):
        for _ in range(counts):
            length = int.from_bytes(header[at : at + 2], "big")
            unit, at = header[at + 2 : at + 2 + length], at + 2 + length
            if unit:
                yield unit
        if group == 0:
            counts, at = (header[at] if at < len(header) else 0), at + 1
