"""Names of numbered pictures, taken apart and put together."""

from __future__ import annotations

import opentimelineio as otio
import pytest

from contract.image_sequence import ImageSequence, SequenceName, numbered_name, sequence_names


@pytest.mark.parametrize(
    ("name", "prefix", "number", "digits", "suffix"),
    [
        ("shot.0005.png", "shot.", 5, 4, ".png"),
        ("shot.-0005.png", "shot.", -5, 4, ".png"),
        ("shot_-005.png", "shot_", -5, 3, ".png"),
        ("-12.exr", "", -12, 2, ".exr"),
        ("shot--7.exr", "shot-", -7, 1, ".exr"),
        ("shot-0005.png", "shot-", 5, 4, ".png"),
        ("v2_shot12_comp.dpx", "v2_shot", 12, 2, "_comp.dpx"),
        ("cut[1-2]_0001.png", "cut[1-2]_", 1, 4, ".png"),
        ("a{:04d}7.png", "a{:04d}", 7, 1, ".png"),
        ("50%d_1001.mp4.png", "50%d_1001.mp", 4, 1, ".png"),
    ],
)
def test_the_number_of_a_picture(name: str, prefix: str, number: int, digits: int, suffix: str) -> None:
    assert numbered_name(name) == (prefix, number, digits, suffix)


def test_a_name_without_a_number() -> None:
    assert numbered_name("plate.png") is None


def test_a_pattern_is_read_at_its_last_mark() -> None:
    assert sequence_names("take #3.[1000-1059].png")[0] == SequenceName("take #3.", ".png", 4, 1000, 1059)
    assert sequence_names("cut[1-2]_[0001-0010].png")[0] == SequenceName("cut[1-2]_", ".png", 4, 1, 10)
    assert sequence_names("50%d.####.png")[-1] == SequenceName("50%d.", ".png", 4)
    assert sequence_names("a.[-005--001].exr")[0] == SequenceName("a.", ".exr", 3, -5, -1)
    assert sequence_names("a.%04d.exr") == [SequenceName("a.", ".exr", 4)]
    assert sequence_names("plate.png") == []


@pytest.mark.parametrize("first", [-12, -3, 0, 1001])
@pytest.mark.parametrize("padding", [1, 4])
def test_pictures_are_named_as_opentimelineio_names_them(first: int, padding: int) -> None:
    ours = ImageSequence("/x", "a.", ".exr", first, 1, padding, 8)
    theirs = otio.schema.ImageSequenceReference(
        "/x", "a.", ".exr", first, 1, 24, padding, available_range=otio.opentime.TimeRange.range_from_start_end_time(
            otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(8, 24)
        )
    )  # fmt: skip
    assert ours.images() == [theirs.target_url_for_image_number(number) for number in range(8)]


def test_the_range_is_spelled_as_the_pictures_are() -> None:
    assert ImageSequence("/x", "a.", ".exr", -5, 1, 4, 5).ranged_pattern == "/x/a.[-0005--0001].exr"
    assert sequence_names("a.[-0005--0001].exr") == [SequenceName("a.", ".exr", 4, -5, -1)]
