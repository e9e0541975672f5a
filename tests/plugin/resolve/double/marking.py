"""Markers of timelines and of their items: at most one per frame, never without a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.plugin.resolve.double.state import Marker

if TYPE_CHECKING:
    from tests.plugin.resolve.double.world import World


def _reply(marker: Marker) -> dict[str, Any]:
    return {
        "color": marker.color,
        "name": marker.name,
        "note": marker.note,
        "duration": marker.duration,
        "customData": marker.custom,
    }


class MarkerCalls:
    def AddMarker(
        world: World,
        owner: Any,
        frame: float,
        color: str,
        name: str,
        note: str,
        duration: float,
        custom: str | None = None,
    ) -> bool:
        if not name or float(frame) in owner.markers:
            return False
        owner.markers[float(frame)] = Marker(color, name, note, float(duration), custom or "")
        return True

    def GetMarkers(world: World, owner: Any) -> dict[float, dict]:
        return {frame: _reply(marker) for frame, marker in sorted(owner.markers.items())}

    def GetMarkerByCustomData(world: World, owner: Any, custom: str) -> dict:
        return next((_reply(each) for _, each in sorted(owner.markers.items()) if each.custom == custom), {})

    def UpdateMarkerCustomData(world: World, owner: Any, frame: float, custom: str) -> bool:
        if float(frame) not in owner.markers:
            return False
        owner.markers[float(frame)].custom = custom
        return True

    def GetMarkerCustomData(world: World, owner: Any, frame: float) -> str:
        return owner.markers[float(frame)].custom if float(frame) in owner.markers else ""

    def DeleteMarkerAtFrame(world: World, owner: Any, frame: float) -> bool:
        return owner.markers.pop(float(frame), None) is not None

    def DeleteMarkerByCustomData(world: World, owner: Any, custom: str) -> bool:
        found = next((frame for frame, each in sorted(owner.markers.items()) if each.custom == custom), None)
        return found is not None and owner.markers.pop(found) is not None
