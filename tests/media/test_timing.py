"""The rate that times say, and the frame of every picture."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction

import pytest

from contract.rates import NTSC
from media.timing import FrameTimes, Timing, measure_timing

FINE, MILLISECONDS = Fraction(1, 90_000), Fraction(1, 1000)
RATES = [24 * NTSC, Fraction(24), Fraction(25), 30 * NTSC, Fraction(30), Fraction(50), 60 * NTSC, 120 * NTSC]


def measured(
    frames: Sequence[int],
    rate: Fraction,
    ticks: Fraction = FINE,
    jitter: int = 0,
    nominal: Sequence[Fraction] = (),
) -> Timing:
    """What the times of pictures on these frames say, each up to `jitter` milliseconds off."""
    chance = random.Random(3)
    off = [Fraction(chance.randint(-1000 * jitter, 1000 * jitter), 1_000_000) for _ in frames]
    stamps = [round((frame / rate + late) / ticks) for frame, late in zip(frames, off, strict=True)]
    return measure_timing(stamps, None, ticks, nominal)


def dropped(count: int, seed: int = 1) -> list[int]:
    """The frames of a clip of which each twelfth, about, is missing."""
    chance = random.Random(seed)
    return [frame for frame in range(count) if frame in (0, count - 1) or chance.random() > 1 / 12]


@pytest.mark.parametrize("ticks", [FINE, MILLISECONDS], ids=["fine", "milliseconds"])
@pytest.mark.parametrize("rate", RATES, ids=[f"{float(rate):.2f}" for rate in RATES])
def test_even_and_dropped_pictures_keep_rate_and_frames(rate: Fraction, ticks: Fraction) -> None:
    for frames in (list(range(600)), dropped(600)):
        timing = measured(frames, rate, ticks, nominal=[rate])
        assert (timing.times.rate, list(timing.times.frames)) == (rate, frames)
        assert timing.variable_rate == (len(frames) < 600)


@pytest.mark.parametrize("rate", RATES, ids=[f"{float(rate):.2f}" for rate in RATES])
def test_the_mean_outranks_a_wrong_header(rate: Fraction) -> None:
    timing = measured(range(3600), rate, MILLISECONDS, nominal=[Fraction(1000), rate * Fraction(9, 10)])
    assert (timing.times.rate, timing.frame_count) == (rate, 3600)


@pytest.mark.parametrize("jitter", [1, 2, 3])
@pytest.mark.parametrize("rate", [24, 25, 30, 50, 60])
def test_jitter_moves_no_picture(rate: int, jitter: int) -> None:
    for frames in (list(range(300)), dropped(300)):
        timing = measured(frames, Fraction(rate), jitter=jitter)
        assert (timing.times.rate, list(timing.times.frames)) == (rate, frames)


def test_a_clock_that_wanders_moves_no_picture() -> None:
    chance, late, stamps = random.Random(5), 0, []
    for frame in range(900):
        late = max(-400, min(400, late + chance.randint(-90, 90)))
        stamps.append(frame * 3000 + late)
    timing = measure_timing(stamps, None, FINE, [])
    assert (timing.times.rate, list(timing.times.frames)) == (30, list(range(900)))


def test_a_mean_of_a_phone_is_no_usual_rate() -> None:
    """Over a minute 29.98 is not 29.97: snapped, the picture would drift."""
    timing = measured(range(3600), Fraction(2998, 100))
    assert abs(timing.times.rate - Fraction(2998, 100)) < Fraction(1, 1000)


def test_variable_rate_is_laid_on_by_time() -> None:
    chance = random.Random(4)
    stamps = sorted(chance.sample(range(90_000), 25))
    timing = measure_timing(stamps, None, FINE, [Fraction(25)])
    assert timing.variable_rate
    first, rate = stamps[0], timing.times.rate
    for stamp, frame in zip(stamps, timing.times.frames, strict=True):
        assert abs((stamp - first) * FINE * rate - frame) <= Fraction(1, 2)


def test_a_given_rate_replaces_the_stream_s_own() -> None:
    timing = measure_timing([0, 3000, 6000, 9000], 3000, FINE, [], Fraction(15))
    assert (timing.times.rate, timing.frame_count, timing.times.unseen) == (15, 3, 1)


@pytest.mark.parametrize(("seconds", "frames"), [(2, 50), (9, 225), (40, 1), (10_800, 1)])
def test_the_last_hold_is_believed_for_some_seconds(seconds: int, frames: int) -> None:
    stamps = [frame * 3600 for frame in range(20)]
    timing = measure_timing(stamps, seconds * 90_000, FINE, [Fraction(25)])
    assert timing.frame_count == 19 + frames
    assert bool(timing.notes) == (frames == 1)


def test_one_picture_has_the_header_s_rate() -> None:
    assert measure_timing([700], None, FINE, [Fraction(25)]).times.rate == 25
    assert measure_timing([700], None, FINE, []).times.rate == 24


def test_large_clips_are_measured_with_whole_numbers() -> None:
    times = FrameTimes.from_stamps([2**40 + frame * 3003 for frame in range(5)], FINE, 30 * NTSC)
    assert times.frames == (0, 1, 2, 3, 4)
    assert [times.picture_at(frame) for frame in (0, 3, 9)] == [0, 3, 4]
