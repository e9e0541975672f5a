from __future__ import annotations

import json
from pathlib import Path

import opentimelineio as otio
import pytest

from backend.jobs.take_job import run
from contract.errors import BadMedia, BadTake, BadUsage, Problem
from contract.events import (
    JobDone,
    JobNotice,
    JobStarted,
    ModelOpened,
    PlanReady,
    PreviewWritten,
    ShotChecked,
    StageProgress,
    TakeDone,
)
from contract.job import JobSpec
from contract.plan import read_plan
from contract.take import read_take, write_take
from dynvfx.request import Request
from tests.backend.jobs.small_jobs import (
    FRAMES,
    INSTRUCTION,
    TARGET,
    BlindSegmenter,
    use_no_models,
    use_small_models,
    write_movie,
)
from tests.contract.sample_job import a_follow_up, a_job, changed


@pytest.fixture
def order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobSpec:
    use_small_models(monkeypatch)
    movie = write_movie(tmp_path / "street.mp4")
    return a_job(
        source=str(movie), instruction=INSTRUCTION, quality="draft", assistant="offline", output=tmp_path / "results"
    )


def digests(folder: Path) -> dict[str, str]:
    return {each.path: each.sha256 for each in read_take(folder).media}


def test_a_take_from_sentence_to_timeline(order: JobSpec):
    events = list(run(order))
    assert [type(event) for event in events if not isinstance(event, StageProgress | PreviewWritten | JobNotice)] == [
        JobStarted,
        ShotChecked,
        ModelOpened,
        PlanReady,
        TakeDone,
        JobDone,
    ]
    stages = [event.stage for event in events if isinstance(event, StageProgress)]
    assert list(dict.fromkeys(stages)) == [
        "checking",
        "segmenting",
        "encoding",
        "inverting",
        "refining",
        "finishing",
        "delivering",
    ]

    folder = Path(order.output) / "takes" / "01"
    take = read_take(folder)
    assert {"layer.mov", "composite.mov", "matte.mov", "preview.mp4", "contact.png"} <= {
        each.path for each in take.media
    }
    for each in take.media:
        assert (folder / each.path).stat().st_size == each.bytes
    assert take.id == Request.from_dict(take.request).digest()
    assert (take.seed, take.licence, take.record_range, take.instruction) == (0, "none", (0, FRAMES), INSTRUCTION)
    assert take.outside_change == 0
    assert 0 < take.matte_coverage < 1
    assert take.peak_memory > 1_000_000
    assert take.forwards["refining"] > 0 and take.seconds["delivering"] > 0
    assert json.loads((Path(order.output) / "plan.json").read_text("utf-8"))["target_object"] == TARGET

    tracks = otio.adapters.read_from_file(str(Path(order.output) / "timeline.otio")).video_tracks()
    assert [track.name for track in tracks] == ["V1", f"VFX - {TARGET}"]
    assert tracks[1][0].media_reference.target_url.endswith("/results/takes/01/layer.mov")
    assert not list(Path(order.output).rglob("*.part*"))


def test_the_same_order_again_makes_nothing(order: JobSpec, monkeypatch: pytest.MonkeyPatch):
    list(run(order))
    before = (Path(order.output) / "takes/01/take.json").read_bytes()
    use_no_models(monkeypatch)
    events = list(run(order))
    assert [event.made for event in events if isinstance(event, TakeDone)] == [False]
    assert (Path(order.output) / "takes/01/take.json").read_bytes() == before


def test_what_must_not_appear_is_part_of_the_take_and_of_the_job(order: JobSpec):
    list(run(changed(order, negative="text,  watermark ")))
    take = read_take(Path(order.output) / "takes/01")
    assert take.request["negative"] == "text, watermark"
    assert Request.from_dict(take.request).negative == "text, watermark"
    with pytest.raises(BadUsage, match="negative"):
        list(run(order))


def test_more_takes_join_the_stack(order: JobSpec):
    list(run(order))
    events = list(run(changed(order, takes=3)))
    assert [(e.take, e.seed, e.made) for e in events if isinstance(e, TakeDone)] == [
        (1, 0, False),
        (2, 1, True),
        (3, 2, True),
    ]
    tracks = otio.adapters.read_from_file(str(Path(order.output) / "timeline.otio")).video_tracks()
    assert len(tracks) == 2
    assert sorted(tracks[1][0].media_references()) == ["DEFAULT_MEDIA", "take 02", "take 03"]
    assert len({tuple(digests(Path(order.output) / f"takes/0{n}").values()) for n in (1, 2, 3)}) == 3


def test_another_folder_gives_the_same_bytes(order: JobSpec, tmp_path: Path):
    list(run(order))
    list(run(changed(order, output=tmp_path / "again")))
    first, second = digests(Path(order.output) / "takes/01"), digests(tmp_path / "again/takes/01")
    assert first["master.mkv"] == second["master.mkv"]
    assert first == second


@pytest.mark.parametrize(
    "changes", [{"instruction": "add fire"}, {"seed": 5}, {"quality": "standard"}, {"part": (0, 4)}]
)
def test_a_folder_keeps_to_its_order(order: JobSpec, changes: dict):
    list(run(changed(order, after_plan="end")))
    before = {path: path.read_bytes() for path in Path(order.output).rglob("*") if path.is_file()}
    with pytest.raises(BadUsage, match="another job"):
        list(run(changed(order, **changes)))
    assert {path: path.read_bytes() for path in Path(order.output).rglob("*") if path.is_file()} == before


def test_a_stranger_s_folder_is_left_alone(order: JobSpec):
    Path(order.output).mkdir()
    (Path(order.output) / "holiday.jpg").write_bytes(b"1")
    with pytest.raises(BadUsage, match="holiday.jpg"):
        list(run(order))
    assert [path.name for path in Path(order.output).iterdir()] == ["holiday.jpg"]


def test_only_one_process_works_in_a_folder(order: JobSpec):
    first = run(order)
    next(first)
    with pytest.raises(BadUsage, match="Another process"):
        list(run(order))
    first.close()
    list(run(changed(order, after_plan="end")))


def test_changed_media_is_refused(order: JobSpec):
    list(run(changed(order, after_plan="end")))
    write_movie(Path(order.start.source), grey=60)
    with pytest.raises(BadMedia, match="changed"):
        list(run(order))


def test_a_plan_is_edited_before_the_long_work(order: JobSpec):
    events = list(run(changed(order, after_plan="end")))
    assert events[-1] == JobDone(output=str(Path(order.output)), takes=[], timeline=None)
    assert not (Path(order.output) / "takes").exists()
    file = Path(order.output) / "plan.json"
    plan = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps({**plan, "composite_caption": "A red balloon, hand-written."}), "utf-8")
    list(run(order))
    assert read_take(Path(order.output) / "takes/01").plan.composite_caption == "A red balloon, hand-written."


def test_a_plan_changed_after_the_take_is_refused(order: JobSpec):
    list(run(order))
    file = Path(order.output) / "plan.json"
    good = file.read_bytes()
    file.write_bytes(good.replace(b"left", b"right"))
    with pytest.raises(BadUsage, match="made differently"):
        list(run(order))
    file.write_bytes(good)
    assert isinstance(list(run(order))[-1], JobDone)


def test_a_given_plan_is_followed(order: JobSpec, tmp_path: Path):
    file = tmp_path / "mine.json"
    plan = {"instruction": "x", "source_caption": "grey", "composite_caption": "red", "target_object": TARGET}
    file.write_text(json.dumps(plan))
    events = list(run(changed(order, plan=read_plan(file), after_plan="end", scope="full_frame")))
    ready = next(event for event in events if isinstance(event, PlanReady))
    assert (ready.origin, ready.plan.instruction, ready.plan.scope) == ("given", INSTRUCTION, "full_frame")
    file.write_text(json.dumps({**plan, "composite_caption": "blue"}))
    with pytest.raises(BadUsage, match="another plan"):
        list(run(changed(order, plan=read_plan(file), scope="full_frame")))


def test_an_absent_object_leaves_no_take(order: JobSpec, monkeypatch: pytest.MonkeyPatch):
    use_small_models(monkeypatch, BlindSegmenter)
    with pytest.raises(Problem) as caught:
        list(run(order))
    assert caught.value.kind == "object_absent"
    assert not (Path(order.output) / "takes").exists() and not (Path(order.output) / "timeline.otio").exists()


def test_a_follow_up_starts_from_its_take(order: JobSpec):
    list(run(order))
    first = read_take(Path(order.output) / "takes/01")
    follow = a_follow_up(
        instruction="add another red balloon",
        quality="draft",
        assistant="offline",
        folder=Path(order.output) / "takes/01",
    )
    events = list(run(follow))
    assert [(e.take, e.made) for e in events if isinstance(e, TakeDone)] == [(2, True)]
    second = read_take(Path(order.output) / "takes/02")
    assert second.parent == first.id
    assert (Path(order.output) / "plan-02.json").exists()
    tracks = otio.adapters.read_from_file(str(Path(order.output) / "timeline.otio")).video_tracks()
    assert tracks[1][0].media_reference.target_url.endswith("/takes/02/layer.mov")
    assert [(e.take, e.made) for e in list(run(follow)) if isinstance(e, TakeDone)] == [(2, False)]
    # The first order still knows its own take, and another seed gets a number that is free.
    events = list(run(changed(order, takes=2)))
    assert [(e.take, e.made) for e in events if isinstance(e, TakeDone)] == [(1, False), (3, True)]


def test_a_follow_up_needs_the_job_around_the_take(order: JobSpec, tmp_path: Path):
    list(run(order))
    (Path(order.output) / "takes/01").rename(tmp_path / "01")
    follow = a_follow_up(instruction=INSTRUCTION, folder=tmp_path / "01")
    with pytest.raises(BadTake, match="not in the folder"):
        list(run(follow))


def test_a_take_that_lost_a_file_is_made_again_with_its_notes(order: JobSpec):
    list(run(order))
    folder = Path(order.output) / "takes/01"
    before = digests(folder)
    take = read_take(folder)
    take.status = "approved"
    write_take(folder, take)
    (folder / "layer.mov").unlink()
    assert [event.made for event in run(order) if isinstance(event, TakeDone)] == [True]
    assert digests(folder) == before
    assert read_take(folder).status == "approved"


def test_png_layers_are_placed_as_a_sequence(order: JobSpec):
    list(run(changed(order, layer="png")))
    placed = otio.adapters.read_from_file(str(Path(order.output) / "timeline.otio")).video_tracks()[1][0]
    folder = Path(order.output) / "takes/01"
    pictures = f"layer-{read_take(folder).id[:12]}"  # no other take's pictures have these names
    # A movie's own timeline names files by plain paths, where a sequence is written as its range.
    wanted = folder / f"layer/{pictures}.[000000-00000{FRAMES - 1}].png"
    assert placed.media_reference.target_url == str(wanted)
    assert len(list((folder / "layer").glob(f"{pictures}.*.png"))) == FRAMES


def test_a_closed_job_goes_on(order: JobSpec):
    job = run(order)
    for event in job:
        if isinstance(event, StageProgress) and event.stage == "refining" and event.iteration == 2:
            break
    job.close()
    events = list(run(order))
    resumed = [event.text for event in events if getattr(event, "kind", "") in ("resumed", "reused")]
    assert resumed
    assert isinstance(events[-1], JobDone)


def test_an_unnamed_folder_is_the_same_for_the_same_order(
    order: JobSpec, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    unnamed = changed(order, output=None, after_plan="end")
    first, second = (next(e for e in run(unnamed) if isinstance(e, JobStarted)).output for _ in range(2))
    other = next(e for e in run(changed(unnamed, seed=9)) if isinstance(e, JobStarted)).output
    assert first == second != other
    assert Path(first).parent == tmp_path and Path(first).name.startswith("dynvfx-street-")
