"""OpenEXR: plain pictures of every kind, and true sentences about the others."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from media.errors import DamagedMedia, UnsupportedPixels
from media.probe import probe
from media.read import read_frames
from media.reader import FrameReader
from tests.media.exr_files import DEEP, FLOAT, HALF, UINT, write_exr

RAMP = np.linspace(-0.25, 1.5, 24 * 40).reshape(24, 40).astype(np.float16)


@pytest.mark.parametrize("kind", [HALF, FLOAT])
def test_a_grey_picture_is_read_as_it_is(tmp_path, kind):
    write_exr(tmp_path / "a.0001.exr", {"Y": RAMP}, kind)
    info = probe(tmp_path)
    frame = next(read_frames(info, 0, 1))
    assert (info.bit_depth, frame.form.family, info.notes) == (32, "gray", ())
    assert (frame.planes[0] == RAMP.astype(np.float32)).all()
    linear = np.clip(RAMP.astype(np.float64), 0, 1)
    shown = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert np.abs(frame.rgb()[..., 1] / 65535 - shown).max() < 1e-3


@pytest.mark.parametrize("aspect", [2.0, 16 / 11, 118 / 81, 0.9117, 1.4587])
def test_pixel_aspect_is_exact(tmp_path, aspect):
    write_exr(tmp_path / "a.0001.exr", dict.fromkeys("RGB", RAMP), aspect=aspect)
    info = probe(tmp_path)
    assert np.float32(float(info.pixel_aspect)) == np.float32(aspect)
    assert info.width == round(40 * aspect)
    assert FrameReader(info.sequence, Fraction(24)).pixel_aspect == info.pixel_aspect


@pytest.mark.parametrize("aspect", [0.0, -1.0, float("inf"), float("nan"), 1e6])
def test_an_aspect_that_cannot_be_meant_is_square(tmp_path, aspect):
    write_exr(tmp_path / "a.0001.exr", dict.fromkeys("RGB", RAMP), aspect=aspect)
    assert probe(tmp_path).pixel_aspect == 1


LAYERS = {f"ViewLayer.Combined.{name}": RAMP for name in "RGBA"} | {"ViewLayer.Depth.Z": RAMP}
REFUSED = {
    "multilayer": (LAYERS, {}, "holds the layers ViewLayer.Combined, ViewLayer.Depth, and no plain picture"),
    "luminance_chroma": ({"Y": RAMP, "RY": RAMP, "BY": RAMP}, {}, "luminance-chroma"),
    "deep": (dict.fromkeys("RGBA", RAMP), {"flags": DEEP}, "deep EXR"),
    "depth_alone": ({"Z": RAMP}, {}, "holds the channels Z, and no plain picture"),
    "red_alone": ({"R": RAMP}, {}, "holds the channels R, and no plain picture"),
    "identifiers": (dict.fromkeys("RGB", RAMP), {"kind": UINT}, "whole numbers"),
    "mixed": (
        dict.fromkeys("RGBA", RAMP),
        {"kind": {"R": HALF, "G": HALF, "B": HALF, "A": FLOAT}},
        "half float values in",
    ),
    "unknown_method": (dict.fromkeys("RGB", RAMP), {"compression": 11}, "not known here"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("file", ["a.0001.exr", "plate.exr"])
def test_what_is_no_plain_picture_is_named(tmp_path, name, file):
    channels, more, sentence = REFUSED[name]
    write_exr(tmp_path / file, channels, **more)
    with pytest.raises(UnsupportedPixels, match=sentence) as caught:
        probe(tmp_path / file)
    assert "Copy it again" not in caught.value.remedy
    write_exr(tmp_path / "b/plain.exr", dict.fromkeys("RGB", RAMP))
    assert probe(tmp_path / "b/plain.exr").width == 40  # as the remedies say: a plain RGB EXR


def test_other_layers_are_noted(tmp_path):
    write_exr(tmp_path / "one/a.exr", dict.fromkeys("RGB", RAMP) | {"diffuse.R": RAMP})
    assert "also hold the layers diffuse" in probe(tmp_path / "one/a.exr").notes[0]


def test_a_file_that_is_cut_off_is_damaged(tmp_path):
    whole = write_exr(tmp_path / "a.0001.exr", dict.fromkeys("RGB", RAMP)).read_bytes()
    for length in (6, 100, 1000):
        (tmp_path / "a.0001.exr").write_bytes(whole[:length])
        with pytest.raises(DamagedMedia):
            list(read_frames(probe(tmp_path), 0, 1))
