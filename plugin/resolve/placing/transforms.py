"""Copying the clip's position, size and crop to its take, so that both stay aligned."""

from typing import Any, List

from ..calls import call, has

KEYS = (
    "Scaling", "ResizeFilter", "ZoomGang", "ZoomX", "ZoomY", "Pan", "Tilt", "RotationAngle", "AnchorPointX",
    "AnchorPointY", "Pitch", "Yaw", "FlipX", "FlipY", "CropLeft", "CropRight", "CropTop", "CropBottom", "CropSoftness",
    "CropRetain", "Distortion", "Opacity",
)  # fmt: skip


def copy_transform(source: Any, target: Any) -> List[str]:
    """Copy the Inspector values of `source` to `target`; returns remarks on those that reading back does not confirm.

    For some keys Resolve returns False although it sets them, so only the value read back counts. Of keyframes only the
    value at the playhead is copied: Resolve's API has no others.
    """
    if not has(source, "GetProperty") or not has(target, "SetProperty"):
        return []
    wanted, has_now = call(source, "GetProperty"), call(target, "GetProperty")
    if not isinstance(wanted, dict) or not isinstance(has_now, dict):
        return []
    refused = []
    for key in KEYS:
        if key in wanted and wanted[key] != has_now.get(key):
            call(target, "SetProperty", key, wanted[key])
            if not _same(call(target, "GetProperty", key), wanted[key]):
                refused.append(key)
    return ["Copy these from the clip by hand: " + ", ".join(refused) + "."] if refused else []


def _same(one: Any, other: Any) -> bool:
    try:
        return abs(float(one) - float(other)) < 1e-4
    except (TypeError, ValueError):
        return one == other
