"""The second opinion on a delivery: another decoder, which finds the pictures by itself."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from backend.delivery import deliver
from backend.delivery.deliver import deliver_take
from backend.delivery.verification import program_decoder
from backend.delivery.verification.program_decoder import clip_pictures
from media.probe import probe
from media.read import read_frames
from tests.backend.delivery.takes import disc_take
from tests.media.clips import make_movie, make_sequence, numbered, run_tool


def same(ours: list[np.ndarray], theirs: list[np.ndarray]) -> bool:
    return all(np.array_equal(mine, other) for mine, other in zip(ours, theirs, strict=True))


def agrees(info, start: int, count: int) -> bool:
    pairs = zip(read_frames(info, start, count), clip_pictures(info, start, count), strict=True)
    return all(same(frame.planes, planes) for frame, planes in pairs)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi"])
def test_both_decoders_see_the_same_pictures_wherever_they_begin(tmp_path, name):
    info = probe(make_movie(tmp_path / name, 64, options={"g": "8"}))
    assert all(agrees(info, start, 2) for start in (0, 1, 31, 62))


def test_pictures_that_hold_and_cuts_of_an_edit_list(tmp_path):
    info = probe(make_movie(tmp_path / "vfr.mp4", 12, durations=[1, 3, 1, 1, 2, 1] * 2))
    assert info.variable_rate and agrees(info, 1, 10)
    run_tool("-ss", 0.75, "-i", make_movie(tmp_path / "whole.mp4", 48), "-c", "copy", tmp_path / "cut.mp4")
    info = probe(tmp_path / "cut.mp4")
    assert agrees(info, 0, 3) and agrees(info, 25, 3)


def test_a_file_whose_times_do_not_say_the_order(tmp_path):
    make_movie(tmp_path / "a.mp4", 64, options={"g": "8", "bf": "2"})
    with av.open(str(tmp_path / "a.mp4")) as given, av.open(str(tmp_path / "b.mp4"), "w") as made:
        track = made.add_stream_from_template(given.streams.video[0])
        for place, packet in enumerate(given.demux(video=0)):
            if packet.size:
                packet.pts = packet.dts = place * 512
                packet.stream = track
                made.mux(packet)
    info = probe(tmp_path / "b.mp4")
    assert info.packets.stamps != info.packets.seeks
    assert all(agrees(info, start, 3) for start in (0, 9, 40, 60))


FORMATS = {
    "full_range_jpeg": (["-c:v", "mjpeg", "-pix_fmt", "yuvj420p"], ".mov"),
    "full_range": (["-c:v", "libx264", "-pix_fmt", "yuv420p", "-color_range", "pc"], ".mp4"),
    "semiplanar": (["-c:v", "rawvideo", "-pix_fmt", "nv12"], ".avi"),
    "interleaved": (["-c:v", "rawvideo", "-pix_fmt", "uyvy422"], ".mov"),
    "palette": (["-c:v", "png", "-pix_fmt", "pal8"], ".mov"),
    "grey_with_alpha": (["-c:v", "png", "-pix_fmt", "ya8"], ".mov"),
    "one_bit": (["-c:v", "png", "-pix_fmt", "monob"], ".mov"),
    "grey_16": (["-c:v", "png", "-pix_fmt", "gray16be"], ".mov"),
    "rgb_48": (["-c:v", "png", "-pix_fmt", "rgb48be"], ".mov"),
    "planar_rgb": (["-c:v", "ffv1", "-level", 3, "-pix_fmt", "gbrp12le"], ".mkv"),
    "bgra": (["-c:v", "qtrle", "-pix_fmt", "argb"], ".mov"),
    "alpha": (["-c:v", "prores_ks", "-pix_fmt", "yuva444p10le"], ".mov"),
    "gif": ([], ".gif"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_both_decoders_give_the_same_code_values(tmp_path, name):
    options, suffix = FORMATS[name]
    run_tool("-f", "lavfi", "-i", "testsrc2=s=66x38:r=25", "-frames:v", 2, *options, tmp_path / f"a{suffix}")
    assert agrees(probe(tmp_path / f"a{suffix}"), 0, 2)


@pytest.mark.parametrize("kind", ["half", "float"])
@pytest.mark.parametrize("pix_fmt", ["gbrpf32le", "gbrapf32le", "grayf32le"])
def test_float_pictures_are_compared_as_they_are(tmp_path, kind, pix_fmt):
    make_sequence(tmp_path / "png", count=2)
    (tmp_path / "50%done").mkdir()
    run_tool("-start_number", 1001, "-i", tmp_path / "png/shot.%04d.png", "-pix_fmt", pix_fmt, "-format:v", kind,
             tmp_path / "50%%done/shot.%04d.exr")  # fmt: skip
    info = probe(tmp_path / "50%done")
    assert info.pix_fmt == (pix_fmt if kind == "float" else pix_fmt.replace("f32", "f16"))
    assert agrees(info, 0, 2) and agrees(info, 1, 1)


def test_numbers_below_zero_and_marks_in_names(tmp_path):
    folder = tmp_path / "%04d [1-2]"
    folder.mkdir()
    for number in range(-3, 3):
        sign = "-" if number < 0 else ""
        Image.fromarray(numbered(number + 3)).save(folder / f"100%d #.{sign}{abs(number):04d}.png")
    assert agrees(probe(folder), 0, 6) and agrees(probe(folder), 4, 2)
    single = folder / "plate %d.png"
    Image.fromarray(numbered(9)).save(single)
    assert agrees(probe(single), 0, 1)


def one_late(info, start, count):
    """A reader that is one picture late."""
    return (replace(frame, index=frame.index - 1) for frame in read_frames(info, start + 1, count))


def one_value_off(info, start, count):
    """A reader that gets one code value of the last picture wrong."""
    for frame in read_frames(info, start, count):
        if frame.index == start + count - 1:
            frame.planes[0][-1, -1] += 1
        yield frame


@pytest.mark.parametrize(("reader", "least", "most"), [(one_late, 50, 255), (one_value_off, 1, 1)])
def test_what_our_reader_reads_wrong_is_found(tmp_path, monkeypatch, reader, least, most):
    conform, *take = disc_take(make_movie(tmp_path / "a.mov", 8), start=2, count=4)
    monkeypatch.setattr(deliver, "read_frames", reader)
    assert least <= deliver_take(conform, *take, tmp_path / "take").outside_change <= most


@pytest.mark.parametrize("name", ["clip_pictures", "composite_pictures"])
def test_a_picture_that_is_missing_counts_as_the_greatest_change(tmp_path, monkeypatch, name):
    def shorter(*arguments):
        found = list(getattr(program_decoder, name)(*arguments))
        yield from found[:-1]

    conform, *take = disc_take(make_movie(tmp_path / "a.mov", 4))
    monkeypatch.setattr(deliver, name, shorter)
    assert deliver_take(conform, *take, tmp_path / "take").outside_change == 255


def test_a_composite_of_another_length_counts_as_the_greatest_change(tmp_path):
    conform, *take = disc_take(make_movie(tmp_path / "a.mov", 4), rate=Fraction(24))
    delivery = deliver_take(conform, *take, tmp_path / "take")
    assert delivery.outside_change == 0
    longer = program_decoder.composite_pictures(tmp_path / "a.mov", conform.info, 0)
    assert len(list(longer)) == 4
