"""What the shipped model `tiny` can draw, where, and the phrases that people use for it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dynvfx import vocabulary
from dynvfx.vocabulary import Content

DIAMETERS = {"small": 0.30, "medium": 0.40, "large": 0.52}
"""What the sizes mean, as fractions of the frame's shorter side."""


@dataclass(frozen=True)
class CaptionPlacement:
    """Centre as fractions of width and height, diameter as a fraction of the frame's shorter side."""

    x: float
    y: float
    diameter: float = DIAMETERS["medium"]


@dataclass(frozen=True)
class PlacedContent(Content):
    """A drawable thing and where it is when the caption names no place (None: everywhere)."""

    placement: CaptionPlacement | None = CaptionPlacement(0.64, 0.60)


VOCABULARY: tuple[PlacedContent, ...] = (
    PlacedContent("red ball", ("red balls", "crimson ball", "red sphere")),
    PlacedContent("blue ball", ("blue balls", "blue sphere")),
    PlacedContent("yellow ball", ("yellow balls", "yellow sphere")),
    PlacedContent("green ball", ("green balls", "green sphere")),
    PlacedContent("red balloon", ("balloon", "balloons", "red balloons"), placement=CaptionPlacement(0.64, 0.42)),
    PlacedContent(
        "fire", ("flames", "flame", "a blaze", "burning", "campfire", "bonfire"), placement=CaptionPlacement(0.6, 0.62)
    ),
    PlacedContent("smoke", ("smoke plume", "smoking", "plume"), placement=CaptionPlacement(0.6, 0.55)),
    PlacedContent("snow", ("snowing", "snowfall", "snowflakes"), "full_frame", placement=None),
    PlacedContent(
        "glowing orb",
        ("orb", "glowing ball", "glowing sphere", "energy ball", "will-o'-the-wisp"),
        placement=CaptionPlacement(0.62, 0.42),
    ),
)

# The first phrase that a caption holds counts, so longer ones come first.
_ACROSS = (
    (r"\bfar left\b|\bleft edge\b", 0.14),
    (r"\bfar right\b|\bright edge\b", 0.86),
    (r"\bleft\b", 0.26),
    (r"\bright\b", 0.74),
    (r"\b(middle|cent(er|re))\b", 0.5),
)
_DOWN = (
    (r"\b(top|sky|overhead|high|above|floating|flying)\b", 0.3),
    (r"\b(bottom|low|ground|floor|street|road|grass|table|path|foreground)\b", 0.7),
)
_SIZE = (
    (r"\b(small|tiny|little)\b", DIAMETERS["small"]),
    (r"\bmedium(-sized)?\b", DIAMETERS["medium"]),
    (r"\b(large|big|huge|giant|massive|enormous)\b", DIAMETERS["large"]),
)
_PERCENT = r"(\d{1,3})(?:\.\d+)?\s?(?:%|per ?cent) "


def find_content(text: str) -> PlacedContent | None:
    """The vocabulary entry that `text` names first; None when it names none."""
    return vocabulary.find_content(text, VOCABULARY)


def find_placement(text: str, default: CaptionPlacement) -> CaptionPlacement:
    """Where `text` puts the content: "40 % from the left", "70 % from the top", or words like left, top, small.

    What it leaves out is taken from `default`.
    """
    text = text.lower()

    def share(where: str, words: tuple[tuple[str, float], ...], otherwise: float) -> float:
        percent = re.search(_PERCENT + where, text)
        if percent:
            return min(100, int(percent[1])) / 100
        return next((value for pattern, value in words if re.search(pattern, text)), otherwise)

    x = share(r"(?:from the left|across|of the width)", _ACROSS, default.x)
    y = share(r"(?:from the top|down|of the height)", _DOWN, default.y)
    diameter = next((value for pattern, value in _SIZE if re.search(pattern, text)), default.diameter)
    return CaptionPlacement(x, y, diameter)


def placed_caption(text: str, box: tuple[float, float, float, float]) -> str:
    """A caption of the same content that puts it into `box` (left, top, right, bottom in fractions of the frame).

    Place and size in `text` are kept as far as the box allows; what it leaves out comes from the box.
    """
    content = find_content(text)
    if content is None or content.placement is None:
        return text
    left, top, right, bottom = box
    named = find_placement(text, CaptionPlacement((left + right) / 2, (top + bottom) / 2, content.placement.diameter))
    # Diameters are fractions of the shorter side, so the lesser of the box's fractions holds whatever the aspect is.
    room = min(right - left, bottom - top)
    fitting = [size for size, diameter in DIAMETERS.items() if diameter <= min(named.diameter, room) + 1e-6]
    size = max(fitting, key=DIAMETERS.__getitem__, default="small")
    x, y = _within(named.x, left, right, DIAMETERS[size]), _within(named.y, top, bottom, DIAMETERS[size])
    return f"{size} {content.phrase}, {x:.0%} from the left, {y:.0%} from the top"


def _within(place: float, low: float, high: float, extent: float) -> float:
    """The place nearest to `place` where something of `extent` lies between `low` and `high`; else their middle."""
    if high - low <= extent:
        return (low + high) / 2
    return min(max(place, low + extent / 2), high - extent / 2)


def canonical_caption(text: str) -> tuple[str, CaptionPlacement | None]:
    """What the model is given for a caption: its content's phrase and place; "empty scene" without, "" for no text."""
    content = find_content(text)
    if content is None:
        return "empty scene" if text.strip() else "", None
    return content.phrase, content.placement and find_placement(text, content.placement)
