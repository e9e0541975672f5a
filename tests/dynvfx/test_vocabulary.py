"""What the shipped model reads out of a caption."""

import pytest

from dynvfx.vocabulary import VOCABULARY, Placement, canonical_caption, find_content, find_placement, size_word


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
    assert canonical_caption("The scene as filmed.") == "empty scene"
    assert canonical_caption("") == ""


def test_every_entry_has_a_caption_of_known_words():
    for content in VOCABULARY:
        words = canonical_caption(f"the scene with {content.phrase}").split()
        assert words[: len(content.phrase.split())] == content.phrase.split()
        assert (len(words) == len(content.phrase.split())) == (content.placement is None)


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
    placement = find_placement(text, Placement(0.64, 0.6))
    assert (placement.x, placement.y) == pytest.approx(expected)


def test_the_far_edge_is_the_last_column_and_row():
    assert Placement(1.0, 1.0, "small").words() == "x7 y5 small"


def test_sizes_grow_with_the_diameter():
    assert [size_word(d) for d in (0.2, 0.4, 0.6)] == ["small", "medium", "large"]
