"""Movies that are protected: their pictures cannot be decoded, or come out as noise."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

from media.errors import EncryptedMedia

_HOLDERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
_PROTECTED = (b"encv", b"drmi")


def check_encryption(path: str) -> None:
    """Raises EncryptedMedia for an MP4 or QuickTime file whose pictures are encrypted (ISO/IEC 23001-7)."""
    with open(path, "rb") as file:
        if any(entry in _PROTECTED for entry in _sample_entries(file, 0, os.path.getsize(path))):
            raise EncryptedMedia(
                f"The pictures of {path} are encrypted.",
                "The file is protected (DRM): without its key they cannot be decoded.",
                "Use the file from before it was protected, or one without protection from whoever made it.",
            )


def _sample_entries(file: BinaryIO, begin: int, end: int) -> Iterator[bytes]:
    """The kinds of samples of all tracks: the four letters of their formats."""
    while begin + 8 <= end:
        file.seek(begin)
        size, kind = struct.unpack(">I4s", file.read(8))
        header = 8
        if size == 1 and begin + 16 <= end:
            size, header = struct.unpack(">Q", file.read(8))[0], 16
        size = size or end - begin  # 0: up to the end
        if size < header:
            return
        inside = begin + header, min(begin + size, end)
        if kind in _HOLDERS:
            yield from _sample_entries(file, *inside)
        elif kind == b"stsd" and inside[1] - inside[0] >= 16:
            file.seek(inside[0] + 12)
            yield file.read(4)
        begin += size
