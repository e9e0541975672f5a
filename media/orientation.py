"""How a stored picture is turned and mirrored for showing: its display matrix, as containers and EXIF give it."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, degrees
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type


@dataclass(frozen=True)
class Orientation:
    """`turns` counter-clockwise quarter turns (0 to 3), then the left and right sides swapped if `mirrored`.

    These are all eight orientations of EXIF and all display matrices that keep pixels on the grid. `tilt` is what a
    matrix turns beyond them, in degrees counter-clockwise from -45 to 45: it is left out.
    """

    turns: int = 0
    mirrored: bool = False
    tilt: float = 0.0

    @property
    def sideways(self) -> bool:
        """Whether width and height change places."""
        return self.turns % 2 == 1

    def upright(self, stored: np.ndarray, rows: int = 0) -> np.ndarray:
        """A view of stored pictures as they are shown; `rows` is the axis of the rows, columns are the next one."""
        turned = np.rot90(stored, self.turns, (rows, rows + 1))
        return np.flip(turned, rows + 1) if self.mirrored else turned

    def stored(self, upright: np.ndarray, rows: int = 0) -> np.ndarray:
        """The inverse of `upright`."""
        turned = np.flip(upright, rows + 1) if self.mirrored else upright
        return np.rot90(turned, -self.turns, (rows, rows + 1))


def orientation_of(frame: av.VideoFrame) -> Orientation:
    """The orientation that a decoded picture carries, from its container or from its own EXIF."""
    kinds: Any = frame.side_data  # a mapping that PyAV's stubs describe by one kind alone
    matrix = kinds.get("DISPLAYMATRIX")
    if matrix is None:
        return Orientation()
    # x' = across_x * x + down_x * y, y' = across_y * x + down_y * y, with y pointing down.
    across_x, across_y, _, down_x, down_y = np.frombuffer(memoryview(matrix), np.int32)[:5].tolist()
    mirrored = across_x * down_y - across_y * down_x < 0
    angle = degrees(atan2(-across_y, -across_x if mirrored else across_x))
    quarters = round(angle / 90)
    return Orientation(quarters % 4, mirrored, angle - 90 * quarters)


def _unlisted(kind: type[Type], number: object) -> Any:
    """A kind of side data that PyAV does not list (EXIF is one): without it, none of the frame's could be read."""
    member: Any = object.__new__(kind)
    member._name_, member._value_ = f"UNLISTED_{number}", number
    return member


setattr(Type, "_missing_", classmethod(_unlisted))  # noqa: B010
