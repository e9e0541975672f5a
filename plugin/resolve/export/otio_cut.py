"""Cutting a timeline's OpenTimelineIO export down to one clip: plain JSON, standard library only."""

from fractions import Fraction
from typing import Any, Dict, List, Optional, Tuple

from ..errors import ResolveProblem
from ..timeline.clip_problems import COMPOUND, NO_FILE, RETIMED, clip_error
from ..timeline.rates import exact_rate

Json = Dict[str, Any]


class NotInExport(ResolveProblem):
    """The export does not have the clip at the position that Resolve reports."""

    def __init__(self, why: str) -> None:
        ResolveProblem.__init__(
            self,
            "export_failed",
            "Resolve's export does not have the clip at its position.",
            why,
            "Move the clip by a frame and back, and try again.",
        )


def cut_to_clip(document: Json, track: int, start: int, frames: int, first: int, rate: Fraction) -> Json:
    """Cut the timeline `whole` down to one clip, which keeps all its data and its media's whole range (the handles).

    track: the clip's video track, 1 for V1.
    start, frames: the clip's first frame, as the timeline numbers it, and its length.
    first: the number of the timeline's first frame.
    rate: the timeline's exact rate.
    Raises ResolveProblem for a clip that cannot be used.
    """
    layers = [each for each in _children(document.get("tracks")) if _schema(each) == "Track"]
    videos = [each for each in layers if str(each.get("kind") or "Video").lower() == "video"]
    if not 1 <= track <= len(videos):
        raise NotInExport(f"It has {len(videos)} video tracks, the clip is on V{track}.")
    clip = _at(videos[track - 1], start - first, frames, rate)
    _refuse(clip, videos[track - 1])
    lane = dict(videos[track - 1], children=_lane(clip, start - first, rate))
    return dict(
        document,
        global_start_time=_time(first, rate),
        tracks=dict(document["tracks"], children=[lane]),
    )


def clip_alone(title: str, clip: Json, start: int, first: int, rate: Fraction) -> Json:
    """A timeline of one clip, for a Resolve that exports no OpenTimelineIO. `clip` is from `plain_clip`."""
    lane = {"OTIO_SCHEMA": "Track.1", "name": "V1", "kind": "Video", "source_range": None, "metadata": {}}  # type: Json
    lane.update(effects=[], markers=[], children=_lane(clip, start - first, rate))
    stack = {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "source_range": None, "metadata": {}}  # type: Json
    stack.update(effects=[], markers=[], children=[lane])
    return {
        "OTIO_SCHEMA": "Timeline.1",
        "name": title,
        "metadata": {},
        "global_start_time": _time(first, rate),
        "tracks": stack,
    }


def plain_clip(name: str, path: str, shown: Tuple[int, int], available: Tuple[int, int], rate: Fraction) -> Json:
    """A clip of a media file; ranges are (start, length) in the media's own frames."""
    reference = {"OTIO_SCHEMA": "ExternalReference.1", "name": name, "metadata": {}, "target_url": path}
    reference["available_range"] = _range(available[0], available[1], rate)
    return {
        "OTIO_SCHEMA": "Clip.1",
        "name": name,
        "metadata": {},
        "effects": [],
        "markers": [],
        "source_range": _range(shown[0], shown[1], rate),
        "media_reference": reference,
    }


def media_of(document: Json) -> str:
    """The media path of the only clip."""
    clip = _children(document["tracks"]["children"][0])[-1]
    return str((_reference(clip) or {}).get("target_url") or "")


def _at(track: Json, position: int, frames: int, rate: Fraction) -> Json:
    """The clip or nested stack that begins `position` frames after the timeline does."""
    here = Fraction(0)
    for child in _children(track):
        if _schema(child) == "Transition":
            continue  # a transition overlaps its neighbours and adds no time
        length = _length(child)
        if length is None:
            raise NotInExport("Something before it has no length.")
        if round(here * rate) == position and _schema(child) != "Gap":
            if round((here + length) * rate) - position != frames:
                raise NotInExport(f"It is {float(length * rate):g} frames long there, {frames} in Resolve.")
            return child
        here += length
    raise NotInExport("Nothing begins there.")


def _refuse(clip: Json, track: Json) -> None:
    if _schema(clip) != "Clip":
        raise clip_error(COMPOUND)
    for effect in list(clip.get("effects") or []) + list(track.get("effects") or []):
        kind = _schema(effect)
        is_off = effect.get("enabled") is False
        if kind == "LinearTimeWarp" and abs(float(effect.get("time_scalar", 1)) - 1) < 1e-6:
            continue
        if kind in ("LinearTimeWarp", "TimeEffect", "FreezeFrame") and not is_off:
            raise clip_error(RETIMED)
    reference = _reference(clip)
    if reference is None or _schema(reference) not in ("ExternalReference", "ImageSequenceReference"):
        raise clip_error(NO_FILE)


def _lane(clip: Json, position: int, rate: Fraction) -> List[Json]:
    if not position:
        return [clip]
    gap = {"OTIO_SCHEMA": "Gap.1", "name": "", "metadata": {}, "effects": [], "markers": []}
    return [dict(gap, source_range=_range(0, position, rate)), clip]


def _schema(thing: Any) -> str:
    return str(thing.get("OTIO_SCHEMA", "")).partition(".")[0] if isinstance(thing, dict) else ""


def _children(thing: Any) -> List[Json]:
    children = thing.get("children") if isinstance(thing, dict) else None
    return [each for each in children or [] if isinstance(each, dict)]


def _reference(clip: Json) -> Optional[Json]:
    """The active media reference of a Clip.1 or Clip.2."""
    several = clip.get("media_references")
    if isinstance(several, dict):
        return several.get(clip.get("active_media_reference_key") or "DEFAULT_MEDIA")
    return clip.get("media_reference")


def _length(item: Json) -> Optional[Fraction]:
    """Seconds that an item fills."""
    shown = item.get("source_range") or (_reference(item) or {}).get("available_range")
    if not isinstance(shown, dict):
        return None
    duration = shown["duration"]
    return Fraction(str(duration["value"])) / exact_rate(duration["rate"])


def _time(value: int, rate: Fraction) -> Json:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate), "value": float(value)}


def _range(start: int, length: int, rate: Fraction) -> Json:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": _time(start, rate), "duration": _time(length, rate)}
