from __future__ import annotations

from pathlib import Path

import pytest

from bridge.editorial.clip_media import media_search
from bridge.editorial.clip_media.media_search import MediaSearch
from contract.errors import BadTimeline
from tests.bridge.editorial import exported as ex


@pytest.mark.parametrize(
    "name", ["A001_C002.mov", "a001_c002", "A001_C002.mxf", "/old/place/A001_C002.mov", r"D:\card\A001_C002.MOV"]
)
def test_whole_names_and_names_without_suffix(tmp_path: Path, name: str) -> None:
    media = ex.footage(tmp_path / "day 1" / "card", "A001_C002.mov")
    ex.footage(tmp_path / "day 1" / "card", "A001_C002.wav")
    ex.footage(tmp_path / "day 1", "A001_C0021.mov")
    ex.footage(tmp_path / "day 1", ".A001_C002.mov")
    assert MediaSearch([tmp_path]).named([name]) == media


def test_a_whole_name_outranks_one_without_suffix_and_the_first_name_the_others(tmp_path: Path) -> None:
    movie, proxy = ex.footage(tmp_path, "a.mov"), ex.footage(tmp_path, "a.mp4")
    reel = ex.footage(tmp_path, "REEL7.mov")
    search = MediaSearch([tmp_path])
    assert (search.named(["a.mp4", "REEL7"]), search.named(["A.MOV"])) == (proxy, movie)
    assert search.named(["nothing", "reel7"]) == reel and search.named(["nothing", ".."]) is None


def test_several_are_refused_and_naming_one_of_them_chooses(tmp_path: Path) -> None:
    first = ex.footage(tmp_path / "card 1", "C0001.MP4")
    second = ex.footage(tmp_path / "card 2", "C0001.MP4")
    with pytest.raises(BadTimeline) as caught:
        MediaSearch([tmp_path]).named(["C0001.MP4"])
    problem = caught.value
    assert first in problem.why and second in problem.why and f"--media {first}" in problem.remedy
    assert MediaSearch([tmp_path, Path(second)]).named(["C0001.MP4"]) == second
    assert MediaSearch([tmp_path / "card 1"]).named(["C0001.MP4"]) == first


def test_a_link_to_the_same_file_is_no_second_one(tmp_path: Path) -> None:
    media = ex.footage(tmp_path / "raid", "a.mov")
    (tmp_path / "z").mkdir()
    (tmp_path / "z" / "a.mov").symlink_to(media)
    assert MediaSearch([tmp_path]).named(["a.mov"]) == media


def test_a_named_file_fits_by_the_beginning(tmp_path: Path) -> None:
    """Reels of edit lists are cut to eight or 32 letters."""
    media = ex.footage(tmp_path, "A001C002_210101_R1AB.mov")
    assert MediaSearch([tmp_path]).named(["A001C002"]) is None
    assert MediaSearch([tmp_path]).nearest(["A001C002"]) == [media]
    assert MediaSearch([Path(media)]).named(["A001C002"]) == media
    assert MediaSearch([Path(media)]).named(["B001"]) is None


def test_sequences_by_their_name_any_of_their_patterns_or_a_picture(tmp_path: Path) -> None:
    first, *_ = [ex.footage(tmp_path / "plates", f"sky v2.{number:04d}.exr") for number in (7, 8, 9)]
    search = MediaSearch([tmp_path])
    for name in ("sky v2", "sky v2.[0007-0009].exr", "sky v2.%04d.exr", "sky v2.####.exr", "/x/sky v2.0007.exr"):
        assert search.named([name]) == first, name


def test_a_folder_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        ex.footage(tmp_path / f"{number % 4}", f"{number}.mov")
    walks, walk = [], media_search.os.walk
    monkeypatch.setattr(media_search.os, "walk", lambda folder: walks.append(folder) or walk(folder))
    search = MediaSearch([tmp_path])
    assert all(search.named([str(number)]) for number in range(20)) and walks == [tmp_path]


def test_a_whole_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_search, "_MOST_FILES", 2)
    for name in ("a.mov", "b.mov", "c.mov"):
        ex.footage(tmp_path, name)
    with pytest.raises(BadTimeline, match="more than 2 files"):
        MediaSearch([tmp_path]).named(["a"])
    assert MediaSearch([tmp_path / "a.mov"]).named(["a"]) == str(tmp_path / "a.mov")
