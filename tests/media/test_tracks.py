"""The right one of several picture tracks, and movies that are protected."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from media.errors import EncryptedMedia, NoPicture, UnsupportedPixels
from media.probe import probe
from media.read import read_frames
from media.reader import FrameReader
from tests.media.clips import make_movie, number_of, numbered, run_tool


def upside(number: int, width: int, height: int) -> np.ndarray:
    """Another clip: pictures count from 100."""
    return numbered(number + 100, width, height)


def shown(path) -> list[int]:
    info = probe(path)
    found = [number_of(frame.rgb()) for frame in read_frames(info, 0, info.frame_count)]
    reader = FrameReader(str(path), info.rate)
    assert [number_of(reader.frame(k).to_ndarray(format="rgb24")) for k in range(info.frame_count)] == found
    return found


def both(tmp_path, *options: object, suffix: str = ".mov", first_count: int = 4, **first) -> object:
    """A file with two picture tracks, the wanted one (numbers from 0) second."""
    other = make_movie(tmp_path / "other.mov", first_count, picture=upside, **first)
    wanted = make_movie(tmp_path / "wanted.mov", 4)
    made = tmp_path / f"both{suffix}"
    run_tool("-i", other, "-i", wanted, "-map", "0:v", "-map", "1:v", "-c", "copy", *options, made)
    return made


@pytest.mark.parametrize("suffix", [".mov", ".mp4", ".mkv"])
def test_a_track_that_is_switched_off_is_not_the_clip(tmp_path, suffix):
    path = both(tmp_path, "-disposition:v:0", "0", "-disposition:v:1", "default", suffix=suffix)
    assert shown(path) == [0, 1, 2, 3]
    assert "2 picture tracks. Number 2 (128x72) is used" in probe(path).notes[0]
    assert probe(path).track == 1


def test_thumbnails_are_not_the_clip(tmp_path):
    small = both(tmp_path, "-disposition:v:0", "default", "-disposition:v:1", "default", size=(64, 36))
    assert shown(small) == [0, 1, 2, 3]
    still = both(tmp_path, "-disposition:v:0", "default", "-disposition:v:1", "default", first_count=1)
    assert shown(still) == [0, 1, 2, 3]
    timed = both(tmp_path, "-disposition:v:0", "timed_thumbnails", suffix=".mkv")
    assert shown(timed)[0] in (0, 100)  # Matroska cannot say it


def test_of_equal_tracks_the_first_is_the_clip(tmp_path):
    path = both(tmp_path, "-disposition:v:0", "default", "-disposition:v:1", "default")
    assert shown(path) == [100, 101, 102, 103]
    assert "Number 1 (128x72) is used" in probe(path).notes[0]


def test_a_cover_is_no_clip(tmp_path):
    Image.fromarray(numbered(77)).save(tmp_path / "cover.png")
    movie, song = make_movie(tmp_path / "a.mp4", 3), make_movie(tmp_path / "b.mp4", 3, sound="aac")
    run_tool("-i", tmp_path / "cover.png", "-i", movie, "-map", "0", "-map", "1", "-c", "copy",
             "-disposition:v:0", "attached_pic", tmp_path / "both.mp4")  # fmt: skip
    assert shown(tmp_path / "both.mp4") == [0, 1, 2]
    assert probe(tmp_path / "both.mp4").notes == ()
    run_tool("-i", song, "-i", tmp_path / "cover.png", "-map", "0:a", "-map", "1", "-c", "copy",
             "-disposition:v:0", "attached_pic", tmp_path / "song.m4a")  # fmt: skip
    with pytest.raises(NoPicture):
        probe(tmp_path / "song.m4a")


def test_an_animated_webp_is_named(tmp_path):
    pictures = [Image.fromarray(numbered(number)) for number in range(3)]
    pictures[0].save(tmp_path / "a.webp", save_all=True, append_images=pictures[1:], duration=40)
    with pytest.raises(UnsupportedPixels, match="animated WebP"):
        probe(tmp_path / "a.webp")
    for number, picture in enumerate(pictures):
        picture.save(tmp_path / f"a.{number:04d}.png")
    assert probe(tmp_path / "a.####.png").frame_count == 3  # as the remedy says


@pytest.mark.parametrize("fragmented", [False, True])
def test_a_protected_movie_is_named(tmp_path, fragmented):
    movie = make_movie(tmp_path / "a.mp4", 4)
    key = ["-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "0" * 32, "-encryption_kid", "1" * 32]
    more = ["-movflags", "+frag_keyframe+empty_moov"] if fragmented else []
    run_tool("-i", movie, "-c", "copy", *key, *more, tmp_path / "b.mp4")
    with pytest.raises(EncryptedMedia, match="encrypted") as caught:
        probe(tmp_path / "b.mp4")
    assert "without its key" in caught.value.why
    assert probe(movie).frame_count == 4  # as the remedy says: the file from before it was protected
    assert probe(movie, Fraction(24)).notes == ()
