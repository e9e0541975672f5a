"""Exact frame rates and timecode from Resolve's texts."""

from fractions import Fraction
from typing import Any

from ..errors import ResolveProblem

NTSC = Fraction(1000, 1001)


def exact_rate(text: Any) -> Fraction:
    """Frames per second of "24", 23.976, "29.97 DF", "59.940". Raises ResolveProblem for anything else."""
    try:
        number = float(str(text).replace("DF", "").replace(",", ".").strip())
    except ValueError:
        number = 0.0
    if not 1 <= number <= 1000:
        raise ResolveProblem("not_supported", f"Resolve reports a frame rate of {text!r}.", "That is not a frame rate.")
    return snap_rate(number)


def snap_rate(rate: float) -> Fraction:
    """The exact rate for a rounded one, by the rule that `contract.rates.snap_rate` explains."""
    exact = Fraction(rate)
    most = exact * Fraction(4, 10000)
    to_int = Fraction(round(exact))
    ntsc = round(exact / NTSC) * NTSC
    if abs(exact - to_int) <= min(Fraction(5, 1000), most):
        return to_int
    if -min(Fraction(10, 1000), most) < exact - ntsc <= min(Fraction(5, 1000), most):
        return ntsc
    return exact.limit_denominator(1001)


def timecode(frame: int, rate: Fraction, drop: bool) -> str:
    """Timecode of a frame number that counts from 00:00:00:00."""
    nominal = int(round(rate))
    if drop:
        lost = nominal // 15
        tens, rest = divmod(frame, nominal * 600 - 9 * lost)
        frame += 9 * lost * tens
        if rest >= nominal * 60:
            frame += lost * ((rest - nominal * 60) // (nominal * 60 - lost) + 1)
    seconds, frames = divmod(frame, nominal)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02d}:{minute:02d}:{second:02d}{';' if drop else ':'}{frames:02d}"


def frame_of(text: Any, rate: Fraction) -> int:
    """Frame number of a timecode; ";" before the frames means drop frame. -1 for other texts."""
    parts = str(text).replace(";", ":").split(":")
    if len(parts) != 4 or not all(part.isdigit() for part in parts):
        return -1
    nominal = int(round(rate))
    hour, minute, second, frame = (int(part) for part in parts)
    total = ((hour * 60 + minute) * 60 + second) * nominal + frame
    if ";" in str(text):
        minutes = hour * 60 + minute
        total -= nominal // 15 * (minutes - minutes // 10)
    return total
