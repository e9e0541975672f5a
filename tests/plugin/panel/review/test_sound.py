from __future__ import annotations

from fractions import Fraction

import numpy as np

from plugin.panel.review.sound_player import SoundPlayer
from plugin.panel.review.transport import Transport
from plugin.review_media.sound import SAMPLE_RATE, read_sound, sample_of

from .movies import slice_of, write_movie


def expected(first: int, count: int) -> np.ndarray:
    return (np.arange(first, first + count) // 480 % 200 * 100).astype(np.int16)


def test_samples_belong_to_their_frames(tmp_path):
    path = write_movie(tmp_path / "clip.mov", 60, 24, tone=True)
    whole = read_sound(slice_of(path, 60, 24))
    assert whole.shape == (120_000, 2)
    assert np.array_equal(whole[:, 0], expected(0, 120_000))
    part = read_sound(slice_of(path, 12, 24, first=36))
    assert np.array_equal(part[:, 1], expected(sample_of(36, Fraction(24)), len(part)))


def test_a_frames_sample_at_a_fractional_rate():
    assert sample_of(30, Fraction(30000, 1001)) == 48048
    assert sample_of(1, Fraction(30000, 1001)) == SAMPLE_RATE * 1001 // 30000


def test_movies_without_sound_have_none(tmp_path):
    assert read_sound(slice_of(write_movie(tmp_path / "clip.mov", 5), 5)) is None


class Sink:
    """A sound device that records its samples."""

    def __init__(self):
        self.played = []
        self.stops = 0

    def start(self, buffer):
        self.played.append(np.frombuffer(bytes(buffer.data()), np.int16).reshape(-1, 2)[0, 0])

    def stop(self):
        self.stops += 1


def test_sound_starts_at_the_frames_sample_and_again_after_a_jump(qtbot, tmp_path, clock):
    transport = Transport(clock)
    transport.open(60, Fraction(24))
    sink = Sink()
    sound = SoundPlayer(transport, open_sink=lambda _: sink)
    with qtbot.waitSignal(sound.changed, timeout=5000, check_params_cb=lambda: sound.samples is not None):
        sound.open(slice_of(write_movie(tmp_path / "clip.mov", 60, 24, tone=True), 60))
    assert sound.available
    transport.seek(12)
    transport.play()
    clock.pass_seconds(Fraction(2, 24))
    transport.advance()
    assert sink.played == list(expected(sample_of(12, Fraction(24)), 1))
    transport.seek(48)
    assert len(sink.played) == 2 and sink.played[1] == expected(sample_of(48, Fraction(24)), 1)[0]
    transport.shuttle(1)
    assert sink.stops == 2 and len(sink.played) == 2
    transport.play()
    sound.set_on(False)
    assert len(sink.played) == 3 and sink.stops == 3
    sound.set_on(True)
    assert len(sink.played) == 4
    sound.close()
    assert sink.stops == 4


def test_unplayable_sound_shows_why(qtbot, tmp_path, clock):
    transport = Transport(clock)
    sound = SoundPlayer(transport, open_sink=lambda _: None)
    with qtbot.waitSignals([sound.changed] * 2, timeout=5000):
        sound.open(slice_of(write_movie(tmp_path / "mute.mov", 5), 5))
    assert not sound.available and sound.status_text() == "The shot has no sound."
    with qtbot.waitSignals([sound.changed] * 2, timeout=5000):
        sound.open(slice_of(write_movie(tmp_path / "clip.mov", 24, tone=True), 24))
    assert not sound.available and sound.status_text() == "This machine has no sound device."
    with qtbot.waitSignals([sound.changed] * 2, timeout=5000):
        sound.open(slice_of(tmp_path / "gone.mov", 24))
    assert "does not exist" in sound.status_text()
