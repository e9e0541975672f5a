"""Latent masks against loops over pixels."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dynvfx.masks.latent_masks import coverage, inside, latent_mask, opening, pixels_of, token_mask
from tests.dynvfx.doubles import SmallBackbone

BACKBONE = SmallBackbone()


def random_mask(seed, shape=(9, 16, 24), share=0.5):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < share


def plain_coverage(mask, ratio, spatial):
    """Cell by cell: latent frame 0 sees pixel frame 0, latent frame j frames (j-1) r + 1 .. j r."""
    frames, height, width = mask.shape
    result = torch.zeros((frames - 1) // ratio + 1, height // spatial, width // spatial, dtype=torch.float64)
    for j in range(result.shape[0]):
        seen = [0] if j == 0 else range((j - 1) * ratio + 1, j * ratio + 1)
        for y in range(result.shape[1]):
            for x in range(result.shape[2]):
                cell = [
                    float(mask[f, y * spatial + b, x * spatial + a])
                    for f in seen
                    for b in range(spatial)
                    for a in range(spatial)
                ]
                result[j, y, x] = sum(cell) / len(cell)
    return result


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 1000), ratio=st.sampled_from([1, 2, 4]), spatial=st.sampled_from([2, 4, 8]))
def test_coverage_equals_the_definition(seed, ratio, spatial):
    mask = random_mask(seed, (2 * ratio + 1, 8, 16))
    torch.testing.assert_close(coverage(mask, ratio, spatial).double(), plain_coverage(mask, ratio, spatial))


def test_coverage_refuses_a_broken_frame_count():
    with pytest.raises(ValueError, match="10 frames"):
        coverage(random_mask(0, (10, 16, 24)), 4, 4)


def test_threshold_is_strict_and_reach_unites_neighbours():
    mask = torch.zeros(9, 16, 24)
    mask[5:9, 4:8, 8:12] = 1.0
    mask[0, 0, :4] = 1.0
    cells = latent_mask(mask, BACKBONE, 0.25)
    assert cells.nonzero().tolist() == [[2, 1, 2]]
    assert latent_mask(mask, BACKBONE, 0.24).nonzero().tolist() == [[0, 0, 0], [2, 1, 2]]
    assert latent_mask(mask, BACKBONE, 0.25, reach=1).nonzero().tolist() == [[1, 1, 2], [2, 1, 2]]
    assert latent_mask(mask, BACKBONE, 0.25, reach=2).nonzero().tolist() == [[0, 1, 2], [1, 1, 2], [2, 1, 2]]


def test_empty_and_full_masks_stay_what_they_are():
    assert not latent_mask(torch.zeros(9, 16, 24), BACKBONE, 0.0).any()
    assert latent_mask(torch.ones(9, 16, 24), BACKBONE, 0.99).all()


def test_tokens_hold_any_of_their_cells():
    cells = random_mask(4, (3, 4, 6), 0.2)
    tokens = token_mask(cells, BACKBONE)
    assert tokens.shape == (3, 2, 3)
    for f in range(3):
        for i in range(2):
            for j in range(3):
                assert tokens[f, i, j] == cells[f, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].any()


def test_pixels_of_cells_cover_exactly_their_pixels():
    cells = random_mask(5, (3, 4, 6), 0.4)
    pixels = pixels_of(cells, BACKBONE)
    assert pixels.shape == (9, 16, 24)
    assert torch.equal(plain_coverage(pixels, 4, 4) > 0, cells)
    assert torch.equal(plain_coverage(pixels, 4, 4) == 1, cells)


def test_a_leading_latent_and_paired_frames():
    backbone = SmallBackbone()
    backbone.leading_latents, backbone.patch_frames = 1, 2
    mask = torch.zeros(9, 16, 24)
    mask[0, :4, :4] = 1.0
    cells = latent_mask(mask, backbone, 0.25)
    assert cells.nonzero().tolist() == [[0, 0, 0], [1, 0, 0]]
    assert token_mask(cells, backbone).shape == (2, 2, 3)
    assert torch.equal(pixels_of(cells, backbone), mask.bool())


def test_opening_removes_specks_and_keeps_shapes():
    mask = torch.zeros(2, 12, 12, dtype=torch.bool)
    mask[0, 2:6, 3:9] = True
    mask[0, 9, 9] = True
    mask[1, 0:3, 0:3] = True
    mask[1, 6:8, :] = True
    wanted = torch.zeros_like(mask)
    wanted[0, 2:6, 3:9] = True
    wanted[1, 0:3, 0:3] = True
    assert torch.equal(opening(mask), wanted)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1000))
def test_opening_equals_the_definition(seed):
    """A pixel stays when some 3x3 square that holds it lies in the mask; the border extends the mask."""
    mask = random_mask(seed, (1, 7, 8), 0.8)
    padded = torch.ones(11, 12, dtype=torch.bool)
    padded[2:9, 2:10] = mask[0]
    for y in range(7):
        for x in range(8):
            squares = [
                padded[y + b : y + b + 3, x + a : x + a + 3].all()
                for b in range(3)
                for a in range(3)
                # Squares are centred inside the frame.
                if 1 <= y + b < 8 and 1 <= x + a < 9
            ]
            assert bool(opening(mask)[0, y, x]) == any(squares)


def test_the_region_is_a_box():
    box = inside((0.25, 0.0, 0.75, 0.5), (2, 8, 8))
    assert box[0].nonzero().tolist() == [[y, x] for y in range(4) for x in range(2, 6)]
    assert torch.equal(box[0], box[1])
    assert inside(None, (2, 8, 8)).all()
