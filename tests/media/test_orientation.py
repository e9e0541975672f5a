"""Turned and mirrored pictures stand as every player shows them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from media.errors import MissingFrames
from media.orientation import Orientation
from media.probe import probe
from media.read import read_frames
from tests.media.clips import make_movie, numbered, run_tool

MATRICES = {
    "hflip": ["-display_hflip"],
    "vflip": ["-display_vflip"],
    "both": ["-display_hflip", "-display_vflip"],
    "r90": ["-display_rotation", 90],
    "r270": ["-display_rotation", 270],
    "r90_hflip": ["-display_rotation", 90, "-display_hflip"],
    "r90_vflip": ["-display_rotation", 90, "-display_vflip"],
    "r180_hflip": ["-display_rotation", 180, "-display_hflip"],
}


def marked(number: int, width: int, height: int) -> np.ndarray:
    """A picture that none of the eight orientations leaves as it is."""
    picture = numbered(number, width, height)
    picture[: height // 4, : width // 4] = (230, 30, 30)
    return picture


def as_ffmpeg_shows(path: Path, folder: Path, index: int = 0) -> np.ndarray:
    """Picture `index` as the ffmpeg program turns it for showing."""
    run_tool("-i", path, "-vf", f"select=eq(n\\,{index})", "-frames:v", 1, "-update", 1, folder / "shown.png")
    return np.asarray(Image.open(folder / "shown.png").convert("RGB")).astype(int)


@pytest.mark.parametrize("name", MATRICES)
def test_a_movie_stands_as_ffmpeg_shows_it(tmp_path, name):
    movie = make_movie(tmp_path / "a.mp4", 2, picture=marked)
    run_tool(*MATRICES[name], "-i", movie, "-c", "copy", tmp_path / "phone.mov")
    info = probe(tmp_path / "phone.mov")
    ours = next(read_frames(info, 0, 1)).rgb()
    theirs = as_ffmpeg_shows(tmp_path / "phone.mov", tmp_path)
    assert ours.shape == theirs.shape == (info.height, info.width, 3)
    assert np.abs(ours.astype(int) - theirs).mean() < 3
    mirrored = name not in ("both", "r90", "r270")
    assert (info.orientation.mirrored, any("mirrored" in note for note in info.notes)) == (mirrored, mirrored)


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png", ".webp"])
@pytest.mark.parametrize("tag", range(1, 9))
def test_pictures_stand_as_their_exif_says(tmp_path, suffix, tag):
    exif = Image.Exif()
    exif[0x0112] = tag
    more = {"lossless": True} if suffix == ".webp" else {"quality": 98} if suffix == ".jpg" else {}
    Image.fromarray(marked(5, 64, 48)).save(tmp_path / f"a.0001{suffix}", exif=exif, **more)
    ours = next(read_frames(probe(tmp_path), 0, 1)).rgb()
    theirs = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / f"a.0001{suffix}")).convert("RGB"))
    assert ours.shape == theirs.shape
    assert np.abs(ours.astype(int) - theirs).mean() < 3


def test_pictures_of_one_sequence_stand_alike(tmp_path):
    for number, tag in ((1, 1), (2, 6)):
        exif = Image.Exif()
        exif[0x0112] = tag
        Image.fromarray(marked(number, 64, 64)).save(tmp_path / f"a.{number:04d}.png", exif=exif)
    with pytest.raises(MissingFrames, match="turned"):
        list(read_frames(probe(tmp_path), 0, 2))


def test_what_is_no_quarter_turn_is_left_out_with_a_note(tmp_path):
    run_tool("-display_rotation", 20, "-i", make_movie(tmp_path / "a.mp4", 2), "-c", "copy", tmp_path / "b.mp4")
    info = probe(tmp_path / "b.mp4")
    assert (info.orientation.turns, info.orientation.mirrored) == (0, False)
    assert "turned by 20 degrees" in info.notes[0]


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("turns", range(4))
def test_stored_is_the_inverse_of_upright(turns, mirrored):
    pictures = np.arange(2 * 3 * 5).reshape(2, 3, 5)
    orientation = Orientation(turns, mirrored)
    shown = orientation.upright(pictures, 1)
    assert shown.shape == ((2, 5, 3) if orientation.sideways else (2, 3, 5))
    assert (orientation.stored(shown, 1) == pictures).all()
