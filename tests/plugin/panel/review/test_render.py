"""Pixels: wipe, difference, exposure, zoom and matte reach both sides."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import QRectF
from PyQt6.QtGui import QColor, QImage, QPainter

from plugin.panel.review import render
from plugin.panel.review.compare import ComparisonView, Mode
from plugin.review_media.pictures import Picture

AREA = QRectF(0, 0, 64, 32)


def flat(red, green, blue, width=64, height=32):
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[:] = (blue, green, red, 255)
    return Picture(pixels, width, height)


def painted(paint, *arguments, size=(64, 32)):
    """uint8 [h, w, 3] RGB of what a painter function draws."""
    image = QImage(*size, QImage.Format.Format_RGB32)
    image.fill(QColor(1, 2, 3))
    painter = QPainter(image)
    paint(painter, QRectF(0, 0, *size), *arguments)
    painter.end()
    bits = image.constBits()
    bits.setsize(image.sizeInBytes())
    return np.frombuffer(bits, np.uint8).reshape(size[1], size[0], 4)[..., 2::-1].copy()


A, B = flat(100, 80, 60), flat(40, 90, 200)


@pytest.mark.parametrize("place, line", [(0.0, 0), (0.25, 16), (0.5, 32), (1.0, 64)])
def test_wipe_shows_a_before_the_line_and_b_behind(place, line):
    found = painted(render.paint_wipe, ComparisonView(mode=Mode.WIPE, wipe=place), A, B, None)
    assert (found[:, :line] == (100, 80, 60)).all()
    assert (found[:, line:] == (40, 90, 200)).all()


def test_a_level_wipe_runs_from_the_top():
    found = painted(render.paint_wipe, ComparisonView(mode=Mode.WIPE, wipe=0.25, wipe_level=True), A, B, None)
    assert (found[:8] == (100, 80, 60)).all() and (found[8:] == (40, 90, 200)).all()


def test_the_wipe_follows_zoom_and_pan():
    view = ComparisonView(mode=Mode.WIPE, wipe=0.5, zoom=2.0, centre=(0.625, 0.5))
    found = painted(render.paint_wipe, view, A, B, None)
    assert (found[:, :16] == (100, 80, 60)).all() and (found[:, 16:] == (40, 90, 200)).all()


@pytest.mark.parametrize("mode", [Mode.WIPE, Mode.SIDE])
def test_exposure_reaches_both_sides_alike(mode):
    view = ComparisonView(mode=mode, wipe=0.5, exposure=1.0)
    found = painted(render.PAINTERS[mode], view, A, B, None)
    stop = 2 ** (1 / 2.4)
    middle = found.shape[0] // 2
    assert tuple(found[middle, 8]) == tuple(min(255, round(code * stop)) for code in (100, 80, 60))
    assert tuple(found[middle, 56]) == tuple(min(255, round(code * stop)) for code in (40, 90, 200))


def test_gamma_reaches_both_sides_alike():
    found = painted(render.paint_wipe, ComparisonView(mode=Mode.WIPE, gamma=2.0), A, B, None)
    assert tuple(found[16, 8]) == tuple(round(255 * (code / 255) ** 0.5) for code in (100, 80, 60))
    assert tuple(found[16, 56]) == tuple(round(255 * (code / 255) ** 0.5) for code in (40, 90, 200))


@pytest.mark.parametrize("gain", [1, 2, 4])
def test_the_difference_has_both_signs_and_gain(gain):
    found = painted(render.paint_difference, ComparisonView(mode=Mode.DIFFERENCE, gain=gain), A, B, None)
    assert (found == [min(255, each * gain) for each in (60, 10, 140)]).all()
    turned = painted(render.paint_difference, ComparisonView(mode=Mode.DIFFERENCE, gain=gain), B, A, None)
    assert (turned == found).all()


def test_the_difference_is_of_graded_pictures():
    found = painted(render.paint_difference, ComparisonView(mode=Mode.DIFFERENCE, gain=1, exposure=1.0), A, B, None)
    stop = 2 ** (1 / 2.4)
    graded = [[min(255, round(code * stop)) for code in side] for side in ((100, 80, 60), (40, 90, 200))]
    assert (found == [abs(ours - theirs) for ours, theirs in zip(*graded, strict=True)]).all()


def test_one_code_value_in_one_pixel_is_visible():
    pixels = A.pixels.copy()
    pixels[20, 40, 1] += 1
    view = ComparisonView(mode=Mode.DIFFERENCE, gain=64)
    found = painted(render.paint_difference, view, A, Picture(pixels, 64, 32), None)
    assert tuple(found[20, 40]) == (0, 64, 0)
    assert found.sum() == 64


def test_side_by_side_has_the_same_zoom_and_place():
    left, right = A.pixels.copy(), B.pixels.copy()
    left[16, 32] = right[16, 32] = 255
    view = ComparisonView(mode=Mode.SIDE, zoom=4.0, centre=(0.5, 0.5))
    found = painted(render.paint_side, view, Picture(left, 64, 32), Picture(right, 64, 32), None, size=(130, 32))
    white = (found == 255).all(axis=2)
    assert white[:, :64].sum() == 16 and (white[:, :64] == white[:, 66:]).all()
    assert (found[0, 64] == (1, 2, 3)).all()


def test_a_tall_view_puts_the_sides_above_each_other():
    found = painted(render.paint_side, ComparisonView(mode=Mode.SIDE), A, B, None, size=(32, 66))
    assert tuple(found[16, 16]) == (100, 80, 60) and tuple(found[50, 16]) == (40, 90, 200)


def test_the_matte_tints_only_what_it_covers():
    matte = np.zeros((32, 64), np.uint8)
    matte[:, :32] = 255
    view = ComparisonView(matte=True)
    found = painted(render.paint_single, view, A, Picture(matte, 64, 32))
    assert (found[:, 32:] == (100, 80, 60)).all()
    assert (found[:, :31, 0].astype(int) > 150).all() and (found[:, :31, 2] < 70).all()


def test_pixels_are_squares_when_zoomed_in():
    chequered = np.zeros((2, 2, 4), np.uint8)
    chequered[0, 0] = chequered[1, 1] = 255
    found = painted(render.paint_single, ComparisonView(zoom=16.0), Picture(chequered, 2, 2), None)
    assert set(np.unique(found[0:32, 16:48])) == {0, 255}
    assert found[0, 16, 0] == 255 and found[15, 31, 0] == 255 and found[0, 32, 0] == 0


def test_a_halved_picture_lies_where_the_whole_one_would():
    whole = painted(render.paint_single, ComparisonView(), A, None)
    half = painted(render.paint_single, ComparisonView(), Picture(A.pixels[::2, ::2].copy(), 64, 32), None)
    assert (whole == half).all()


def test_sides_of_different_size_can_be_compared():
    small = flat(40, 90, 200, 32, 16)
    found = painted(render.paint_difference, ComparisonView(mode=Mode.DIFFERENCE, gain=1), A, small, None)
    assert (found == (60, 10, 140)).all()


def test_pixel_aspect_is_honoured():
    assert render.place(128, 32, AREA, ComparisonView()) == QRectF(0, 8, 64, 16)


@pytest.mark.parametrize("count", range(1, 11))
def test_the_sheet_has_a_cell_for_every_take_inside_the_view(count):
    area = QRectF(0, 0, 640, 480)
    cells = render.sheet_cells(count, area, 16 / 9)
    assert len(cells) == count
    assert all(area.contains(cell) for cell in cells)
    assert not any(one.intersects(other) for k, one in enumerate(cells) for other in cells[:k])


def test_the_sheet_grades_every_cell():
    pictures = {"a": A, "b": B, "c": None}
    found = painted(render.paint_sheet, ComparisonView(exposure=-1.0), pictures, size=(300, 50))
    stop = 2 ** (-1 / 2.4)
    assert tuple(found[25, 50]) == tuple(round(code * stop) for code in (100, 80, 60))
    assert tuple(found[25, 150]) == tuple(round(code * stop) for code in (40, 90, 200))
    assert (found[:, 200:] == (1, 2, 3)).all()
