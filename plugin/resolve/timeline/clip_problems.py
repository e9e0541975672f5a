"""Why a clip cannot be used, as far as Resolve's calls show it without an export."""

import os
from fractions import Fraction
from typing import Any, Dict, Optional

from ..calls import call, call_if_present, has, to_int
from ..errors import ResolveProblem
from .current_timeline import clip_path
from .media_paths import STILLS, first_file, is_sequence
from .rates import exact_rate

RENDER = "Right-click it, Render in Place, and use the rendered clip."
RETIMED = {
    "what": "The clip's speed was changed.",
    "why": "Resolve computes the frames of a retimed, reversed or frozen clip; no file contains them.",
    "remedy": RENDER,
}
NO_FILE = {
    "what": "The clip is a title, a generator or a Fusion composition.",
    "why": "It exists only inside Resolve, not as a file.",
    "remedy": RENDER,
}
COMPOUND = {
    "what": "The clip is a compound clip, a multicam clip or a nested timeline.",
    "why": "It is a timeline, not a file.",
    "remedy": "Choose the clip inside it (Open in Timeline), or: " + RENDER,
}
STILL = {"what": "The clip is a still image.", "why": "All its frames are the same picture.", "remedy": RENDER}
DISABLED = {
    "what": "The clip is disabled.",
    "why": "The timeline does not show it.",
    "remedy": "Enable it (right-click, Enable Clip).",
}


def problem_with(item: Any, frames: int, rate: Fraction) -> Optional[Dict[str, str]]:
    """What, why and remedy for a clip that cannot be used; None for one that can.

    `frames` is its length in the timeline, `rate` the timeline's exact rate.
    """
    clip = call(item, "GetMediaPoolItem")
    if clip is None:
        return NO_FILE
    path = clip_path(clip)
    if not path:
        return COMPOUND
    if has(item, "GetClipEnabled") and call(item, "GetClipEnabled") is False:
        return DISABLED
    if not os.path.exists(first_file(path)):
        return offline(path)
    count = to_int(call(clip, "GetClipProperty", "Frames"))
    if os.path.splitext(path)[1].lower() in STILLS and not is_sequence(path) and count <= 1:
        return STILL
    return RETIMED if _retimed(item, clip, frames, rate) else None


def offline(path: str) -> Dict[str, str]:
    """What, why and remedy for offline media."""
    return {
        "what": f"The clip's media is offline: {path}",
        "why": "The file does not exist on this machine.",
        "remedy": "Relink it in the media pool.",
    }


def clip_error(problem: Dict[str, str]) -> ResolveProblem:
    """Convert a clip's problem to an error."""
    return ResolveProblem("not_supported", problem["what"], problem["why"], problem["remedy"])


def _retimed(item: Any, clip: Any, frames: int, rate: Fraction) -> bool:
    """Whether the used part of the media is clearly not as long as the clip, or is reversed.

    Finds only clear cases, because Resolve rounds these numbers; the export is exact and is checked later.
    """
    first, last = call_if_present(item, "GetSourceStartFrame"), call_if_present(item, "GetSourceEndFrame")
    if first is None or last is None:
        return False
    shown = to_int(last) - to_int(first)
    if shown < -1:
        return True
    try:
        own = exact_rate(call(clip, "GetClipProperty", "FPS"))
    except ResolveProblem:
        return False  # a sequence without its own rate, or a rate in another language's format
    lengths = (Fraction(frames), frames * own / rate)
    return all(abs(shown - each) > max(Fraction(2), each * Fraction(3, 100)) for each in lengths)
