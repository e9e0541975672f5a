"""Grain measured on a plate and laid on new content alike."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.delivery.grain import measure_grain


def plate(deviation: float, size: float = 0.0, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:256, :384].astype(np.float32)
    base = 0.25 + 0.4 * columns / 384 + 0.05 * rows / 256
    noise = random.standard_normal((256, 384)).astype(np.float32)
    if size:
        kernel = cv2.getGaussianKernel(7, size, cv2.CV_32F)
        noise = cv2.sepFilter2D(noise, -1, kernel, kernel) / float((kernel**2).sum())
    picture = np.repeat((base + deviation * noise)[..., None], 3, 2)
    picture[40:120, 60:200] = random.random((80, 140, 3))  # texture that must not be taken for grain
    return picture.astype(np.float32)


@pytest.mark.parametrize("deviation", [0.01, 0.03])
@pytest.mark.parametrize("size", [0.0, 0.8])
def test_measured_grain_matches_what_was_there(deviation, size):
    grain = measure_grain([plate(deviation, size)])
    flat = np.full((200, 300, 3), 0.5, np.float32)
    laid = grain.at(flat, seed=1, frame=0)
    luma = laid @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    assert luma.std() == pytest.approx(deviation, rel=0.2)
    likeness = float((luma[:, 1:] * luma[:, :-1]).mean() / luma.var())
    expected = float(np.exp(-1 / (4 * size**2))) if size else 0.0
    assert likeness == pytest.approx(expected, abs=0.15)


def test_a_clean_plate_gets_none():
    grain = measure_grain([plate(0.0)])
    assert grain.absent
    assert grain.at(np.full((32, 32, 3), 0.5, np.float32), 0, 0).max() == 0


def test_grain_is_fixed_by_seed_and_frame():
    grain = measure_grain([plate(0.02)])
    flat = np.full((64, 64, 3), 0.5, np.float32)
    assert (grain.at(flat, 5, 7) == grain.at(flat, 5, 7)).all()
    assert np.abs(grain.at(flat, 5, 7) - grain.at(flat, 5, 8)).max() > 0.01
    assert np.abs(grain.at(flat, 5, 7) - grain.at(flat, 6, 7)).max() > 0.01


def test_grey_grain_stays_grey_and_white_stays_white():
    grain = measure_grain([plate(0.02)])
    laid = grain.at(np.full((64, 64, 3), 0.5, np.float32), 0, 0)
    assert np.ptp(laid, axis=2).max() < 0.2 * np.abs(laid).max()
    assert np.abs(grain.at(np.ones((64, 64, 3), np.float32), 0, 0)).max() == 0


def test_pictures_too_small_to_measure_get_none():
    assert measure_grain([np.zeros((20, 20, 3), np.float32)]).absent
    assert measure_grain([]).absent
