"""One table of spellings for the rule itself and for the copies in the agents, which may import nothing of ours."""

from __future__ import annotations

import sys
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as some

from contract.rates import is_ntsc, snap_rate
from plugin.blender.strips import frame_rates
from plugin.resolve.timeline import rates as resolve_rates

NTSC_24, NTSC_30, NTSC_60 = Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)

SPELLINGS = [
    # NTSC rates: as ffmpeg, editors and people write them
    (23.976, NTSC_24),
    (23.98, NTSC_24),
    (23.97, NTSC_24),
    (23.976024, NTSC_24),
    (24000 / 1001, NTSC_24),
    (29.97, NTSC_30),
    (29.97003, NTSC_30),
    (3 / 0.10010000318288803, NTSC_30),
    (59.94, NTSC_60),
    (59.94006, NTSC_60),
    (47.952, Fraction(48000, 1001)),
    (47.95, Fraction(48000, 1001)),
    (119.88, Fraction(120000, 1001)),
    (239.76, Fraction(240000, 1001)),
    # halves and thirds of them
    (14.985, Fraction(15000, 1001)),
    (14.99, Fraction(15000, 1001)),
    (14.98, Fraction(15000, 1001)),
    (11.988, Fraction(12000, 1001)),
    (11.99, Fraction(12000, 1001)),
    (9.99, Fraction(10000, 1001)),
    (7.992, Fraction(8000, 1001)),
    (7.99, Fraction(8000, 1001)),
    (5.994, Fraction(6000, 1001)),
    # no spellings of 29.97, 59.94 or 24, but averages
    (29.98, Fraction(1499, 50)),
    (29.96, Fraction(749, 25)),
    (59.95, Fraction(1199, 20)),
    (59.93, Fraction(5993, 100)),
    (23.99, Fraction(2399, 100)),
    # whole rates
    (1.0, Fraction(1)),
    (12.0, Fraction(12)),
    (24.0001, Fraction(24)),
    (24.004, Fraction(24)),
    (25, Fraction(25)),
    (29.999, Fraction(30)),
    (50.0, Fraction(50)),
    (120.0, Fraction(120)),
    # others
    (12.5, Fraction(25, 2)),
    (15.37, Fraction(1537, 100)),
]


@pytest.mark.parametrize(("spelled", "exact"), SPELLINGS, ids=[str(spelled) for spelled, _ in SPELLINGS])
def test_spellings(spelled: float, exact: Fraction) -> None:
    assert snap_rate(spelled) == exact
    assert snap_rate(Fraction(spelled)) == exact
    assert snap_rate(exact) == exact
    assert frame_rates.snap_rate(spelled) == exact
    assert resolve_rates.snap_rate(spelled) == exact
    if spelled >= 1:
        assert resolve_rates.exact_rate(str(spelled)) == exact


@given(some.floats(1, 1000))
def test_the_copies_agree_everywhere(rate: float) -> None:
    assert frame_rates.snap_rate(rate) == resolve_rates.exact_rate(repr(rate)) == snap_rate(rate)


@given(some.integers(1, 300), some.booleans(), some.integers(3, 6))
def test_rounded_to_three_decimals_a_rate_is_itself(whole: int, slowed: bool, decimals: int) -> None:
    rate = whole * Fraction(1000, 1001) if slowed else Fraction(whole)
    if whole > 1:
        assert snap_rate(round(float(rate), decimals)) == rate
    assert snap_rate(rate) == rate


@pytest.mark.parametrize("rate", [44_100, 48_000, 192_000.0])
def test_sample_rates_pass(rate: float) -> None:
    assert snap_rate(rate) == rate


@pytest.mark.parametrize("rate", [0, -24, 1e-300, 1e9, float("nan"), float("inf"), sys.float_info.max])
def test_impossible_rates(rate: float) -> None:
    for snap in (snap_rate, frame_rates.snap_rate):
        with pytest.raises(ValueError, match="frame rate"):
            snap(rate)


def test_ntsc() -> None:
    assert is_ntsc(NTSC_24) and is_ntsc(Fraction(10000, 1001))
    assert not is_ntsc(Fraction(24)) and not is_ntsc(Fraction(25, 2)) and not is_ntsc(Fraction(1499, 50))
