from __future__ import annotations

from fractions import Fraction

import opentimelineio as otio
import pytest
from hypothesis import given
from hypothesis import strategies as some

from contract.timecode import frame_of_timecode, is_drop_frame, timecode
from plugin.resolve.timeline import rates as resolve_rates

NTSC = Fraction(1000, 1001)
EDITORS = [24 * NTSC, Fraction(24), Fraction(25), 30 * NTSC, Fraction(30), Fraction(50), 60 * NTSC, Fraction(60)]
DAY = 24 * 3600


@pytest.mark.parametrize(
    ("text", "rate", "frame"),
    [
        ("01:00:00:00", Fraction(24), 86400),
        ("01:00:00;00", 30 * NTSC, 107892),
        ("01:00:00:00", 30 * NTSC, 108000),
        ("00:00:59;29", 30 * NTSC, 1799),
        ("00:01:00;02", 30 * NTSC, 1800),
        ("00:10:00;00", 60 * NTSC, 35964),
        ("00:00:01:119", Fraction(120), 239),
    ],
)
def test_both_ways(text: str, rate: Fraction, frame: int) -> None:
    assert frame_of_timecode(text, rate) == frame
    assert timecode(frame, rate, is_drop_frame(text)) == text
    assert resolve_rates.frame_of(text, rate) == frame
    assert resolve_rates.timecode(frame, rate, is_drop_frame(text)) == text


@given(some.sampled_from(EDITORS), some.integers(0, DAY * 23), some.sampled_from([None, False]))
def test_opentimelineio_says_the_same(rate: Fraction, frame: int, drop: bool | None) -> None:
    time = otio.opentime.RationalTime(frame, float(rate))
    text = timecode(frame, rate, drop)
    assert text == otio.opentime.to_timecode(time, float(rate), drop)
    assert frame_of_timecode(text, rate) == round(otio.opentime.from_timecode(text, float(rate)).value) == frame
    assert resolve_rates.timecode(frame, rate, is_drop_frame(text)) == text


def test_drop_frame_never_repeats_or_skips() -> None:
    rate = 30 * NTSC
    assert all(frame_of_timecode(timecode(n, rate), rate) == n for n in range(0, 40000, 7))


def test_without_timecode() -> None:
    assert timecode(5, Fraction(25, 2)) == "frame 5"
    assert timecode(-5, Fraction(25)) == "frame -5"
    assert timecode(DAY * 25, Fraction(25)) == "00:00:00:00"


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("00:00:00:25", Fraction(25)),
        ("00:00:60:00", Fraction(25)),
        ("00:60:00:00", Fraction(25)),
        ("00:00:00", Fraction(25)),
        ("noon", Fraction(25)),
        ("00:00:00:00", Fraction(25, 2)),
    ],
)
def test_no_timecode(text: str, rate: Fraction) -> None:
    assert frame_of_timecode(text, rate) is None
