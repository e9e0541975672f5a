"""The selected clip: its facts, the model's input and warnings."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import msgspec
from PyQt6.QtCore import QObject, pyqtSignal

from bridge.editorial.clip_list import ListedClip, Shot, part_of
from bridge.editorial.exchange.edl import RateNotKnown
from bridge.editorial.timeline_choice import SeveralTimelines
from bridge.wire.messages import Estimated
from contract.errors import Problem
from media.probe import MediaInfo, probe
from plugin.background_runner import BackgroundRunner
from plugin.hosts.base import (
    ExportsClips,
    FollowsSelection,
    Host,
    IdentifiesClips,
    OpenChoice,
    OpensTimelines,
    SelectsClips,
)
from plugin.panel.models.number_text import fraction, rate_text
from plugin.panel.models.observable import Field, Observable
from plugin.panel.models.shot.exporting import ExportModel


@dataclass(frozen=True)
class ClipEntry:
    """A line of the list of clips; `error` is why the clip cannot be used, "" when it can."""

    index: int
    name: str
    track: str
    record_in: str
    error: str = ""


@dataclass(frozen=True)
class ShotWarning:
    """Something to know before planning: its kind and its text."""

    kind: str
    text: str


class ShotModel(Observable):
    """Follows the host's selection; `selected` is emitted when another shot or part becomes the current one.

    `choiceNeeded` has a path, the question, and the names of the timelines of which one has to be chosen; without any
    it is about the rate.
    """

    selected = pyqtSignal()
    choiceNeeded = pyqtSignal(object, str, tuple)

    title: Field[str] = Field("")
    clips: Field[tuple[ClipEntry, ...]] = Field(())
    current: Field[int | None] = Field(None)
    shot: Field[Shot | None] = Field(None)
    media_info: Field[MediaInfo | None] = Field(None)
    problem: Field[Problem | None] = Field(None)
    part: Field[tuple[int, int] | None] = Field(None)
    model_input: Field[Estimated | None] = Field(None)

    def __init__(self, host: Host, background: BackgroundRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.host = host
        self._background = background
        self._whole: Shot | None = None
        self._opening: Path | None = None
        self.exports = ExportModel(host, self)
        if isinstance(host, FollowsSelection):
            host.on_change(self.refresh)

    # Choosing a clip --------------------------------------------------------------------------------------------------

    def open(self, path: Path, choice: OpenChoice | None = None, then: Callable[[], None] | None = None) -> None:
        """Read a timeline or movie in the background and show it; an error is shown in `problem`.

        `choice` says what the file does not (None: as before); `then` is called when it is shown.
        """
        host = self.host
        if not isinstance(host, OpensTimelines):
            return
        self.problem = None
        self.title = f"Opening {path.name}…"
        self._opening = path

        def show(read: object) -> None:
            if self._opening == path:
                self._opening = None
                host.show(read)
                if then is not None:
                    then()

        def failed(problem: Problem) -> None:
            if self._opening == path:
                self._opening = None
                self.title, self.problem = host.title, problem
                if isinstance(problem, SeveralTimelines | RateNotKnown):
                    names = problem.names if isinstance(problem, SeveralTimelines) else ()
                    self.choiceNeeded.emit(path, problem.what, names)

        self._background.run(lambda: host.read(path, choice), show, failed)

    def look_for_media(self, place: Path) -> None:
        """Read the open timeline again, media being looked for in `place`, a folder or a file, too."""
        host = self.host
        path = host.path() if isinstance(host, OpensTimelines) else None
        if isinstance(host, OpensTimelines) and path is not None:
            choice, current = host.choice(), self.current
            folders = tuple(dict.fromkeys([str(place), *choice.media_folders]))
            chosen = msgspec.structs.replace(choice, media_folders=folders)
            self.open(path, chosen, lambda: self.choose(current) if current is not None else None)

    def choose(self, index: int) -> None:
        """Select a clip by its index."""
        if isinstance(self.host, SelectsClips):
            try:
                self.host.select(index)
            except Problem as problem:
                self.problem = problem

    def choose_part(self, first: int, last: int) -> None:
        """Limit the shot to the frames first to last, both included; 0 is the clip's first frame."""
        if self._whole is None:
            return
        if not self.host.places_parts and (first, last) != (0, self._whole.frame_count - 1):
            self.problem = Problem(
                f"Takes of a part of a clip cannot be placed in {self.host.name}.",
                "",
                "Cut the clip there and select the piece.",
            )
            return
        try:
            part = part_of(self._whole, (first, last))
        except Problem as problem:
            self.problem = problem
            return
        self.problem = None
        self._work_on(part)

    def refresh(self) -> None:
        """Read the host's clips and selection again."""
        self.title = f"Opening {self._opening.name}…" if self._opening is not None else self.host.title
        self.clips = tuple(_choice(each) for each in self.host.clips())
        chosen = self.host.selected()
        before, self.current = self.current, chosen.index if chosen else None
        self.problem = chosen.problem if chosen else self.host.problem
        begun = self.exports.follow(chosen, lambda shot: self.refresh(), self._not_exported)
        if self.current == before and self.exporting:
            return  # keep the shown shot until the new export is ready
        if begun and not self.exporting:
            chosen = self.host.selected()  # the export finished at once
        self._show(chosen.shot if chosen else None)

    def when_current(self, then: Callable[[], None], failed: Callable[[Problem], None]) -> None:
        """Call `then` when the shot is as the host has it now; a host that exports clips exports it first."""
        index = self.current
        if index is None or not isinstance(self.host, ExportsClips):
            then()
            return

        def exported(shot: Shot) -> None:
            self.refresh()
            if self.current == index and self._whole is not None:
                then()

        self.exports.start(index, exported, lambda problem: failed(problem) if problem.kind != "cancelled" else None)

    @property
    def can_choose(self) -> bool:
        """Whether clips are selected here instead of in the host."""
        return isinstance(self.host, SelectsClips)

    @property
    def exporting(self) -> bool:
        """Whether the selected clip is being exported."""
        return self.exports.now is not None and self.exports.now.running

    @property
    def awaits_export(self) -> bool:
        """Whether the host has to render the selected clip before it can be used."""
        return self.exports.now is not None and self.shot is None

    def _not_exported(self, problem: Problem) -> None:
        if problem.kind != "cancelled":
            self.problem = problem

    def _show(self, whole: Shot | None) -> None:
        if whole == self._whole:
            return
        self._whole = whole
        self.media_info = None
        self._work_on(whole)
        if whole is not None:
            rate = whole.frame_rate if whole.sequence is not None else None
            self._background.run(
                lambda: probe(whole.media_path, rate),
                lambda media_info: self._read(whole, media_info),
                lambda problem: self._unreadable(whole, problem),
            )

    # What is shown ----------------------------------------------------------------------------------------------------

    @property
    def whole(self) -> Shot | None:
        """The whole clip, when only a part of it is the shot."""
        return self._whole

    @property
    def key(self) -> str:
        """A short text that identifies this shot, also after a restart; "" without a shot."""
        return self.key_of(self.shot) if self.shot is not None else ""

    def key_of(self, shot: Shot) -> str:
        """The key of any shot of this host."""
        if isinstance(self.host, IdentifiesClips):
            return shot_key(shot, (self.host.identity_of(shot),))
        return shot_key(shot, (shot.media_path, shot.record_start, shot.address))

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """Names and values of the shot's facts, for display."""
        shot, media_info = self.shot, self.media_info
        if shot is None:
            return ()
        begin, end = shot.record_timecodes
        seconds = shot.frame_count / shot.frame_rate
        before, after = shot.handles
        facts = [
            ("Range", f"{begin} – {end}"),
            ("Length", f"{shot.frame_count} frames, {float(seconds):.2f} s"),
            ("Handles", f"{before} before, {after} after"),
        ]
        size = f"{media_info.width} × {media_info.height}, " if media_info else ""
        facts.append(("Picture", size + f"{rate_text(shot.frame_rate)} fps"))
        facts.append(("Track", f"V{shot.track_number}" + (f" ({shot.track_name})" if shot.track_name else "")))
        if self.model_input is not None:
            rate = rate_text(fraction(self.model_input.model_rate))
            size = f"{self.model_input.model_width} × {self.model_input.model_height}"
            facts.append(("Model input", f"{self.model_input.model_frames} frames of {size} at {rate} fps"))
        return tuple(facts)

    @property
    def warnings(self) -> tuple[ShotWarning, ...]:
        """The warnings about this shot."""
        shot, media_info = self.shot, self.media_info
        found = []
        if shot is None or media_info is None:
            return ()
        if media_info.hdr:
            text = (
                f"HDR ({media_info.colour.transfer_name}): the model works in SDR, so highlights of the added "
                "content are limited. Pictures in this window are tone-mapped for the screen; files and numbers keep "
                "the camera’s values."
            )
            found.append(ShotWarning("hdr", text))
        if media_info.variable_rate:
            found.append(ShotWarning("rate", "Variable frame rate: the take has one frame for each timeline frame."))
        if shot.frame_rate != Fraction(*shot.timeline_rate):
            timeline_rate = rate_text(Fraction(*shot.timeline_rate))
            text = f"The clip runs at {rate_text(shot.frame_rate)} fps in a timeline of {timeline_rate} fps."
            found.append(ShotWarning("rate", text))
        if any(shot.dissolves):
            found.append(ShotWarning("dissolve", "A dissolve crosses the cut; the take ends at the cut."))
        if shot.effects:
            names = ", ".join(name for name in shot.effects if name) or "an effect"
            found.append(ShotWarning("effect", f"The take is generated from the clip without its effects ({names})."))
        return tuple(found)

    def _read(self, shot: Shot, media_info: MediaInfo) -> None:
        if shot is self._whole:
            self.media_info = media_info
            self.changed.emit("warnings")

    def _unreadable(self, shot: Shot, problem: Problem) -> None:
        if shot is self._whole:
            self.problem = problem

    def _work_on(self, shot: Shot | None) -> None:
        self.model_input = None
        self.shot = shot
        self.part = shot.part if shot is not None else None
        if shot is not None and isinstance(self.host, IdentifiesClips):
            self.host.remember_key(self.key, shot)
        self.selected.emit()


def shot_key(shot: Shot, clip: tuple[object, ...]) -> str:
    """Twelve letters that identify a shot: a hash of `clip`, which identifies its clip, and its frames."""
    facts = (clip, shot.source_start, shot.frame_count, shot.part)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:12]


def _choice(each: ListedClip) -> ClipEntry:
    error = "" if each.problem is None else f"{each.problem.what} {each.problem.remedy}".strip()
    return ClipEntry(each.index, each.name, each.track, each.record_in, error)
