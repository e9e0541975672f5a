"""Pictures that were once shown, tagged or delivered wrongly: each case from the file to the delivered take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.delivery.deliver import Delivery, deliver_take
from media.errors import UnsupportedPixels
from media.probe import MediaInfo, probe
from media.read import read_frames
from tests.backend.delivery.takes import disc_take, stream_facts
from tests.media.clips import make_movie, number_of, numbered, run_tool
from tests.media.exr_files import write_exr
from tests.media.test_orientation import MATRICES, as_ffmpeg_shows, marked


def delivered(source: Path, folder: Path) -> tuple[MediaInfo, Delivery]:
    """A take of two model frames, and what its clip is; nothing outside its matte has changed."""
    conform, *take = disc_take(source, frames=2)
    delivery = deliver_take(conform, *take, folder, layer="png")
    assert delivery.outside_change == 0
    return conform.info, delivery


@pytest.mark.parametrize("name", ["hflip", "vflip", "r90_hflip"])
def test_mirrored_matrix(tmp_path, name):
    movie = make_movie(tmp_path / "base.mp4", 3, picture=marked)
    run_tool(*MATRICES[name], "-i", movie, "-c", "copy", tmp_path / "a.mp4")
    info, _ = delivered(tmp_path / "a.mp4", tmp_path / "take")
    before = as_ffmpeg_shows(tmp_path / "a.mp4", tmp_path)
    assert before.shape == (info.height, info.width, 3)
    for made in ("composite.mov", "preview.mp4"):
        shown = as_ffmpeg_shows(tmp_path / "take" / made, tmp_path)
        changed = np.abs(shown - before).max(2) > 60
        rows, columns = np.nonzero(changed)
        centre = rows.mean() / info.height, columns.mean() / info.width
        assert centre == pytest.approx((1 / 3, 1 / 3), abs=0.06), made


@pytest.mark.parametrize(("tags", "suffix"), [((5, 5, 5), ".mpg"), ((1, 4, 1), ".mp4"), ((9, 14, 10), ".mp4")])
def test_pal_gamma28(tmp_path, tags, suffix):
    source = tmp_path / f"a{suffix}"
    plain = make_movie(tmp_path / "plain.mp4", 3, tags=(2, 2, 2, 1))
    if suffix == ".mpg":
        names = zip(("color_primaries", "color_trc", "colorspace"), tags, strict=True)
        params = ":".join(f"{name}={value}" for name, value in names)
        run_tool("-i", plain, "-vf", f"setfield=tff,setparams={params}:range=tv", "-c:v", "mpeg2video", "-q:v", 3,
                 "-flags", "+ildct+ilme", "-aspect", "16:9", "-f", "vob", source)  # fmt: skip
    else:
        names = zip(("colour_primaries", "transfer_characteristics", "matrix_coefficients"), tags, strict=True)
        params = ":".join(f"{name}={value}" for name, value in names)
        run_tool("-i", plain, "-c", "copy", "-bsf:v", f"h264_metadata={params}", source)
    delivered(source, tmp_path / "take")
    assert stream_facts(tmp_path / "take/composite.mov")["tags"][:3] == tags


def test_exr_kinds(tmp_path):
    ramp = np.linspace(0, 1, 48 * 64).reshape(48, 64)
    layers = {f"ViewLayer.Combined.{name}": ramp for name in "RGBA"} | {"ViewLayer.Depth.Z": ramp}
    for number in (1001, 1002):
        write_exr(tmp_path / f"y_half/a.{number}.exr", {"Y": ramp})
        write_exr(tmp_path / f"multilayer/a.{number}.exr", layers)
        write_exr(tmp_path / f"anamorphic/a.{number}.exr", dict.fromkeys("RGB", ramp), aspect=2.0)
    _, delivery = delivered(tmp_path / "y_half", tmp_path / "take")
    assert delivery.composite == "composite/composite.%06d.exr"
    with pytest.raises(UnsupportedPixels, match="holds the layers ViewLayer.Combined, ViewLayer.Depth"):
        probe(tmp_path / "multilayer")
    delivered(tmp_path / "anamorphic", tmp_path / "50%done/take")
    assert probe(tmp_path / "50%done/take/composite").pixel_aspect == 2


@pytest.mark.parametrize("order", ["tff", "bff"])
def test_field_order(tmp_path, order):
    plain = make_movie(tmp_path / "plain.mp4", 3)
    if order == "tff":
        options = ["-c:v", "libx264", "-x264-params", "tff=1", "-flags", "+ildct+ilme", "-pix_fmt", "yuv420p"]
    else:
        options = ["-c:v", "prores_ks", "-profile:v", "hq", "-flags", "+ildct+ilme", "-pix_fmt", "yuv422p10le"]
    run_tool("-i", plain, "-vf", f"setfield={order}", *options, tmp_path / "a.mov")
    info, _ = delivered(tmp_path / "a.mov", tmp_path / "take")
    assert info.field_order == probe(tmp_path / "take/composite.mov").field_order == order


def test_negative_numbers(tmp_path):
    (tmp_path / "neg").mkdir()
    for place in range(5):
        Image.fromarray(numbered(place)).save(tmp_path / f"neg/shot.-{5 - place:04d}.png")
    info, _ = delivered(tmp_path / "neg", tmp_path / "take")
    assert [number_of(frame.rgb()) for frame in read_frames(info, 0, 5)] == [0, 1, 2, 3, 4]
    assert "read as negative, from -5 up to -1" in info.notes[0]
    composite = probe(tmp_path / "take/composite.mov")
    assert [number_of(frame.rgb()) for frame in read_frames(composite, 0, 5)] == [0, 1, 2, 3, 4]
