"""Whether the ffmpeg program, decoding by itself, sees the pictures of a range as our reader does."""

from __future__ import annotations

from collections.abc import Generator

import av
import numpy as np

from backend.delivery.verification.program_decoder import Complaints, Planes, clip_pictures
from contract.frame_runs import runs_of, runs_text
from media.errors import DecodersDisagree
from media.pixels import layout, planes_of
from media.probe import MediaInfo

# Decoders may round differently; more than this part of the whole range of values is another picture.
_ROUNDING = 3 / 255


class SecondOpinion:
    """Decodes a range alongside our reader. Use it in a `with` statement."""

    def __init__(self, info: MediaInfo, start: int, count: int) -> None:
        self._info, self._next, self._end = info, start, start + count
        self._complaints = Complaints()
        self._theirs: Generator[Planes, None, None] = clip_pictures(info, start, count, self._complaints)
        self._others: list[int] = []
        self._rounding = 0.0

    def __enter__(self) -> SecondOpinion:
        return self

    def __exit__(self, *_: object) -> None:
        self._theirs.close()

    def see(self, index: int, frame: av.VideoFrame) -> None:
        """Compare our picture of frame `index`, which is later than the one before."""
        theirs = None
        while self._next <= index:
            theirs = next(self._theirs, None)
            self._next += 1
        apart = 1.0 if theirs is None else self._apart(planes_of(frame, self._info.working_format), theirs)
        if apart > _ROUNDING:
            self._others.append(index)
        self._rounding = max(self._rounding, apart)

    def verdict(self, zero: int) -> list[str]:
        """Sentences about what is doubtful, once all pictures were seen; `zero` is the frame that people count as 0.

        Raises DecodersDisagree when the program sees other pictures.
        """
        for _ in range(self._next, self._end):
            next(self._theirs, None)  # what it says about the last pictures
        self._theirs.close()
        if self._others:
            text = runs_text(runs_of([frame - zero for frame in self._others])).capitalize()
            raise DecodersDisagree(
                f"{text} of {self._info.path} cannot be read with certainty.",
                "Two decoders see other pictures there: the file is damaged, or its times contradict each other.",
                "Choose a part of the clip without them, or render the clip in your editor and use that.",
            )
        doubts = []
        if self._rounding:
            peak = max(1, layout(self._info.working_format).peak)
            apart = f"{self._rounding * peak:.3g} code values"
            doubts.append(f"ffmpeg decodes these pictures a little differently (by up to {apart}).")
        if self._complaints.texts:
            said = "; ".join(self._complaints.texts[:3])
            doubts.append(f"ffmpeg reports damage in this range, so look at the clip closely: {said}.")
        return doubts

    def _apart(self, ours: Planes, theirs: Planes) -> float:
        """The largest difference as a part of the whole range of values."""
        peak = layout(self._info.working_format).peak
        worst = 0.0
        for mine, other in zip(ours, theirs, strict=True):
            if not np.array_equal(mine, other, equal_nan=mine.dtype.kind == "f"):
                difference = np.abs(mine.astype(np.float64) - other.astype(np.float64))
                worst = max(worst, float(np.nanmax(difference)) / peak or _ROUNDING)
        return worst
