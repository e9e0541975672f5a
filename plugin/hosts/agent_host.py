"""The panel's side of an editing application that runs an agent.

A host has the capabilities that its agent offers: `agent_abilities.agent_host` composes its class so that
`isinstance(host, PlacesTakes)` is true exactly when the agent offers `place`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from collections.abc import Sequence as Many
from fractions import Fraction
from pathlib import Path

import msgspec

from bridge.editorial.clip_list import ListedClip, Shot
from bridge.editorial.shot_bundle import ShotBundle, pack_shot
from contract.atomic_file import write_atomically
from contract.errors import BadTimeline, Problem
from contract.timecode import timecode
from plugin.background_runner import BackgroundRunner
from plugin.hosts.agent_exports import Export, Exports, read_export
from plugin.hosts.agent_messages import AgentHello, ExportReply, HostClip, HostTimeline, read_reply
from plugin.hosts.agent_session import AgentSession
from plugin.hosts.base import Failed, Host, HostProblem, Progress, ShotSource

HANDLES = 12
"""Frames before and after the cut that an export of source media includes; a rendered one has none."""
_NAMES = {"blender": "Blender", "resolve": "DaVinci Resolve"}


class ClipGone(HostProblem):
    """The clip is no longer in the timeline."""

    kind = "clip_gone"


class AgentHost(Host):
    """Answers from the last `timeline` reply; `folder` holds the exports and the clips' keys.

    A clip gets a number when it is first seen and keeps it, so that adding a clip does not renumber the others.
    """

    def __init__(self, session: AgentSession, hello: AgentHello, folder: Path, background: BackgroundRunner) -> None:
        self.session, self.hello = session, hello
        self.name = _NAMES.get(hello.host, hello.host.title())
        self.layer = hello.layer or None
        self.places_parts = hello.parts
        self.problem: Problem | None = None
        self.timeline: HostTimeline | None = None
        self.exports = Exports(folder / "exports")
        self._folder, self._background = folder, background
        self._changed: list[Callable[[], None]] = []
        self._numbers: dict[tuple[str, str], int] = {}
        self._keys = _read_keys(folder / "clips.json")
        self._asking = self._ask_again = False
        self._then: list[Callable[[], None]] = []
        session.changed.connect(self.read_timeline)

    # Following the host -----------------------------------------------------------------------------------------------

    def on_change(self, changed: Callable[[], None]) -> None:
        """Call `changed` after every reading of the timeline."""
        self._changed.append(changed)

    def when_read(self, then: Callable[[], None]) -> None:
        """Read the timeline, then call `then`: a request may be about a clip that was added a moment ago."""
        self._then.append(then)
        self.read_timeline()

    def read_timeline(self) -> None:
        """Read the timeline; calls during a read cause one more read after it."""
        if self._asking:
            self._ask_again = True
            return
        self._asking = True
        self.session.call("timeline", {}, self._timeline_read, self._not_read)

    def _timeline_read(self, reply: dict) -> None:
        try:
            self.timeline, self.problem = read_reply(reply, HostTimeline), None
        except Problem as problem:
            self.problem = problem
        self._read()

    def _not_read(self, problem: Problem) -> None:
        self.timeline, self.problem = None, problem
        self._read()

    def _read(self) -> None:
        self._asking = False
        if self._ask_again:
            self._ask_again = False
            self.read_timeline()
            self.notify_changed()
            return
        then, self._then = self._then, []
        self.notify_changed()
        for each in then:
            each()

    def notify_changed(self) -> None:
        """Report that clips or selection may have changed."""
        for changed in self._changed:
            changed()

    # The base ---------------------------------------------------------------------------------------------------------

    @property
    def title(self) -> str:
        """Name of the timeline or scene."""
        return self.timeline.title if self.timeline else ""

    def clips(self) -> Many[ListedClip]:
        """The clips in record order; a clip that was not exported yet has neither shot nor problem."""
        if self.timeline is None:
            return ()
        ordered = sorted(self.timeline.clips, key=lambda each: (each.record_start, each.track))
        return tuple(self._listed(each) for each in ordered)

    def selected(self) -> ListedClip | None:
        """The first of the selected clips."""
        clips = {each.uid: each for each in self.timeline.clips} if self.timeline else {}
        uid = next((each for each in (self.timeline.selected if self.timeline else ()) if each in clips), None)
        return self._listed(clips[uid]) if uid is not None else None

    def source_of(self, shot: Shot) -> ShotSource:
        """The exported timeline."""
        export = self._export_of(shot)
        return ShotSource(str(export.path.absolute()), export.number)

    def bundle_of(self, shot: Shot) -> ShotBundle:
        """The exported clip and its media."""
        return pack_shot(self._export_of(shot).opened, shot)

    def output_folder(self) -> Path | None:
        """`NAME dynvfx` beside the project; None for one that was never saved."""
        project = Path(self.timeline.project) if self.timeline and self.timeline.project else None
        if project is None or not project.parent.is_dir():
            return None
        return project.parent / f"{project.stem} dynvfx"

    # Exporting --------------------------------------------------------------------------------------------------------

    def export_reason(self, index: int) -> str:
        """Why the clip has to be rendered; empty when not."""
        return self.clip(index).render or ""

    def length_of(self, index: int) -> tuple[int, Fraction]:
        """Frames and frame rate that the clip's export will have."""
        return self.clip(index).record_frames, Fraction(*self._timeline().rate)

    def export(
        self, index: int, done: Callable[[Shot], None], failed: Failed, progress: Progress
    ) -> Callable[[], None]:
        """Have the agent export the clip, and check the export."""
        try:
            clip, timeline = self.clip(index), self._timeline()
            rendered = self.exports.kept(timeline.id, clip) if clip.render is not None else None
            if rendered is not None:
                done(rendered.shot)
                return lambda: None
            folder = self.exports.new_folder(timeline.id, clip.uid)
        except Problem as problem:
            failed(problem)
            return lambda: None

        def dropped(problem: Problem) -> None:
            self.exports.drop(folder)
            failed(problem)

        def kept(export: Export) -> None:
            done(self.exports.keep(timeline.id, folder, export).shot)

        def exported(reply: dict) -> None:
            self._background.run(
                lambda: read_export(folder, read_reply(reply, ExportReply), clip, timeline, index), kept, dropped
            )

        handles = 0 if clip.render is not None else HANDLES
        params = {"uid": clip.uid, "folder": str(folder.absolute()), "handles": handles}
        call = self.session.call("export", params, exported, dropped, progress)
        return lambda: self.session.cancel(call)

    # Identity ---------------------------------------------------------------------------------------------------------

    def identity_of(self, shot: Shot) -> str:
        """The clip's uid and its media (for a rendered clip its export folder), independent of its position."""
        return f"{self.uid_at(shot.index)}\n{self.exports.media_of(shot)}"

    def remember_key(self, key: str, shot: Shot) -> None:
        """Store which clip the shot's `key` belongs to, also for the next start."""
        uid = self.uid_at(shot.index)
        if uid and self._keys.get(key) != uid:
            self._keys[key] = uid
            with contextlib.suppress(OSError, Problem):  # if this fails, the next start cannot match old takes to clips
                self._folder.mkdir(parents=True, exist_ok=True)
                write_atomically(self._folder / "clips.json", msgspec.json.encode(self._keys))

    def uid_of(self, key: str) -> str:
        """The uid of the clip with this key, empty when it is unknown."""
        return self._keys.get(key, "")

    def uid_at(self, index: int) -> str:
        """The uid of the clip with this number, empty when the timeline has none."""
        timeline = self.timeline.id if self.timeline else ""
        return next((uid for (place, uid), each in self._numbers.items() if each == index and place == timeline), "")

    def index_of(self, uid: str) -> int:
        """The number of the clip with this uid. Raises ClipGone."""
        timeline = self._timeline()
        if all(each.uid != uid for each in timeline.clips):
            raise clip_gone(self.name)
        return self._numbers.setdefault((timeline.id, uid), len(self._numbers) + 1)

    def clip(self, index: int) -> HostClip:
        """The clip with this number. Raises ClipGone."""
        uid = self.uid_at(index)
        found = next((each for each in self._timeline().clips if each.uid == uid), None)
        if found is None:
            raise clip_gone(self.name)
        return found

    def _timeline(self) -> HostTimeline:
        if self.timeline is None:
            raise self.problem or BadTimeline(f"{self.name} has no timeline open.", "", "Open one first.")
        return self.timeline

    def _export_of(self, shot: Shot) -> Export:
        export = self.exports.of_shot(shot.index, shot)
        if export is None:
            raise BadTimeline("The shot was not exported.", "", "Select the clip again.")
        return export

    def _listed(self, clip: HostClip) -> ListedClip:
        timeline = self._timeline()
        index = self.index_of(clip.uid)
        export = self.exports.kept(timeline.id, clip) if clip.problem is None else None
        reason = clip.problem
        problem = BadTimeline(reason.what, reason.why, reason.remedy) if reason is not None else None
        record_in = timecode(clip.record_start, Fraction(*timeline.rate))
        return ListedClip(
            index, clip.name or "unnamed", f"V{clip.track}", record_in, export.shot if export else None, problem
        )


def clip_gone(host: str) -> ClipGone:
    """The error for a clip that is no longer in the timeline."""
    return ClipGone(f"The clip is no longer in {host}'s timeline.", "", "Select a clip of the open timeline.")


def _read_keys(file: Path) -> dict[str, str]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.MsgspecError):
        return {}
