"""What the shipped model reads out of a caption."""

import pytest

from dynvfx.backbones.tiny.phrases import (
    DIAMETERS,
    VOCABULARY,
    CaptionPlacement,
    canonical_caption,
    find_content,
    find_placement,
    placed_caption,
)


@pytest.mark.parametrize(
    ("caption", "phrase"),
    [
        ("The scene as filmed with a red ball on the street.", "red ball"),
        ("A big red balloon floats by", "red balloon"),
        ("flames lick at the wall", "fire"),
        ("a glowing ball of light", "glowing orb"),
        ("it is snowing", "snow"),
        ("a red ball next to the red balloon", "red ball"),
    ],
)
def test_the_first_named_phrase_is_found(caption, phrase):
    assert find_content(caption).phrase == phrase


def test_a_word_inside_another_word_is_no_match():
    assert find_content("a fireplace and a snowboard") is None


def test_captions_without_content_are_an_empty_scene_and_no_caption_stays_empty():
    assert canonical_caption("The scene as filmed.") == ("empty scene", None)
    assert canonical_caption("") == ("", None)


def test_every_entry_is_read_back_with_its_own_place():
    for content in VOCABULARY:
        assert canonical_caption(f"the scene with {content.phrase}") == (content.phrase, content.placement)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a red ball on the far left", (0.14, 0.6)),
        ("a red ball to the right, low", (0.74, 0.7)),
        ("a red ball 40 % from the left and 25% from the top", (0.40, 0.25)),
        ("a red ball 250 % from the left", (1.0, 0.6)),
        ("a red ball", (0.64, 0.6)),
    ],
)
def test_placement_is_read_from_percentages_and_words(text, expected):
    placement = find_placement(text, CaptionPlacement(0.64, 0.6))
    assert (placement.x, placement.y) == pytest.approx(expected)


@pytest.mark.parametrize(("text", "size"), [("a tiny orb", "small"), ("an orb", "medium"), ("a huge orb", "large")])
def test_sizes_are_read_from_words(text, size):
    assert canonical_caption(text)[1].diameter == DIAMETERS[size]


@pytest.mark.parametrize(
    ("text", "box", "expected"),
    [
        ("with a red ball", (0.5, 0.0, 1.0, 1.0), CaptionPlacement(0.75, 0.5, DIAMETERS["medium"])),
        ("with a red ball on the left", (0.5, 0.0, 1.0, 1.0), CaptionPlacement(0.70, 0.5, DIAMETERS["medium"])),
        ("with a red ball on the left", (0.0, 0.0, 0.6, 1.0), CaptionPlacement(0.26, 0.5, DIAMETERS["medium"])),
        ("with a huge red ball", (0.0, 0.2, 1.0, 0.6), CaptionPlacement(0.5, 0.4, DIAMETERS["medium"])),
        ("with a huge red ball", (0.0, 0.0, 1.0, 1.0), CaptionPlacement(0.5, 0.5, DIAMETERS["large"])),
        ("with a fire low", (0.2, 0.5, 0.4, 0.6), CaptionPlacement(0.3, 0.55, DIAMETERS["small"])),
    ],
)
def test_a_box_places_what_the_caption_leaves_open(text, box, expected):
    phrase, place = canonical_caption(placed_caption(text, box))
    assert phrase == find_content(text).phrase
    assert (place.x, place.y, place.diameter) == pytest.approx((expected.x, expected.y, expected.diameter), abs=0.011)


@pytest.mark.parametrize("text", ["The scene as filmed.", "", "it is snowing"])
def test_what_has_no_place_is_left_as_it_is(text):
    assert placed_caption(text, (0.5, 0.0, 1.0, 0.5)) == text
