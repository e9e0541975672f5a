"""Markers that identify a placed take. They stay with the clip when it is moved, copied or cut."""

import json
from typing import Any, Dict, List, Optional, Tuple

from ..calls import call

COLOUR = "Purple"
FRAME = 0  # markers of a clip are counted in frames of its source


def write_marker(item: Any, uid: str, take: Dict[str, Any], remarks: List[str]) -> bool:
    """Set DynVFX's marker of an item, replacing an earlier one; returns whether reading it back confirms it."""
    for _, old in _ours(item):
        call(item, "DeleteMarkerByCustomData", marker_data(old["shot"], old["take"]))
    data = marker_data(uid, str(take["id"]))
    name = "DynVFX " + (str(take.get("label") or "") or str(take["id"]))
    note = "\n".join([str(take.get("instruction") or "")] + remarks)
    call(item, "AddMarker", FRAME, COLOUR, name, note, 1, data)
    return read_marker(item) == (uid, str(take["id"]))


def read_marker(item: Any) -> Optional[Tuple[str, str]]:
    """(shot, take) from an item's marker; None when it has no marker of DynVFX."""
    found = _ours(item)
    return (found[0][1]["shot"], found[0][1]["take"]) if found else None


def marker_data(uid: str, take: str) -> str:
    """The marker's custom data, which Resolve's interface does not show."""
    return json.dumps({"dynvfx": 1, "shot": uid, "take": take}, sort_keys=True)


def _ours(item: Any) -> List[Tuple[float, Dict[str, Any]]]:
    found = []
    for frame, marker in (call(item, "GetMarkers") or {}).items():
        try:
            data = json.loads(str(marker.get("customData") or ""))
        except ValueError:
            continue  # another script's
        if isinstance(data, dict) and data.get("dynvfx") and "shot" in data and "take" in data:
            found.append((frame, data))
    return found
