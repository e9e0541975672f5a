"""How much work a request is: forwards, decodes and segmentations, for the time left and for estimates."""

from __future__ import annotations

from collections.abc import Sequence

from dynvfx.progress.timings import Work
from dynvfx.request import Request
from dynvfx.sampling.steps import steps_from


class Workload:
    """Counts of the refinement of one request; `timesteps` are the model's sampling timesteps, descending."""

    def __init__(self, request: Request, timesteps: Sequence[float]) -> None:
        self._request = request
        self._timesteps = list(timesteps)

    def step(self, timestep: float) -> int:
        """Forwards of one step: composite row, unconditional row with guidance, source row where anchors act."""
        return 1 + self.guided + self.anchored(timestep)

    @property
    def guided(self) -> bool:
        """Whether there is an unconditional row; a guidance of 1 would multiply it by zero."""
        return self._request.guidance != 1.0

    def anchored(self, timestep: float) -> bool:
        """Whether anchors act at a timestep."""
        return self._request.anchor_mode != "none" and timestep >= self._request.anchors_until

    def iteration(self, index: int) -> int:
        """Forwards of one iteration without retries."""
        return self.steps(self._request.levels[index])

    def steps(self, level: float) -> int:
        """Forwards from `level` down to the clean end."""
        return sum(self.step(t) for t, _ in steps_from(level, self._timesteps))

    def anchors_after(self, finished: int) -> bool:
        """Whether anchors act in any iteration after the first `finished`."""
        return any(self.anchored(level) for level in self._request.levels[finished:])

    def after(self, finished: int, forwards: int = 0) -> dict[Work, int]:
        """Work left when `finished` iterations are done and `forwards` of the running stage are to come."""
        left = len(self._request.levels) - finished
        refining = sum(self.iteration(i) for i in range(finished, len(self._request.levels)))
        return {"forward": forwards + refining, "decode": left + 1, "segment": left + 1}
