"""Image sequences on disk: whatever their names hold, and whichever way their numbers run."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image

from contract.image_sequence import ImageSequence
from media.errors import MissingFrames, MissingMedia
from media.probe import probe
from media.read import read_frames
from media.sequences import check_sequence, find_sequence
from tests.media.clips import number_of, numbered


def write(folder: Path, names: list[str]) -> Path:
    """A picture for each name, whose bars say its place in the list."""
    folder.mkdir(parents=True, exist_ok=True)
    for place, name in enumerate(names):
        Image.fromarray(numbered(place, 64, 48)).save(folder / name)
    return folder


def shown(media) -> list[int]:
    info = probe(media, Fraction(24))
    return [number_of(frame.rgb()) for frame in read_frames(info, 0, info.frame_count)]


@pytest.mark.parametrize(
    "names",
    [
        [f"shot.-{5 - k:04d}.png" for k in range(5)],
        [f"shot_{k - 5:05d}.png" for k in range(5)],
        [f"{k - 3}.png" for k in range(3)],
        [f"a.{k - 2}.png" for k in range(12)],
        [f"a.{'-' * (k < 2)}{abs(k - 2):04d}.png" for k in range(5)],
    ],
    ids=["four_digits", "five_with_the_minus", "bare", "across_ten", "across_zero"],
)
def test_negative_numbers_run_upwards(tmp_path, names):
    write(tmp_path / "clip", names)
    assert shown(tmp_path / "clip") == list(range(len(names)))
    sequence = find_sequence(str(tmp_path / "clip"))
    assert shown(sequence.ranged_pattern) == shown(sequence) == list(range(len(names)))
    notes = " ".join(probe(tmp_path / "clip").notes)
    assert ("read as negative" in notes) == (sequence.first + sequence.count <= 0)


def test_what_the_note_about_negative_numbers_says_can_be_done(tmp_path):
    write(tmp_path / "clip", [f"shot -{k + 1:04d}.png" for k in range(5)])
    assert shown(tmp_path / "clip") == [4, 3, 2, 1, 0]
    note = probe(tmp_path / "clip").notes[0]
    pattern = note.split("by the pattern ")[1].removesuffix(".")
    assert shown(tmp_path / "clip" / pattern) == [0, 1, 2, 3, 4]
    assert "count from 1 up" in probe(tmp_path / "clip" / pattern).notes[0]


def test_a_dash_after_a_word_is_no_minus(tmp_path):
    write(tmp_path, [f"shot-{k:04d}.png" for k in range(1, 4)])
    assert shown(tmp_path) == [0, 1, 2]
    assert probe(tmp_path).notes == ()


@pytest.mark.parametrize(
    ("names", "count"),
    [("-002 -001 0000 0001", 2), ("-3 -2 -1 0000 0001 0002 0003", 4), ("1 02 03", 2), ("1 01", 1)],
)
def test_numbers_that_are_padded_in_several_ways_are_refused_with_a_way_out(tmp_path, names, count):
    write(tmp_path, [f"a.{number}.png" for number in names.split()])
    with pytest.raises(MissingFrames, match="several ways") as caught:
        probe(tmp_path)
    part = caught.value.remedy.split("a part of them: ")[1].removesuffix(".")
    assert len(shown(tmp_path / part)) == count


NAMES = ["take #3.", "cut[1-2]_", "a{:04d}_", "50%d_", "100%_", "%04d.", "[0001-0003].", "x\ny.", "# ", "日本." * 9]


@pytest.mark.parametrize("prefix", NAMES)
def test_names_are_no_patterns(tmp_path, prefix):
    folder = write(tmp_path / "50%done [1-2] {:04d}", [f"{prefix}{1000 + k}.png" for k in range(3)])
    sequence = find_sequence(str(folder))
    assert (sequence.prefix, sequence.first, sequence.count) == (prefix, 1000, 3)
    assert shown(folder) == shown(sequence) == [0, 1, 2]
    assert shown(ImageSequence(str(folder), prefix, ".png", 1001, 1, 4, 2)) == [1, 2]
    for spelled in ("[1000-1002]", "%04d", "####"):
        assert shown(folder / f"{prefix}{spelled}.png") == [0, 1, 2]
    assert shown(folder / f"{prefix}1001.png") == [1]


def test_a_sequence_of_unknown_length_is_counted(tmp_path):
    write(tmp_path, [f"take #3.{1000 + k}.png" for k in range(4)])
    assert check_sequence(ImageSequence(str(tmp_path), "take #3.", ".png", 0, 1, 4)).count == 4
    with pytest.raises(MissingMedia):
        check_sequence(ImageSequence(str(tmp_path), "take #4.", ".png", 0, 1, 4))
    with pytest.raises(MissingFrames, match="1 frame of .* is missing: 1004"):
        check_sequence(ImageSequence(str(tmp_path), "take #3.", ".png", 1000, 1, 4, 5))


def test_a_movie_that_is_not_there_is_no_pattern(tmp_path):
    for name in ("take #3.mov", "cut[1-2].mov", "50%d.mov"):
        with pytest.raises(MissingMedia, match="does not exist"):
            probe(tmp_path / name)
