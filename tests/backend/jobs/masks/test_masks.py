"""Pictures that are no mask are refused; masks and start levels come out as meant."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.delivery.conform import Conform
from backend.jobs.masks.mask_picture import mask_for, read_mask
from backend.jobs.masks.painted_mask import on_all_frames
from contract.errors import BadUsage
from dynvfx.backbones.cogvideox.family import COGVIDEOX
from dynvfx.backbones.tiny.family import TINY
from dynvfx.geometry import Geometry
from dynvfx.sampling.steps import TrailingGrid
from media.probe import probe
from tests.backend.jobs.small_jobs import FRAMES, HEIGHT, WIDTH, write_movie


def png(pixels: np.ndarray | None = None, **options) -> bytes:
    """A grey picture with white on the left half, or the given one."""
    if pixels is None:
        pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
        pixels[:, : WIDTH // 2] = 255
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a PNG file"),
        (b"\x89PNG\r\n\x1a\nnonsense", "not a PNG file"),
        (png()[:-30], "not a PNG file"),
        (png(np.zeros((8, 8, 3), np.uint8)), "in colour"),
        (png(np.full((8, 8, 4), 255, np.uint8)), "in colour"),
        (png(np.full((8, 8), 127, np.uint8)), "black all over"),
    ],
)
def test_pictures_that_are_no_mask(data, words):
    with pytest.raises(BadUsage, match=words) as caught:
        read_mask(data)
    assert caught.value.remedy


def test_another_kind_of_picture_is_no_mask():
    out = io.BytesIO()
    Image.fromarray(np.full((8, 8), 255, np.uint8)).save(out, "JPEG")
    with pytest.raises(BadUsage, match="not a PNG file"):
        read_mask(out.getvalue())


def test_masks_of_one_eight_and_sixteen_bits():
    grey = np.zeros((4, 6), np.uint8)
    grey[:, :3] = 255
    for pixels in (grey, grey > 0, grey.astype(np.uint16) * 257):
        read = read_mask(png(pixels))
        assert read.dtype == np.uint8 and np.array_equal(read, grey)


def test_a_mask_must_fit_the_take():
    assert mask_for(png(), 8, WIDTH * 40, HEIGHT * 40, FRAMES).shape == (HEIGHT, WIDTH)
    with pytest.raises(BadUsage, match="frame 8; the take has 8 frames"):
        mask_for(png(), 8, WIDTH, HEIGHT, 8)
    with pytest.raises(BadUsage, match="another shape"):
        mask_for(png(), 8, HEIGHT, WIDTH, FRAMES)


def test_levels_are_brought_to_the_models_timesteps():
    standard = TINY.presets["standard"]
    assert standard.with_levels((679, 439), TrailingGrid(1000)).levels == (679, 439)
    assert standard.with_levels((680, 430), TrailingGrid(1000)).levels == (679, 439)
    assert standard.with_levels((680, 678), TrailingGrid(1000)).levels == (679,)
    assert standard.with_levels((920,), TrailingGrid(1000)).levels == (919,)
    draft = COGVIDEOX.presets["draft"]
    assert draft.with_levels((579,), TrailingGrid(1000)).levels[0] in TrailingGrid(1000).timesteps(draft.steps)
    with pytest.raises(BadUsage, match="above 919") as caught:
        standard.with_levels((959, 439), TrailingGrid(1000))
    assert "799,679,559,439" in caught.value.remedy
    assert replace(standard, levels=(679, 439)).snapped(TrailingGrid(1000)) == (679, 439)


def test_a_painted_mask_reaches_every_frame_of_the_models_grid(tmp_path: Path):
    info = probe(write_movie(tmp_path / "a.mp4"))
    conform = Conform(info, 0, FRAMES, Geometry(5, 48, 48, Fraction(4)))  # 48 x 32 in the middle of 48 x 48
    pixels = read_mask(png())
    for frame in (0, 3, 4, FRAMES - 1):  # of which the model sees every second one
        masks = on_all_frames(pixels, frame, conform).numpy()
        assert masks.shape == (5, 48, 48) and masks.dtype == bool
        wanted = np.zeros((48, 48), bool)
        wanted[8:40, :24] = True
        for each in masks:
            assert (each & wanted).sum() / (each | wanted).sum() > 0.9
