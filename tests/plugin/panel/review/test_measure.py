from __future__ import annotations

import av
import numpy as np
import pytest

from media.movies import read_image
from plugin.review_media.measure import change_between, code_planes
from plugin.review_media.pictures import PictureMaker
from tests.media.clips import make_movie, run_tool
from tests.media.test_orientation import MATRICES, as_ffmpeg_shows, marked


def frame(pix_fmt: str, shape=(32, 64), change=None) -> av.VideoFrame:
    """A picture of mid values with one sample of the first plane changed: (row, column, amount)."""
    made = av.VideoFrame(shape[1], shape[0], pix_fmt)
    for plane in made.planes:
        plane.update(bytes([0x30, 0x01] * (plane.buffer_size // 2)))
    if change:
        row, column, amount = change
        plane = made.planes[0]
        data = bytearray(bytes(plane))
        data[row * plane.line_size + column] += amount
        plane.update(bytes(data))
    return made


@pytest.mark.parametrize(
    "pix_fmt, byte, bits",
    [("yuv420p", 10, 8), ("yuv422p10le", 20, 10), ("yuv444p12le", 20, 12), ("rgb24", 30, 8), ("rgba", 40, 8),
     ("rgb48le", 60, 16), ("gbrp", 10, 8), ("gray", 10, 8), ("bgr0", 40, 8)],
)  # fmt: skip
def test_one_code_value_is_measured_in_every_sample_format(pix_fmt, byte, bits):
    change = change_between(frame(pix_fmt), frame(pix_fmt, change=(3, byte, 1)), None)
    assert (change.anywhere, change.outside, change.exact) == (1, None, True)
    assert change.bits == bits
    assert change_between(frame(pix_fmt), frame(pix_fmt), None).anywhere == 0


def test_semiplanar_and_planar_hold_the_same_values():
    planar = frame("yuv420p")
    assert change_between(planar.reformat(format="nv12"), planar, None).anywhere == 0


def test_a_chroma_sample_is_inside_only_with_all_its_luma():
    original, take = frame("yuv420p"), frame("yuv420p")
    plane = take.planes[1]
    data = bytearray(bytes(plane))
    data[4 * plane.line_size + 10] += 9
    plane.update(bytes(data))
    whole, part = (np.zeros((32, 64), np.uint8) for _ in range(2))
    whole[8:10, 20:22] = 255
    part[8:10, 20:21] = 255
    mattes = [av.VideoFrame.from_ndarray(each, "gray") for each in (whole, part)]
    assert [change_between(original, take, matte).outside for matte in mattes] == [0, 9]


def test_alpha_decides_where_a_layer_has_it():
    layer = np.zeros((32, 64, 4), np.uint8)
    layer[..., :3] = 255
    layer[3, 10, 3] = 1
    matte = av.VideoFrame.from_ndarray(layer, "rgba")
    original = frame("yuv444p")
    assert change_between(original, frame("yuv444p", change=(3, 10, 5)), matte).outside == 0
    assert change_between(original, frame("yuv444p", change=(3, 11, 5)), matte).outside == 5


def test_samples_of_different_depth_are_compared_as_displayed():
    eight, ten = frame("yuv420p"), frame("yuv420p").reformat(format="yuv420p10le")
    change = change_between(eight, ten, None)
    assert not change.exact and change.bits == 8 and change.anywhere <= 2


def test_different_sizes_have_no_measurement():
    assert change_between(frame("yuv420p"), frame("yuv420p", (16, 64)), None) is None


def test_planes_hold_only_their_samples():
    shapes = [plane.shape for plane in code_planes(frame("yuv420p", (30, 50)))]
    assert shapes == [(30, 50), (15, 25), (15, 25)]
    assert code_planes(frame("rgb48le", (30, 50)))[0].shape == (30, 50, 3)


@pytest.mark.parametrize("name", MATRICES)
def test_the_matte_of_a_mirrored_clip_lies_over_what_changed(tmp_path, name):
    def changed(number, width, height):
        picture = marked(number, width, height)
        picture[8:16, 96:112] = 128
        return picture

    shown = {}
    for label, picture in (("clip", marked), ("take", changed)):
        movie = make_movie(tmp_path / "a.mov", 1, pix_fmt="yuv444p", options={"qp": "0"}, picture=picture)
        run_tool(*MATRICES[name], "-i", movie, "-c", "copy", tmp_path / f"{label}.mov")
        shown[label] = read_image(str(tmp_path / f"{label}.mov"))
    upright = [as_ffmpeg_shows(tmp_path / f"{label}.mov", tmp_path) for label in shown]
    pixels = PictureMaker().picture(shown["take"]).pixels[..., 2::-1]
    assert pixels.shape == upright[1].shape
    assert np.abs(pixels - upright[1]).mean() < 3
    matte = (np.abs(upright[0] - upright[1]).max(2) > 0).astype(np.uint8) * 255
    for given, outside in ((matte, False), (np.roll(matte, 8, 0), True)):
        change = change_between(shown["clip"], shown["take"], av.VideoFrame.from_ndarray(given.copy(), "gray"))
        assert bool(change.outside) == outside
