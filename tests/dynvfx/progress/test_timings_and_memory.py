"""Time left, counts, and failed allocations in words."""

from __future__ import annotations

import pytest
import torch

from dynvfx.errors import OutOfMemory
from dynvfx.out_of_memory import explained_memory
from dynvfx.progress.timings import Timings
from dynvfx.progress.workload import Workload
from tests.dynvfx.doubles import clip, request


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self):
        return self.now


def test_time_left_comes_from_what_was_measured():
    clock = Clock()
    pace = Timings(clock)
    with pace.work("encoding", "encode"):
        clock.now += 3.0
    assert pace.seconds_left({"forward": 10}) is None
    with pace.work("refining", "forward", 4):
        clock.now += 8.0
    assert pace.seconds_left({"forward": 10}) == 20.0
    assert pace.seconds_left({"forward": 10, "decode": 2, "segment": 1}) == 20.0 + 2 * 6.0 + 2.0
    with pace.work("refining", "decode"):
        clock.now += 1.0
    clock.now += 100.0
    assert pace.seconds_left({"decode": 2}) == 2.0
    assert dict(pace.seconds) == {"encoding": 3.0, "refining": 9.0}
    assert dict(pace.forwards) == {"refining": 4}


def test_workload_counts_the_paper_s_steps():
    paper = request(clip(), levels=(899, 779, 679, 579, 479, 379), steps=50, anchors_until=619)
    timesteps = [999 - 20 * k for k in range(50)]
    workload = Workload(paper, timesteps)
    assert [workload.iteration(i) for i in range(6)] == [105, 87, 72, 58, 48, 38]
    assert workload.after(0) == {"forward": 408, "decode": 7, "segment": 7}
    assert workload.after(3, 5)["forward"] == 5 + 58 + 48 + 38
    assert workload.anchors_after(2)
    assert not workload.anchors_after(3)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    ],
)
def test_failed_allocations_are_explained(error):
    with pytest.raises(OutOfMemory) as caught, explained_memory(torch.device("cpu")):
        raise error
    assert "too little memory" in caught.value.what
    assert caught.value.remedy


def test_a_real_failed_allocation_is_recognised():
    with pytest.raises(OutOfMemory), explained_memory(torch.device("cpu")):
        torch.empty(2**55)


def test_other_errors_pass_unchanged():
    with pytest.raises(RuntimeError, match="shapes"), explained_memory(torch.device("cpu")):
        raise RuntimeError("shapes do not match")
