"""Bits of a video bitstream's headers, with the variable-length numbers of ITU-T H.264, 9.1."""

from __future__ import annotations


class BitReader:
    """Reads big-endian bits from the front; past the end every bit is 0."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def bits(self, count: int) -> int:
        """The next `count` bits as an unsigned number."""
        value = 0
        for _ in range(count):
            byte = self._at >> 3
            bit = self._data[byte] >> (7 - (self._at & 7)) & 1 if byte < len(self._data) else 0
            value, self._at = value << 1 | bit, self._at + 1
        return value

    def skip(self, count: int) -> None:
        """Leave `count` bits out."""
        self._at += count

    def unsigned(self) -> int:
        """ue(v)."""
        zeros = 0
        while not self.bits(1):
            zeros += 1
            if zeros > 32:
                return 0
        return (1 << zeros) - 1 + self.bits(zeros)

    def signed(self) -> int:
        """se(v)."""
        value = self.unsigned()
        return (value + 1) // 2 if value & 1 else -(value // 2)
