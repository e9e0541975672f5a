"""Procedural pictures of the vocabulary: every class of `tiny` as moving RGBA with a contact shadow.

All renderers share one signature: `draw(rng, path, size, frames) -> Drawn`. Positions and sizes are in pixels of the
model's grid. Nothing here comes from a photograph, so nothing here needs a licence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np


@dataclass
class Drawn:
    """`rgb` float32 [F, H, W, 3] in [0, 1], straight; `alpha` and `shadow` float32 [F, H, W], shadow on the plate."""

    rgb: np.ndarray
    alpha: np.ndarray
    shadow: np.ndarray


@dataclass
class Path:
    """Centre per frame in pixels (`x`, `y` float [F]), radius in pixels and the frame's height and width."""

    x: np.ndarray
    y: np.ndarray
    radius: np.ndarray
    height: int
    width: int

    @property
    def frames(self) -> int:
        return len(self.x)


BALLS = {
    "red ball": (0.88, 0.11, 0.04),
    "blue ball": (0.08, 0.20, 0.85),
    "yellow ball": (0.95, 0.82, 0.08),
    "green ball": (0.08, 0.62, 0.15),
}

_GRIDS: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}


def _grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    if (height, width) not in _GRIDS:
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        _GRIDS[height, width] = (x + 0.5, y + 0.5)
    return _GRIDS[height, width]


def _smooth(edge0: float, edge1: float, value: np.ndarray) -> np.ndarray:
    t = np.clip((value - edge0) / (edge1 - edge0), 0, 1)
    return t * t * (3 - 2 * t)


def _empty(path: Path) -> Drawn:
    shape = (path.frames, path.height, path.width)
    return Drawn(np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32), np.zeros(shape, np.float32))


def _shade(u: np.ndarray, v: np.ndarray, colour: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Lambert, rim and highlight on a unit sphere seen from the front; u, v in [-1, 1]."""
    z = np.sqrt(np.clip(1 - u * u - v * v, 0, 1))
    lambert = np.clip(u * light[0] + v * light[1] + z * light[2], 0, 1)
    half = light + np.array([0, 0, 1.0])
    half /= np.linalg.norm(half)
    gloss = np.clip(u * half[0] + v * half[1] + z * half[2], 0, 1) ** 40
    base = (0.28 + 0.80 * lambert)[..., None] * colour
    return np.clip(base + 0.75 * gloss[..., None], 0, 1).astype(np.float32)


def _light(rng: np.random.Generator) -> np.ndarray:
    light = np.array([rng.uniform(-0.7, 0.7), rng.uniform(-0.9, -0.4), rng.uniform(0.5, 0.9)])
    return light / np.linalg.norm(light)


def ball(rng: np.random.Generator, path: Path, phrase: str) -> Drawn:
    """A shaded ball with a soft contact shadow below it."""
    drawn, (gx, gy) = _empty(path), _grid(path.height, path.width)
    colour = np.clip(np.array(BALLS[phrase]) * rng.uniform(0.85, 1.1) + rng.normal(0, 0.025, 3), 0, 1)
    light, grounded = _light(rng), rng.random() < 0.7
    for f in range(path.frames):
        r = path.radius[f]
        u, v = (gx - path.x[f]) / r, (gy - path.y[f]) / r
        distance = np.sqrt(u * u + v * v)
        drawn.alpha[f] = 1 - _smooth(1 - 1.2 / r, 1 + 0.6 / r, distance)
        inside = np.maximum(distance, 1e-3)
        clamp = np.minimum(1, 0.985 / inside)
        drawn.rgb[f] = _shade(u * clamp, v * clamp, colour, light)
        if grounded:
            flat = np.sqrt((u / 1.15) ** 2 + ((v - 0.98) / 0.30) ** 2)
            drawn.shadow[f] = 0.6 * (1 - _smooth(0.3, 1.1, flat))
    return drawn


def balloon(rng: np.random.Generator, path: Path, phrase: str) -> Drawn:
    """A crimson balloon: wide above, tapering to a knot, on a pale ribbon that sways."""
    drawn, (gx, gy) = _empty(path), _grid(path.height, path.width)
    colour = np.clip(np.array([0.86, 0.03, 0.20]) * rng.uniform(0.9, 1.08) + rng.normal(0, 0.02, 3), 0, 1)
    light, phase, sway = _light(rng), rng.uniform(0, 6.28), rng.uniform(0.06, 0.20)
    ribbon = np.clip(np.array([0.95, 0.93, 0.85]) * rng.uniform(0.85, 1.05), 0, 1)
    for f in range(path.frames):
        r = path.radius[f]
        u, v = (gx - path.x[f]) / r, (gy - path.y[f]) / r + 0.35
        # An upper half that is nearly round and a lower half that is drawn out to a point.
        down = np.clip(v / 1.25, 0, 1)
        e = u / np.where(v < 0, 0.92, np.maximum(0.92 * (1 - 0.30 * down), 1e-3))
        w = np.where(v < 0, v / 0.95, v / 1.25)
        distance = np.sqrt(e * e + w * w) + 0.10 * down**2 * np.abs(e)
        body = 1 - _smooth(1 - 1.2 / r, 1 + 0.6 / r, distance)
        knot = (1 - _smooth(0.0, 0.08, np.abs(u) - 0.75 * (v - 1.16))) * ((v > 1.16) & (v < 1.46))
        bend = sway * np.sin(3.0 * v + phase + 0.5 * f) * (v - 1.4)
        string = (1 - _smooth(0.9, 1.7, np.abs(u - bend) * r)) * ((v > 1.4) & (v < 3.1))
        clamp = np.minimum(1, 0.985 / np.maximum(distance, 1e-3))
        shade = _shade(e * clamp, w * clamp, colour, light)
        skin = np.maximum(body, knot)
        drawn.alpha[f] = np.maximum(skin, string)
        drawn.rgb[f] = np.where(skin[..., None] > 0.3, np.where(body[..., None] > 0.3, shade, colour * 0.55), ribbon)
    return drawn


def _noise(rng: np.random.Generator, height: int, width: int, scale: float) -> np.ndarray:
    """Smooth tileable-enough noise in about [0, 1], features of `scale` pixels."""
    total, weight = np.zeros((height, width), np.float32), 0.0
    for octave in range(3):
        step = max(2.0, scale / 2**octave)
        small = rng.random((int(height / step) + 3, int(width / step) + 3)).astype(np.float32)
        big = cv2.resize(small, (int(small.shape[1] * step), int(small.shape[0] * step)), interpolation=cv2.INTER_CUBIC)
        total += big[:height, :width] * 0.5**octave
        weight += 0.5**octave
    return total / weight


def fire(rng: np.random.Generator, path: Path, phrase: str) -> Drawn:
    """A flame on its base: rising noise, a tapering body, red to white by heat."""
    drawn, (gx, gy) = _empty(path), _grid(path.height, path.width)
    speed, lean = rng.uniform(3.5, 6.0), rng.uniform(-0.15, 0.15)
    rise = int(path.height * 1.5 + speed * path.frames) + 4
    noise, warp = _noise(rng, rise, path.width, rng.uniform(9, 14)), _noise(rng, rise, path.width, 18)
    for f in range(path.frames):
        r = path.radius[f]
        start = int(speed * f)
        n, w = noise[start : start + path.height], warp[start : start + path.height]
        v = (path.y[f] + r - gy) / (2.6 * r)  # 0 at the base, 1 at the tip
        u = (gx - path.x[f]) / r - lean * v * 2 + (w - 0.5) * 1.1 * np.clip(v, 0, 1)
        taper = np.clip(1 - v, 0, 1) ** 0.75 * _smooth(-0.12, 0.10, v)
        heat = taper * 1.35 - np.abs(u) ** 1.6 * 0.95 + (n - 0.5) * (0.6 + 0.9 * np.clip(v, 0, 1)) - 0.12
        heat = np.where(v < -0.12, 0, heat)
        heat = np.clip(heat * 1.25, 0, 1.1).astype(np.float32)
        drawn.alpha[f] = _smooth(0.04, 0.30, heat)
        red = np.clip(0.75 + heat * 0.9, 0, 1)
        green = np.clip(heat * 1.15 - 0.08, 0, 1)
        blue = np.clip(heat * 1.5 - 0.85, 0, 1)
        drawn.rgb[f] = np.stack([red, green, blue], -1)
    return drawn


def smoke(rng: np.random.Generator, path: Path, phrase: str) -> Drawn:
    """A dark plume that rises, widens and breaks up."""
    drawn, (gx, gy) = _empty(path), _grid(path.height, path.width)
    speed, drift, grey = rng.uniform(2.0, 4.0), rng.uniform(-0.5, 0.5), rng.uniform(0.14, 0.40)
    rise = int(path.height * 1.5 + speed * path.frames) + 4
    noise, light = _noise(rng, rise, path.width, rng.uniform(14, 20)), _noise(rng, rise, path.width, 12)
    for f in range(path.frames):
        r = path.radius[f]
        start = int(speed * f)
        n, shade = noise[start : start + path.height], light[start : start + path.height]
        v = (path.y[f] + r - gy) / (3.2 * r)
        u = (gx - path.x[f]) / r - drift * v * 2 + (n - 0.5) * 0.8
        spread = 0.65 + 0.85 * np.clip(v, 0, 1.2)
        body = 1 - np.abs(u / spread) ** 2.0
        density = body * _smooth(-0.06, 0.10, v) * (1 - _smooth(0.75, 1.1, v)) + (n - 0.5) * 0.8 * (
            np.abs(v - 0.5) < 0.75
        )
        drawn.alpha[f] = 0.95 * _smooth(0.10, 0.50, density)
        value = np.clip(grey + (shade - 0.5) * 0.38, 0, 1)
        drawn.rgb[f] = np.stack([value, value, value * 1.03], -1)
    return drawn


def snow(rng: np.random.Generator, path: Path, phrase: str) -> Drawn:
    """Soft flakes of several sizes that fall through the whole frame."""
    drawn, count = _empty(path), int(rng.integers(55, 120) * path.width * path.height / 15360)
    x, y = rng.uniform(0, path.width, count), rng.uniform(-8, path.height + 8, count)
    size = rng.uniform(1.5, 3.8, count)
    fall, wind = size * rng.uniform(0.7, 1.3), rng.uniform(-1.2, 1.2)
    phase, opacity = rng.uniform(0, 6.28, count), rng.uniform(0.75, 1.0, count)
    span = path.height + 16
    for f in range(path.frames):
        fx = (x + wind * f + 1.2 * np.sin(phase + 0.4 * f)) % path.width
        fy = (y + fall * f + 8) % span - 8
        layer = np.zeros((path.height, path.width), np.float32)
        for cx, cy, r, a in zip(fx, fy, size, opacity, strict=True):
            left, right = max(0, int(cx - r - 2)), min(path.width, int(cx + r + 3))
            top, bottom = max(0, int(cy - r - 2)), min(path.height, int(cy + r + 3))
            if left >= right or top >= bottom:
                continue
            gx, gy = np.arange(left, right) + 0.5 - cx, np.arange(top, bottom) + 0.5 - cy
            distance = np.sqrt(gx[None, :] ** 2 + gy[:, None] ** 2)
            flake = a * (1 - _smooth(r - 1.0, r + 1.0, distance))
            layer[top:bottom, left:right] = np.maximum(layer[top:bottom, left:right], flake)
        drawn.alpha[f], drawn.rgb[f] = layer, 0.97
    return drawn


def orb(rng: np.random.Generator, path: Path, phrase: str) -> Drawn:
    """A white core in a saturated blue to violet halo that pulses; the halo covers, so it shows over white too."""
    drawn, (gx, gy) = _empty(path), _grid(path.height, path.width)
    hue = rng.random()
    colour = (1 - hue) * np.array([0.05, 0.55, 1.0]) + hue * np.array([0.50, 0.15, 1.0])
    rate, phase = rng.uniform(0.3, 0.9), rng.uniform(0, 6.28)
    for f in range(path.frames):
        r = path.radius[f] * 0.85 * (1 + 0.08 * np.sin(rate * f + phase))
        distance = np.sqrt((gx - path.x[f]) ** 2 + (gy - path.y[f]) ** 2) / r
        core = 1 - _smooth(0.30, 0.85, distance)
        halo = np.exp(-((np.maximum(distance - 0.8, 0) / 0.75) ** 2))
        drawn.alpha[f] = np.clip(np.maximum(core, 0.95 * halo), 0, 1) * (distance < 2.8)
        drawn.rgb[f] = colour + (1 - colour) * core[..., None]
    return drawn


RENDERERS: dict[str, Callable[[np.random.Generator, Path, str], Drawn]] = {
    **dict.fromkeys(BALLS, ball),
    "red balloon": balloon,
    "fire": fire,
    "smoke": smoke,
    "snow": snow,
    "glowing orb": orb,
}
