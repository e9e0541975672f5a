"""Movies whose header speaks of more than is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from media.probe import probe
from media.read import read_frames
from tests.media.clips import make_movie, number_of, run_tool


@pytest.mark.parametrize(("name", "codec"), [("a.mkv", "libx264"), ("b.mkv", "ffv1"), ("c.avi", "mjpeg")])
def test_a_file_that_was_cut_off_says_what_is_missing(tmp_path: Path, name: str, codec: str) -> None:
    options = {"pix_fmt": "yuvj420p", "tags": (1, 1, 1, 2)} if codec == "mjpeg" else {}
    path = make_movie(tmp_path / name, 40, codec=codec, **options)
    assert probe(path).notes == ()
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    info = probe(path)
    assert 10 < info.frame_count < 36
    assert info.notes[-1].startswith(f"The file's header speaks of 40 frames, and {info.frame_count} were found")
    part = read_frames(info, 0, info.frame_count - 4)
    assert [number_of(frame.rgb()) for frame in part] == list(range(info.frame_count - 4))


def test_a_late_start_is_no_loss(tmp_path: Path) -> None:
    run_tool("-i", make_movie(tmp_path / "a.mp4", 24), "-c", "copy", "-bsf:v", "setts=ts=TS+400000", tmp_path / "b.mkv")
    info = probe(tmp_path / "b.mkv")
    assert (info.frame_count, info.notes) == (24, ()) and info.times.start > 10


def test_sound_that_is_longer_is_no_loss(tmp_path: Path) -> None:
    path = make_movie(tmp_path / "a.mkv", 24, sound="aac")
    assert probe(path).notes == ()
