"""Whether a picture file is all there, for the formats whose decoders fill up in silence what is missing."""

from __future__ import annotations

import struct

from media.bitstream.torn_packets import is_png_torn

# Rows in a chunk by the number of the compression: none, RLE, ZIPS, ZIP, PIZ, PXR24, B44, B44A, DWAA, DWAB.
_EXR_ROWS = (1, 1, 1, 16, 32, 16, 32, 32, 32, 256)
_EXR_TILED_OR_SEVERAL_PARTS = 0x200 | 0x800 | 0x1000


def is_cut_off(path: str) -> bool:
    """Whether a JPEG, PNG or OpenEXR file ends too early, or a PNG file is damaged; False for every other file."""
    with open(path, "rb") as file:
        data = file.read(4)
        if data[:3] == b"\xff\xd8\xff":
            return not _jpeg_ends(data + file.read())
        if data == b"\x89PNG":
            return is_png_torn(data + file.read())
        if data == b"v/1\x01":
            return not _exr_ends(data + file.read())
    return False


def _jpeg_ends(data: bytes) -> bool:
    """Whether the end of the image comes after its scan; a thumbnail in front of it has an end of its own."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        at += 2 + length
        if marker == 0xDA:
            return data.find(b"\xff\xd9", at) >= 0
    return False


def _exr_ends(data: bytes) -> bool:
    """Whether all chunks that a file of rows lists are inside of it (OpenEXR file layout)."""
    if struct.unpack_from("<I", data, 4)[0] & _EXR_TILED_OR_SEVERAL_PARTS:
        return True
    at, rows, height = 8, 1, 0
    try:
        while data[at]:
            name, at = _text(data, at)
            _, at = _text(data, at)
            size = struct.unpack_from("<I", data, at)[0]
            value, at = data[at + 4 : at + 4 + size], at + 4 + size
            if name == b"compression":
                rows = _EXR_ROWS[value[0]] if value[0] < len(_EXR_ROWS) else 1
            elif name == b"dataWindow":
                _, top, _, bottom = struct.unpack("<4i", value)
                height = bottom - top + 1
        places = struct.unpack_from(f"<{-(-height // rows)}Q", data, at + 1)
        return all(place + 8 + struct.unpack_from("<i", data, place + 4)[0] <= len(data) for place in places)
    except (IndexError, struct.error, ValueError):
        return False


def _text(data: bytes, at: int) -> tuple[bytes, int]:
    end = data.index(b"\0", at)
    return data[at:end], end + 1
