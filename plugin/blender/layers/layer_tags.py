"""Custom properties that mark a strip as a placed take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..agent_link import AgentProblem
from ..strips import compat
from ..strips.identity import Identities

_TEXTS = ("dynvfx_take", "dynvfx_clip", "dynvfx_label", "dynvfx_clip_name", "dynvfx_effect", "dynvfx_folder")
_TAKE, _MIX, _PART = "dynvfx_take", "dynvfx_mix", "dynvfx_part"


@dataclass(frozen=True)
class TakeTag:
    """What is remembered of a placed take.

    take: the take's id
    clip, clip_name: the identity and the name of the clip when the take was placed
    effect: takes of a clip with the same one are alternatives
    folder: the folder of the take's files when it was placed
    part: first frame and number of frames in the clip, None for the whole clip
    """

    take: str
    clip: str
    label: str
    clip_name: str
    effect: str = ""
    folder: str = ""
    part: tuple[int, int] | None = None


def is_layer(strip: Any) -> bool:
    """Whether a strip is a placed take."""
    return strip.get(_TAKE) is not None


def is_mix(strip: Any) -> bool:
    """Whether a strip is an effect that the add-on placed to mix a take with its clip."""
    return strip.get(_MIX) is not None


def write_tag(strip: Any, mark: TakeTag) -> None:
    """Mark a strip as a placed take."""
    values = (mark.take, mark.clip, mark.label, mark.clip_name, mark.effect, mark.folder)
    for name, value in zip(_TEXTS, values, strict=True):
        strip[name] = value
    if mark.part is not None:
        strip[_PART] = list(mark.part)


def write_mix_tag(strip: Any, take: str) -> None:
    """Mark an effect strip as the one that mixes a take with its clip."""
    strip[_MIX] = take


def write_folder(strip: Any, folder: str) -> None:
    """Remember another folder of the take's files."""
    strip["dynvfx_folder"] = folder


def read_tag(strip: Any) -> TakeTag:
    """Read the tag of a placed take."""
    take, clip, label, clip_name, effect, folder = (str(strip.get(name, "")) for name in _TEXTS)
    part = strip.get(_PART)
    return TakeTag(take, clip, label, clip_name, effect, folder, (int(part[0]), int(part[1])) if part else None)


def layers_in(scene: Any) -> list[Any]:
    """All placed takes of a scene."""
    return [each for each in compat.all_strips(scene) if is_layer(each)]


def layers_of(scene: Any, clip: Any, identities: Identities) -> list[Any]:
    """The placed takes of a clip, the lowest channel first."""
    mine = [each for each in layers_in(scene) if clip_below(scene, each, identities) == clip]
    return sorted(mine, key=lambda each: each.channel)


def alternatives(layers: list[Any], layer: Any) -> list[Any]:
    """The other layers of a clip of which only one is to be seen together with `layer`.

    Those of the same effect, where they overlap: takes of different effects, or of different parts, add to each other.
    """
    effect, (start, end) = read_tag(layer).effect, compat.visible_range(layer)
    ranges = [(each, *compat.visible_range(each)) for each in layers if each != layer]
    return [each for each, first, last in ranges if read_tag(each).effect == effect and first < end and last > start]


def clip_below(scene: Any, layer: Any, identities: Identities) -> Any:
    """The clip that a placed take belongs to; None when it was deleted.

    Found by identity; if the file was saved under another name since, by the clip's name; if the clip was also renamed,
    as the nearest strip below that covers the take's range.
    """
    mark = read_tag(layer)
    try:
        found_in, found = identities.find(mark.clip)
        return found if found_in == scene else None
    except AgentProblem:
        pass
    siblings = [
        each
        for each in compat.strips_of(compat.parent_of(scene, layer))
        if not is_layer(each) and not is_mix(each) and each.type != "SOUND"
    ]
    named = next((each for each in siblings if each.name == mark.clip_name), None)
    if named is not None:
        return named
    below = [each for each in siblings if each.channel < layer.channel and _covers(each, layer)]
    return max(below, key=lambda each: each.channel, default=None)


def _covers(strip: Any, layer: Any) -> bool:
    (start, end), (first, last) = compat.visible_range(strip), compat.visible_range(layer)
    return (start, end) == (first, last) if read_tag(layer).part is None else start <= first and last <= end
