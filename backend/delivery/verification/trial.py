"""One frame of a shot delivered as a take would be, so that what cannot be written is known before the long work."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from backend.delivery.conform import Conform
from backend.delivery.deliver import Delivery, deliver_take
from contract.job import LayerKind
from dynvfx.geometry import Geometry
from media.errors import UnfaithfulDelivery
from media.pixels import layout
from media.probe import MediaInfo, probe

_SIDE = 64
"""Side of the small picture that stands for what a model would make."""


def try_delivery(info: MediaInfo, frame: int, folder: Path, layer: LayerKind) -> tuple[str, ...]:
    """Deliver `frame` with a disc in its middle into `folder`, read everything back, and remove the folder.

    Returns sentences about what the composite cannot say of the clip. Raises what `deliver_take` raises, and
    UnfaithfulDelivery when the composite does not have the clip's pixels.
    """
    conform = Conform(info, frame, 1, Geometry(1, _SIDE, _SIDE, Fraction(1)))
    source = conform.model_frames()
    mask = np.zeros((1, _SIDE, _SIDE), np.float32)
    box = conform.box
    cv2.circle(mask[0], (box.left + box.width // 2, box.top + box.height // 2), max(3, box.height // 5), 1, -1)
    generated = np.where(mask[..., None] > 0, 255 - source, source).astype(np.uint8)
    try:
        delivery = deliver_take(conform, generated, mask, source, folder, layer=layer)
        return (*delivery.notes[len(info.notes) :], *_differences(info, delivery))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _differences(info: MediaInfo, delivery: Delivery) -> Iterator[str]:
    """What the composite says otherwise than the clip. Raises UnfaithfulDelivery where its pixels are others."""
    composite = probe(delivery.directory / delivery.composite, info.rate)
    if delivery.outside_change or (composite.width, composite.height) != (info.width, info.height):
        raise UnfaithfulDelivery(
            "A take of this clip would not have the clip's pixels outside of the effect.",
            f"A trial frame has {composite.width}x{composite.height} pixels, the clip {info.width}x{info.height}; "
            f"they differ by up to {delivery.outside_change:g} code values.",
            "Convert the clip to ProRes, DNxHR or H.264, and use that.",
        )
    if composite.kind == "sequence":
        return  # an EXR is scene-linear and upright by its nature
    facts: dict[str, Callable[[MediaInfo], object]] = {
        "colour primaries": lambda each: each.colour.primaries,
        "transfer function": lambda each: each.colour.transfer,
        "matrix": lambda each: each.colour.matrix,
        "pixel aspect": lambda each: each.pixel_aspect,
        "field order": lambda each: each.field_order,
        "orientation": lambda each: each.orientation,
    }
    if layout(info.working_format).family != "yuv":
        del facts["matrix"]  # RGB has none, whether a file says so or nothing
    for name, fact in facts.items():
        if fact(info) != fact(composite):
            yield f"The composite says another {name} ({fact(composite)}) than the clip ({fact(info)})."
