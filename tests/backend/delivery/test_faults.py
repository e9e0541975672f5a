"""Bad clips, full disks and killed runs: each with its own words, none with half-written files."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from backend.delivery.deliver import deliver_take
from backend.delivery.ffmpeg import encode_error
from contract.errors import BadMedia, Cancelled, OutOfDisk
from media import errors
from media.probe import probe
from media.read import read_frames
from tests.backend.delivery.takes import disc_take
from tests.media.clips import make_movie, make_sequence, run_tool

ROOT = Path(__file__).parents[3]


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def cut_off(folder: Path, fast_start: bool) -> Path:
    whole = make_movie(folder / "whole.mp4", 40, size=(256, 144))
    if fast_start:
        run_tool("-i", whole, "-c", "copy", "-movflags", "+faststart", folder / "fast.mp4")
        whole = folder / "fast.mp4"
    data = whole.read_bytes()
    return write(folder / "cut.mp4", data[: len(data) * 2 // 3])


def sound_only(folder: Path) -> Path:
    run_tool("-f", "lavfi", "-i", "sine=d=0.2", folder / "tone.wav")
    return folder / "tone.wav"


def with_hole(folder: Path) -> str:
    pattern = make_sequence(folder / "seq", count=6)
    (folder / "seq/shot.1003.png").unlink()
    return pattern


def empty_folder(folder: Path) -> Path:
    (folder / "nothing").mkdir()
    return folder / "nothing"


def empty_picture(folder: Path) -> str:
    pattern = make_sequence(folder / "seq", count=3)
    write(folder / "seq/shot.1002.png", b"")
    return pattern


def unknown_pixels(folder: Path) -> Path:
    return make_movie(folder / "a.mkv", 1, codec="ffv1", pix_fmt="yuv444p", tags=(1, 1, 8, 1))


BAD = {
    "missing": (lambda folder: folder / "none.mov", errors.MissingMedia),
    "no bytes": (lambda folder: write(folder / "a.mov", b""), errors.EmptyMedia),
    "text": (lambda folder: write(folder / "a.mov", b"this is a shopping list\n" * 40), errors.NotMedia),
    "random bytes": (lambda folder: write(folder / "a.mp4", np.random.default_rng(0).bytes(5000)), errors.NotMedia),
    "cut off, index lost": (lambda folder: cut_off(folder, False), errors.DamagedMedia),
    "cut off, index kept": (lambda folder: cut_off(folder, True), errors.DamagedMedia),
    "sound only": (sound_only, errors.NoPicture),
    "hole in a sequence": (with_hole, errors.MissingFrames),
    "range with a hole": (lambda folder: with_hole(folder).replace("%04d", "[1001-1006]"), errors.MissingFrames),
    "empty picture": (empty_picture, errors.EmptyMedia),
    "empty folder": (empty_folder, errors.EmptyMedia),
    "no such folder": (lambda folder: folder / "none/shot.%04d.png", errors.MissingMedia),
    "no such pattern": (lambda folder: make_sequence(folder).replace("shot", "shoot"), errors.MissingMedia),
    "unknown matrix": (unknown_pixels, errors.UnsupportedPixels),
}


@pytest.mark.parametrize("name", BAD)
def test_every_bad_clip_has_its_own_error(tmp_path, name):
    make, kind = BAD[name]
    clip = make(tmp_path)
    with pytest.raises(kind) as caught:
        probe(clip)
    assert isinstance(caught.value, BadMedia)
    assert type(caught.value) is kind
    assert caught.value.what
    assert caught.value.remedy
    assert caught.value.kind == kind.kind


def test_error_kinds_are_distinct():
    kinds = [
        kind.kind for kind in vars(errors).values() if isinstance(kind, type) and kind.__module__ == errors.__name__
    ]
    assert len(set(kinds)) == len(kinds)


def test_several_sequences_in_one_folder_are_named(tmp_path):
    make_sequence(tmp_path, "left.%04d.png")
    make_sequence(tmp_path, "right.%04d.png")
    with pytest.raises(errors.MissingMedia, match=r"left\.####\.png, right\.####\.png"):
        probe(tmp_path)


def unprivileged(path: Path) -> str:
    """Probe in a process that may not read the path, even when the tests run as root."""
    program = (
        "import os, sys\n"
        "from media.probe import probe\n"
        "from contract.errors import Problem\n"
        "if os.getuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: probe(sys.argv[1])\n"
        "except Problem as problem: print(problem.kind)\n"
    )
    result = subprocess.run([sys.executable, "-c", program, str(path)], cwd=ROOT, capture_output=True, text=True)
    return result.stdout.strip()


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_files_and_folders_that_may_not_be_read(tmp_path):
    for folder in (each for each in (tmp_path, *tmp_path.parents) if "pytest-of-" in str(each)):
        folder.chmod(folder.stat().st_mode | 0o055)
    make_sequence(tmp_path / "shut")
    movie = make_movie(tmp_path / "a.mov", 1)
    movie.chmod(0)
    (tmp_path / "shut").chmod(0)
    try:
        assert unprivileged(movie) == "media_unreadable"
        assert unprivileged(tmp_path / "shut") == "media_unreadable"
    finally:
        (tmp_path / "shut").chmod(0o755)


def test_a_sequence_that_changes_size_is_refused_at_that_frame(tmp_path):
    pattern = make_sequence(tmp_path, count=3)
    run_tool("-i", tmp_path / "shot.1002.png", "-vf", "scale=64:36", "-update", 1, tmp_path / "small.png")
    os.replace(tmp_path / "small.png", tmp_path / "shot.1002.png")
    with pytest.raises(errors.MissingFrames, match=r"shot\.1002\.png is 64x36, not 128x72"):
        list(read_frames(probe(pattern), 0, 3))


def test_damage_in_the_middle_is_found_when_it_is_read(tmp_path):
    pattern = make_sequence(tmp_path, count=3)
    data = (tmp_path / "shot.1002.png").read_bytes()
    write(tmp_path / "shot.1002.png", data[:60])
    with pytest.raises(errors.DamagedMedia, match=r"shot\.1002\.png"):
        list(read_frames(probe(pattern), 0, 3))


@pytest.mark.parametrize(
    ("code", "said", "kind"),
    [
        (228, "av_interleaved_write_frame(): No space left on device", OutOfDisk),
        (1, "[out#0/mov] Error writing trailer: Disk quota exceeded", OutOfDisk),
        (1, "/mnt/a.mov: Permission denied", OutOfDisk),
        (1, "Error opening output: Read-only file system", OutOfDisk),
        (187, "[libx264] width not divisible by 2", errors.EncodeFailed),
        (187, "", errors.EncodeFailed),
    ],
)
def test_ffmpeg_s_last_words_become_the_right_error(tmp_path, code, said, kind):
    error = encode_error(code, [said], tmp_path / "a.mov", 7_000_000)
    assert type(error) is kind
    assert str(tmp_path / "a.mov") in error.what
    if "space" in said:
        assert "7 MB" in error.remedy


def test_too_little_space_is_said_before_anything_is_written(tmp_path, monkeypatch):
    conform, *take = disc_take(make_movie(tmp_path / "a.mov", 4))
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr("backend.delivery.atomic_output_folder.shutil.disk_usage", lambda path: usage)
    with pytest.raises(OutOfDisk, match=f"{tmp_path / 'take'} could not be written.*Free about [0-9]+ MB"):
        deliver_take(conform, *take, tmp_path / "take")
    assert [path.name for path in tmp_path.iterdir()] == ["a.mov"]


LIMITED = """
import resource, sys
from pathlib import Path
from backend.delivery.deliver import deliver_take
from contract.errors import OutOfDisk
from tests.backend.delivery.takes import disc_take
conform, *take = disc_take(sys.argv[1], grid=(144, 256))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
try:
    deliver_take(conform, *take, sys.argv[2], layer=sys.argv[4])
except OutOfDisk as error:
    print(error.kind, error.what)
"""


def noise(number: int, width: int, height: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 255, (height, width, 3), np.uint8)


@pytest.mark.skipif(os.name == "nt", reason="POSIX file size limit")
@pytest.mark.parametrize("layer", ["prores4444", "png"])
def test_a_disk_that_fills_up_on_the_way(tmp_path, layer):
    """A limit on file size stands in for a full disk: ffmpeg meets it in the middle of a file either way."""
    source = make_movie(tmp_path / "a.mov", 12, size=(256, 144), picture=noise)
    command = [sys.executable, "-c", LIMITED, source, tmp_path / "take", "150000", layer]
    result = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.stdout.startswith(f"out_of_disk The disk is full: {tmp_path / 'take'}"), result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.mov"]


KILLED = """
import sys, time
from backend.delivery.deliver import deliver_take
from tests.backend.delivery.takes import disc_take
conform, *take = disc_take(sys.argv[1])
def stop(done, total):
    if done == 3:
        print("ready", flush=True)
        time.sleep(60)
deliver_take(conform, *take, sys.argv[2], on_progress=stop)
"""


def test_a_killed_run_is_cleaned_by_the_next(tmp_path):
    source = make_movie(tmp_path / "a.mov", 6)
    command = [sys.executable, "-c", KILLED, str(source), str(tmp_path / "take")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert (tmp_path / ".take.partial").exists()
    assert not (tmp_path / "take").exists()
    conform, *take = disc_take(source)
    deliver_take(conform, *take, tmp_path / "take")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mov", "take"]


def test_a_run_killed_between_the_renames_gives_the_old_take_back(tmp_path):
    conform, *take = disc_take(make_movie(tmp_path / "a.mov", 3))
    (tmp_path / ".take.old").mkdir()
    (tmp_path / ".take.old/older.txt").write_text("older")
    with pytest.raises(Cancelled):
        deliver_take(conform, *take, tmp_path / "take", cancelled=lambda: True)
    assert (tmp_path / "take/older.txt").read_text() == "older"
