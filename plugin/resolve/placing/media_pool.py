"""DynVFX's bin in the media pool, and the takes in it."""

from typing import Any, Dict, List, Optional

from ..calls import call, call_if_present, to_int, to_list
from ..errors import ResolveProblem
from ..timeline.current_timeline import clip_path, uid_of
from ..timeline.media_paths import import_request, same_path, spellings

BIN = "DynVFX"
ALPHA, STRAIGHT = "Alpha mode", "Straight"


def find_bin(pool: Any) -> Optional[Any]:
    """DynVFX's bin, None before the first take."""
    for folder in to_list(call(call(pool, "GetRootFolder"), "GetSubFolderList")):
        if call(folder, "GetName") == BIN:
            return folder
    return None


def find_folder(pool: Any, uid: str) -> Optional[Any]:
    """The bin with this id, anywhere in the media pool."""
    waiting = [call(pool, "GetRootFolder")]
    while waiting:
        folder = waiting.pop()
        if uid_of(folder) == uid:
            return folder
        waiting += to_list(call(folder, "GetSubFolderList"))
    return None


def clips_in(folder: Any) -> List[Any]:
    """The clips of a bin."""
    return to_list(call(folder, "GetClipList"))


def clip_of(folder: Any, take: Dict[str, Any]) -> Optional[Any]:
    """The clip of this take in a bin."""
    for clip in clips_in(folder):
        if any(same_path(clip_path(clip), each) for each in spellings(take)):
            return clip
    return None


def import_take(pool: Any, take: Dict[str, Any]) -> Any:
    """The take's clip in DynVFX's bin, imported if necessary; the user's current bin stays the current one.

    Raises ResolveProblem when Resolve cannot read the take, or reads another length.
    """
    before = uid_of(call(pool, "GetCurrentFolder"))
    try:
        folder = find_bin(pool) or call(pool, "AddSubFolder", call(pool, "GetRootFolder"), BIN)
        if folder is None:
            raise ResolveProblem(
                "placement_failed", f"Resolve did not create the bin {BIN}.", "", "Create it by hand, and try again."
            )
        clip = clip_of(folder, take)
        if clip is None:
            call(pool, "SetCurrentFolder", folder)
            made = to_list(call(pool, "ImportMedia", [import_request(take)]))
            clip = clip_of(folder, take) or (made[0] if len(made) == 1 else None)
    finally:
        restore_folder(pool, before)
    if clip is None:
        raise ResolveProblem(
            "placement_failed",
            f"Resolve cannot read the take: {take['path']}",
            "Resolve imported nothing. The free edition on Linux reads fewer formats.",
            "Check that the file exists; make the take again as ProRes 4444.",
        )
    frames = to_int(call(clip, "GetClipProperty", "Frames"), -1)
    if frames not in (-1, int(take["frame_count"])):
        raise ResolveProblem(
            "placement_failed",
            f"Resolve reads {frames} frames from the take, which has {take['frame_count']}.",
            str(take["path"]),
            "Make the take again.",
        )
    return clip


def restore_folder(pool: Any, uid: str) -> None:
    """Make the user's bin the current one again."""
    if uid_of(call(pool, "GetCurrentFolder")) != uid:
        folder = find_folder(pool, uid)
        if folder is not None:
            call(pool, "SetCurrentFolder", folder)


def set_straight(clip: Any) -> bool:
    """Set a clip's alpha mode to straight; returns whether reading it back confirms it.

    Resolve may return the value in the user's language. It is then confirmed if two modes read back as two texts.
    """
    if call(clip, "GetClipProperty", ALPHA) == STRAIGHT:
        return True
    call(clip, "SetClipProperty", ALPHA, STRAIGHT)
    shown = call(clip, "GetClipProperty", ALPHA)
    if shown == STRAIGHT:
        return True
    if not shown or shown in ("None", "Premultiplied"):
        return False
    call(clip, "SetClipProperty", ALPHA, "Premultiplied")
    other = call(clip, "GetClipProperty", ALPHA)
    call(clip, "SetClipProperty", ALPHA, STRAIGHT)
    return bool(other) and other != shown and call(clip, "GetClipProperty", ALPHA) == shown


def is_unused(clip: Any) -> bool:
    """Whether Resolve reports that no timeline uses a clip."""
    return to_int(call_if_present(clip, "GetClipProperty", "Usage")) == 0
