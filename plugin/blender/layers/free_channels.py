"""Channels above a clip that are free in its range. Blender's API lets strips overlap silently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..agent_link import AgentProblem
from ..strips import compat

CHANNELS = 128


@dataclass(frozen=True)
class FreeChannels:
    """`numbers` ascend; `note` says why the first is not the one directly above, or is empty."""

    numbers: tuple[int, ...]
    note: str


def free_channels(parent: Any, channel: int, start: int, end: int, count: int) -> FreeChannels:
    """Find `count` channels above `channel` that are neither locked nor muted and have no strip in start..end.

    parent: the sequence editor or meta strip.
    channel: the clip's channel.
    start, end: frames of the timeline, `end` excluded.
    Raises AgentProblem no_free_track.
    """
    taken = {
        each.channel
        for each in compat.strips_of(parent)
        if compat.frames(each, "frame_final_start") < end and compat.frames(each, "frame_final_end") > start
    }
    unusable = {
        number for number in range(channel + 1, CHANNELS + 1) if _locked_or_muted(parent.channels[number])
    } - taken
    free = [number for number in range(channel + 1, CHANNELS + 1) if number not in taken | unusable][:count]
    if not count:
        return FreeChannels((), "")
    if len(free) < count:
        raise AgentProblem(
            "no_free_track",
            f"There {'is no free channel' if count == 1 else f'are no {count} free channels'} above the clip.",
            f"Blender has {CHANNELS} channels, and those above channel {channel} hold strips in the clip's range, "
            "are locked or muted.",
            "Move some strips to other channels, or unlock channels, then place the take again.",
        )
    return FreeChannels(tuple(free), _note(parent, channel, free[0], taken))


def _locked_or_muted(channel: Any) -> bool:
    return channel.lock or channel.mute


def _note(parent: Any, channel: int, first: int, taken: set[int]) -> str:
    if first == channel + 1:
        return ""
    name = parent.channels[channel + 1].name
    if channel + 1 in taken:
        why = "holds another strip there"
    else:
        why = "is locked" if parent.channels[channel + 1].lock else "is muted"
    return f"{name}, directly above the clip, {why}, so the take is on {parent.channels[first].name}."
