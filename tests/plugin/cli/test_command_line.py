"""The command as people and scripts use it: exit codes, one paragraph an error, nothing half-written.

In one process, so that faults can be put in; test_service_commands.py takes the way through the service.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import msgspec
import opentimelineio as otio
import pytest
from PIL import Image

import backend.jobs.job_timeline
import backend.jobs.take_job
import backend.jobs.take_making
from bridge.editorial.placement import write_timeline
from bridge.editorial.timeline import timeline_for_media
from contract.events import AnyJobEvent, JobDone, JobFailed, JobStarted, TakeDone
from contract.take import read_take
from plugin.cli import main as command
from tests.backend.jobs.small_jobs import (
    FRAMES,
    INSTRUCTION,
    RATE,
    BlindSegmenter,
    NoiseSegmenter,
    use_no_models,
    use_small_models,
    write_movie,
)
from tests.checkpoints import build_cogvideox


def main(arguments: list[str]) -> int:
    """The command in this very process."""
    return command.main([*arguments, "--in-process"] if arguments[0] in ("add", "refine") else arguments)


@pytest.fixture
def movie() -> Path:
    return write_movie(Path("street.mp4"))


@pytest.fixture
def small_models(monkeypatch: pytest.MonkeyPatch) -> None:
    use_small_models(monkeypatch)


def failure(capsys: pytest.CaptureFixture) -> str:
    """What a failed command said: one paragraph on stderr, no traceback, nothing on stdout."""
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert said.out == ""
    assert said.err.startswith("Error: ")
    return said.err


def test_a_take_by_hand(movie: Path, small_models: None, capsys: pytest.CaptureFixture):
    assert main(["add", str(movie), INSTRUCTION, "--quality", "draft", "--output", "out"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[-1] == f"Timeline: {Path('out').absolute() / 'timeline.otio'}"
    assert "every pixel outside it is the camera's own" in said.out
    assert main(["refine", "out/takes/01", "add a red balloon", "--quality", "draft"]) == 0
    assert Path("out/takes/02/take.json").exists()


def test_takes_within_limits(movie: Path, small_models: None, capsys: pytest.CaptureFixture):
    order = ["add", str(movie), INSTRUCTION, "--quality", "draft", "--output", "out"]
    assert main([*order, "--region", "0,0,0.5,1"]) == 0
    Image.new("L", (24, 16), 255).save("mask.png")
    follow = ["refine", "out/takes/01", "add a red balloon", "--quality", "draft"]
    assert main([*follow, "--mask", "mask.png", "--mask-frame", "4", "--levels", "699,499"]) == 0
    first, second = (read_take(Path(f"out/takes/{number:02d}")).request for number in (1, 2))
    assert first["region"] == [0.0, 0.0, 0.5, 1.0] and first["mask"] is None
    assert second["mask"]["frame"] == 4 and second["region"] is None
    assert len(second["levels"]) == 2 < len(first["levels"])
    capsys.readouterr()
    for options, words in (
        (["--mask", "nowhere.png"], "cannot be read"),
        (["--mask", str(movie)], "not a PNG"),
        (["--mask", "mask.png", "--mask-frame", "9"], "has 9 frames"),
    ):
        assert main([*follow, *options]) == 2
        assert words in failure(capsys)
    assert main([*follow, "--levels", "999"]) == 2
    assert "Begin at" in capsys.readouterr().err  # only now the model is known, so the job's beginning is printed
    assert main(order) == 2
    assert "region" in failure(capsys)


def test_a_take_with_a_model_from_a_folder(movie: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    folder = build_cogvideox(Path("model").absolute())
    monkeypatch.setattr(backend.jobs.take_job, "open_segmenter", lambda name: NoiseSegmenter())
    order = ["add", str(movie), INSTRUCTION, "--model", "model", "--quality", "draft", "--output", "out", "--json"]
    assert main(order) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    opened = next(event for event in events if event["event"] == "model_opened")
    assert (opened["model"], opened["licence"]) == (str(folder), "test-licence")
    take = read_take("out/takes/01")
    assert take.outside_change == 0 and take.model == str(folder)
    use_no_models(monkeypatch)
    assert main(order) == 0


def test_json_reports_everything_on_stdout(movie: Path, small_models: None, capsys: pytest.CaptureFixture):
    assert (
        main(["add", str(movie), INSTRUCTION, "--quality", "draft", "--output", "out", "--json", "--takes", "2"]) == 0
    )
    lines = capsys.readouterr().out.splitlines()
    events = [msgspec.json.decode(line, type=AnyJobEvent) for line in lines]
    assert isinstance(events[0], JobStarted) and events[0].takes == [1, 2]
    assert [event.take for event in events if isinstance(event, TakeDone)] == [1, 2]
    assert isinstance(events[-1], JobDone)


def test_an_object_that_does_not_appear(movie: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    use_small_models(monkeypatch, BlindSegmenter)
    assert main(["add", str(movie), INSTRUCTION, "--quality", "draft", "--json"]) == 4
    failed = msgspec.json.decode(capsys.readouterr().out.splitlines()[-1], type=AnyJobEvent)
    assert isinstance(failed, JobFailed)
    assert (failed.kind, failed.exit_code) == ("object_absent", 4)
    assert failed.what and failed.remedy


@pytest.mark.parametrize("instruction", ["", "   ", "\t\n", "\u200d\u200f", "x" * 10_000, "remove the car"])
def test_instructions_that_ask_for_nothing(movie: Path, small_models: None, instruction: str, capsys):
    assert main(["add", str(movie), instruction, "--output", "out", "--json"]) == 2
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (events[-1]["event"], events[-1]["kind"]) == ("error", "bad_request")
    assert not Path("out/takes").exists()


@pytest.mark.parametrize(
    "instruction", ["add a red balloon 🎈 on the left", "أضف بالونًا أحمر", "Füge einen roten Ballon hinzu"]
)
def test_instructions_in_any_script(movie: Path, small_models: None, instruction: str):
    Path("plan.json").write_text(
        json.dumps(
            {
                "instruction": "x",
                "source_caption": "grey",
                "composite_caption": "a red balloon",
                "target_object": "red balloon",
            }
        )
    )
    assert main(["add", str(movie), instruction, "--output", "out", "--plan", "plan.json", "--plan-only"]) == 0
    assert json.loads(Path("out/plan.json").read_text("utf-8"))["instruction"] == instruction


def zero_bytes() -> str:
    Path("empty.mp4").touch()
    return "empty.mp4"


def cut_off() -> str:
    whole = write_movie(Path("whole.mp4"), 40).read_bytes()
    Path("cut.mp4").write_bytes(whole[: len(whole) // 2])
    return "cut.mp4"


def sound_only() -> str:
    return str(write_movie(Path("sound.mp4"), sound_only=True))


def text_file() -> str:
    Path("notes.mp4").write_text("not a movie")
    return "notes.mp4"


def empty_folder() -> str:
    Path("frames").mkdir()
    return "frames"


def sequence_with_a_hole() -> str:
    Path("holes").mkdir()
    for number in (1, 2, 4):
        Image.new("RGB", (48, 32)).save(f"holes/shot.{number:04d}.png")
    return "holes/shot.%04d.png"


def one_picture() -> str:
    Image.new("RGB", (48, 32)).save("still.png")
    return "still.png"


def bad_timeline() -> str:
    Path("bad.otio").write_text("{}")
    return "bad.otio"


def timeline_without_video() -> str:
    timeline = otio.schema.Timeline("sound")
    timeline.tracks.append(otio.schema.Track(kind=otio.schema.TrackKind.Audio))
    otio.adapters.write_to_file(timeline, "sound.otio")
    return "sound.otio"


def timeline_with_missing_media() -> str:
    write_timeline(timeline_for_media("gone.mp4", Fraction(RATE), FRAMES).timeline, "gone.otio")
    return "gone.otio"


def timeline_longer_than_its_media() -> str:
    write_movie(Path("short.mp4"), 4)
    write_timeline(timeline_for_media("short.mp4", Fraction(RATE), FRAMES).timeline, "long.otio")
    return "long.otio"


@pytest.mark.parametrize(
    "make",
    [
        lambda: "nowhere.mp4",
        lambda: "nowhere.otio",
        lambda: "cut.fcpxml",
        zero_bytes,
        cut_off,
        sound_only,
        text_file,
        empty_folder,
        sequence_with_a_hole,
        one_picture,
        bad_timeline,
        timeline_without_video,
        timeline_with_missing_media,
        timeline_longer_than_its_media,
    ],
)
def test_bad_input_ends_with_3_and_leaves_nothing(
    make: Callable[[], str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    use_no_models(monkeypatch)
    source = make()
    capsys.readouterr()
    assert main(["add", source, INSTRUCTION, "--output", "out"]) == 3
    assert len(failure(capsys)) > 30
    assert not Path("out").exists()


@pytest.mark.parametrize("clip", ["whale", "7"])
def test_an_unknown_clip_lists_those_that_are_there(movie: Path, clip: str, capsys: pytest.CaptureFixture):
    write_timeline(timeline_for_media("street.mp4", Fraction(RATE), FRAMES).timeline, "cut.otio")
    assert main(["add", "cut.otio", INSTRUCTION, "--clip", clip, "--output", "out"]) == 3
    assert "street" in failure(capsys)
    assert not Path("out").exists()


def test_a_range_outside_of_the_clip(movie: Path, capsys: pytest.CaptureFixture):
    assert main(["add", str(movie), INSTRUCTION, "--range", "4-90", "--output", "out"]) == 3
    assert "0 to 8" in failure(capsys)


def test_a_model_that_is_not_there(movie: Path, capsys: pytest.CaptureFixture):
    assert main(["add", str(movie), INSTRUCTION, "--model", "no such model", "--output", "out", "--json"]) == 3
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["kind"] == "model_unavailable"


@pytest.mark.parametrize("text", [b"", b"[]", b'{"instruction": 3}', b"\xff\xfe\x00"])
def test_a_plan_that_is_none(movie: Path, small_models: None, text: bytes, capsys: pytest.CaptureFixture):
    Path("mine.json").write_bytes(text)
    assert main(["add", str(movie), INSTRUCTION, "--plan", "mine.json", "--output", "out", "--json"]) == 2
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["kind"] == "bad_plan"
    assert not Path("out/plan.json").exists()


def test_results_never_replace_a_stranger_s_files(movie: Path, small_models: None, capsys: pytest.CaptureFixture):
    Path("out").mkdir()
    Path("out/plan.json").write_text("mine")
    assert main(["add", str(movie), INSTRUCTION, "--output", "out"]) == 2
    assert "not empty" in failure(capsys)
    assert Path("out/plan.json").read_text() == "mine"
    assert main(["add", str(movie), INSTRUCTION, "--output", str(movie)]) == 2


def test_a_full_disk_ends_with_5(
    movie: Path, small_models: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "preview-01.png")

    monkeypatch.setattr(backend.jobs.take_making, "write_picture", full)
    assert main(["add", str(movie), INSTRUCTION, "--quality", "draft", "--output", "out", "--json"]) == 5
    failed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert failed["kind"] == "out_of_disk" and "No space" in failed["why"]


def test_a_disk_too_small_for_a_take_is_reported_before_the_work(
    movie: Path, small_models: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setattr("backend.jobs.determinism.STATE_BYTES", 1 << 60)
    assert main(["add", str(movie), INSTRUCTION, "--output", "out", "--json"]) == 5
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[-1]["kind"] == "out_of_disk"
    assert "progress" not in {event["event"] for event in events}


def test_ctrl_c_says_how_to_go_on(
    movie: Path, small_models: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    command = ["add", str(movie), INSTRUCTION, "--quality", "draft", "--output", "out"]
    with monkeypatch.context() as patch:
        patch.setattr(backend.jobs.take_making, "write_picture", interrupted)
        assert main(command) == 130
    said = capsys.readouterr().err
    assert "out/.dynvfx" in said and "same command" in said
    assert main(command) == 0
    assert Path("out/takes/01/take.json").exists()


def test_an_unexpected_error_goes_to_the_log(
    movie: Path, small_models: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture
):
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(backend.jobs.job_timeline, "write_with_takes", broken)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    with pytest.raises(ZeroDivisionError) as caught:
        main(["add", str(movie), INSTRUCTION, "--quality", "draft", "--output", "out"])
    capsys.readouterr()
    # What the interpreter does with an uncaught error.
    sys.excepthook(caught.type, caught.value, caught.tb)
    said = capsys.readouterr().err
    log = tmp_path / "state" / "log" / "dynvfx.log"
    assert "Traceback" not in said and str(log) in said
    assert "ZeroDivisionError: a bug" in log.read_text("utf-8")


def test_bad_usage_in_json(capsys: pytest.CaptureFixture):
    assert main(["add", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["kind"] == "bad_usage"
