import cv2
import numpy as np
import pytest
import torch

from dynvfx.segmentation.base import MOVING_FOREGROUND
from dynvfx.segmentation.camera_motion import camera_motion
from dynvfx.segmentation.loading import open_segmenter
from dynvfx.segmentation.motion import MotionSegmenter


def texture(height, width, seed, grain=2.0):
    noise = np.random.default_rng(seed).normal(size=(height, width, 3)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), grain)
    return np.clip(128 + 45 * soft / soft.std(), 0, 255).astype(np.uint8)


def shoot(size=(96, 160), frames=7, camera=(0.0, 0.0), object_speed=None, brightness=0):
    """A textured scene under a panning camera, and an ellipse with its own texture that moves; clip and true masks."""
    height, width = size
    scale = width / 160
    scene = texture(height + 80, width + 80, seed=1, grain=2 * scale)
    skin = texture(height, width, seed=2, grain=1.5 * scale)[:, :, ::-1] // 2
    pictures, masks = [], []
    for index in range(frames):
        shift = np.float32([[1, 0, -40 + camera[0] * index], [0, 1, -40 + camera[1] * index]])
        picture = cv2.warpAffine(scene, shift, (width, height))
        mask = np.zeros((height, width), np.uint8)
        if object_speed is not None:
            x = width * 0.3 + object_speed * index
            cv2.ellipse(mask, (round(x), height // 2), (round(14 * scale), round(22 * scale)), 0, 0, 360, 1, -1)
            moved = cv2.warpAffine(skin, np.float32([[1, 0, object_speed * index], [0, 1, 0]]), (width, height))
            picture = np.where(mask[..., None] > 0, moved, picture)
        picture = np.clip(picture.astype(int) + brightness * (index % 2), 0, 255).astype(np.uint8)
        pictures.append(picture)
        masks.append(mask > 0)
    return torch.from_numpy(np.stack(pictures)), np.stack(masks)


def overlap(found, true):
    found = found.numpy() > 0.5
    return (found & true).sum() / (found | true).sum()


@pytest.mark.parametrize("camera", [(0.0, 0.0), (2.5, 0.0), (-1.5, 1.0)])
def test_what_moves_against_the_camera_is_found(camera):
    frames, true = shoot(camera=camera, object_speed=4.0)
    mask = MotionSegmenter().segment(frames, [MOVING_FOREGROUND])[0]
    assert mask.shape == (7, 96, 160) and mask.dtype == torch.float32
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    assert overlap(mask, true) > 0.6


def test_larger_pictures_work_too():
    frames, true = shoot(size=(288, 480), frames=5, camera=(4.0, 0.0), object_speed=12.0)
    assert overlap(MotionSegmenter().segment(frames, [MOVING_FOREGROUND])[0], true) > 0.6


@pytest.mark.parametrize(
    "still",
    [
        {},
        {"camera": (3.0, 1.0)},
        {"object_speed": 0.0},
        {"brightness": 6},
        {"frames": 2},
    ],
)
def test_where_nothing_moves_the_mask_is_zero(still):
    frames, _ = shoot(**still)
    assert not MotionSegmenter().segment(frames, [MOVING_FOREGROUND]).any()


@pytest.mark.parametrize("frames", [1, 5])
def test_empty_pictures_and_single_frames_give_zero(frames):
    clip = torch.full((frames, 96, 160, 3), 90, dtype=torch.uint8)
    assert not MotionSegmenter().segment(clip, [MOVING_FOREGROUND]).any()


def test_the_same_clip_gives_the_same_mask():
    frames, _ = shoot(frames=4, camera=(2.0, 0.0), object_speed=5.0)
    first, second = (MotionSegmenter().segment(frames, [MOVING_FOREGROUND]) for _ in range(2))
    assert torch.equal(first, second) and first.any()


def test_other_phrases_are_absent():
    frames, _ = shoot(frames=4, object_speed=5.0)
    masks = open_segmenter("motion").segment(frames, ["whale", MOVING_FOREGROUND, "divers"])
    assert masks.shape[0] == 3
    assert not masks[0].any() and masks[1].any() and not masks[2].any()


def test_the_camera_is_what_surrounds_the_object():
    """The object holds most of the corners, the background reaches around the border."""
    scene, skin = texture(176, 240, 1), texture(176, 240, 2, grain=1.2)
    views = []
    for index in range(2):
        view = scene[40:136, 40 + 2 * index : 200 + 2 * index].copy()
        view[14:82, 26:134] = skin[14:82, 26 - 3 * index : 134 - 3 * index]
        views.append(cv2.cvtColor(view, cv2.COLOR_RGB2GRAY))
    homography = camera_motion(*views).homography
    assert np.allclose(homography[:2, 2], (-2, 0), atol=0.5)
