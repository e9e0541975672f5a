"""Moving plates for training: pans, zooms and handheld shake over photographs, and excerpts of real clips."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path as FilePath

import av
import cv2
import numpy as np

RATE = 8.0
"""Frames a second that the model is trained at."""


@dataclass
class Plate:
    """`frames` float32 [F, H, W, 3] in [0, 1]; `shift` float32 [F, 2] is how far the scene moved in pixels (x, y)."""

    frames: np.ndarray
    shift: np.ndarray


def load_photos(folder: FilePath, names: list[str] | None = None) -> list[np.ndarray]:
    """All photographs of a folder as uint8 RGB, their shorter side scaled to 240 pixels."""
    photos = []
    for path in sorted(folder.glob("*.jpg")) if names is None else [folder / name for name in names]:
        picture = cv2.imread(str(path))
        if picture is None:
            continue
        scale = 240 / min(picture.shape[:2])
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        photos.append(np.ascontiguousarray(picture[..., ::-1]))
    return photos


def load_clips(folder: FilePath) -> list[np.ndarray]:
    """All clips of a folder as uint8 [F, h, w, 3] at RATE, their shorter side scaled to 144 pixels."""
    clips = []
    for path in sorted(folder.glob("*.mp4")):
        frames, due = [], 0.0
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                if frame.time is None or frame.time < due:
                    continue
                due += 1 / RATE
                scale = 144 / min(frame.width, frame.height)
                picture = frame.to_ndarray(format="rgb24")
                frames.append(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
        if len(frames) >= 5:
            clips.append(np.stack(frames))
    return clips


def _grade(rng: np.random.Generator, frames: np.ndarray) -> np.ndarray:
    """Exposure, contrast, tint and grain, so that few photographs look like many cameras."""
    gain = rng.uniform(0.75, 1.2) * (1 + rng.normal(0, 0.04, 3)).astype(np.float32)
    graded = (frames - 0.5) * rng.uniform(0.8, 1.15) + 0.5 + rng.normal(0, 0.03)
    graded = np.clip(graded * gain.astype(np.float32), 0, 1) ** np.float32(rng.uniform(0.8, 1.25))
    return graded.astype(np.float32)


def plate_from_photo(rng: np.random.Generator, photo: np.ndarray, frames: int, height: int, width: int) -> Plate:
    """A camera move over one photograph: static, pan, handheld or zoom."""
    if rng.random() < 0.5:
        photo = photo[:, ::-1]
    move = rng.choice(["static", "pan", "handheld", "zoom"], p=[0.3, 0.35, 0.2, 0.15])
    fit = max(height / photo.shape[0], width / photo.shape[1])
    zoom = np.full(frames, max(fit * 1.02, rng.uniform(0.42, 0.8)), np.float32)
    time = np.arange(frames, dtype=np.float32)
    if move == "zoom":
        zoom = zoom * (1 + rng.uniform(-0.008, 0.02) * time)
        zoom = np.maximum(zoom, fit * 1.001)
    speed = rng.uniform(-1, 1, 2) * ((3.5, 1.0) if move == "pan" else (0.3, 0.2)) * (move != "static")
    shift = np.stack([speed[0] * time, speed[1] * time], 1)
    if move == "handheld":
        shift = shift + np.cumsum(rng.normal(0, 0.7, (frames, 2)), 0)
    room_x = photo.shape[1] * zoom.min() - width
    room_y = photo.shape[0] * zoom.min() - height
    start = np.array([rng.uniform(0, max(room_x, 0)), rng.uniform(0, max(room_y, 0))])
    out = np.empty((frames, height, width, 3), np.float32)
    for f in range(frames):
        matrix = np.array([[zoom[f], 0, shift[f, 0] - start[0]], [0, zoom[f], shift[f, 1] - start[1]]], np.float32)
        warped = cv2.warpAffine(photo, matrix, (width, height), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)
        out[f] = warped
    return Plate(_grade(rng, out / 255), shift.astype(np.float32))


def plate_from_clip(rng: np.random.Generator, clip: np.ndarray, frames: int, height: int, width: int) -> Plate:
    """A random excerpt and crop of a real clip; its camera motion is unknown and reported as none."""
    first = int(rng.integers(0, max(1, len(clip) - frames + 1)))
    part = clip[first : first + frames]
    if len(part) < frames:
        part = np.concatenate([part, part[::-1]])[:frames]
        part = part if len(part) == frames else np.resize(part, (frames, *part.shape[1:]))
    fit = max(height / part.shape[1], width / part.shape[2])
    zoom = fit * rng.uniform(1.0, 1.25)
    size = (int(round(part.shape[2] * zoom)), int(round(part.shape[1] * zoom)))
    left = int(rng.integers(0, size[0] - width + 1))
    top = int(rng.integers(0, size[1] - height + 1))
    flip = rng.random() < 0.5
    out = np.empty((frames, height, width, 3), np.float32)
    for f in range(frames):
        picture = cv2.resize(part[f], size, interpolation=cv2.INTER_AREA)[top : top + height, left : left + width]
        out[f] = picture[:, ::-1] if flip else picture
    return Plate(_grade(rng, out / 255), np.zeros((frames, 2), np.float32))
