"""A pretend take: a disc that crosses the frame, and everything that a delivery needs."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from backend.delivery.conform import Conform
from dynvfx.geometry import Geometry
from media.probe import probe


def disc_take(path: str | Path, start: int = 0, count: int | None = None, frames: int = 5, grid=(72, 128), rate=None):
    """(conform, generated, mask, source_model) with a red disc that moves to the right."""
    info = probe(path, rate)
    conform = Conform(info, start, count or info.frame_count - start, Geometry(frames, *grid, Fraction(8)))
    source = conform.model_frames()
    generated, mask = source.copy(), np.zeros(source.shape[:3], np.float32)
    for k in range(frames):
        box = conform.box
        centre = (box.left + box.width // 3 + 3 * k, box.top + box.height // 3)
        cv2.circle(mask[k], centre, max(3, box.height // 6), 1, -1)
        generated[k][mask[k] > 0] = (220, 40, 30)
    return conform, generated, mask, source


def decode(path: Path, pix_fmt: str) -> np.ndarray:
    """All pictures of a movie in `pix_fmt`, decoded without our reader: [F, ...]."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format=pix_fmt) for frame in container.decode(video=0)])


def stream_facts(path: Path) -> dict:
    """Rate, count, aspect, tags, rotation and sound of a delivered movie."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        return {
            "rate": stream.guessed_rate,
            "count": len(frames),
            "pix_fmt": frames[0].format.name,
            "tags": (
                int(frames[0].color_primaries),
                int(frames[0].color_trc),
                int(frames[0].colorspace),
                int(frames[0].color_range),
            ),
            "aspect": stream.sample_aspect_ratio,
            "rotation": frames[0].rotation,
            "codec": stream.codec_context.name,
            "sound": [audio.codec_context.name for audio in container.streams.audio],
            "timecode": stream.metadata.get("timecode"),
        }
