"""A mask painted on one frame follows what it was painted on."""

import numpy as np
import pytest

from dynvfx.segmentation.propagation import propagate_mask
from tests.dynvfx.segmentation.test_motion import shoot


def overlap(found, true):
    return (found & true).sum() / (found | true).sum()


def square(shape, top, left, side=32):
    mask = np.zeros(shape, bool)
    mask[max(0, top) : top + side, max(0, left) : left + side] = True
    return mask


def test_where_nothing_moves_the_mask_stays():
    frames, _ = shoot(frames=5)
    mask = square((96, 160), 30, 60)
    for each in propagate_mask(mask, 2, frames.numpy()):
        assert overlap(each, mask) > 0.97


@pytest.mark.parametrize("place", [0, 3, 6])
def test_background_is_carried_with_the_camera(place):
    frames, _ = shoot(camera=(2.5, 1.0))
    masks = propagate_mask(square((96, 160), 30, 60), place, frames.numpy())
    assert masks.shape == (7, 96, 160) and masks.dtype == bool
    for index, each in enumerate(masks):
        moved = square((96, 160), 30 + round(1.0 * (index - place)), 60 + round(2.5 * (index - place)))
        assert overlap(each, moved) > 0.85


@pytest.mark.parametrize("place", [0, 4])
def test_what_moves_by_itself_takes_its_mask_along(place):
    frames, true = shoot(frames=5, camera=(-1.5, 0.0), object_speed=4.0)
    masks = propagate_mask(true[place], place, frames.numpy())
    assert np.array_equal(masks[place], true[place])
    for found, wanted in zip(masks, true, strict=True):
        assert overlap(found, wanted) > 0.7
    stuck = true[place]
    assert overlap(masks[4 - place], true[4 - place]) > overlap(stuck, true[4 - place]) + 0.2


def test_the_same_again_is_the_same():
    frames, true = shoot(frames=4, object_speed=3.0)
    assert np.array_equal(propagate_mask(true[1], 1, frames.numpy()), propagate_mask(true[1], 1, frames.numpy()))


def test_one_frame_and_pictures_without_texture():
    mask = square((96, 160), 30, 60)
    assert np.array_equal(propagate_mask(mask, 0, np.zeros((1, 96, 160, 3), np.uint8)), mask[None])
    for each in propagate_mask(mask, 0, np.full((3, 96, 160, 3), 90, np.uint8)):
        assert overlap(each, mask) > 0.97


def test_what_touches_the_border_goes_on_beyond_it():
    frames, _ = shoot(camera=(2.5, 0.0))
    mask = np.zeros((96, 160), bool)
    mask[:40] = True
    assert propagate_mask(mask, 0, frames.numpy())[:, :36].all()


def test_flicker_carries_nothing_away():
    frames, true = shoot(frames=5)
    pictures = frames.numpy().copy()
    pictures[:, 30:62, 60:92] = np.random.default_rng(2).integers(0, 256, (5, 32, 32, 3))
    mask = square((96, 160), 30, 60)
    for each in propagate_mask(mask, 1, pictures):
        assert overlap(each, mask) > 0.97
