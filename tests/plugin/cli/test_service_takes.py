"""Whole takes through a real service, on this machine and on one that shares nothing with it but a connection."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
import torch
from PIL import Image

from bridge.editorial.placement import write_timeline
from bridge.editorial.timeline import timeline_for_media
from bridge.local.folders import key_folder, state_folder
from bridge.wire.keys import KeyFolder
from contract.take import read_take
from plugin.cli.main import main
from tests.backend.jobs.small_jobs import FRAMES, INSTRUCTION, RATE, use_small_models, write_movie
from tests.backend.service.running import RunningService, running

WORKER = "tests.backend.worker.small_worker"
DRAFT = ("--quality", "draft")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """This user's own service."""
    with running(tmp_path_factory.mktemp("own") / "home", "--media-root", "/", worker=WORKER) as service:
        yield service


@pytest.fixture(scope="module")
def far_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Another user's backend, without media roots."""
    with running(tmp_path_factory.mktemp("far") / "home", worker=WORKER) as service:
        yield service


@pytest.fixture
def here(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands go to this user's service."""
    monkeypatch.setenv("DYNVFX_HOME", str(service.home))


@pytest.fixture
def far(far_service: RunningService, monkeypatch: pytest.MonkeyPatch) -> RunningService:
    """Commands go to the other machine's service, which has let this user in."""
    own = KeyFolder(key_folder(state_folder())).client_pair().public
    KeyFolder(key_folder(far_service.home)).authorize(own, "tester")
    monkeypatch.setenv("DYNVFX_BACKEND", far_service.found.address)
    monkeypatch.setenv("DYNVFX_BACKEND_KEY", far_service.found.key)
    return far_service


@pytest.fixture
def movie() -> Path:
    return write_movie(Path("street.mp4"))


def events(capsys: pytest.CaptureFixture) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def digests(take: str) -> dict[str, str]:
    """The take's files, without its record: that has times in it."""
    folder = Path(take)
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in ("take.json",)]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def in_process(movie: Path, monkeypatch: pytest.MonkeyPatch, output: str, *more: str) -> None:
    """Like the services of these tests, with one thread: the last bits of sums depend on their number."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with monkeypatch.context() as patch:
            use_small_models(patch)
            assert main(["add", str(movie), INSTRUCTION, *DRAFT, "--output", output, "--in-process", *more]) == 0
    finally:
        torch.set_num_threads(threads)


def test_a_take_has_the_same_bytes_as_one_of_this_process(
    movie: Path, here: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    in_process(movie, monkeypatch, "alone", "--json")
    alone = events(capsys)
    assert main(["add", str(movie), INSTRUCTION, *DRAFT, "--output", "served", "--json"]) == 0
    served = events(capsys)
    assert digests("served/takes/01") == digests("alone/takes/01")
    without_times = [
        [
            {name: value for name, value in event.items() if name not in ("seconds", "seconds_left")}
            for event in reported
        ]
        for reported in (alone, served)
    ]
    assert without_times[1] == json.loads(json.dumps(without_times[0]).replace("/alone", "/served"))
    assert main(["refine", "served/takes/01", "add a red balloon", *DRAFT]) == 0
    assert Path("served/takes/02/take.json").exists()
    assert main(["add", str(movie), INSTRUCTION, *DRAFT, "--output", "served"]) == 0
    assert "finished before" in capsys.readouterr().out


def test_a_plan_first_then_the_takes(movie: Path, here: None, capsys: pytest.CaptureFixture):
    order = ["add", str(movie), INSTRUCTION, *DRAFT, "--output", "out", "--json"]
    assert main([*order, "--plan-only"]) == 0
    reported = events(capsys)
    assert (reported[-1]["event"], reported[-1]["timeline"], reported[-1]["takes"]) == ("job_done", None, [])
    plan = json.loads(Path("out/plan.json").read_text("utf-8"))
    plan["composite_caption"] = "a street with a very red balloon"
    Path("out/plan.json").write_text(json.dumps(plan), "utf-8")
    assert main(order) == 0
    reported = events(capsys)
    assert next(each for each in reported if each["event"] == "plan_ready")["origin"] == "kept"
    assert read_take("out/takes/01").plan.composite_caption == plan["composite_caption"]


def nowhere() -> str:
    return "nowhere.mp4"


def text_file() -> str:
    Path("notes.mp4").write_text("not a movie")
    return "notes.mp4"


def hole() -> str:
    Path("holes").mkdir()
    for number in (1, 2, 4):
        Image.new("RGB", (48, 32)).save(f"holes/shot.{number:04d}.png")
    return "holes/shot.%04d.png"


def bad_timeline() -> str:
    Path("bad.otio").write_text("{}")
    return "bad.otio"


@pytest.mark.parametrize("make", [nowhere, text_file, hole, bad_timeline])
@pytest.mark.parametrize("place", ["here", "far"])
def test_bad_input_ends_with_3_and_leaves_nothing(
    make: Callable[[], str], place: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture
):
    request.getfixturevalue(place)
    assert main(["add", make(), INSTRUCTION, "--output", "out"]) == 3
    said = capsys.readouterr()
    assert "Error: " in said.err and "Traceback" not in said.err and said.out == ""
    assert not Path("out").exists()


def test_an_image_sequence_is_worked_on_here(here: None):
    Path("plate").mkdir()
    for number in range(FRAMES):
        Image.new("RGB", (48, 32), (120, 120, 120)).save(f"plate/shot.{number + 1:04d}.png")
    assert main(["add", "plate/shot.%04d.png", INSTRUCTION, *DRAFT, "--rate", "8", "--output", "out"]) == 0
    assert Path("out/takes/01/take.json").exists()


def test_a_clip_travels_and_its_takes_come_back(
    movie: Path, far: RunningService, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    in_process(movie, monkeypatch, "alone")
    capsys.readouterr()
    order = ["add", str(movie), INSTRUCTION, *DRAFT, "--output", "out", "--json"]
    assert main(order) == 0
    reported = events(capsys)
    assert [reported[0]["event"], reported[-1]["event"]] == ["job_started", "job_done"]
    assert reported[0]["source"] == str(movie.absolute()) == reported[0]["media"]
    assert reported[-1] == {
        "event": "job_done",
        "output": str(Path("out").absolute()),
        "takes": [1],
        "timeline": str(Path("out/timeline.otio").absolute()),
    }
    assert str(far.home) not in json.dumps(reported)
    expected = digests("alone/takes/01")
    expected.pop("latents.safetensors")
    assert digests("out/takes/01") == expected
    assert_same_timeline("out", "alone")
    # The same command again: nothing is made, nothing is sent.
    assert main(order) == 0
    assert [each["made"] for each in events(capsys) if each["event"] == "take_done"] == [False]
    # A file that was lost is fetched again.
    Path("out/takes/01/preview.mp4").unlink()
    assert main(order) == 0
    assert digests("out/takes/01") == expected


def assert_same_timeline(one: str, other: str) -> None:
    """Two folders' timelines differ in nothing but the folder."""
    texts = [Path(folder, "timeline.otio").read_text("utf-8") for folder in (one, other)]
    assert texts[0].replace(str(Path(one).absolute()), "") == texts[1].replace(str(Path(other).absolute()), "")


def test_more_takes_and_a_follow_up_on_another_machine(movie: Path, far: RunningService, capsys: pytest.CaptureFixture):
    opened = timeline_for_media("street.mp4", Fraction(RATE), FRAMES)
    opened.timeline.tracks[0].insert(0, otio.schema.Gap(duration=otio.opentime.RationalTime(5, RATE)))
    write_timeline(opened.timeline, Path("cut.otio"))
    order = ["add", "cut.otio", INSTRUCTION, *DRAFT, "--range", "1-7", "--output", "out", "--json"]
    assert main(order) == 0
    assert main([*order, "--takes", "2"]) == 0
    assert main(["refine", "out/takes/02", "add a red balloon", *DRAFT, "--json"]) == 0
    reported = events(capsys)
    assert [each["take"] for each in reported if each["event"] == "take_done"] == [1, 2, 3]
    takes = [read_take(f"out/takes/{number:02d}") for number in (1, 2, 3)]
    assert [take.seed for take in takes] == [0, 1, 0]
    assert takes[2].parent == takes[1].id
    assert takes[0].record_range == (6, 7)
    timeline = otio.adapters.read_from_file("out/timeline.otio")
    above = timeline.video_tracks()[1].find_clips()[0]
    assert len(above.media_references()) == 3
    assert all(Path(each.target_url).is_file() for each in above.media_references().values())


def test_a_painted_mask_travels(movie: Path, far: RunningService, capsys: pytest.CaptureFixture):
    assert main(["add", str(movie), INSTRUCTION, *DRAFT, "--output", "out", "--json"]) == 0
    Image.new("L", (24, 16), 255).save("mask.png")
    follow = ["refine", "out/takes/01", "add a red balloon", *DRAFT, "--mask", "mask.png", "--json"]
    assert main([*follow, "--mask-frame", "4"]) == 0
    # The same mask is the same order, another frame another one.
    assert main([*follow, "--mask-frame", "4"]) == 0
    assert main([*follow, "--mask-frame", "5"]) == 0
    assert [each["take"] for each in events(capsys) if each["event"] == "take_done"] == [1, 2, 2, 3]
    masks = [read_take(f"out/takes/{number:02d}").request.get("mask") for number in (1, 2, 3)]
    assert masks[0] is None and [mask["frame"] for mask in masks[1:]] == [4, 5]
    assert main([*follow, "--mask-frame", str(FRAMES)]) == 2


def test_a_plan_is_edited_here_and_followed_there(movie: Path, far: RunningService, capsys: pytest.CaptureFixture):
    order = ["add", str(movie), INSTRUCTION, *DRAFT, "--output", "out", "--json"]
    assert main([*order, "--plan-only"]) == 0
    plan = json.loads(Path("out/plan.json").read_text("utf-8"))
    plan["composite_caption"] = "a street with a very red balloon"
    Path("out/plan.json").write_text(json.dumps(plan), "utf-8")
    capsys.readouterr()
    assert main(order) == 0
    assert next(each for each in events(capsys) if each["event"] == "plan_ready")["origin"] == "kept"
    assert read_take("out/takes/01").plan.composite_caption == plan["composite_caption"]


def test_an_image_sequence_travels(far: RunningService):
    Path("plate").mkdir()
    for number in range(FRAMES):
        Image.new("RGB", (48, 32), (120, 120, 120)).save(f"plate/sh:ot.{number + 1:04d}.png")
    order = ["add", "plate/sh:ot.%04d.png", INSTRUCTION, *DRAFT, "--rate", "8", "--layer", "png", "--output", "out"]
    assert main(order) == 0
    assert len(list(Path("out/takes/01/layer").iterdir())) == FRAMES


@pytest.mark.parametrize("command", [["add", "other.mp4", INSTRUCTION], ["add", "street.mp4", "add a kite"]])
def test_a_folder_keeps_to_its_job(movie: Path, far: RunningService, command: list[str], capsys):
    write_movie(Path("other.mp4"))
    assert main(["add", str(movie), INSTRUCTION, *DRAFT, "--output", "out"]) == 0
    capsys.readouterr()
    assert main([*command, *DRAFT, "--output", "out"]) == 2
    assert "holds another job" in capsys.readouterr().err


def test_results_never_replace_a_stranger_s_files(movie: Path, far: RunningService, capsys: pytest.CaptureFixture):
    Path("out").mkdir()
    Path("out/plan.json").write_text("mine")
    assert main(["add", str(movie), INSTRUCTION, "--output", "out"]) == 2
    assert "not empty" in capsys.readouterr().err
    assert Path("out/plan.json").read_text() == "mine"


def test_a_take_of_this_machine_is_not_refined_on_another(
    movie: Path, far: RunningService, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    in_process(movie, monkeypatch, "alone")
    capsys.readouterr()
    assert main(["refine", "alone/takes/01", "add a red balloon"]) == 3
    assert "leave --backend out" in capsys.readouterr().err
