from __future__ import annotations

from fractions import Fraction

import pytest

from contract.timecode import timecode
from plugin.panel.review.transport import Ticker, Transport
from plugin.panel.review.typed_frame import frame_of


@pytest.fixture
def transport(qapp, clock):
    made = Transport(clock)
    made.open(100, Fraction(25))
    return made


def after(transport, clock, seconds):
    clock.pass_seconds(seconds)
    transport.advance()
    return transport.frame


def test_space_plays_and_stops(transport, clock):
    transport.toggle()
    assert transport.playing
    assert after(transport, clock, 1) == 25
    transport.toggle()
    assert after(transport, clock, 1) == 25


def test_shuttle_doubles_and_reverses(transport, clock):
    speeds = []
    transport.speedChanged.connect(speeds.append)
    for direction in (1, 1, 1, 1, 1, -1, -1, -1, -1, -1):
        transport.shuttle(direction)
    assert speeds == [1, 2, 4, 8, 4, 2, 1, -1, -2]
    transport.seek(50)
    assert after(transport, clock, 0.2) == 40


def test_playback_loops_between_in_and_out_and_keeps_time(transport, clock):
    transport.set_range(10, 19)
    transport.seek(10)
    transport.play()
    assert after(transport, clock, Fraction(9, 25)) == 19
    assert after(transport, clock, Fraction(1, 25)) == 10
    assert after(transport, clock, Fraction(1001, 50)) == 10
    assert after(transport, clock, Fraction(1, 50)) == 11
    assert [after(transport, clock, Fraction(1, 25)) for _ in range(10)] == [12, 13, 14, 15, 16, 17, 18, 19, 10, 11]


def test_playback_backward_loops_too(transport, clock):
    transport.set_range(10, 19)
    transport.seek(11)
    transport.play(-1)
    assert [after(transport, clock, Fraction(1, 25)) for _ in range(4)] == [10, 19, 18, 17]


def test_without_loop_playback_stops_at_out_and_begins_again_at_in(transport, clock):
    transport.loop(False)
    transport.set_range(5, 9)
    transport.seek(5)
    transport.play()
    assert after(transport, clock, 3) == 9
    assert not transport.playing
    transport.play()
    assert transport.frame == 5


def test_an_in_point_behind_out_moves_out(transport):
    transport.set_range(10, 20)
    transport.seek(50)
    transport.set_in()
    assert (transport.first, transport.last) == (50, 99)
    transport.seek(30)
    transport.set_out()
    assert (transport.first, transport.last) == (0, 30)
    transport.clear_range()
    assert not transport.is_ranged


def test_seeking_stays_in_the_shot(transport):
    transport.seek(1000)
    assert transport.frame == 99
    transport.step(-200)
    assert transport.frame == 0


def test_playing_from_outside_the_range_starts_at_in(transport):
    transport.set_range(40, 60)
    transport.play()
    assert transport.frame == 40


def test_ticker_moves_the_frame(qtbot):
    transport = Transport()
    Ticker(transport)
    transport.open(1000, Fraction(120))
    with qtbot.waitSignals([transport.frameChanged] * 3, timeout=5000):
        transport.play()
    transport.stop()
    assert transport.frame >= 3


@pytest.mark.parametrize(
    "frame, rate, drop, text",
    [
        (107892, Fraction(30000, 1001), None, "01:00:00;00"),
        (1800, Fraction(30000, 1001), None, "00:01:00;02"),
        (1799, Fraction(30000, 1001), None, "00:00:59;29"),
        (17982, Fraction(30000, 1001), None, "00:10:00;00"),
        (108000, Fraction(30000, 1001), False, "01:00:00:00"),
        (3600, Fraction(60000, 1001), True, "00:01:00;04"),
        (86400, Fraction(24000, 1001), None, "01:00:00:00"),
        (86411, Fraction(24), None, "01:00:00:11"),
        (90024, Fraction(25), None, "01:00:00:24"),
        (1234, Fraction(1537, 100), None, "frame 1234"),
    ],
)
def test_timecode(frame, rate, drop, text):
    assert timecode(frame, rate, drop) == text
    assert frame_of(text, rate) == frame


def test_typed_timecodes():
    assert frame_of("12:10", Fraction(24)) == 298
    assert frame_of(" 42 ", Fraction(24)) == 42
    assert frame_of("1:2:3:4:5", Fraction(24)) is None
    assert frame_of("noon", Fraction(24)) is None
    assert frame_of("00:00:00:99", Fraction(24)) is None
