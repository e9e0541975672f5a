"""Takes with drawn pictures: for screenshots and for tests of pixels."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from media.probe import probe

SAMPLE = Path(__file__).resolve().parents[3] / "backend" / "demo" / "garden_path.mp4"


def write_take_files(folder: Path, plate: Path = SAMPLE, colour: tuple[int, int, int] = (214, 52, 44)) -> Path:
    """layer.mov, composite.mov, matte.mov and preview.mp4 of a coloured ball that drifts over a plate."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = probe(str(plate))
    size = facts.width, facts.height
    writers = {
        name: _Writer(folder / name, facts.rate, size, *kind)
        for name, kind in {
            "layer.mov": ("qtrle", "argb", "rgba"),
            "composite.mov": ("libx264", "yuvj420p", "yuvj420p"),
            "matte.mov": ("qtrle", "gray", "gray"),
            "preview.mp4": ("mpeg4", "yuv420p", "rgb24"),
        }.items()
    }
    with av.open(str(plate)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            picture = frame.to_ndarray(format="rgb24")
            shape, shade = _ball(size, index)
            writers["composite.mov"].tag_like(frame)
            matte = (shape * 255).astype(np.uint8)
            ball = (np.array(colour) * shade[..., None]).clip(0, 255)
            composite = (picture * (1 - shape[..., None]) + ball * shape[..., None]).astype(np.uint8)
            writers["layer.mov"].write(np.dstack([ball.astype(np.uint8), matte]))
            writers["composite.mov"].write(_laid_over(frame, composite, matte))
            writers["matte.mov"].write(matte)
            writers["preview.mp4"].write(composite)
    for each in writers.values():
        each.close()
    return folder


def _laid_over(plate: av.VideoFrame, composite: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """The composite inside the matte, the plate’s own code values outside: full-range yuv420p, laid out like PyAV."""
    drawn = av.VideoFrame.from_ndarray(composite, "rgb24")
    matrix = "ITU709" if int(plate.colorspace) == 1 else "ITU601"
    ours = drawn.reformat(format="yuvj420p", dst_colorspace=matrix, dst_color_range="JPEG").to_ndarray()
    theirs = plate.to_ndarray()
    height, width = matte.shape
    coarse = matte.reshape(height // 2, 2, width // 2, 2).min((1, 3)) > 0
    inside = np.concatenate([(matte > 0).ravel(), coarse.ravel(), coarse.ravel()]).reshape(theirs.shape)
    return np.where(inside, ours, theirs)


def _ball(size: tuple[int, int], index: int) -> tuple[np.ndarray, np.ndarray]:
    """Coverage in [0, 1] and shading of a ball at a frame, [H, W]."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    across, down, radius = width * (0.26 + 0.0015 * index), height * (0.42 + 0.02 * np.sin(index / 7)), height * 0.17
    distance = np.hypot(x - across, y - down)
    shade = 1.15 - 0.55 * np.hypot(x - across + radius * 0.35, y - down + radius * 0.4) / radius
    return np.clip((radius - distance) / 2, 0, 1), shade


class _Writer:
    def __init__(self, path: Path, rate: object, size: tuple[int, int], codec: str, stored: str, given: str) -> None:
        self._container = av.open(str(path), "w")
        exact = {"qp": "0", "preset": "ultrafast"} if codec == "libx264" else {}
        self._stream = self._container.add_stream(codec, rate=rate, options=exact)
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = stored
        if codec == "mpeg4":
            self._stream.bit_rate = 6_000_000
        self._given, self._stored = given, stored

    def tag_like(self, plate: av.VideoFrame) -> None:
        """Colour tags, so that a reader decodes it like the plate."""
        context = self._stream.codec_context
        if not context.is_open:
            context.colorspace, context.color_range = plate.colorspace, plate.color_range
            context.color_trc, context.color_primaries = plate.color_trc, plate.color_primaries

    def write(self, picture: np.ndarray) -> None:
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), self._given).reformat(format=self._stored)
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        self._container.mux(self._stream.encode())
        self._container.close()
