"""A follow-up: a take that starts from a parent take instead of from the clip."""

from __future__ import annotations

from dataclasses import dataclass

from contract.box import Box
from contract.take import Take
from plugin.review_media.slices import ReviewTake


@dataclass(frozen=True)
class FollowUp:
    """What changes against the parent.

    instruction: the edited instruction
    region: limits the change to a box (left, top, right, bottom), in fractions of the frame
    mask: an edited matte of one frame (PNG, white inside)
    mask_frame: the frame of the take that `mask` is for
    skip: how many of the parent's first iterations are left out; later ones change details only
    """

    instruction: str
    region: Box | None = None
    mask: bytes | None = None
    mask_frame: int = 0
    skip: int = 0

    @classmethod
    def of(cls, take: ReviewTake) -> FollowUp:
        """A follow-up that changes nothing yet."""
        return cls(take.take.instruction)

    def problem(self, take: ReviewTake) -> str:
        """Why it cannot be submitted: no_instruction or no_change; "" when it can."""
        if not self.instruction.strip():
            return "no_instruction"
        unchanged = self.instruction.strip() == take.take.instruction.strip()
        if unchanged and self.region is None and self.mask is None and not self.skip:
            return "no_change"
        return ""

    def levels(self, take: Take) -> tuple[int, ...] | None:
        """The start levels that remain; None for all of them."""
        levels = levels_of(take)
        return levels[min(self.skip, max(0, len(levels) - 1)) :] if self.skip else None


def levels_of(take: Take) -> tuple[int, ...]:
    """The start levels of the take's iterations, from coarse to fine."""
    return tuple(int(level) for level in take.request.get("levels") or ())


def box_between(start: tuple[float, float], end: tuple[float, float]) -> Box | None:
    """The box between two points, in fractions of the frame; None when it is too small to be intended."""
    left, right = sorted(min(max(x, 0.0), 1.0) for x in (start[0], end[0]))
    top, bottom = sorted(min(max(y, 0.0), 1.0) for y in (start[1], end[1]))
    if right - left < 0.01 or bottom - top < 0.01:
        return None
    return round(left, 4), round(top, 4), round(right, 4), round(bottom, 4)


def lineage(take: ReviewTake, takes: dict[str, ReviewTake]) -> list[ReviewTake]:
    """The take's ancestors that are known, oldest first."""
    found: list[ReviewTake] = []
    parent = take.take.parent
    while parent in takes and takes[parent] not in found and parent != take.id:
        found.insert(0, takes[parent])
        parent = takes[parent].take.parent
    return found
