from __future__ import annotations

import pytest

from plugin.panel.review.model import ReviewModel


class Clock:
    """A clock that only the test advances, in nanoseconds."""

    def __init__(self) -> None:
        self.now = 1_000_000_000

    def __call__(self) -> int:
        return self.now

    def pass_seconds(self, seconds) -> None:
        self.now += round(seconds * 1_000_000_000)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def model(qtbot, clock):
    made = ReviewModel(cache_bytes=64 << 20, clock=clock)
    yield made
    made.close()
