"""The check of a shot before any work."""

from __future__ import annotations

from collections.abc import Generator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

import media.decoding.movie_decoder
from backend.delivery.verification import trial
from backend.jobs.preflight import preflight
from backend.jobs.sources import open_source
from backend.jobs.take_job import run
from bridge.local.job_folder import JobFolder
from contract.errors import OutOfDisk, Problem
from contract.events import JobNotice, ModelOpened, ShotChecked, StageProgress
from contract.job import JobSpec
from contract.preflight import Preflight
from contract.take import read_take
from media.errors import DamagedMedia, EncodeFailed, MissingFrames, UnfaithfulDelivery
from tests.backend.jobs.small_jobs import HEIGHT, INSTRUCTION, WIDTH, use_small_models
from tests.contract.sample_job import a_job
from tests.media.clips import make_movie, make_sequence


def check(path: Path | str, folder: Path, part: tuple[int, int] | None = None, takes: int = 1) -> Preflight:
    return list_of(start(path, folder, part, takes))[1]


def start(
    path: Path | str, folder: Path, part: tuple[int, int] | None = None, takes: int = 1
) -> Generator[StageProgress, None, Preflight]:
    folder.mkdir(exist_ok=True)
    source = open_source(str(path), None, part, unpacked=folder / "unpacked")
    return preflight(source, JobFolder(folder), "prores4444", takes)


def list_of(steps: Generator[StageProgress, None, Preflight]) -> tuple[list[StageProgress], Preflight]:
    events = []
    while True:
        try:
            events.append(next(steps))
        except StopIteration as end:
            return events, end.value


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The places of the pictures of clips that were decoded; what was delivered and read back is left out."""
    seen: list[int] = []
    original = media.decoding.movie_decoder.MovieDecoder.pictures_from

    def counting(self, ordinal):
        for picture in original(self, ordinal):
            if "trial" not in self._path:
                seen.append(picture.ordinal)
            yield picture

    monkeypatch.setattr(media.decoding.movie_decoder.MovieDecoder, "pictures_from", counting)
    return seen


def plain(number: int, width: int, height: int) -> np.ndarray:
    """A grey picture: what the small segmenter takes for an empty shot."""
    return np.full((height, width, 3), 120, np.uint8)


def break_picture(path: Path, number: int) -> None:
    """Zeros in the middle of one packet of a movie."""
    with av.open(str(path)) as container:
        packet = [each for each in container.demux(video=0) if each.size][number]
        place = packet.pos + packet.size // 3
        size = packet.size // 3
    data = bytearray(path.read_bytes())
    data[place : place + size] = bytes(size)
    path.write_bytes(data)


def test_a_plain_clip_has_nothing_unusual(tmp_path: Path):
    events, report = list_of(start(make_movie(tmp_path / "a.mov", 40), tmp_path / "out"))
    assert (report.frames, report.held, report.notices) == (40, [], [])
    assert report.summary == "40 frames checked, nothing unusual."
    assert {check.subject for check in report.checks} == {"pictures", "rate", "orientation", "colour", "delivery"}
    assert [(event.stage, event.take, event.steps) for event in events] == [("checking", 0, 40)] * len(events)
    assert 2 < len(events) <= 21 and events[-1].step == 40
    assert not list((tmp_path / "out").glob("*trial*")), "the trial left files"


def test_held_frames_are_named(tmp_path: Path):
    durations = [3 if number == 5 else 1 for number in range(12)]
    report = check(make_movie(tmp_path / "vfr.mp4", 12, 24, durations=durations), tmp_path / "out")
    assert report.held == [(6, 7)]
    assert "Frames 6 to 7 repeat the picture before: the file has none of their own." in report.notices


def test_frames_of_a_part_count_as_its_user_counts(tmp_path: Path):
    durations = [3 if number == 5 else 1 for number in range(12)]
    report = check(make_movie(tmp_path / "vfr.mp4", 12, 24, durations=durations), tmp_path / "out", (4, 9))
    assert (report.frames, report.held) == (6, [(2, 3)])
    assert any("Frames 6 to 7 repeat" in text for text in report.notices)


def test_every_damaged_frame_is_named_and_a_part_without_them_works(tmp_path: Path):
    movie = make_movie(tmp_path / "a.mov", 20, codec="prores_ks", pix_fmt="yuv422p10le", tags=(1, 1, 1, 1))
    for number in (7, 8, 15):
        break_picture(movie, number)
    with pytest.raises(DamagedMedia, match="Frames 7 to 8, 15 of") as raised:
        check(movie, tmp_path / "out")
    assert "choose a part of the clip without these frames" in raised.value.remedy
    assert check(movie, tmp_path / "out", (9, 14)).notices == []


def test_a_long_file_costs_its_range_only(tmp_path: Path, decoded: list[int]):
    movie = make_movie(tmp_path / "long.mp4", 240)
    check(movie, tmp_path / "out", (200, 219))
    # The range by the check; its first frame for the trial: the model's picture, the delivery, its grain.
    assert min(decoded) >= 180, "decoded from far before the range"
    assert len(decoded) <= 20 + 5 * 13


def test_the_same_files_are_not_decoded_twice(tmp_path: Path, decoded: list[int]):
    movie = make_movie(tmp_path / "a.mov", 20)
    first = check(movie, tmp_path / "out")
    decoded.clear()
    assert check(movie, tmp_path / "out") == first
    assert decoded == []
    check(movie, tmp_path / "out", (0, 9))
    assert decoded != [], "another range is another check"
    decoded.clear()
    make_movie(tmp_path / "a.mov", 22)
    assert check(movie, tmp_path / "out").frames == 22
    assert decoded != [], "another file is another check"


def test_a_sequence_with_one_odd_picture_is_refused(tmp_path: Path):
    pattern = make_sequence(tmp_path / "shot", count=6)
    assert check(pattern, tmp_path / "whole").frames == 6
    Image.new("RGB", (128, 70)).save(pattern % 1004)
    with pytest.raises(MissingFrames, match=r"shot\.1004\.png is 128x70, not 128x72"):
        check(pattern, tmp_path / "out")
    assert check(pattern, tmp_path / "part", (0, 2)).frames == 3


@pytest.mark.parametrize("suffix", ["jpg", "exr"])
def test_half_a_picture_is_damage(tmp_path: Path, suffix: str):
    from tests.media.clips import run_tool

    pattern = make_sequence(tmp_path / "png", count=4)
    (tmp_path / "shot").mkdir()
    target = tmp_path / "shot" / f"a.%04d.{suffix}"
    run_tool("-start_number", 1001, "-i", pattern, "-start_number", 1, target)
    assert check(str(target), tmp_path / "whole").frames == 4
    half = Path(str(target) % 3)
    half.write_bytes(half.read_bytes()[: half.stat().st_size // 2])
    with pytest.raises(DamagedMedia, match=f"0003.{suffix} is damaged"):
        check(str(target), tmp_path / "out")


def test_what_cannot_be_written_is_known_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> None:
        raise EncodeFailed("ffmpeg could not write it.", "an option is unknown")

    monkeypatch.setattr(trial, "deliver_take", refuse)
    use_small_models(monkeypatch)
    spec = a_job(source=str(make_movie(tmp_path / "a.mov", 9)), instruction=INSTRUCTION, output=tmp_path / "out")
    events = []
    with pytest.raises(EncodeFailed):
        for event in run(spec):
            events.append(event)
    assert not any(isinstance(event, ModelOpened) for event in events)


def test_a_composite_with_other_pixels_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("backend.delivery.deliver._Job.measure_outside", lambda job: 3.0)
    with pytest.raises(UnfaithfulDelivery, match="by up to 3 code values"):
        check(make_movie(tmp_path / "a.mov", 9), tmp_path / "out")


def test_room_is_looked_for_at_each_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    movie = make_movie(tmp_path / "a.mov", 9)
    check(movie, tmp_path / "out")
    usage = __import__("collections").namedtuple("usage", "total used free")(10**12, 10**12, 10**6)
    monkeypatch.setattr("backend.jobs.determinism.shutil.disk_usage", lambda _: usage)
    with pytest.raises(OutOfDisk, match="too full for 3 takes"):
        check(movie, tmp_path / "out", takes=3)


def test_the_report_is_in_the_take_and_its_notices_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    use_small_models(monkeypatch)
    durations = [2 if number == 3 else 1 for number in range(9)]
    movie = make_movie(tmp_path / "a.mp4", 9, Fraction(8), (WIDTH, HEIGHT), durations=durations, picture=plain)
    spec: JobSpec = a_job(
        source=str(movie), instruction=INSTRUCTION, quality="draft", assistant="offline", output=tmp_path / "out"
    )
    events = list(run(spec))
    report = next(event.report for event in events if isinstance(event, ShotChecked))
    assert report.held == [(4, 4)]
    shown = [event.text for event in events if isinstance(event, JobNotice) and event.kind == "media"]
    assert shown == report.notices != []
    assert read_take(tmp_path / "out" / "takes" / "01").preflight == report


def test_damage_ends_the_job_before_a_model_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    use_small_models(monkeypatch)
    movie = make_movie(tmp_path / "a.mov", 9, Fraction(8), codec="prores_ks", pix_fmt="yuv422p10le")
    break_picture(movie, 4)
    spec = a_job(source=str(movie), instruction=INSTRUCTION, output=tmp_path / "out")
    events = []
    with pytest.raises(Problem) as raised:
        for event in run(spec):
            events.append(event)
    assert (raised.value.kind, raised.value.exit_code) == ("media_damaged", 3)
    assert not any(isinstance(event, ModelOpened) for event in events)
