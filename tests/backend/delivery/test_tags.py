"""A composite carries its clip's own colour tags, field order and pixel aspect, whichever codec holds it."""

from __future__ import annotations

import re
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from backend.delivery.deliver import deliver_take
from backend.delivery.ffmpeg import ffmpeg_program
from media.probe import probe
from tests.backend.delivery.takes import disc_take, stream_facts
from tests.media.clips import make_movie, run_tool

CODECS = {
    "h264": {"codec": "libx264", "pix_fmt": "yuv420p"},
    "ffv1": {"codec": "ffv1", "pix_fmt": "yuv422p12le"},
    "png": {"codec": "png", "pix_fmt": "rgb24"},
}
# Pairs of primaries, transfer and matrix; the numbers that ffmpeg's options have no single name for come first.
TAGS = [(1, 4, 1), (5, 5, 5), (9, 14, 10), (22, 12, 6), (1, 12, 1), (2, 13, 2), (9, 2, 2), (2, 2, 9), (8, 9, 4),
        (12, 17, 7), (11, 10, 9), (10, 11, 1), (4, 7, 7), (3, 3, 3), (0, 1, 1)]  # fmt: skip


def deliver(path: Path, folder: Path, **more):
    """A short take of a clip, delivered."""
    conform, *take = disc_take(path, frames=1, **more)
    return conform.info, deliver_take(conform, *take, folder)


@pytest.mark.parametrize(
    "codec, tags",
    [*(("h264", each) for each in TAGS), *((codec, each) for codec in ("ffv1", "png") for each in TAGS[2:7])],
)
def test_every_colour_tag_comes_back(tmp_path, codec, tags):
    stated = [2 if tag in (0, 3) else tag for tag in tags[:2]]
    names, source = ("color_primaries", "color_trc", "colorspace"), tmp_path / "a.mov"
    if codec == "h264":
        movie = make_movie(tmp_path / "plain.mp4", 1, tags=(2, 2, 2, 1))
        names = ("colour_primaries", "transfer_characteristics", "matrix_coefficients")
        parts = ":".join(f"{name}={value}" for name, value in zip(names, tags, strict=True))
        run_tool("-i", movie, "-c", "copy", "-bsf:v", f"h264_metadata={parts}", source)
    else:
        found = dict(zip(names, (*stated, 0 if codec == "png" else tags[2] if tags[2] != 3 else 2), strict=True))
        run_tool(
            *("-f", "lavfi", "-i", "testsrc2=s=128x72:r=24", "-frames:v", 1, "-c:v", codec),
            *("-vf", f"format={CODECS[codec]['pix_fmt']},setparams=" + ":".join(f"{k}={v}" for k, v in found.items())),
            *(part for key, value in found.items() for part in (f"-{key}", value)),
            *("-movflags", "+write_colr", source),
        )
    info, delivery = deliver(source, tmp_path / "take")
    before, after = stream_facts(source), stream_facts(tmp_path / "take/composite.mov")
    assert after["tags"][:3] == before["tags"][:3]
    assert delivery.outside_change == 0
    assert [info.colour.primaries, info.colour.transfer] == stated
    layer = stream_facts(tmp_path / "take/layer.mov")["tags"]
    assert layer[:2] == tuple(value if value != 2 else 1 for value in stated)


def shown_fields(path: Path) -> str:
    """The field order that the ffmpeg program finds in a movie's first picture: T, B or P."""
    command = [
        ffmpeg_program(),
        "-hide_banner",
        "-i",
        str(path),
        "-vf",
        "showinfo",
        "-frames:v",
        "1",
        "-f",
        "null",
        "-",
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return re.search(r" i:(.) ", said)[1]


FIELDS = {
    "h264": (".mp4", ["-c:v", "libx264", "-flags", "+ildct+ilme", "-pix_fmt", "yuv420p"]),
    "h264_270_rows": (".mp4", ["-c:v", "libx264", "-flags", "+ildct", "-pix_fmt", "yuv422p", "-s", "128x70"]),
    "prores": (".mov", ["-c:v", "prores_ks", "-profile:v", "hq", "-flags", "+ildct", "-pix_fmt", "yuv422p10le"]),
    "mpeg2": (".mpg", ["-c:v", "mpeg2video", "-q:v", 3, "-flags", "+ildct+ilme", "-f", "vob"]),
    "ffv1": (".mkv", ["-c:v", "ffv1", "-level", 3, "-pix_fmt", "yuv422p12le"]),
    "grey": (".mkv", ["-c:v", "ffv1", "-level", 3, "-pix_fmt", "gray"]),
    "v210": (".mov", ["-c:v", "v210"]),
}


@pytest.mark.parametrize("order", ["tff", "bff"])
@pytest.mark.parametrize("name", FIELDS)
def test_field_order_is_kept(tmp_path, name, order):
    suffix, options = FIELDS[name]
    source = tmp_path / f"a{suffix}"
    x264 = ["-x264-params", f"{order}=1"] if "h264" in name else []
    plain = ["-f", "lavfi", "-i", "testsrc2=s=128x72:r=25", "-frames:v", 4]
    run_tool(*plain, *options, "-vf", f"setparams=field_mode={order}", *x264, source)
    info, delivery = deliver(source, tmp_path / "take")
    assert info.field_order == order
    assert delivery.outside_change == 0
    for made in ("composite.mov", "layer.mov", "matte.mov", "master.mkv"):
        assert shown_fields(tmp_path / "take" / made) == order[0].upper(), made
        assert probe(tmp_path / "take" / made).field_order == order, made
    assert shown_fields(tmp_path / "take/preview.mp4") == "P"


@pytest.mark.parametrize("order", ["tff", "bff"])
def test_fields_that_only_the_track_names_are_kept(tmp_path, order):
    source = tmp_path / "a.mov"
    run_tool("-f", "lavfi", "-i", "testsrc2=s=128x72:r=25", "-frames:v", 2, "-c:v", "png", "-pix_fmt", "rgb24",
             "-vf", f"setparams=field_mode={order}", source)  # fmt: skip
    info, delivery = deliver(source, tmp_path / "take")
    assert (info.field_order, probe(tmp_path / "take/composite.mov").field_order) == (order, order)
    assert delivery.outside_change == 0


@pytest.mark.parametrize(
    "codec, aspect", [("h264", Fraction(118, 81)), ("ffv1", Fraction(4320, 4739)), ("png", Fraction(2))]
)
def test_pixel_aspect_is_not_rounded(tmp_path, codec, aspect):
    movie = make_movie(tmp_path / "plain.mov", 1, 25, (96, 72), aspect=aspect)
    if codec != "h264":
        run_tool("-i", movie, "-c:v", codec, "-pix_fmt", CODECS[codec]["pix_fmt"], tmp_path / "a.mov")
        movie = tmp_path / "a.mov"
    assert probe(movie).pixel_aspect == aspect
    deliver(movie, tmp_path / "take")
    for made in ("composite.mov", "layer.mov"):
        assert stream_facts(tmp_path / "take" / made)["aspect"] == aspect


@pytest.mark.parametrize("layer", ["prores4444", "png"])
def test_a_preview_has_the_clip_s_colours_whatever_its_matrix(tmp_path, layer):
    for matrix in (1, 4, 5, 6, 7, 9, 10):
        movie = make_movie(tmp_path / f"{matrix}.mov", 1, tags=(1, 1, matrix if matrix != 10 else 9, 1))
        if matrix == 10:
            run_tool("-i", movie, "-c", "copy", "-bsf:v", "h264_metadata=matrix_coefficients=10", tmp_path / "b.mkv")
            movie = tmp_path / "b.mkv"
        conform, generated, mask, source = disc_take(movie, frames=1)
        deliver_take(conform, source, mask * 0, source, tmp_path / "take", layer=layer)
        run_tool("-i", tmp_path / "take/preview.mp4", "-f", "rawvideo", "-pix_fmt", "rgb24", tmp_path / "a.raw")
        shown = np.fromfile(tmp_path / "a.raw", np.uint8).reshape(72, 128, 3)
        assert np.abs(shown[:30].astype(int) - source[0][:30]).mean() < 4, matrix
