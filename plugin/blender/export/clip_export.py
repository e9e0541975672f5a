"""Exporting a clip as an OTIO file: with its source media if that has the same frames, else with a render."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

from ..agent_link import AgentProblem
from ..strips import compat
from ..strips.frame_rates import scene_rate
from ..strips.identity import Identities
from ..strips.strip_media import NumberedPictures, SourceRange, media_path, numbered_pictures, source_range
from ..strips.suitability import CLIP_TYPES, problem_with, render_reason
from .bake import bake
from .otio_file import ExportedClip, write_otio

_NAME = "clip.otio"


class Exporter:
    """Exports clips of the open file and remembers which frames it exported."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._exported: dict[str, tuple[SourceRange | None, int]] = {}

    def export(self, uid: str, folder: str) -> Generator[dict[str, Any], None, dict[str, Any]]:
        """Write `folder`/clip.otio; yields progress, returns the file's path. The open file is not changed.

        Raises AgentProblem: clip_gone, media_missing, clip_muted, not_supported, render_failed, no_folder.
        """
        scene, strip = self._identities.find(uid)
        if strip.type not in CLIP_TYPES:
            raise AgentProblem("not_supported", f'"{strip.name}" is not a clip.', "", "Select footage.")
        problem = problem_with(scene, strip)
        if problem is not None:
            raise problem
        if not os.path.isdir(folder):
            raise AgentProblem(
                "no_folder", f"The folder {folder} does not exist.", "", "Check that its disk is connected."
            )
        self._identities.mark_used()
        reason = render_reason(scene, strip)
        shown = source_range(strip)
        self._exported[uid] = (shown, compat.frames(strip, "frame_final_duration"))
        name, channel = strip.name, strip.channel
        place = {
            "timeline": scene.name,
            "name": name,
            "track": compat.parent_of(scene, strip).channels[channel].name,
            "rate": scene_rate(scene),
            "timeline_start": scene.frame_start,
            "record_start": compat.frames(strip, "frame_final_start"),
        }
        media: str | NumberedPictures
        if reason is None and shown is not None:
            media = numbered_pictures(strip) or media_path(strip)
        else:
            # No Blender object is used from here on: the strip may be deleted before the render is finished.
            media = yield from bake(scene, strip, folder)
            shown = SourceRange(0, media.count, media.count)
        metadata = {"dynvfx_blender": {"uid": uid, "rendered": reason}}
        try:
            write_otio(os.path.join(folder, _NAME), ExportedClip(media=media, shown=shown, metadata=metadata, **place))
        except OSError as error:
            what = f"The clip could not be written into {folder}."
            raise AgentProblem("no_folder", what, error.strerror or "", "Free some space on the disk.") from error
        return {"otio": _NAME, "clip": "1"}

    def forget(self) -> None:
        """Forget the exports: another file was opened."""
        self._exported.clear()

    def check_unchanged(self, uid: str, strip: Any) -> None:
        """Raises AgentProblem clip_changed when the clip no longer shows the frames that were exported."""
        exported = self._exported.get(uid)
        if exported is None:
            return
        shown, count = exported
        now = source_range(strip)
        slipped = shown is not None and now is not None and (shown.first, shown.count) != (now.first, now.count)
        if slipped or compat.frames(strip, "frame_final_duration") != count:
            raise AgentProblem(
                "clip_changed",
                f'"{strip.name}" was trimmed after the take was requested.',
                "The take was made for the frames that the clip showed before.",
                "Undo the trim and place the take again, or make a new take.",
            )
