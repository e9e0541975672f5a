"""The clip's position, size and crop on its take, so that both stay in register."""

from typing import Any, List

from ..calls import call, has

KEYS = (
    "Scaling", "ResizeFilter", "ZoomGang", "ZoomX", "ZoomY", "Pan", "Tilt", "RotationAngle", "AnchorPointX",
    "AnchorPointY", "Pitch", "Yaw", "FlipX", "FlipY", "CropLeft", "CropRight", "CropTop", "CropBottom", "CropSoftness",
    "CropRetain", "Distortion", "Opacity",
)  # fmt: skip


def copy_transform(source: Any, target: Any) -> List[str]:
    """Give `target` what the Inspector shows of `source`; remarks on what reading back does not confirm.

    Some keys answer False and are set nevertheless, so that only the value itself counts. Values of keyframes are those
    at the playhead: Resolve tells no others.
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
