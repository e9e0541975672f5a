"""A finished take as files: layer, master, composite, matte, preview, contact sheet."""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from backend.delivery import encoders
from backend.delivery.atomic_output_folder import AtomicOutputFolder, bytes_needed
from backend.delivery.compose import compose, outside_difference
from backend.delivery.conform import Conform
from backend.delivery.contact_sheet import ContactSheet
from backend.delivery.ffmpeg import Encoder
from backend.delivery.grain import measure_grain
from backend.delivery.inventory import DeliveredFile, inventory
from backend.delivery.render import LayerPicture, LayerRenderer
from backend.delivery.verification.program_decoder import clip_pictures, composite_pictures
from contract.errors import BadRequest, Cancelled
from contract.job import LayerKind
from media.pixels import PixelLayout
from media.probe import MediaInfo
from media.read import SourceFrame, read_frames
from media.rgb import rgb_of


@dataclass(frozen=True)
class Delivery:
    """What was delivered.

    `layer`, `master`, `composite` are names relative to `directory`: a file, or a printf pattern of a sequence whose
    first number is `first_number`. `matte_coverage` is the mean alpha in [0, 1], `coverage` the same per frame.
    `outside_change` is the greatest difference in code values between the delivered composite and the clip among all
    samples outside the matte, both decoded again by another decoder: 0 means untouched. `notes` are sentences for the
    artist.
    """

    directory: Path
    files: tuple[DeliveredFile, ...]
    layer: str
    master: str
    composite: str
    first_number: int
    frame_count: int
    matte_coverage: float
    coverage: tuple[float, ...]
    outside_change: float
    notes: tuple[str, ...]


def _nothing(done: int, total: int) -> None:
    """Ignores the progress."""


def deliver_take(
    conform: Conform,
    generated: np.ndarray,
    mask: np.ndarray,
    source_model: np.ndarray,
    directory: str | os.PathLike[str],
    *,
    layer: LayerKind = "prores4444",
    mark: str = "",
    seed: int = 0,
    secondary: float = 1.0,
    within: tuple[float, float, float, float] | None = None,
    on_progress: Callable[[int, int], None] = _nothing,
    cancelled: Callable[[], bool] = lambda: False,
) -> Delivery:
    """Write a take into `directory`, replacing what is there; all of it or nothing.

    `generated` and `source_model` uint8 [F, H, W, 3] and `mask` float [F, H, W] in [0, 1] are on the conform's model
    grid. `mark` becomes part of the names of the layer's pictures: applications find moved files again by their names
    alone, so no two takes may have the same. `secondary` is how eagerly shadows and reflections join the matte (0 = not
    at all). The matte is 0 outside of the box `within` (left, top, right, bottom in parts of the upright picture; None:
    everywhere). `on_progress` counts steps of equal weight. The same input gives the same layer and composite. One
    native frame is held at a time.

    Raises Cancelled, OutOfDisk, EncodeFailed, DamagedMedia, or BadRequest for arrays off the grid.
    """
    _check_shapes(conform, generated, mask, source_model)
    job = _Job(conform, Path(directory), layer, mark, on_progress, cancelled, float(np.mean(mask)))
    with job.output.open():
        renderer = LayerRenderer(
            conform,
            generated,
            mask,
            source_model,
            grain=measure_grain(_grain_samples(conform)),
            seed=seed,
            secondary=secondary,
            within=within,
            peak=job.peak,
        )
        job.write_frames(renderer)
        outside = job.measure_outside()
        job.write_contact()
        files = inventory(job.output.work)
    coverage = tuple(job.coverage)
    return Delivery(
        directory=job.directory,
        files=files,
        layer=job.layer_name,
        master=job.master_name,
        composite=job.composite_name,
        first_number=conform.start,
        frame_count=conform.count,
        matte_coverage=sum(coverage) / len(coverage),
        coverage=coverage,
        outside_change=outside,
        notes=_notes(conform.info, job.composite_name, job.form),
    )


def _check_shapes(conform: Conform, generated: np.ndarray, mask: np.ndarray, source_model: np.ndarray) -> None:
    grid = (conform.geometry.frames, conform.geometry.height, conform.geometry.width)
    if generated.shape != (*grid, 3) or source_model.shape != (*grid, 3) or mask.shape != grid:
        raise BadRequest(
            f"The take is {generated.shape}, {mask.shape}, {source_model.shape}; the grid is {grid}.",
            remedy="Deliver with the geometry that the take was made with.",
        )


def _grain_samples(conform: Conform) -> Iterator[np.ndarray]:
    """Up to three native pictures from the beginning of the range, cut to their middle when they are large."""
    for place, frame in enumerate(read_frames(conform.info, conform.start, min(conform.count, 9))):
        if place % 4 == 0:
            picture = rgb_of(frame.planes, frame.form, frame.tags)
            top, left = (max(0, (side - limit) // 2) for side, limit in zip(picture.shape, (1080, 1920), strict=False))
            yield np.ascontiguousarray(picture[top : top + 1080, left : left + 1920])


class _Job:
    """One delivery on its way: where it is written and what has been measured so far."""

    def __init__(
        self,
        conform: Conform,
        directory: Path,
        layer: LayerKind,
        mark: str,
        on_progress: Callable[[int, int], None],
        cancelled: Callable[[], bool],
        covered: float,
    ) -> None:
        self.conform, self.info, self.directory = conform, conform.info, directory.absolute()
        self.form = next(read_frames(self.info, conform.start, 1)).form
        self.peak = 255 if self.form.depth <= 8 else 65535
        self._as_png = layer == "png"
        self._report, self._cancelled = on_progress, cancelled
        self._done, self._total = 0, conform.count * 2 + 1
        self.needed = bytes_needed(self.info, self.form, conform.count, covered)
        self.output = AtomicOutputFolder(self.directory, self.needed)
        self._work = self.output.work
        self._matte_bits: list[bytes] = []
        self.coverage: list[float] = []
        pictures = f"layer-{mark}" if mark else "layer"
        self.layer_name = f"layer/{pictures}.%06d.png" if self._as_png else "layer.mov"
        self.master_name = self.layer_name if self._as_png else "master.mkv"
        self.composite_name = "composite/composite.%06d.exr" if self.form.depth == 32 else "composite.mov"
        display = self.info.width / self.info.height
        self._sheet = ContactSheet(conform.count, display, conform.start)

    def _step(self, amount: int = 1) -> None:
        self._done += amount
        self._report(self._done, self._total)
        if self._cancelled():
            raise Cancelled("The delivery was cancelled.")

    def write_frames(self, renderer: LayerRenderer) -> None:
        """Render, compose and encode every frame of the range."""
        if self._cancelled():
            raise Cancelled("The delivery was cancelled.")
        with contextlib.ExitStack() as stack:
            layered, composed, previewed = self._start_encoders(stack)
            frames = read_frames(self.info, self.conform.start, self.conform.count)
            for number, frame in enumerate(frames):
                picture = renderer.render(frame, number)
                planes = frame.planes
                if picture is not None:
                    planes = compose(
                        frame.planes, frame.form, frame.tags, picture.region, picture.content, picture.alpha
                    )
                # An EXR cannot say how it is turned: its pixels stand upright.
                stored = [frame.orientation.upright(plane) for plane in planes] if self.form.depth == 32 else planes
                composed.write(np.ascontiguousarray(plane).data.cast("B") for plane in stored)
                rgba = self._whole(picture, frame)
                layered.write([rgba.data.cast("B")])
                if self._as_png:
                    self._write_png(rgba, number)
                taken = SourceFrame(frame.index, planes, frame.form, frame.tags, frame.orientation)
                if previewed:
                    previewed.write([_eight_bit(taken).data.cast("B")])
                self._remember(number, frame, taken, rgba)
                self._step()
            for encoder in filter(None, (layered, composed, previewed)):
                encoder.finish()

    def _start_encoders(self, stack: contextlib.ExitStack) -> tuple[Encoder, Encoder, Encoder | None]:
        work, start, count = self._work, self.conform.start, self.conform.count
        pix_fmt = "rgba" if self.peak == 255 else "rgba64le"
        if self._as_png:
            (work / "layer").mkdir()
        layer, master = (None, None) if self._as_png else (work / self.layer_name, work / self.master_name)
        layered = self._encoder(
            stack,
            encoders.layer_command(self.info, pix_fmt, start, work / "matte.mov", layer, master),
            "matte.mov" if self._as_png else self.layer_name,
        )
        target, preview = work / self.composite_name, work / "preview.mp4"
        if self.form.depth < 32:
            command = encoders.composite_command(self.info, start, count, target, preview)
            return layered, self._encoder(stack, command, self.composite_name), None
        target.parent.mkdir()
        composed = self._encoder(stack, encoders.exr_command(self.info, target, start), self.composite_name)
        return layered, composed, self._encoder(stack, encoders.preview_command(self.info, preview), preview.name)

    def _encoder(self, stack: contextlib.ExitStack, command: list[str], name: str) -> Encoder:
        encoder = Encoder(command, self.directory / name, self.needed)
        stack.callback(encoder.abort)
        return encoder

    def _whole(self, picture: LayerPicture | None, frame: SourceFrame) -> np.ndarray:
        """Upright straight RGBA [H, W, 4] of the whole frame; every channel is 0 outside the matte."""
        kind = np.uint8 if self.peak == 255 else np.dtype("<u2")
        whole = np.zeros((self.info.coded_height, self.info.coded_width, 4), kind)
        if picture is not None:
            place = picture.region.cut(whole)
            place[..., :3] = np.rint(picture.content * self.peak)
            place[..., 3] = np.rint(picture.alpha * self.peak)
        return np.ascontiguousarray(frame.orientation.upright(whole))

    def _write_png(self, rgba: np.ndarray, number: int) -> None:
        path = self._work / (self.layer_name % (self.conform.start + number))
        _, data = cv2.imencode(".png", cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA), [cv2.IMWRITE_PNG_COMPRESSION, 2])
        path.write_bytes(data.tobytes())

    def _remember(self, number: int, frame: SourceFrame, taken: SourceFrame, rgba: np.ndarray) -> None:
        alpha = rgba[..., 3]
        self.coverage.append(float(alpha.mean(dtype=np.float64)) / self.peak)
        stored = frame.orientation.stored(alpha) > 0
        self._matte_bits.append(zlib.compress(np.packbits(stored).tobytes(), 1))
        if number in self._sheet.frames:
            grey = (alpha.astype(np.float32) * (255 / self.peak) + 0.5).astype(np.uint8)
            self._sheet.add(number, "shot", _eight_bit(frame))
            self._sheet.add(number, "take", _eight_bit(taken))
            self._sheet.add(number, "matte", np.dstack([grey] * 3))

    def measure_outside(self) -> float:
        """Compare the composite that was written with the clip outside the matte, both as another decoder sees them.

        A picture that is missing, or one too many, counts as the greatest change.
        """
        ours = composite_pictures(self._work / self.composite_name, self.info, self.conform.start)
        theirs = clip_pictures(self.info, self.conform.start, self.conform.count)
        worst = 0.0
        shape = (self.info.coded_height, self.info.coded_width)
        with contextlib.closing(ours), contextlib.closing(theirs):
            for bits in self._matte_bits:
                mine, source = next(ours, None), next(theirs, None)
                if mine is None or source is None:
                    return float(self.form.peak)
                packed = np.frombuffer(zlib.decompress(bits), np.uint8)
                touched = np.unpackbits(packed, count=shape[0] * shape[1]).reshape(shape).astype(bool)
                worst = max(worst, outside_difference(mine, source, self.form, touched))
                self._step()
            return worst if next(ours, None) is None else float(self.form.peak)

    def write_contact(self) -> None:
        """The contact sheet."""
        name = Path(self.info.path).name
        facts = (
            f"frames {self.conform.start} to {self.conform.start + self.conform.count - 1}, "
            f"{self.info.width}x{self.info.height}, {float(self.info.rate):.3f} fps, "
            f"matte {100 * sum(self.coverage) / len(self.coverage):.1f} % of the picture"
        )
        self._sheet.save(self._work / "contact.png", name, facts)
        self._step()


def _eight_bit(frame: SourceFrame) -> np.ndarray:
    picture = frame.rgb()
    return picture if picture.dtype == np.uint8 else (picture >> 8).astype(np.uint8)


def _notes(info: MediaInfo, composite: str, form: PixelLayout) -> tuple[str, ...]:
    codec = encoders.composite_codec(info)["c:v"]
    if form.family == "yuv" and info.colour.full_range and codec == "ffv1":
        return (*info.notes, f"{composite} is full range; QuickTime cannot say so for FFV1: set its levels to full.")
    return info.notes
