"""The matte stays inside a box of the upright picture, whichever way the clip is stored."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from backend.delivery.conform import Box, Conform
from backend.delivery.matte import inside_box
from backend.delivery.render import LayerRenderer
from media.orientation import Orientation


def test_pixels_that_are_not_whole_inside_are_out():
    weights = inside_box((0.25, 0.1, 0.6, 0.9), 10, 8, 1.0)
    assert weights.dtype == np.float32
    inside = np.zeros((10, 8), bool)
    inside[1:9, 2:4] = True  # the fifth column ends at 0.625
    assert np.array_equal(weights > 0, inside)


def test_the_rim_rises_but_not_from_the_pictures_border():
    weights = inside_box((0.0, 0.0, 0.5, 1.0), 4, 20, 4.0)[2]
    assert np.allclose(weights[:10], [1, 1, 1, 1, 1, 1, 0.875, 0.625, 0.375, 0.125])
    assert not weights[10:].any()
    assert (inside_box((0.0, 0.0, 1.0, 1.0), 4, 20, 4.0) == 1).all()


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("turns", range(4))
def test_the_box_turns_with_the_clip(turns: int, mirrored: bool):
    orientation = Orientation(turns, mirrored)
    upright = (20, 12) if orientation.sideways else (12, 20)  # stored 12 x 20
    geometry = SimpleNamespace(frames=1, height=24, width=24, rate=Fraction(8))
    conform = object.__new__(Conform)
    conform.info = SimpleNamespace(orientation=orientation, coded_height=12, coded_width=20)
    conform.geometry, conform.count, conform.positions, conform.start = geometry, 1, [0], 0
    conform.box = Box(0, 0, upright[1], upright[0])
    frames = np.zeros((1, 24, 24, 3), np.uint8)
    mask = np.zeros((1, 24, 24), np.float32)
    renderer = LayerRenderer(
        conform,
        frames,
        mask,
        frames,
        grain=SimpleNamespace(absent=True),
        seed=0,
        secondary=0.0,
        peak=255,
        within=(0.0, 0.0, 0.5, 0.5),
    )
    # Standing upright again, the box is in the upper left corner.
    shown = orientation.upright(renderer._inside) > 0
    assert shown.shape == upright
    expected = np.zeros(upright, bool)
    expected[: upright[0] // 2, : upright[1] // 2] = True
    assert np.array_equal(shown, expected)
