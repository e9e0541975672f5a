"""What a job may hold, what makes it another one, and what is the same whatever travels."""

from __future__ import annotations

import math
import subprocess
import sys

import msgspec
import pytest

from contract.box import check_box
from contract.errors import BadUsage, Problem
from contract.job import LARGEST_MASK, LARGEST_SEED, InputFile, JobSpec, check_levels, differences
from tests.contract.sample_job import a_follow_up, a_job, changed, painted
from tests.contract.sample_plan import a_plan


@pytest.mark.parametrize(
    ("region", "words"),
    [
        ((0.5, 0.0, 0.5, 1.0), "is empty"),
        ((0.6, 0.0, 0.4, 1.0), "is empty"),
        ((0.0, 0.2, 1.0, 0.1), "is empty"),
        ((-0.1, 0.0, 0.5, 1.0), "leaves the picture"),
        ((0.0, 0.0, 1.0, 1.5), "leaves the picture"),
        ((2.0, 2.0, 3.0, 3.0), "leaves the picture"),
        ((0.0, math.nan, 1.0, 1.0), "leaves the picture"),
    ],
)
def test_boxes_that_mean_nothing(region, words):
    with pytest.raises(BadUsage, match=words) as caught:
        check_box(region)
    assert "0.5,0,1,1" in caught.value.remedy


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        ((), "0 levels"),
        ((439, 679), "do not fall"),
        ((679, 679), "do not fall"),
        ((0,), "between"),
        ((1000,), "between"),
    ],
)
def test_levels_that_mean_nothing(levels, words):
    with pytest.raises(BadUsage, match=words) as caught:
        check_levels(levels)
    assert "679,439" in caught.value.remedy


@pytest.mark.parametrize(
    "changes",
    [
        {"instruction": " "},
        {"negative": "x" * 3000},
        {"takes": 0},
        {"takes": 65},
        {"seed": -1},
        {"seed": LARGEST_SEED, "takes": 2},
        {"rate": "fast"},
        {"rate": "0"},
        {"part": (3, 2)},
        {"part": (-1, 2)},
        {"region": (0.0, 0.0, 2.0, 1.0)},
        {"levels": (1,) * 60},
        {"plan": a_plan(target_object="")},
        {"inputs": (InputFile(path="a", sha256="short", bytes=1),)},
        {"inputs": (InputFile(path="a", sha256="0" * 64, bytes=1),) * 2},
        painted(0, b"png"),
        {"source": " "},
    ],
)
def test_what_makes_no_sense_is_refused_with_a_remedy(changes):
    with pytest.raises(Problem) as caught:
        a_job(**changes).validate()
    assert caught.value.exit_code == 2 and caught.value.what and caught.value.remedy


@pytest.mark.parametrize(
    "changes",
    [
        {"folder": None},
        {"folder": None, "job": "a"},
        {"model": "tiny"},
        {"output": "/out"},
        painted(-1, b"png"),
        {"mask": painted(0, b"png")["mask"]},
        painted(0, bytes(LARGEST_MASK + 1)),
    ],
)
def test_what_makes_no_sense_for_a_follow_up(changes):
    with pytest.raises(BadUsage) as caught:
        changed(a_follow_up(folder="/takes/01"), **changes).validate()
    assert caught.value.remedy


def test_what_makes_sense_passes():
    a_job(takes=64, seed=LARGEST_SEED - 63, rate="24000/1001", part=(0, 0), region=(0.0, 0.0, 1.0, 1.0)).validate()
    a_follow_up(job="a", number=1, levels=(679, 439), **painted(3, b"png")).validate()


def test_the_number_of_takes_and_the_way_to_the_plan_make_no_other_job():
    same = {"takes": 3, "plan": a_plan(), "after_plan": "wait", "footprint": "small", "output": "/o", "download": True}
    assert a_job().identity() == a_job(**same).identity() == a_job("  add a\tball ").identity()
    for changes in (
        {"instruction": "add fire"},
        {"scope": "object"},
        {"negative": "text, watermark"},
        {"region": (0.0, 0.0, 0.5, 1.0)},
        {"seed": 1},
        {"quality": "draft"},
        {"levels": (439,)},
        {"segmenter": "sam3"},
        {"assistant": "offline"},
        {"layer": "png"},
        {"part": (0, 4)},
    ):
        other = a_job(**changes)
        assert other.identity() != a_job().identity()
        assert [name for name, _, _ in differences(a_job().identity(), other.identity())] == list(changes)


def test_another_painting_makes_another_job():
    jobs = [a_follow_up(folder="/takes/01", **painted(1, png)).identity() for png in (b"one", b"two", b"one")]
    assert jobs[0] == jobs[2] != jobs[1]


def test_a_job_is_the_same_after_a_file():
    spec = a_follow_up(job="a", number=1, levels=(679, 439), region=(0.0, 0.25, 0.5, 1.0), **painted(3, b"png"))
    assert msgspec.json.decode(msgspec.json.encode(spec), type=JobSpec) == spec
    assert hash(spec) == hash(msgspec.json.decode(msgspec.json.encode(spec), type=JobSpec))


def test_needs_nothing_heavy():
    code = "import sys, contract.job; sys.exit(bool({'torch', 'numpy', 'av', 'PyQt6', 'zmq'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
