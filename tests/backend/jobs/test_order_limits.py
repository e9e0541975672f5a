"""Boxes, painted masks and start levels that mean nothing are refused with words; the others come out as meant."""

from __future__ import annotations

import io
import math
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.delivery.conform import Conform
from backend.jobs.mask_picture import mask_for, read_mask
from backend.jobs.order_limits import check_limits, digest_of, levels_for, mask_identity
from backend.jobs.painted_mask import on_all_frames
from bridge.wire.messages import LARGEST_MASK, EditedMask
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
    ("region", "words"),
    [
        ((0.5, 0.0, 0.5, 1.0), "is empty"),
        ((0.6, 0.0, 0.4, 1.0), "is empty"),
        ((0.0, 0.2, 1.0, 0.1), "is empty"),
        ((-0.1, 0.0, 0.5, 1.0), "leaves the picture"),
        ((0.0, 0.0, 1.0, 1.5), "leaves the picture"),
        ((2.0, 2.0, 3.0, 3.0), "leaves the picture"),
        ((0.0, math.nan, 1.0, 1.0), "leaves the picture"),
    ],
)
def test_boxes_that_mean_nothing(region, words):
    with pytest.raises(BadUsage, match=words) as caught:
        check_limits(region, None)
    assert "0.5,0,1,1" in caught.value.remedy


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        ((), "0 levels"),
        ((439, 679), "do not fall"),
        ((679, 679), "do not fall"),
        ((0,), "between"),
        ((1000,), "between"),
    ],
)
def test_levels_that_mean_nothing(levels, words):
    with pytest.raises(BadUsage, match=words) as caught:
        check_limits(None, levels)
    assert "679,439" in caught.value.remedy


def test_what_means_something_passes():
    check_limits(None, None)
    check_limits((0.0, 0.0, 1.0, 1.0), (679, 439), EditedMask(frame=0, png=png()))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no PNG"),
        (b"\x89PNG\r\n\x1a\nnonsense", "no PNG"),
        (png()[:-30], "no PNG"),
        (png(np.zeros((8, 8, 3), np.uint8)), "in colour"),
        (png(np.full((8, 8, 4), 255, np.uint8)), "in colour"),
        (png(np.full((8, 8), 127, np.uint8)), "black all over"),
        (bytes(LARGEST_MASK + 1), "4.0 MB"),
    ],
)
def test_pictures_that_are_no_mask(data, words):
    with pytest.raises(BadUsage, match=words) as caught:
        read_mask(data)
    assert caught.value.remedy


def test_another_kind_of_picture_is_no_mask():
    out = io.BytesIO()
    Image.fromarray(np.full((8, 8), 255, np.uint8)).save(out, "JPEG")
    with pytest.raises(BadUsage, match="no PNG"):
        read_mask(out.getvalue())


def test_masks_of_one_eight_and_sixteen_bits():
    grey = np.zeros((4, 6), np.uint8)
    grey[:, :3] = 255
    for pixels in (grey, grey > 0, grey.astype(np.uint16) * 257):
        read = read_mask(png(pixels))
        assert read.dtype == np.uint8 and np.array_equal(read, grey)


def test_a_mask_must_fit_the_take():
    mask = EditedMask(frame=8, png=png())
    assert mask_for(mask, WIDTH * 40, HEIGHT * 40, FRAMES).shape == (HEIGHT, WIDTH)
    with pytest.raises(BadUsage, match="frame 8; the take has 8 frames"):
        mask_for(mask, WIDTH, HEIGHT, 8)
    with pytest.raises(BadUsage, match="another shape"):
        mask_for(mask, HEIGHT, WIDTH, FRAMES)
    with pytest.raises(BadUsage, match="frame -1"):
        check_limits(None, None, EditedMask(frame=-1, png=png()))


def test_a_mask_is_known_by_its_frame_and_bytes():
    first, second = EditedMask(frame=1, png=png()), EditedMask(frame=1, png=png(compress_level=0))
    assert mask_identity(None) == {}
    assert mask_identity(first) == {"mask": {"frame": 1, "sha256": digest_of(first)}}
    assert len(digest_of(first)) == 64 and digest_of(first) != digest_of(second)


def test_levels_are_brought_to_the_models_timesteps():
    standard = TINY.presets["standard"]
    assert levels_for((679, 439), standard, TrailingGrid(1000)) == (679, 439)
    assert levels_for((680, 430), standard, TrailingGrid(1000)) == (679, 439)
    assert levels_for((680, 678), standard, TrailingGrid(1000)) == (679,)
    assert levels_for((920,), standard, TrailingGrid(1000)) == (919,)
    draft = COGVIDEOX.presets["draft"]
    assert levels_for((579,), draft, TrailingGrid(1000))[0] in TrailingGrid(1000).timesteps(draft.steps)
    with pytest.raises(BadUsage, match="above 919") as caught:
        levels_for((959, 439), standard, TrailingGrid(1000))
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


def test_needs_no_torch():
    code = "import sys, backend.jobs.order_limits; sys.exit('torch' in sys.modules or 'av' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
