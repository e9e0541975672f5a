"""Exact frame rates. Blender keeps them as floats of single precision (29.97 is 3 / 0.10010000318)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

NTSC = Fraction(1000, 1001)


def snap_rate(rate: float) -> Fraction:
    """The exact rate for a rounded one, by the rule that `contract.rates.snap_rate` explains.

    Raises ValueError when it is not a number between 0.001 and 10 million.
    """
    if not 0.001 <= rate <= 10_000_000:
        raise ValueError(f"{rate} is not a frame rate.")
    exact = Fraction(rate)
    most = exact * Fraction(4, 10_000)
    whole = Fraction(round(exact))
    ntsc = round(exact / NTSC) * NTSC
    if abs(exact - whole) <= min(Fraction(5, 1000), most):
        return whole
    if -min(Fraction(10, 1000), most) < exact - ntsc <= min(Fraction(5, 1000), most):
        return ntsc
    return exact.limit_denominator(1001)


def scene_rate(scene: Any) -> Fraction:
    """Frames per second of a scene."""
    return snap_rate(scene.render.fps / scene.render.fps_base)
