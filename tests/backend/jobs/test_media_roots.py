import os
import socket
from pathlib import Path

import opentimelineio as otio
import pytest
from PIL import Image

from backend.jobs.media_roots import MediaRoots, OutsideMediaRoots, windows_trap
from backend.jobs.sources import open_source
from bridge.editorial.rates import as_time
from contract.errors import BadUsage
from media.errors import MissingMedia
from tests.media.clips import make_movie

FRAMES, RATE = 9, 8

needs_links = pytest.mark.skipif(os.name == "nt", reason="links need an administrator on Windows")


def write_movie(path: Path) -> Path:
    return make_movie(path, FRAMES, RATE)


@pytest.fixture
def media(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return write_movie(folder / "secret.mp4")


def refuses(roots: MediaRoots, path: object) -> OutsideMediaRoots:
    with pytest.raises(OutsideMediaRoots) as caught:
        roots.check(path)
    assert caught.value.kind == "outside_media_roots" and caught.value.why and caught.value.remedy
    return caught.value


def test_what_lies_below_a_root_is_given_back_resolved(media: Path) -> None:
    (media / "a").mkdir()
    (media / "a" / "clip.mov").write_bytes(b"x")
    roots = MediaRoots([media / "a" / ".." / "a", media])
    assert roots.check(media / "a" / ".." / "a" / "clip.mov") == media / "a" / "clip.mov"
    assert roots.check(str(media)) == media
    assert roots.roots == (media / "a", media)


def test_outside_is_refused_whether_it_exists_or_not(media: Path, outside: Path) -> None:
    roots = MediaRoots([media])
    assert str(media) in refuses(roots, outside).why
    refuses(roots, outside.with_name("nothing.mp4"))
    refuses(roots, outside.parent)
    refuses(roots, f"{media}/../elsewhere/secret.mp4")
    refuses(roots, f"{media}-2/clip.mov")
    refuses(roots, "media/clip.mov")
    refuses(roots, "")
    refuses(roots, f"{media}/a\0b")
    refuses(roots, f"{media}/\ud800")
    refuses(roots, outside.with_name("shot.%04d.png"))
    refuses(MediaRoots([]), media)


def test_missing_below_a_root_is_missing(media: Path) -> None:
    with pytest.raises(MissingMedia):
        MediaRoots([media]).check(media / "clip.mov")
    with pytest.raises(MissingMedia):
        MediaRoots([media]).check(media / "nothing" / "shot.%04d.png")


def test_a_pattern_stands_for_its_folder(media: Path) -> None:
    assert MediaRoots([media]).check(media / "shot.%04d.png") == media / "shot.%04d.png"


@needs_links
def test_links_count_as_what_they_lead_to(media: Path, outside: Path) -> None:
    (media / "file.mp4").symlink_to(outside)
    (media / "folder").symlink_to(outside.parent)
    (media / "loop").symlink_to(media / "loop")
    (media / "dangling").symlink_to(outside.with_name("later.mp4"))
    (media / "real.mp4").write_bytes(b"x")
    (media / "inside.mp4").symlink_to("real.mp4")
    roots = MediaRoots([media])
    for name in ("file.mp4", "folder", "folder/secret.mp4", "folder/shot.%04d.png", "loop", "dangling"):
        refuses(roots, media / name)
    assert roots.check(media / "inside.mp4") == media / "real.mp4"


@needs_links
def test_a_root_may_itself_be_a_link(media: Path, tmp_path: Path) -> None:
    (media / "clip.mov").write_bytes(b"x")
    (tmp_path / "mount").symlink_to(media)
    roots = MediaRoots([tmp_path / "mount"])
    assert roots.check(tmp_path / "mount" / "clip.mov") == roots.check(media / "clip.mov") == media / "clip.mov"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes and devices among its files")
def test_special_files_are_refused_without_being_opened(media: Path, tmp_path: Path) -> None:
    os.mkfifo(media / "pipe.mov")
    (media / "zero.mov").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listener:
        # A socket's path may have only 104 characters on macOS.
        here = os.getcwd()
        os.chdir(media)
        listener.bind("socket.mov")
        os.chdir(here)
        for name in ("pipe.mov", "socket.mov"):
            assert "pipe" in refuses(MediaRoots([media]), media / name).why
    assert "device" in refuses(MediaRoots(["/"]), media / "zero.mov").why
    with pytest.raises(OutsideMediaRoots):
        open_source(str(media / "pipe.mov"), unpacked=tmp_path / "unpacked", check=MediaRoots([media]).check)


def test_a_folder_is_recognised_under_another_spelling(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On disks that ignore upper and lower case, as on macOS and Windows."""
    (media / "clip.mov").write_bytes(b"x")
    real_stat = Path.stat
    shouted = Path(str(media).upper())

    def stat_ignoring_case(path: Path, **options: bool) -> os.stat_result:
        return real_stat(Path(str(path).replace(str(shouted), str(media)).replace("CLIP.MOV", "clip.mov")), **options)

    roots = MediaRoots([media])
    refuses(roots, shouted / "clip.mov")
    monkeypatch.setattr(Path, "stat", stat_ignoring_case)
    monkeypatch.setattr(os.path, "lexists", lambda path: True)
    assert roots.check(shouted / "CLIP.MOV") == shouted / "CLIP.MOV"


def test_outputs_need_not_exist(media: Path, outside: Path) -> None:
    roots = MediaRoots([media])
    assert roots.check_output(media / "new" / "job") == media / "new" / "job"
    (media / "file").write_bytes(b"x")
    for path in (outside.parent / "new", media / "file", media / ".." / "new", "new"):
        with pytest.raises(OutsideMediaRoots):
            roots.check_output(path)


@needs_links
def test_outputs_do_not_leave_by_a_link(media: Path, outside: Path) -> None:
    (media / "out").symlink_to(outside.parent)
    (media / "later").symlink_to(outside.parent / "later")
    for path in (media / "out", media / "out" / "job", media / "later" / "job"):
        with pytest.raises(OutsideMediaRoots):
            MediaRoots([media]).check_output(path)


def test_a_root_is_a_folder(media: Path) -> None:
    (media / "file").write_bytes(b"x")
    with pytest.raises(BadUsage):
        MediaRoots([media / "file"])
    later = MediaRoots([media / "mounted later"])
    (media / "mounted later").mkdir()
    assert later.check(media / "mounted later") == media / "mounted later"


@pytest.mark.parametrize(
    "text",
    [r"\\.\PhysicalDrive0", r"\\?\C:\media\clip.mov", r"\??\C:\x", r"C:\media\NUL", r"C:\media\con.mov", r"C:\a.mov:b"],
)
def test_windows_paths_that_are_no_files(text: str) -> None:
    assert windows_trap(text)


@pytest.mark.parametrize("text", [r"C:\media\clip.mov", r"\\server\share\clip.mov", "D:/media/console.mov"])
def test_windows_paths_that_are_files(text: str) -> None:
    assert not windows_trap(text)


# Through a timeline ---------------------------------------------------------------------------------------------------


def timeline_to(reference: otio.core.MediaReference, path: Path) -> str:
    reference.available_range = otio.opentime.TimeRange(as_time(0, RATE), as_time(FRAMES, RATE))
    timeline = otio.schema.Timeline("cut", global_start_time=as_time(0, RATE))
    clip = otio.schema.Clip("shot", reference, reference.available_range)
    timeline.tracks.append(otio.schema.Track("V1", [clip], kind=otio.schema.TrackKind.Video))
    otio.adapters.write_to_file(timeline, str(path))
    return str(path)


def opens(source: str, media: Path, unpacked: Path, **options: object) -> str:
    return open_source(source, unpacked=unpacked, check=MediaRoots([media, unpacked]).check, **options).info.path


def test_a_timeline_leads_nowhere_but_below_the_roots(media: Path, outside: Path, tmp_path: Path) -> None:
    inside = write_movie(media / "clip.mp4")
    unpacked = tmp_path / "unpacked"
    good = timeline_to(otio.schema.ExternalReference(str(inside)), media / "good.otio")
    assert opens(good, media, unpacked) == str(inside)
    for number, url in enumerate((str(outside), f"file://{outside}", "../elsewhere/secret.mp4")):
        bad = timeline_to(otio.schema.ExternalReference(url), media / f"bad {number}.otio")
        assert open_source(bad, unpacked=unpacked).info.path == str(outside)
        with pytest.raises(OutsideMediaRoots):
            opens(bad, media, unpacked)
    moved = timeline_to(otio.schema.ExternalReference("/gone/secret.mp4"), media / "moved.otio")
    with pytest.raises(OutsideMediaRoots):
        opens(moved, media, unpacked, media_folders=(outside.parent,))


def test_the_timeline_itself_lies_below_the_roots(media: Path, outside: Path, tmp_path: Path) -> None:
    inside = write_movie(media / "clip.mp4")
    elsewhere = timeline_to(otio.schema.ExternalReference(str(inside)), outside.with_name("cut.otio"))
    with pytest.raises(OutsideMediaRoots):
        opens(elsewhere, media, tmp_path / "unpacked")


def test_a_bundle_brings_its_own_media(media: Path, tmp_path: Path) -> None:
    write_movie(media / "clip.mp4")
    timeline_to(otio.schema.ExternalReference(f"file://{media / 'clip.mp4'}"), media / "cut.otio")
    otio.adapters.write_to_file(otio.adapters.read_from_file(str(media / "cut.otio")), str(media / "cut.otioz"))
    unpacked = tmp_path / "unpacked"
    assert Path(opens(str(media / "cut.otioz"), media, unpacked)).is_relative_to(unpacked)
    with pytest.raises(OutsideMediaRoots):
        open_source(str(media / "cut.otioz"), unpacked=unpacked, check=MediaRoots([media]).check)


@needs_links
@pytest.mark.parametrize("how", ["folder", "pattern", "timeline"])
def test_every_picture_of_a_sequence_is_looked_at(media: Path, outside: Path, tmp_path: Path, how: str) -> None:
    for number in range(FRAMES):
        Image.new("RGB", (48, 32), (90, number, 90)).save(media / f"shot.{number:04d}.png")
    reference = otio.schema.ImageSequenceReference(
        str(media), "shot.", ".png", 0, 1, float(RATE), 4, available_range=None
    )
    cut = timeline_to(reference, tmp_path / "cut.otio")
    (media / "cut.otio").write_bytes(Path(cut).read_bytes())
    source = {"folder": media, "pattern": media / "shot.%04d.png", "timeline": media / "cut.otio"}[how]
    assert opens(str(source), media, tmp_path / "unpacked")
    last = media / f"shot.{FRAMES - 1:04d}.png"
    last.rename(outside.with_name("secret.png"))
    last.symlink_to(outside.with_name("secret.png"))
    assert open_source(str(source), unpacked=tmp_path / "unpacked")
    with pytest.raises(OutsideMediaRoots):
        opens(str(source), media, tmp_path / "unpacked")
