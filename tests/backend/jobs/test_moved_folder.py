"""The folder of the results, or one above it, moves during a job: nothing finished is lost, its new place is named."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from backend.jobs.take_job import run
from bridge.local.job_folder import FolderMoved
from contract.events import AnyJobEvent, JobDone, ModelOpened, StageProgress, TakeDone
from contract.job import JobSpec
from contract.take import read_take
from tests.backend.jobs.small_jobs import INSTRUCTION, use_small_models, write_movie
from tests.contract.sample_job import a_job, changed


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobSpec:
    """One take, in a folder below a folder."""
    use_small_models(monkeypatch)
    return a_job(
        source=str(write_movie(tmp_path / "street.mp4")),
        instruction=INSTRUCTION,
        quality="draft",
        assistant="offline",
        output=tmp_path / "project" / "results",
    )


def at_opening(event: AnyJobEvent) -> bool:
    return isinstance(event, ModelOpened)


def at_a_step(event: AnyJobEvent) -> bool:
    return isinstance(event, StageProgress) and event.stage == "refining"


def at_delivery(event: AnyJobEvent) -> bool:
    return isinstance(event, StageProgress) and event.stage == "delivering"


def after_the_first_take(event: AnyJobEvent) -> bool:
    return isinstance(event, TakeDone)


MOMENTS = [at_opening, at_a_step, at_delivery, after_the_first_take]


def interrupted(job: JobSpec, moment, old: Path, new: Path) -> FolderMoved:
    """Run the job and rename `old` to `new` at the first event of `moment`."""
    with pytest.raises(FolderMoved) as caught:
        for event in run(job):
            if moment(event) and old.exists() and not new.exists():
                old.rename(new)
    return caught.value


def digests(results: Path) -> set[tuple[str, str]]:
    """What the files of take 1 are, by name and SHA-256."""
    return {(each.path, each.sha256) for each in read_take(results / "takes/01").media}


@pytest.mark.parametrize(("moment", "level"), [*((moment, "results") for moment in MOMENTS), (at_a_step, "project")])
def test_what_is_finished_is_kept_and_named(job: JobSpec, tmp_path: Path, moment, level: str) -> None:
    results = Path(job.output)
    old = results if level == "results" else results.parent
    new = tmp_path / "moved here"
    moved = new if level == "results" else new / "results"
    problem = interrupted(job, moment, old, new)
    assert str(moved) in problem.why and not results.exists()
    kept = [each.name for each in sorted((moved / "takes").glob("[0-9]*"))] if (moved / "takes").exists() else []
    assert kept == (["01"] if moment is after_the_first_take else [])
    # The remedy: the same command, with the folder that it names.
    output = shlex.split(problem.remedy.split("--output ")[1])[0]
    made = [event.made for event in run(changed(job, output=output)) if isinstance(event, TakeDone)]
    assert Path(output) == moved and made == [moment is not after_the_first_take]
    undisturbed = tmp_path / "undisturbed"
    assert isinstance(list(run(changed(job, output=undisturbed)))[-1], JobDone)
    assert digests(moved) == digests(undisturbed)
    assert not list(moved.rglob("*.partial"))


def test_moved_back_the_same_job_continues(job: JobSpec, tmp_path: Path) -> None:
    results, new = Path(job.output), tmp_path / "elsewhere"
    problem = interrupted(job, after_the_first_take, results, new)
    assert "Rename it back" in problem.remedy
    new.rename(results)
    assert [event.made for event in run(job) if isinstance(event, TakeDone)] == [False]


def test_a_deleted_folder_is_reported(job: JobSpec) -> None:
    results = Path(job.output)
    with pytest.raises(FolderMoved) as caught:
        for event in run(job):
            if at_a_step(event) and results.exists():
                results.rename(results.with_name("gone"))
                shutil.rmtree(results.with_name("gone"))
    assert f"{results} is missing." in caught.value.why and "Rename it back" not in caught.value.remedy


def test_another_folder_in_its_place_is_left_alone(job: JobSpec, tmp_path: Path) -> None:
    results = Path(job.output)
    with pytest.raises(FolderMoved):
        for event in run(job):
            if at_a_step(event) and not (tmp_path / "aside").exists():
                results.rename(tmp_path / "aside")
                (results / "takes").mkdir(parents=True)
                (results / "takes" / "mine.txt").write_text("mine")
    assert (results / "takes" / "mine.txt").read_text() == "mine"
    assert (tmp_path / "aside" / ".dynvfx" / "job.json").exists()
