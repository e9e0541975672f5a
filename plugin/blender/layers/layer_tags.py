"""Custom properties that mark a strip as a placed take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..agent_link import AgentProblem
from ..strips import compat
from ..strips.identity import Identities

_TAKE, _CLIP, _LABEL, _CLIP_NAME = "dynvfx_take", "dynvfx_clip", "dynvfx_label", "dynvfx_clip_name"


@dataclass(frozen=True)
class TakeTag:
    """`take` is the take's id, `clip` the identity and `clip_name` the name of the clip when it was placed."""

    take: str
    clip: str
    label: str
    clip_name: str


def is_layer(strip: Any) -> bool:
    """Whether a strip is a placed take."""
    return strip.get(_TAKE) is not None


def write_tag(strip: Any, mark: TakeTag) -> None:
    """Mark a strip as a placed take."""
    strip[_TAKE], strip[_CLIP], strip[_LABEL], strip[_CLIP_NAME] = mark.take, mark.clip, mark.label, mark.clip_name


def read_tag(strip: Any) -> TakeTag:
    """Read the tag of a placed take."""
    return TakeTag(*(str(strip.get(name, "")) for name in (_TAKE, _CLIP, _LABEL, _CLIP_NAME)))


def layers_of(scene: Any, clip: Any, identities: Identities) -> list[Any]:
    """The placed takes of a clip, the lowest channel first."""
    layers = [each for each in compat.all_strips(scene) if is_layer(each)]
    mine = [each for each in layers if clip_below(scene, each, identities) == clip]
    return sorted(mine, key=lambda each: each.channel)


def clip_below(scene: Any, layer: Any, identities: Identities) -> Any:
    """The clip that a placed take belongs to; None when it was deleted.

    Found by identity; if the file was saved under another name since, by the clip's name; if the clip was also renamed,
    as the nearest strip below with the same range.
    """
    mark = read_tag(layer)
    try:
        found_in, found = identities.find(mark.clip)
        return found if found_in == scene else None
    except AgentProblem:
        pass
    siblings = [each for each in compat.strips_of(compat.parent_of(scene, layer)) if not is_layer(each)]
    named = next((each for each in siblings if each.name == mark.clip_name), None)
    if named is not None:
        return named
    below = [each for each in siblings if each.channel < layer.channel and _range(each) == _range(layer)]
    return max(below, key=lambda each: each.channel, default=None)


def _range(strip: Any) -> tuple[int, int]:
    return compat.frames(strip, "frame_final_start"), compat.frames(strip, "frame_final_duration")
