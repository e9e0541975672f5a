"""Exact frame rates. Blender keeps them as floats of single precision (29.97 is 3 / 0.10010000318)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any


def snap_rate(rate: float) -> Fraction:
    """The whole number or multiple of 1000/1001 that `rate` stands for, else a short fraction.

    23.976, 23.98 and 29.97 are meant as 24000/1001 and 30000/1001, whatever else they may be.
    """
    whole = Fraction(max(1, round(rate)))
    if abs(rate - whole) < 0.001:
        return whole
    slowed = Fraction(round(rate * 1.001) * 1000, 1001)
    if rate > 10 and abs(rate - slowed) < 0.006:
        return slowed
    return Fraction(rate).limit_denominator(1001)


def scene_rate(scene: Any) -> Fraction:
    """Frames a second of a scene."""
    return snap_rate(scene.render.fps / scene.render.fps_base)
