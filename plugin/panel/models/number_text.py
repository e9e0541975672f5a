"""Durations, sizes and rates as text."""

from __future__ import annotations

from fractions import Fraction


def duration_text(seconds: float) -> str:
    """Seconds as text: 8 s, 2 min 05 s, 1 h 20 min."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size_text(count: int) -> str:
    """Bytes as text, in the unit that gives one to three digits before the point."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.5:
            return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def rate_text(rate: Fraction) -> str:
    """Frames a second as text: 24000/1001 as 23.976, 25 as 25."""
    return f"{float(rate):.3f}".rstrip("0").rstrip(".")


def fraction(text: str) -> Fraction:
    """A rate from the text of a message ("24000/1001")."""
    numerator, _, denominator = text.partition("/")
    return Fraction(int(numerator), int(denominator or 1))
