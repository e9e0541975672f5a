"""Frame rates as exact fractions, whatever a file, a container or a person calls them."""

from __future__ import annotations

from fractions import Fraction

NTSC = Fraction(1000, 1001)
"""The factor between a whole rate and its NTSC counterpart: 30 and 29.97."""

SLOWEST, FASTEST = Fraction(1, 1000), 10_000_000

_ROUNDED, _CUT = Fraction(5, 1000), Fraction(10, 1000)
# A whole rate and its NTSC counterpart lie a thousandth apart; a rate must be clearly nearer to one of them.
_NEARER = Fraction(4, 10_000)


def snap_rate(rate: float | Fraction) -> Fraction:
    """The exact rate in frames a second that `rate` stands for.

    Real clips run at whole rates or at NTSC rates (a whole rate times 1000/1001), and NTSC rates are written with two
    or more decimals, rounded or cut off. So this is

    - the NTSC rate k * 1000/1001 whose two decimals `rate` is: 23.976, 23.98 (rounded) and 23.97 (cut off) are
      24000/1001; 29.97, 47.952, 59.94 and 119.88 are 30000, 48000, 60000 and 120000/1001; thirds of them, as animation
      "on threes" has them, too: 9.99 and 7.992 are 10000/1001 and 8000/1001,
    - a whole rate that is at most 0.005 away: 24.0001 and 29.999 are averages over a clip of 24 and 30,
    - else the rate itself, as a fraction with a denominator of at most 1001. 29.98 and 59.95 are no spellings of 29.97
      and 59.94: they are averages of phone clips and screen recordings. Snapped, the picture would drift by a frame
      within one or two minutes.

    Below 12.5 frames a second the tolerance shrinks with the rate, because 5 and 4.995 are two rates. Sample rates of
    sound pass unchanged. Raises ValueError when the rate is not a number from SLOWEST to FASTEST.
    """
    if not SLOWEST <= rate <= FASTEST:
        raise ValueError(f"{rate} is not a frame rate.")
    exact = Fraction(rate)
    most = exact * _NEARER
    whole = Fraction(round(exact))
    ntsc = round(exact / NTSC) * NTSC
    if abs(exact - whole) <= min(_ROUNDED, most):
        return whole
    if -min(_CUT, most) < exact - ntsc <= min(_ROUNDED, most):
        return ntsc
    return exact.limit_denominator(1001)


def is_ntsc(rate: Fraction) -> bool:
    """Whether an exact rate is a whole one times 1000/1001."""
    return rate.denominator != 1 and (rate / NTSC).denominator == 1
