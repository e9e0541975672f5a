"""Growth over shadows, edges of the picture, and no faint tails."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.delivery import matte

SHAPE = (5, 120, 200)


@pytest.fixture
def scene():
    """(generated, source, mask): a bright disc with a soft shadow beside it, noise of a decoder everywhere."""
    random = np.random.default_rng(1)
    texture = cv2.GaussianBlur(random.normal(128, 60, SHAPE[1:] + (3,)).astype(np.float32), (0, 0), 1.2)
    source = np.repeat(np.clip(texture, 0, 255)[None], SHAPE[0], 0).astype(np.uint8)
    generated = np.clip(source + random.normal(0, 4, (*SHAPE, 3)), 0, 255)
    mask = np.zeros(SHAPE, np.float32)
    for k in range(SHAPE[0]):
        cv2.circle(mask[k], (80, 50), 18, 1, -1)
        shadow = np.zeros(SHAPE[1:], np.float32)
        cv2.ellipse(shadow, (92, 76), (26, 7), 0, 0, 360, 1, -1)
        generated[k] *= 1 - 0.45 * cv2.GaussianBlur(shadow, (0, 0), 2)[..., None]
        generated[k][mask[k] > 0] = (240, 200, 30)
    far = np.s_[:, 10:25, 150:190]
    generated[far] = np.clip(generated[far] * 0.5, 0, 255)
    return generated.astype(np.uint8), source, mask


def test_shadow_joins_and_noise_and_far_changes_do_not(scene):
    grown = matte.grow_secondary(*scene, 1.0)
    assert grown[:, 76, 95].min() > 0.8
    assert grown[:, 100:, :40].max() == 0
    assert grown[:, 10:25, 150:190].max() == 0
    assert 0 <= grown.min() <= grown.max() <= 1


def test_strength_zero_finds_nothing_and_more_takes_more(scene):
    assert matte.grow_secondary(*scene, 0).max() == 0
    usual, eager = (matte.grow_secondary(*scene, strength).sum() for strength in (1.0, 2.0))
    assert eager > usual


def test_the_object_alone_does_not_grow(scene):
    generated, source, mask = scene
    calm = np.where(mask[..., None] > 0, generated, source)
    assert matte.grow_secondary(calm, source, mask, 1.0).max() < 0.05


def test_no_mask_no_growth(scene):
    generated, source, mask = scene
    assert matte.grow_secondary(generated, source, mask * 0, 1.0).max() == 0


def test_guided_edge_follows_the_picture():
    """A mask that is two pixels too wide comes back to the edge that the picture shows."""
    guide = np.full((60, 80, 3), 0.2, np.float32)
    guide[:, 40:] = (0.8, 0.3, 0.5)
    wide = np.zeros((60, 80), np.float32)
    wide[:, 38:] = 1
    limits = matte.bounds(wide)
    alpha = matte.object_alpha(guide, matte.guided_coefficients(guide, wide), limits[..., 0], limits[..., 1])
    assert alpha[30, 42] > 0.9
    assert alpha[30, 38] < 0.5
    assert alpha[30, 30] == 0
    assert alpha[30, 50] == 1


def test_texture_of_the_guide_does_not_leak_into_a_flat_matte():
    guide = np.random.default_rng(0).random((60, 80, 3)).astype(np.float32)
    for value in (0.0, 1.0):
        flat = np.full((60, 80), value, np.float32)
        limits = matte.bounds(flat)
        alpha = matte.object_alpha(guide, matte.guided_coefficients(guide, flat), limits[..., 0], limits[..., 1])
        assert (alpha == value).all()


def test_settling_makes_faint_alpha_zero_and_steps_of_the_layer():
    alpha = np.array([[0, 0.004, 0.0101, 0.3, 0.7, 0.995, 1]], np.float32)
    for peak in (255, 65535):
        stepped = matte.settle(alpha, peak)
        assert stepped[0, :2].tolist() == [0, 0]
        assert stepped[0, -2:].tolist() == [1, 1]
        assert np.abs(stepped * peak - np.rint(stepped * peak)).max() < 1e-2


def test_softening_reaches_out_without_thinning():
    mask = np.zeros((40, 40), np.float32)
    mask[10:30, 10:30] = 1
    soft = matte.soften(mask, np.zeros_like(mask))
    assert soft[20, 20] == pytest.approx(1, abs=1e-5)
    assert soft[20, 9] > 0.3
    assert soft[20, 3] == 0
