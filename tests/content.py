"""Bytes without structure that are the same in every run."""

from __future__ import annotations

import random


def noise(count: int, seed: int = 0) -> bytes:
    """`count` bytes that do not compress; other ones for another `seed`."""
    return random.Random(seed).randbytes(count)
