"""The agent's assumptions about Resolve, each as a question to a running one.

A question returns what it found, a short text or a number; `ASSUMED` holds the answers that the agent was built for. A
different answer is either handled (`HANDLED`: the agent detects it by reading back) or a reason to send the report.
"""

import json
import os
import socket
from typing import Any, Callable, Dict, List, Tuple

from ..calls import call, call_if_present, has, to_int, to_list
from ..errors import ResolveProblem
from ..placing.media_pool import ALPHA, STRAIGHT
from ..timeline.current_timeline import clip_path, items_on, track_count, uid_of
from .bench import Bench
from .sample_pictures import COUNT, FIRST

ASSUMED = {
    "unknown_name": "None",
    "local_socket": "works",
    "start_frame": 86400,
    "new_bin": "becomes current",
    "sequence_path": "name.[first-last].suffix",
    "sequence_frames": COUNT,
    "alpha_mode": "set and read back",
    "end_frame": "exclusive",
    "frame_base": "zero",
    "past_end": "clamps",
    "append_over": "reports success, places nothing",
    "append_locked": "reports success, places nothing",
    "video_only": "no audio",
    "left_offset": 0,
    "source_end_frame": "inclusive",
    "add_track": "inserts and shifts",
    "track_and_index": "follows the shift",
    "track_name": "set and read back",
    "marker_without_name": "refused",
    "marker_on_marker": "refused",
    "marker_data": "read back",
    "anchor_point": "reports failure, sets",
    "metadata_of_our_own": "refused",
    "takes": "keep place and length",
    "take_and_marker": "stays",
    "clip_under_playhead": "found",
    "selection": "callable",
    "otio": "found at its place",
    "otio_path": "plain path",
    "otio_clip": "Clip.2",
    "delete_clips": "deletes",
    "delete_track": "deletes",
    "saved": "reads back the same",
}  # type: Dict[str, Any]

HANDLED = {
    "start_frame", "new_bin", "sequence_path", "alpha_mode", "end_frame", "frame_base", "past_end", "append_over",
    "append_locked", "add_track", "track_and_index", "track_name", "marker_without_name", "marker_on_marker",
    "marker_data", "anchor_point", "metadata_of_our_own", "takes", "take_and_marker", "selection", "otio", "otio_path",
    "otio_clip", "source_end_frame",
}  # fmt: skip

_ERRORS = (ResolveProblem, TypeError, ValueError, KeyError, IndexError, AttributeError, OSError, RuntimeError)


def unknown_name(bench: Bench) -> Any:
    return repr(getattr(bench.timeline, "NoSuchCallAtAll", "an error"))


def local_socket(bench: Bench) -> Any:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        with socket.create_connection(server.getsockname(), 2):
            return "works"


def start_frame(bench: Bench) -> Any:
    return bench.start


def new_bin(bench: Bench) -> Any:
    root = call(bench.pool, "GetRootFolder")
    made = call(bench.pool, "AddSubFolder", root, "DynVFX check")
    current = uid_of(call(bench.pool, "GetCurrentFolder"))
    call(bench.pool, "SetCurrentFolder", root)
    return "becomes current" if current == uid_of(made) else "does not become current"


def sequence_path(bench: Bench) -> Any:
    pattern = os.path.join(bench.folder, "dynvfx check.%04d.png")
    made = to_list(
        call(bench.pool, "ImportMedia", [{"FilePath": pattern, "StartIndex": FIRST, "EndIndex": FIRST + COUNT - 1}])
    )
    bench.clip = made[0] if made else None
    path = clip_path(bench.clip)
    return "name.[first-last].suffix" if f"[{FIRST}-{FIRST + COUNT - 1}]" in path else os.path.basename(path)


def sequence_frames(bench: Bench) -> Any:
    return to_int(call(bench.clip, "GetClipProperty", "Frames"))


def alpha_mode(bench: Bench) -> Any:
    before = call(bench.clip, "GetClipProperty", ALPHA)
    answer = call(bench.clip, "SetClipProperty", ALPHA, STRAIGHT)
    after = call(bench.clip, "GetClipProperty", ALPHA)
    if after == STRAIGHT and answer:
        return "set and read back"
    return f"{before!r}, setting returned {answer!r}, then {after!r}"


def frame_base(bench: Bench) -> Any:
    for name, base in (("zero", 0), ("the sequence's first number", FIRST)):
        bench.base = base
        new = bench.append(1, 0, 10)
        if new:
            call(bench.timeline, "DeleteClips", new, False)
            return name
    return "neither places anything"


def end_frame(bench: Bench) -> Any:
    new = bench.append(1, 0, 10)
    length = to_int(call(new[0], "GetDuration")) if new else 0
    call(bench.timeline, "DeleteClips", new, False)
    bench.extra = 10 - length if length else 0
    return {10: "exclusive", 11: "inclusive"}.get(length, length)


def past_end(bench: Bench) -> Any:
    new = bench.append(1, 0, COUNT + 5)
    length = to_int(call(new[0], "GetDuration")) if new else 0
    call(bench.timeline, "DeleteClips", new, False)
    return {0: "refuses", COUNT: "clamps", COUNT + 5: "holds the last frame"}.get(length, length)


def append_over(bench: Bench) -> Any:
    bench.append(1, 0, 10)
    return _outcome(bench, bench.append(1, 5, 10))


def append_locked(bench: Bench) -> Any:
    call(bench.timeline, "SetTrackLock", "video", 1, True)
    new = bench.append(1, 60, 10)
    call(bench.timeline, "SetTrackLock", "video", 1, False)
    return _outcome(bench, new)


def _outcome(bench: Bench, new: List[Any]) -> str:
    return "{}, {}".format(
        "reports success" if bench.answer else "reports failure", "places" if new else "places nothing"
    )


def video_only(bench: Bench) -> Any:
    tracks = range(1, track_count(bench.timeline, "audio") + 1)
    return "audio came along" if any(items_on(bench.timeline, "audio", each) for each in tracks) else "no audio"


def left_offset(bench: Bench) -> Any:
    return to_int(call(items_on(bench.timeline, "video", 1)[0], "GetLeftOffset"), -1)


def source_end_frame(bench: Bench) -> Any:
    item = items_on(bench.timeline, "video", 1)[0]
    if not has(item, "GetSourceEndFrame"):
        return "no such call"
    length = to_int(call(item, "GetSourceEndFrame")) - to_int(call(item, "GetSourceStartFrame"))
    return {9: "inclusive", 10: "exclusive"}.get(length, length)


def add_track(bench: Bench) -> Any:
    item = uid_of(items_on(bench.timeline, "video", 1)[0])
    call(bench.timeline, "AddTrack", "video", {"index": 1})
    where = [n for n in (1, 2) if item in [uid_of(each) for each in items_on(bench.timeline, "video", n)]]
    return {1: "adds on top", 2: "inserts and shifts"}.get(where[0] if where else 0, "loses the clip")


def track_and_index(bench: Bench) -> Any:
    for index in (1, 2):
        for item in items_on(bench.timeline, "video", index):
            where = call_if_present(item, "GetTrackTypeAndIndex")
            return (
                "no such call"
                if where is None
                else ("follows the shift" if to_int(where[1]) == index else f"{where!r}")
            )
    return "no clip"


def track_name(bench: Bench) -> Any:
    top = track_count(bench.timeline)
    answer = call(bench.timeline, "SetTrackName", "video", top, "VFX - check")
    is_set = call(bench.timeline, "GetTrackName", "video", top) == "VFX - check"
    return "set and read back" if is_set else f"setting returned {answer!r}"


def _item(bench: Bench) -> Any:
    return [item for index in (1, 2) for item in items_on(bench.timeline, "video", index)][0]


def marker_without_name(bench: Bench) -> Any:
    return "accepted" if call(_item(bench), "AddMarker", 3, "Purple", "", "note", 1, "a") else "refused"


def marker_on_marker(bench: Bench) -> Any:
    call(_item(bench), "AddMarker", 0, "Purple", "one", "", 1, "dynvfx-check-1")
    return "accepted" if call(_item(bench), "AddMarker", 0, "Purple", "two", "", 1, "dynvfx-check-2") else "refused"


def marker_data(bench: Bench) -> Any:
    return "read back" if call(_item(bench), "GetMarkerByCustomData", "dynvfx-check-1") else "lost"


def anchor_point(bench: Bench) -> Any:
    answer = call(_item(bench), "SetProperty", "AnchorPointX", 5.0)
    value = call(_item(bench), "GetProperty", "AnchorPointX")
    return "{}, {}".format(
        "reports success" if answer else "reports failure", "sets" if value == 5.0 else "does not set"
    )


def metadata_of_our_own(bench: Bench) -> Any:
    return "accepted" if call(bench.clip, "SetMetadata", "DynVFX Check", "x") else "refused"


def takes(bench: Bench) -> Any:
    item = _item(bench)
    if not has(item, "AddTake"):
        return "no such call"
    before = (to_int(call(item, "GetStart")), to_int(call(item, "GetDuration")))
    call(item, "AddTake", bench.clip)
    call(item, "SelectTakeByIndex", 2)
    after = (to_int(call(item, "GetStart")), to_int(call(item, "GetDuration")))
    if to_int(call(item, "GetTakesCount")) != 2 or to_int(call(item, "GetSelectedTakeIndex")) != 2:
        return "not added or not selected"
    return "keep place and length" if before == after else f"{before} became {after}"


def take_and_marker(bench: Bench) -> Any:
    return "stays" if call(_item(bench), "GetMarkerByCustomData", "dynvfx-check-1") else "is lost"


def clip_under_playhead(bench: Bench) -> Any:
    call(bench.timeline, "SetCurrentTimecode", call(bench.timeline, "GetStartTimecode"))
    current = call(bench.timeline, "GetCurrentVideoItem")
    return "found" if current is not None and uid_of(current) == uid_of(_item(bench)) else "not found"


def selection(bench: Bench) -> Any:
    return "callable" if has(bench.timeline, "GetSelectedClips") else "no such call"


def otio(bench: Bench) -> Any:
    kind = getattr(bench.resolve, "EXPORT_OTIO", None)
    if kind is None:
        return "no such export"
    path = os.path.join(bench.folder, "check.otio")
    answer = call(bench.timeline, "Export", path, kind, bench.resolve.EXPORT_NONE)
    if not os.path.exists(path):
        return f"returned {answer!r}, wrote nothing"
    with open(path, encoding="utf-8-sig") as file:
        document = json.load(file)
    lanes = [each for each in document["tracks"]["children"] if each.get("kind") == "Video"]
    found = [child for lane in lanes for child in lane["children"] if str(child["OTIO_SCHEMA"]).startswith("Clip")]
    bench.exported_clips = found
    return "found at its place" if len(found) == 1 else f"{len(found)} clips in {len(lanes)} video tracks"


def otio_path(bench: Bench) -> Any:
    url = str(_otio_reference(bench).get("target_url") or _otio_reference(bench).get("target_url_base") or "")
    return "plain path" if url and not url.startswith("file:") else url[:8]


def otio_clip(bench: Bench) -> Any:
    return bench.exported_clips[0]["OTIO_SCHEMA"]


def _otio_reference(bench: Bench) -> Dict[str, Any]:
    clip = bench.exported_clips[0]
    several = clip.get("media_references") or {}
    return several.get("DEFAULT_MEDIA") or clip.get("media_reference") or {}


def saved(bench: Bench) -> Any:
    before = [[uid_of(item) for item in items_on(bench.timeline, "video", n)] for n in (1, 2)]
    manager = call(bench.resolve, "GetProjectManager")
    if not call(manager, "SaveProject"):
        return "SaveProject reports failure"
    after = [[uid_of(item) for item in items_on(bench.timeline, "video", n)] for n in (1, 2)]
    return "reads back the same" if before == after else "reads back otherwise"


def delete_clips(bench: Bench) -> Any:
    call(bench.timeline, "DeleteClips", [_item(bench)], False)
    return "clips are left" if any(items_on(bench.timeline, "video", n) for n in (1, 2)) else "deletes"


def delete_track(bench: Bench) -> Any:
    before = track_count(bench.timeline)
    call(bench.timeline, "DeleteTrack", "video", before)
    return "deletes" if track_count(bench.timeline) == before - 1 else "does nothing"


# In the order of execution: later questions use what earlier ones have left in the timeline.
QUESTIONS = [
    unknown_name, local_socket, start_frame, new_bin, sequence_path, sequence_frames, alpha_mode, frame_base, end_frame,
    past_end, append_over, append_locked, video_only, left_offset, source_end_frame, marker_without_name,
    marker_on_marker, marker_data, anchor_point, metadata_of_our_own, takes, take_and_marker, clip_under_playhead,
    selection, otio, otio_path, otio_clip, add_track, track_and_index, track_name, saved, delete_clips, delete_track,
]  # type: List[Callable[[Bench], Any]]  # fmt: skip


def run_question(bench: Bench, question: Callable[[Bench], Any]) -> Tuple[Any, str]:
    """Returns a question's answer and its error, "" for none."""
    try:
        return question(bench), ""
    except _ERRORS as error:  # one failing question must not prevent the report
        return None, f"{type(error).__name__}: {error}"
