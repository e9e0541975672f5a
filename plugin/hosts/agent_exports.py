"""Clips that an agent exported: read, checked against the host's timeline, and reused until the clip changes."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import msgspec

from bridge.editorial.clip_list import Shot, list_shots
from bridge.editorial.timeline import OpenTimeline, open_timeline
from bridge.files.relative_paths import checked_parts
from contract.errors import BadTimeline, OutOfDisk, Problem
from media.probe import probe
from plugin.hosts.agent_messages import BadReply, ExportReply, HostClip, HostTimeline


@dataclass(frozen=True)
class Export:
    """An exported clip: number `number` in the timeline file `path`; `clip` is the host's description of it."""

    clip: HostClip
    path: Path
    number: str
    opened: OpenTimeline
    shot: Shot


class Exports:
    """The folders of exports, `TIMELINE/CLIP/NNN` below `folder`, and the exports in them.

    A folder is never written twice: a queued job still reads the export that it was made from.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[tuple[str, str], Export] = {}

    def home_of(self, timeline: str, uid: str) -> Path:
        """The folder of all exports of a clip."""
        return self._folder / _short(timeline) / _short(uid)

    def new_folder(self, timeline: str, uid: str) -> Path:
        """An empty folder for the next export of a clip. Raises OutOfDisk."""
        home = self.home_of(timeline, uid)
        try:
            home.mkdir(parents=True, exist_ok=True)
            taken = [int(each.name) for each in home.iterdir() if each.name.isdecimal()]
            folder = home / f"{max(taken, default=0) + 1:03d}"
            folder.mkdir()
        except OSError as error:
            what = "The folder for the exported clip could not be created."
            raise OutOfDisk(what, str(error), "Free some space, or check the permissions.") from error
        return folder

    def drop(self, folder: Path) -> None:
        """Delete the files of a failed export."""
        shutil.rmtree(folder, ignore_errors=True)

    def kept(self, timeline: str, clip: HostClip) -> Export | None:
        """The clip's export, if the clip is unchanged and the files still exist."""
        export = self._kept.get((timeline, clip.uid))
        if export is None or _facts(export.clip) != _facts(clip) or not export.path.is_file():
            return None
        return export

    def keep(self, timeline: str, folder: Path, export: Export) -> Export:
        """Keep a new export; if it equals the one before, that is kept and the new folder deleted."""
        before = self._kept.get((timeline, export.clip.uid))
        if before is not None and export.clip.render is None and _is_copy(before.path, export.path):
            self.drop(folder)
            export = Export(export.clip, before.path, export.number, before.opened, before.shot)
        self._kept[timeline, export.clip.uid] = export
        return export

    def of_shot(self, index: int, shot: Shot) -> Export | None:
        """The export that this shot of clip number `index` was read from."""
        for export in self._kept.values():
            if export.shot.index == index and export.shot.media_path == shot.media_path:
                return export
        return None

    def media_of(self, shot: Shot) -> str:
        """The path of the shot's media; for a rendered clip without the export's number."""
        path = Path(shot.media_path)
        if not path.is_relative_to(self._folder):
            return shot.media_path
        return "/".join(path.relative_to(self._folder).parts[:2])


def read_export(folder: Path, reply: ExportReply, clip: HostClip, timeline: HostTimeline, index: int) -> Export:
    """Read an exported clip, which gets the number `index` in the panel. Opens the media file, so it may take a moment.

    Raises BadReply when it is another clip or at another position, BadTimeline or BadMedia when it cannot be used.
    """
    try:
        path = folder.joinpath(*checked_parts(reply.otio.replace("\\", "/")))
        opened = open_timeline(path)
        listed = {str(each.index): each for each in list_shots(opened, probe)}
    except Problem as problem:
        problem.what = f"“{clip.name}” was exported, but cannot be used. {problem.what}"
        raise
    found = listed.get(reply.clip)
    if found is None:
        raise BadReply(f"The export of “{clip.name}” has no clip number {reply.clip}.", "", "Report this.")
    if found.shot is None:
        raise found.problem or BadTimeline(f"“{clip.name}” cannot be used.")
    shot = found.shot
    place = (shot.timeline_start + shot.record_start, shot.record_frames, Fraction(*shot.timeline_rate))
    wanted = (clip.record_start, clip.record_frames, Fraction(*timeline.rate))
    if place != wanted:
        raise BadReply(
            f"The export of “{clip.name}” is not at the clip's position.",
            f"Export: frame {place[0]}, {place[1]} frames at {place[2]}. Timeline: frame {wanted[0]}, "
            f"{wanted[1]} frames at {wanted[2]}.",
            "Please report this. The export was not used.",
        )
    shot = msgspec.structs.replace(shot, index=index, track_number=clip.track)
    return Export(clip, path, reply.clip, opened, shot)


def _is_copy(path: Path, other: Path) -> bool:
    return path != other and path.is_file() and path.read_bytes() == other.read_bytes()


def _facts(clip: HostClip) -> HostClip:
    """The facts that an export depends on, which the clip's name is not."""
    return msgspec.structs.replace(clip, name="")


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
