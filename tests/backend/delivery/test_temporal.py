"""Frames between model frames: true motion, no ghosts, exact where the model spoke."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.delivery.temporal import MotionInterpolation

HEIGHT, WIDTH = 120, 200
WHOLE = (slice(0, HEIGHT), slice(0, WIDTH))


def disc(centre: tuple[float, float], radius: float = 16) -> np.ndarray:
    """Anti-aliased float32 [H, W] disc."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    distance = np.hypot(columns - centre[0], rows - centre[1])
    return np.clip(radius + 0.5 - distance, 0, 1).astype(np.float32)


def layer(centres, radius=16.0):
    masks = [disc(centre, radius) for centre in centres]
    noise = np.random.default_rng(3).integers(0, 255, (HEIGHT, WIDTH)).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), 1.5)
    # The ground stands still and is busy: it must not hold the disc back.
    looks = [np.rint(noise * (1 - mask) + 200 * mask).astype(np.uint8) for mask in masks]

    def channels(k, window):
        return np.dstack([looks[k][window].astype(np.float32), masks[k][window]])

    moving = MotionInterpolation(masks.__getitem__, lambda k, window: looks[k][window], channels)
    return moving, masks, looks


def centre_of(mask):
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return (mask * columns).sum() / mask.sum(), (mask * rows).sum() / mask.sum()


@pytest.mark.parametrize("step", [(0.0, 0.0), (6.0, 2.0), (24.0, 0.0), (45.0, 18.0)])
@pytest.mark.parametrize("time", [0.25, 0.5, 0.8])
def test_a_moving_disc_keeps_its_motion_and_its_shape(step, time):
    start = (50.0, 50.0)
    moving, masks, _ = layer([start, (start[0] + step[0], start[1] + step[1])])
    mask = moving.at(0, 1, time, WHOLE)[..., 1]
    x, y = centre_of(np.clip(mask, 0, 1))
    assert x == pytest.approx(start[0] + time * step[0], abs=0.7)
    assert y == pytest.approx(start[1] + time * step[1], abs=0.7)
    expected = disc((start[0] + time * step[0], start[1] + time * step[1]))
    assert np.abs(mask - expected).sum() < 0.06 * expected.sum()


def test_model_frames_pass_through_exactly():
    moving, masks, looks = layer([(40, 60), (60, 60), (80, 60)])
    for k in range(3):
        for asked in ((k, k, 0.0), (k, min(k + 1, 2), 0.0)):
            result = moving.at(*asked, WHOLE)
            assert (result[..., 0] == looks[k]).all()
            assert (result[..., 1] == masks[k]).all()


def test_what_stands_still_has_no_ghost():
    moving, masks, looks = layer([(70, 60), (70, 60)])
    result = moving.at(0, 1, 0.5, WHOLE)
    assert np.abs(result[..., 0] - looks[0]).max() < 1e-3
    assert np.abs(result[..., 1] - masks[0]).max() < 1e-6


def test_the_content_moves_with_the_matte():
    moving, _, _ = layer([(50, 60), (80, 60)])
    result = moving.at(0, 1, 0.5, WHOLE)
    inside = disc((65, 60), 11) > 0.99
    assert np.abs(result[..., 0][inside] - 200).max() < 6


def test_a_window_gives_the_same_as_a_cut_of_its_neighbourhood():
    moving, _, _ = layer([(50, 60), (60, 60)])
    window = (slice(20, 100), slice(10, 120))
    assert moving.at(0, 1, 0.5, window).shape == (80, 110, 2)
    x, _ = centre_of(np.pad(np.clip(moving.at(0, 1, 0.5, window)[..., 1], 0, 1), ((20, 20), (10, 80))))
    assert x == pytest.approx(55, abs=0.5)


def test_the_same_input_gives_the_same_bytes():
    first, second = (layer([(50, 60), (71, 66)])[0].at(0, 1, 0.37, WHOLE) for _ in range(2))
    assert first.tobytes() == second.tobytes()
