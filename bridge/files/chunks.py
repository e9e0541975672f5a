"""Pieces of files, as both sides make and check them."""

from __future__ import annotations

import hashlib
from io import FileIO

CHUNK_BYTES = 1 << 20
"""Default for the largest size of a chunk, in bytes."""


def chunk_digest(data: bytes | memoryview) -> bytes:
    """What a chunk carries beside its bytes: BLAKE2b, 32 bytes."""
    return hashlib.blake2b(data, digest_size=32).digest()


def read_exactly(source: FileIO, length: int) -> bytes:
    """`length` bytes, fewer only at the file's end: one unbuffered read may give less than was asked for."""
    data = source.read(length)
    while len(data) < length and (more := source.read(length - len(data))):
        data += more
    return data
