"""A box in the picture: left, top, right and bottom in fractions of its width and height, from 0 to 1."""

from __future__ import annotations

import math

from contract.errors import BadUsage

Box = tuple[float, float, float, float]


def check_box(box: Box) -> None:
    """Raises BadUsage for a box that is empty or leaves the picture."""
    left, top, right, bottom = box
    if 0.0 <= left < right <= 1.0 and 0.0 <= top < bottom <= 1.0:
        return
    inside = all(math.isfinite(side) and 0.0 <= side <= 1.0 for side in box)
    raise BadUsage(
        f"The box {', '.join(f'{side:g}' for side in box)} {'is empty' if inside else 'leaves the picture'}.",
        "Its sides are left, top, right and bottom in fractions of the picture, from 0 to 1.",
        "Give left below right and top below bottom, for example 0.5,0,1,1 for the right half.",
    )
