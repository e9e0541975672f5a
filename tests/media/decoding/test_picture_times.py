"""Times of pictures where the container's own cannot be meant."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest

from media.decoding.picture_times import PicturePacket, SettledTimes, settle_times

# Decoding order I0 P3 B1 B2, then P6 B4 B5.
RANKS = (0, 3, 1, 2, 6, 4, 5)
TICKS = Fraction(1, 25)


def settled(
    pts: Sequence[int | None],
    dts: Sequence[int | None],
    container: str = "matroska,webm",
    reorders: bool = True,
    ranks: Sequence[int] = RANKS,
) -> SettledTimes:
    packets = [
        PicturePacket(shown, decoded, 1, not number, (number, 1), cut_away=False)
        for number, (shown, decoded) in enumerate(zip(pts, dts, strict=True))
    ]
    return settle_times(
        packets,
        TICKS,
        container=container,
        reorders=reorders,
        nominal=Fraction(25),
        ranks=lambda: (ranks, frozenset()),
    )


def test_times_of_presentation_are_kept() -> None:
    found = settled([1, 4, 2, 3, 7, 5, 6], range(7))
    assert (found.stamps, found.notes) == ((1, 4, 2, 3, 7, 5, 6), ())


@pytest.mark.parametrize("container", ["avi", "matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2"])
def test_times_of_decoding_are_given_in_the_order_of_showing(container: str) -> None:
    assert settled(range(7), range(7), container).stamps == RANKS


def test_what_ffmpeg_makes_up_for_avi_is_not_taken() -> None:
    assert settled([0, 5, 1, 2, 6, 3, 4], range(7), "avi").stamps == RANKS


def test_a_hold_in_avi_stands_where_the_decoder_gives_the_picture_out() -> None:
    """The picture that waits in the decoder comes out with the next packet: a gap in front of that is its own hold."""
    found = settled([None] * 7, [0, 1, 2, 3, 5, 6, 7], "avi")
    # Shown: 0 1 2 3 4 5 6, given out with the packets 1 .. 6 and at the end: times 1 2 3 5 6 7 8, from 0 on.
    assert [found.stamps[RANKS.index(shown)] for shown in range(7)] == [0, 1, 2, 4, 5, 6, 7]
    assert "may stand a few frames too early or too late" in found.notes[0]


def test_without_times_the_header_s_rate_counts() -> None:
    found = settled([None] * 7, [None] * 7, "h264")
    assert found.stamps == RANKS
    assert "does not say when its pictures are shown" in found.notes[0]


def test_equal_times_are_replaced_by_those_of_decoding() -> None:
    found = settled([0, 3, 1, 1, 6, 4, 5], range(7))
    assert found.stamps == RANKS
    assert "same time" in found.notes[0]
    assert settled([0, 0, 2], [0, 0, 2], reorders=False).stamps == (0, 1, 2)


def test_order_is_not_read_where_the_codec_has_one_order() -> None:
    found = settled(range(7), range(7), reorders=False, ranks=())
    assert found.stamps == tuple(range(7))


@pytest.mark.parametrize("second", [0, 100_000, 3], ids=["anew", "later", "within"])
def test_joined_recordings_go_on(second: int) -> None:
    times = [10, 11, 12, 13, *(second + step for step in range(3))]
    found = settled(times, times, "mpegts", reorders=False)
    assert (found.stamps, found.jumps) == ((10, 11, 12, 13, 14, 15, 16), (4,))
    assert "jump (at frame 4)" in found.notes[0]


def test_a_hold_of_seconds_is_no_jump() -> None:
    times = [0, 1, 2, 202, 203]
    assert settled(times, times, "mpegts", reorders=False).stamps == tuple(times)
    times = [0, 1, 2, 25 * 600, 25 * 600 + 1]
    assert settled(times, times, reorders=False).stamps == tuple(times)


def test_nothing_has_no_times() -> None:
    assert settled([], []).stamps == ()
