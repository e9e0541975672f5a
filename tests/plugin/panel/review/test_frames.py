"""Frame n of every side is frame n: numbered pictures at every rate, constant and variable."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from contract.errors import BadMedia
from contract.image_sequence import ImageSequence
from media.reader import read_frame_times
from media.timing import FrameTimes
from plugin.panel.review.transport import Transport
from plugin.review_media.slice_reader import SliceReader
from plugin.review_media.slices import MediaSlice

from .movies import RATES, number_of, review_take, slice_of, write_movie

# Every third picture lasts two frames, one lasts four.
HELD = [0, 1, 2, 4, 5, 6, 8, 9, 13, 14, 15, 16, 18, 19, 20, 21]


def shown_at(frame: int) -> int:
    return max(place for place, time in enumerate(HELD) if time <= frame)


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: f"{float(rate):.3f}")
@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_every_frame_is_the_requested_one(tmp_path, rate, suffix):
    path = write_movie(tmp_path / f"clip.{suffix}", 40, rate)
    reader = SliceReader(slice_of(path, 40, rate))
    order = [0, 1, 2, 39, 38, 20, 11, 12, 13, 0, 25, 24, 23, 37]
    assert [number_of(reader.picture(frame).pixels) for frame in order] == order
    reader.close()


def test_a_slice_counts_from_its_first_frame(tmp_path):
    path = write_movie(tmp_path / "clip.mp4", 40, 25)
    reader = SliceReader(slice_of(path, 10, 25, first=17))
    assert [number_of(reader.picture(frame).pixels) for frame in range(10)] == list(range(17, 27))
    with pytest.raises(BadMedia):
        reader.picture(10)
    reader.close()


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(30000, 1001)], ids=["24", "29.97"])
def test_a_picture_of_variable_rate_lasts_until_the_next(tmp_path, rate):
    path = write_movie(tmp_path / "phone.mp4", len(HELD), rate, times=HELD)
    reader = SliceReader(slice_of(path, 22, rate))
    backward = [21, 12, 10, 9, 3, 17]
    assert [number_of(reader.picture(frame).pixels) for frame in range(22)] == [shown_at(n) for n in range(22)]
    assert [number_of(reader.picture(frame).pixels) for frame in backward] == [shown_at(n) for n in backward]
    reader.close()


def test_rounded_container_ticks_stay_on_their_frames():
    rate = Fraction(30000, 1001)
    milliseconds = [round(n * 1000 / rate) for n in range(500)]
    times = FrameTimes.from_stamps(milliseconds, Fraction(1, 1000), rate)
    assert times.frames == tuple(range(500))
    assert not times.has_holds


def test_of_several_pictures_within_a_frame_the_last_is_shown():
    times = FrameTimes.from_stamps([0, 10, 12, 20], Fraction(1, 240), Fraction(24))
    assert [times.stamps[times.picture_at(frame)] for frame in range(3)] == [0, 12, 20]


def test_both_sides_always_show_the_same_frame(qtbot, tmp_path, model):
    rate = Fraction(30000, 1001)
    model.set_shot(
        slice_of(write_movie(tmp_path / "a.mp4", 30, rate, times=[*HELD, *range(22, 36)]), 36, rate), rate, 0
    )
    take = write_movie(tmp_path / "b.mov", 36, rate)
    model.set_takes([review_take(take)])
    model.compare.set(mode=type(model.compare.view.mode).WIPE)
    seen = []

    def record():
        pictures = model.playback.shown.pictures
        a, b = (number_of(pictures[name].pixels) for name in ("original", "take:one"))
        seen.append((model.playback.shown.frame, a, b))

    model.playback.shownChanged.connect(record)
    for frame in (0, 5, 21, 3, 12, 11, 10, 35, 30):
        model.transport.seek(frame)
        qtbot.waitUntil(lambda frame=frame: model.playback.shown.frame == frame, timeout=5000)
    assert {(frame, b) for frame, _, b in seen} == {(frame, frame) for frame, _, _ in seen}
    places = [*HELD, *range(22, 36)]
    assert all(a == max(k for k, time in enumerate(places) if time <= frame) for frame, a, _ in seen)


def test_a_take_that_begins_later_shows_the_original_before(qtbot, tmp_path, model):
    model.set_shot(slice_of(write_movie(tmp_path / "a.mp4", 30), 30), 24, 0)
    model.set_takes([review_take(write_movie(tmp_path / "b.mov", 10), offset=8, count=10)])
    model.compare.set(mode=type(model.compare.view.mode).SIDE)
    for frame, expected in ((3, None), (8, 0), (17, 9), (18, None)):
        model.transport.seek(frame)
        qtbot.waitUntil(lambda frame=frame: model.playback.shown.frame == frame, timeout=5000)
        picture = model.playback.picture("take:one")
        assert (picture and number_of(picture.pixels)) == expected
        assert number_of(model.playback.picture("original").pixels) == frame


def test_images_in_order(tmp_path):
    from PIL import Image

    from .movies import numbered

    paths = []
    for number in range(5):
        paths.append(str(tmp_path / f"plate.{1001 + number}.png"))
        Image.fromarray(numbered(number)).save(paths[-1])
    sequence = ImageSequence(str(tmp_path), "plate.", ".png", 1001, 1, 4, 5)
    reader = SliceReader(MediaSlice(sequence, 1, 4, Fraction(24)))
    assert [number_of(reader.picture(frame).pixels) for frame in (0, 3, 1)] == [1, 4, 2]
    Path(paths[2]).unlink()
    missing = SliceReader(MediaSlice(sequence, 0, 3, Fraction(24)))
    with pytest.raises(BadMedia, match="plate.1003.png"):
        missing.picture(2)


def test_colours_are_preserved(tmp_path):
    def flat(number, width, height):
        picture = np.empty((height, width, 3), np.uint8)
        picture[:] = (200, 120, 40)
        return picture

    path = write_movie(tmp_path / "flat.mov", 2, picture=flat, pix_fmt="yuv444p")
    reader = SliceReader(slice_of(path, 2))
    blue, green, red, _ = reader.picture(0).pixels[30, 30].astype(int)
    assert abs(red - 200) <= 3 and abs(green - 120) <= 3 and abs(blue - 40) <= 3
    half = reader.picture(0, level=1).pixels
    assert half.shape == (36, 64, 4)


def test_unreadable_files_are_reported(tmp_path):
    with pytest.raises(BadMedia, match="does not exist"):
        read_frame_times(str(tmp_path / "gone.mp4"), Fraction(24))
    (tmp_path / "text.mp4").write_text("no movie")
    with pytest.raises(BadMedia, match="cannot be opened"):
        read_frame_times(str(tmp_path / "text.mp4"), Fraction(24))
    short = write_movie(tmp_path / "short.mp4", 5)
    reader = SliceReader(slice_of(short, 20))
    with pytest.raises(BadMedia, match="ends before frame 12"):
        reader.picture(12)
    reader.close()


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: f"{float(rate):.3f}")
def test_playback_is_where_the_clock_says(clock, qapp, rate):
    transport = Transport(clock)
    transport.open(10_000, rate)
    transport.play()
    for frame in (1, 2, 47, 48, 1001, 9000):
        exact = Fraction(frame) / rate * 1_000_000_000
        clock.now = 1_000_000_000 + int(exact) - 1
        transport.advance()
        assert transport.frame == frame - 1
        clock.now = 1_000_000_000 - int(-exact // 1)
        transport.advance()
        assert transport.frame == frame
