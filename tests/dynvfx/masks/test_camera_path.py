"""The camera's path through a clip, on pictures that move by known amounts."""

import cv2
import numpy as np
import pytest
import torch

from dynvfx.backbones.loading import open_backbone
from dynvfx.masks.camera_path import camera_path, follow


def scene(seed=1, height=200, width=300):
    noise = np.random.default_rng(seed).random((height // 6, width // 6, 3)).astype(np.float32)
    return (cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 1) * 255).astype(np.uint8)


def moved(motions, height=96, width=160):
    """A clip whose scene is moved by the affine matrices [2, 3] one after the other."""
    picture = scene()
    return torch.from_numpy(np.stack([cv2.warpAffine(picture, motion, (width, height)) for motion in motions]))


def pan(frames, across, down=0.0):
    return moved([np.float32([[1, 0, -60 + across * n], [0, 1, -50 + down * n]]) for n in range(frames)])


def test_a_pan_is_followed_from_the_middle_to_both_ends():
    path = follow(camera_path(pan(9, -2, 0.5)), 80, 48)
    expected = [[80 - 2 * (n - 4), 48 + 0.5 * (n - 4), 1] for n in range(9)]
    assert np.abs(path - expected).max() < 0.3


def test_a_zoom_makes_it_larger():
    zooms = 1.02 ** np.arange(7)
    clip = moved([np.float32([[z, 0, 80 - 150 * z], [0, z, 48 - 100 * z]]) for z in zooms])
    path = follow(camera_path(clip), 80, 48)
    assert path[:, 2] == pytest.approx(zooms / zooms[3], abs=0.01)
    assert np.abs(path[:, :2] - [80, 48]).max() < 0.5


def test_a_still_camera_and_an_empty_picture_have_no_path():
    for clip in (pan(5, 0), torch.full((5, 96, 160, 3), 90, dtype=torch.uint8)):
        assert np.array_equal(camera_path(clip), np.tile(np.eye(3), (5, 1, 1)))


def test_a_car_that_fills_much_of_the_picture_is_not_the_camera():
    """Still ground that shows at the border alone, and something large that drives through the middle."""
    frames = np.stack([scene(1, 96, 160)] * 5)
    car = scene(2, 60, 70)
    for number in range(5):
        frames[number, 30:90, 20 + 6 * number : 90 + 6 * number] = car
    path = follow(camera_path(torch.from_numpy(frames)), 80, 10)
    assert np.abs(path - [80, 10, 1]).max() < 0.3


@pytest.fixture(scope="module")
def tiny():
    return open_backbone("tiny")


def test_the_shipped_model_moves_its_placement_with_the_scene(tiny):
    (text,) = tiny.encode_text(["The scene with a red ball on the left."])
    followed = tiny.track_camera(text, pan(17, -2))
    assert torch.equal(followed[:-1], text[:-1]) and torch.equal(followed[-1, :4], text[-1, :4])
    changes = followed[-1, 4 : 4 + 3 * 5].view(5, 3)
    # Latent frames hold the frames 0, 1-4, 5-8, 9-12, 13-16; the middle frame is number 8.
    expected = [-2 * (n - 8) / 160 for n in (0, 2.5, 6.5, 10.5, 14.5)]
    assert changes[:, 0].tolist() == pytest.approx(expected, abs=0.005)
    assert changes[:, 1:].abs().max() < 0.01


def test_a_caption_without_a_place_stays_as_it_is(tiny):
    (text,) = tiny.encode_text([""])
    assert tiny.track_camera(text, pan(5, -2)) is text
