"""The shipped segmenter on rendered content over plates that it was not trained on."""

import numpy as np
import pytest
import torch

from dynvfx.segmentation.base import MOVING_FOREGROUND
from dynvfx.segmentation.loading import open_segmenter
from dynvfx.training.shots import Footage, make_pair


@pytest.fixture(scope="module")
def segmenter():
    return open_segmenter("tiny")


def _pair(phrase, seed=11, frames=5):
    y, x = np.mgrid[0:240, 0:360]
    photo = np.stack([90 + x // 4, 110 + y // 4, 140 - x // 8], -1).astype(np.uint8)
    return make_pair(np.random.default_rng(seed), Footage([photo], []), frames, 96, 160, phrase)


@pytest.mark.parametrize("phrase", ["red ball", "blue ball", "yellow ball", "green ball", "red balloon", "fire"])
def test_content_is_found_where_it_is(segmenter, phrase):
    pair = _pair(phrase)
    found = segmenter.segment(torch.from_numpy(pair.composite), [f"a {phrase} in the picture"])[0] >= 0.5
    truth = torch.from_numpy(pair.matte) > 127
    overlap = (found & truth).sum() / (found | truth).sum()
    assert overlap > 0.55


def test_absent_content_is_absent(segmenter):
    frames = torch.from_numpy(_pair(None).plate)
    masks = segmenter.segment(frames, ["red ball", "fire", "a whale"])
    assert masks.shape == (3, 5, 96, 160)
    assert not masks.any()


def test_a_red_ball_is_no_blue_ball(segmenter):
    frames = torch.from_numpy(_pair("red ball").composite)
    assert not (segmenter.segment(frames, ["blue ball"]) >= 0.5).any()


def test_masks_have_the_size_of_the_frames(segmenter):
    frames = torch.from_numpy(_pair("fire").composite).repeat_interleave(2, 1).repeat_interleave(2, 2)
    masks = segmenter.segment(frames, ["fire", MOVING_FOREGROUND])
    assert masks.shape == (2, 5, 192, 320)
    assert masks.min() >= 0 and masks.max() <= 1
    assert (masks[0] >= 0.5).any()
