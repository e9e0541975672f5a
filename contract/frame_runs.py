"""Many frames in few numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

FrameRun = tuple[int, int]
"""First and last frame, both included."""


def runs_of(frames: Iterable[int]) -> list[FrameRun]:
    """Rising frames as runs."""
    runs: list[FrameRun] = []
    for frame in frames:
        if runs and frame == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], frame)
        else:
            runs.append((frame, frame))
    return runs


def runs_text(runs: Sequence[FrameRun], most: int = 6) -> str:
    """Runs for people: "frame 4", "frames 4, 10 to 12 and others"."""
    shown = [f"{first}" if first == last else f"{first} to {last}" for first, last in runs[:most]]
    several = len(runs) > 1 or runs[0][0] != runs[0][1]
    return f"frame{'s' if several else ''} {', '.join(shown)}{' and others' if len(runs) > most else ''}"
