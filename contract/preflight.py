"""What was found out about a shot before any work was done on it."""

from __future__ import annotations

from typing import Literal

import msgspec

from contract.frame_runs import FrameRun

PreflightSubject = Literal["pictures", "rate", "timeline", "clip", "orientation", "colour", "delivery"]


class PreflightCheck(msgspec.Struct, frozen=True):
    """One thing that was looked at; a notice says what is unusual and what is done about it."""

    subject: PreflightSubject
    state: Literal["fine", "notice"]
    text: str


class Preflight(msgspec.Struct, frozen=True, kw_only=True):
    """The report on a shot that can be worked on and delivered.

    frames: frames of the shot, each of which was decoded and found whole
    held: frames of the shot, from 0 on, that show the picture before them again, since the file has none for them
    checks: what was looked at, in order
    """

    frames: int
    held: list[FrameRun]
    checks: list[PreflightCheck]

    @property
    def notices(self) -> list[str]:
        """The texts of all notices."""
        return [check.text for check in self.checks if check.state == "notice"]

    @property
    def details(self) -> str:
        """The texts of all checks, a line each."""
        return "\n".join(check.text for check in self.checks)

    @property
    def summary(self) -> str:
        """One line for people."""
        count = len(self.notices)
        pictures = f"{self.frames} frame{'' if self.frames == 1 else 's'} checked"
        return f"{pictures}, {'nothing unusual' if not count else f'{count} notice' + ('' if count == 1 else 's')}."
