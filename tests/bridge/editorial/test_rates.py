from fractions import Fraction

import pytest
from opentimelineio.opentime import RationalTime

from bridge.editorial.rates import exact_rate, frames_at
from contract.errors import BadTimeline


@pytest.mark.parametrize(
    ("spelled", "exact"),
    [
        (23.976, (24000, 1001)),
        (23.98, (24000, 1001)),
        (24000 / 1001, (24000, 1001)),
        (29.97, (30000, 1001)),
        (29.97003, (30000, 1001)),
        (59.94, (60000, 1001)),
        (119.88, (120000, 1001)),
        (47.952, (48000, 1001)),
        (24.0, (24, 1)),
        (24.0001, (24, 1)),
        (25, (25, 1)),
        (50, (50, 1)),
        (12.5, (25, 2)),
        (1, (1, 1)),
    ],
)
def test_spellings(spelled: float, exact: tuple[int, int]) -> None:
    assert exact_rate(spelled) == Fraction(*exact)


@pytest.mark.parametrize("rate", [0, -24, 1e-300, float("nan"), float("inf")])
def test_impossible_rates(rate: float) -> None:
    with pytest.raises(BadTimeline):
        exact_rate(rate)


def test_a_day_of_frames_stays_exact() -> None:
    day = 24 * 3600 * 30
    assert frames_at(RationalTime(day, 29.97), Fraction(30000, 1001)) == day
    assert frames_at(RationalTime(24, 24), Fraction(30000, 1001)) == Fraction(30000, 1001)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e300])
def test_impossible_times(value: float) -> None:
    with pytest.raises(BadTimeline):
        frames_at(RationalTime(value, 24), Fraction(24))
