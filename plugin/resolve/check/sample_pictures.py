"""Sample pictures for the check, written with the standard library alone: half-transparent RGBA PNGs."""

import os
import struct
import zlib
from typing import List

WIDTH, HEIGHT, FIRST, COUNT = 64, 36, 1001, 24
PREFIX, SUFFIX = "dynvfx check.", ".png"


def write_pictures(folder: str) -> List[str]:
    """Write COUNT pictures, numbered from FIRST; returns their paths."""
    paths = []
    for number in range(COUNT):
        path = os.path.join(folder, f"{PREFIX}{FIRST + number:04d}{SUFFIX}")
        with open(path, "wb") as file:
            file.write(_png(number))
        paths.append(path)
    return paths


def _png(number: int) -> bytes:
    red = 10 * number % 256
    half = WIDTH // 2
    row = b"\0" + bytes((red, 80, 40, 255)) * half + bytes((red, 80, 40, 128)) * (WIDTH - half)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 6, 0, 0, 0)
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(row * HEIGHT)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data) & 0xFFFFFFFF)
