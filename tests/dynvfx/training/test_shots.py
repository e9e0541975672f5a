"""Training pairs: what the model is shown must be what the captions and mattes say."""

import numpy as np
import pytest

from dynvfx.backbones.tiny.phrases import VOCABULARY
from dynvfx.training.contents import RENDERERS
from dynvfx.training.shots import Footage, make_pair


@pytest.fixture(scope="module")
def footage() -> Footage:
    rng = np.random.default_rng(0)
    photos = [rng.integers(40, 200, (240, 360, 3)).astype(np.uint8) for _ in range(3)]
    return Footage(photos, [rng.integers(0, 255, (9, 144, 240, 3)).astype(np.uint8)])


def test_every_entry_of_the_vocabulary_has_a_renderer():
    assert set(RENDERERS) == {content.phrase for content in VOCABULARY}


@pytest.mark.parametrize("phrase", [content.phrase for content in VOCABULARY])
def test_content_shows_inside_its_matte_and_nowhere_else_but_in_its_shadow(footage, phrase):
    pair = make_pair(np.random.default_rng(5), footage, 5, 96, 160, phrase)
    difference = np.abs(pair.composite.astype(int) - pair.plate.astype(int)).max(-1)
    assert pair.plate.shape == pair.composite.shape == (5, 96, 160, 3)
    assert (pair.matte > 200).mean() > 0.002
    assert difference[pair.matte > 200].mean() > 15
    brighter = (pair.composite.astype(int) > pair.plate.astype(int) + 2).any(-1)
    assert not brighter[pair.matte == 0].any()


def test_a_pair_without_content_is_twice_the_plate(footage):
    pair = make_pair(np.random.default_rng(6), footage, 5, 160, 96, None)
    assert np.array_equal(pair.plate, pair.composite)
    assert not pair.matte.any()


def test_the_same_seed_gives_the_same_pair(footage):
    first, second = (make_pair(np.random.default_rng(7), footage, 1, 96, 160, "fire") for _ in range(2))
    assert np.array_equal(first.composite, second.composite)
