"""Strips that are shown in a clip's place. Blender leaves out a strip that an effect above it takes in."""

from __future__ import annotations

from typing import Any

from ..strips import compat
from .layer_tags import is_mix


def consumers_of(parent: Any, clip: Any, start: int, end: int) -> list[Any]:
    """Strips whose output stands for the clip in start..end (excluded), directly or through others, the lowest first.

    Effects that take the clip in, effects that take in those, and multicam strips that show the clip's channel. A take
    is seen only above all of them. The add-on's own effects are left out.
    """
    siblings = [each for each in compat.strips_of(parent) if not is_mix(each) and compat.overlaps(each, start, end)]
    found: list[Any] = []
    waiting = [clip]
    while waiting:
        taken = waiting.pop()
        for each in siblings:
            if each not in found and (taken in compat.inputs_of(each) or _shows_channel_of(each, taken)):
                found.append(each)
                waiting.append(each)
    return sorted(found, key=lambda each: each.channel)


def lowest_above(parent: Any, clip: Any, start: int, end: int) -> int:
    """The channel above which a take of the clip is seen: the clip's own, or that of the highest consumer."""
    return max([clip.channel, *(each.channel for each in consumers_of(parent, clip, start, end))])


def covering(parent: Any, layer: Any) -> Any:
    """A strip above the layer that replaces everything below it; None when there is none."""
    start, end = compat.visible_range(layer)
    for each in compat.strips_of(parent):
        above = each.channel > layer.channel and not compat.is_muted(parent, each)
        replaces = getattr(each, "blend_type", "") == "REPLACE" and each.type != "SOUND"
        if above and replaces and compat.overlaps(each, start, end):
            return each
    return None


def _shows_channel_of(multicam: Any, strip: Any) -> bool:
    """Whether a multicam strip above `strip` shows the channels up to that of `strip`."""
    if multicam.type != "MULTICAM" or not compat.overlaps(multicam, *compat.visible_range(strip)):
        return False
    return multicam.channel > strip.channel and multicam.multicam_source >= strip.channel
