"""What the shipped model `tiny` can draw, and the words that people use for it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dynvfx.request import Effect


@dataclass(frozen=True)
class Content:
    """One drawable thing: its canonical `phrase`, other phrases for it, and how it fills the frame."""

    phrase: str
    synonyms: tuple[str, ...]
    effect: Effect = "object"


VOCABULARY: tuple[Content, ...] = (
    Content("red ball", ("red balls", "crimson ball", "red sphere")),
    Content("blue ball", ("blue balls", "blue sphere")),
    Content("yellow ball", ("yellow balls", "yellow sphere")),
    Content("green ball", ("green balls", "green sphere")),
    Content("red balloon", ("balloon", "balloons", "red balloons")),
    Content("fire", ("flames", "flame", "a blaze", "burning", "campfire", "bonfire")),
    Content("smoke", ("smoke plume", "smoking", "plume")),
    Content("snow", ("snowing", "snowfall", "snowflakes"), "global"),
    Content("glowing orb", ("orb", "glowing ball", "glowing sphere", "energy ball", "will-o'-the-wisp")),
)

SIDES: tuple[str, ...] = ("left", "middle", "right")
"""Placement words that the model was trained on."""

_SIDE_WORDS = {"left": "left", "right": "right", "middle": "middle", "center": "middle", "centre": "middle"}


def find_content(text: str) -> Content | None:
    """The vocabulary entry that `text` names, longest phrase first; None when it names none."""
    words = " ".join(re.findall(r"[\w'-]+", text.lower()))
    phrases = [(phrase, content) for content in VOCABULARY for phrase in (content.phrase, *content.synonyms)]
    for phrase, content in sorted(phrases, key=lambda pair: -len(pair[0])):
        if re.search(rf"\b{re.escape(phrase)}\b", words):
            return content
    return None


def find_side(text: str) -> str | None:
    """The placement word of SIDES that `text` names, or None."""
    for word in re.findall(r"[a-z]+", text.lower()):
        if word in _SIDE_WORDS:
            return _SIDE_WORDS[word]
    return None


def canonical_caption(text: str) -> str:
    """The words that the model is given for a caption: content and side, "empty scene", or "" for no text."""
    content = find_content(text)
    if content is None:
        return "empty scene" if text.strip() else ""
    side = find_side(text)
    return f"{content.phrase} {side}" if side else content.phrase
