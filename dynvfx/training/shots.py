"""One training pair: a plate, the same plate with content in it, the matte, and what stands in front."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from dynvfx.training.contents import RENDERERS, Path
from dynvfx.training.plates import Plate, plate_from_clip, plate_from_photo


@dataclass
class Pair:
    """`plate` and `composite` uint8 [F, H, W, 3]; `matte` and `foreground` (occluders) uint8 [F, H, W]."""

    plate: np.ndarray
    composite: np.ndarray
    matte: np.ndarray
    foreground: np.ndarray
    caption: str
    phrase: str | None


@dataclass
class Footage:
    """Photographs uint8 [h, w, 3] and clips uint8 [F, h, w, 3] that plates are made of."""

    photos: list[np.ndarray]
    clips: list[np.ndarray]
    clip_share: float = 0.3

    def plate(self, rng: np.random.Generator, frames: int, height: int, width: int) -> Plate:
        """A random plate."""
        if self.clips and rng.random() < self.clip_share:
            return plate_from_clip(rng, self.clips[rng.integers(len(self.clips))], frames, height, width)
        return plate_from_photo(rng, self.photos[rng.integers(len(self.photos))], frames, height, width)


def _occluder(rng: np.random.Generator, footage: Footage, plate: Plate) -> np.ndarray:
    """Put a person- or vehicle-shaped piece of another picture in front of the plate; returns its matte [F, H, W]."""
    frames, height, width = plate.frames.shape[:3]
    shape = np.zeros((height * 2, width * 2), np.uint8)
    cx, cy = width, height
    if rng.random() < 0.6:
        tall, wide = int(rng.uniform(0.45, 0.9) * height), int(rng.uniform(0.10, 0.22) * width)
        cv2.ellipse(shape, (cx, cy), (wide // 2 + 1, tall // 2), 0, 0, 360, 255, -1)
        cv2.circle(shape, (cx, cy - tall // 2), max(4, wide // 3), 255, -1)
    else:
        tall, wide = int(rng.uniform(0.2, 0.4) * height), int(rng.uniform(0.3, 0.5) * width)
        cv2.rectangle(shape, (cx - wide // 2, cy - tall // 4), (cx + wide // 2, cy + tall // 2), 255, -1)
        cv2.ellipse(shape, (cx, cy - tall // 4), (wide // 3, tall // 3), 0, 0, 360, 255, -1)
    texture = plate_from_photo(rng, footage.photos[rng.integers(len(footage.photos))], 1, height * 2, width * 2).frames[
        0
    ]
    texture = np.clip(texture * rng.uniform(0.5, 1.2), 0, 1)
    speed = rng.uniform(-4, 4)
    start = np.array([rng.uniform(0.15, 0.85) * width - cx, rng.uniform(0.55, 0.85) * height - cy])
    matte = np.zeros((frames, height, width), np.float32)
    soft = cv2.GaussianBlur(shape, (0, 0), 0.8)
    for f in range(frames):
        matrix = np.array(
            [[1, 0, start[0] + speed * f + plate.shift[f, 0]], [0, 1, start[1] + plate.shift[f, 1]]], np.float32
        )
        m = cv2.warpAffine(soft, matrix, (width, height)).astype(np.float32) / 255
        t = cv2.warpAffine(texture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
        plate.frames[f] = plate.frames[f] * (1 - m[..., None]) + t * m[..., None]
        matte[f] = m
    return matte


def _path(rng: np.random.Generator, phrase: str, plate: Plate) -> Path:
    frames, height, width = plate.frames.shape[:3]
    short = min(height, width)
    low, high = {"fire": (0.14, 0.24), "smoke": (0.15, 0.24)}.get(phrase, (0.15, 0.27))
    radius = rng.uniform(low, high) * short
    x = np.clip(rng.uniform(0.05, 0.95) * width, radius * 0.9, width - radius * 0.9)
    if phrase in ("fire", "smoke"):
        y = rng.uniform(0.62, 0.88) * height - radius * 0.5
    elif phrase == "red balloon":
        y = rng.uniform(0.26, 0.52) * height
    else:
        y = rng.uniform(0.3, 0.75) * height
    time = np.arange(frames, dtype=np.float32)
    dx: np.ndarray = np.zeros(frames)
    dy: np.ndarray = np.zeros(frames)
    if phrase.endswith("ball"):
        kind = rng.integers(3)
        if kind == 0:  # rolls
            dx = rng.uniform(-3, 3) * time
        elif kind == 1:  # bounces
            dy = -rng.uniform(4, 14) * np.abs(np.sin(rng.uniform(0.25, 0.5) * time + rng.uniform(0, 3)))
            dx = rng.uniform(-1.5, 1.5) * time
    elif phrase in ("red balloon", "glowing orb"):
        dx = (
            rng.uniform(0, 4) * np.sin(rng.uniform(0.2, 0.5) * time + rng.uniform(0, 6)) + rng.uniform(-0.8, 0.8) * time
        )
        dy = rng.uniform(-1.0, 0.4) * time
    size = radius * (1 + rng.uniform(-0.006, 0.006) * time)
    # The drawn position is the one in the middle of the clip, so that content stays in the picture during a pan.
    dx, dy = dx + plate.shift[:, 0], dy + plate.shift[:, 1]
    return Path(x + dx - dx.mean(), y + dy - dy.mean(), size, height, width)


def make_pair(
    rng: np.random.Generator, footage: Footage, frames: int, height: int, width: int, phrase: str | None
) -> Pair:
    """A random pair with `phrase` in it (None: the composite equals the plate)."""
    plate = footage.plate(rng, frames, height, width)
    occluder = _occluder(rng, footage, plate) if rng.random() < 0.35 else np.zeros(plate.frames.shape[:3], np.float32)
    composite, matte, caption = plate.frames, np.zeros_like(occluder), "empty scene"
    if phrase is not None:
        drawn = RENDERERS[phrase](rng, _path(rng, phrase, plate), phrase)
        behind = occluder if rng.random() < 0.7 else np.zeros_like(occluder)
        alpha = drawn.alpha * (1 - behind)
        # Content takes on some of the scene's light, as a compositor would grade it.
        level = (
            1.0 if phrase in ("fire", "glowing orb") else float(np.clip(0.72 + 0.55 * plate.frames.mean(), 0.75, 1.05))
        )
        lit = plate.frames * (1 - (drawn.shadow * (1 - behind))[..., None])
        composite = lit * (1 - alpha[..., None]) + drawn.rgb * level * alpha[..., None]
        matte, caption = alpha, phrase
    grain = rng.normal(0, rng.uniform(0, 0.012), (1, height, width, 1)).astype(np.float32)

    def byte(values: np.ndarray) -> np.ndarray:
        return (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)

    return Pair(byte(plate.frames + grain), byte(composite + grain), byte(matte), byte(occluder), caption, phrase)
