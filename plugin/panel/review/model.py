"""The review without widgets: the shot, its takes, the comparison, and the notes and decisions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from time import monotonic_ns

import psutil
from PyQt6.QtCore import QObject, pyqtSignal

from contract.errors import Problem
from contract.image_sequence import ImageSequence
from contract.take import Note, Status
from contract.timecode import timecode
from plugin.panel.review.compare import ORIGINAL, Comparison
from plugin.panel.review.follow_up import FollowUp, lineage
from plugin.panel.review.note_export import write_csv, write_markers
from plugin.panel.review.notes import Notes
from plugin.panel.review.page_export import PageExport
from plugin.panel.review.playback import Playback
from plugin.panel.review.sound_player import SoundPlayer
from plugin.panel.review.transport import Ticker, Transport
from plugin.panel.review.typed_frame import frame_of
from plugin.review_media.decoder import Decoder, PlacedSlice
from plugin.review_media.frame_cache import FrameCache
from plugin.review_media.slices import MediaSlice, Reviewed, ReviewTake

_LARGEST_CACHE = 1 << 30


def cache_limit() -> int:
    """Bytes of the cache of decoded pictures: an eighth of the memory, at most 1 GiB."""
    return min(_LARGEST_CACHE, psutil.virtual_memory().total // 8)


class ReviewModel(QObject):
    """Everything that the review view shows and does.

    Frames are the shot's, 0 is its first. `transport`, `compare`, `playback` and `notes` are observable themselves.
    `noteOpened` carries the frame of a note that was clicked, `problemFound` the what, why and remedy of an error. Call
    `close` at the end.
    """

    shotChanged = pyqtSignal()
    takesChanged = pyqtSignal()
    currentChanged = pyqtSignal()
    noteAdded = pyqtSignal(str, object)
    noteOpened = pyqtSignal(int)
    notesChanged = pyqtSignal(str, object)
    statusChanged = pyqtSignal(str, object)
    followUpRequested = pyqtSignal(str, object)
    placeRequested = pyqtSignal(str)
    problemFound = pyqtSignal(str, str, str)

    def __init__(
        self,
        *,
        cache_bytes: int | None = None,
        clock: Callable[[], int] = monotonic_ns,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.cache = FrameCache(cache_bytes or cache_limit())
        self.decoder = Decoder(self.cache)
        self.transport, self.compare, self.notes = Transport(clock, self), Comparison(self), Notes(self)
        self.playback = Playback(self.decoder, self.transport, self.compare, self)
        Ticker(self.transport)  # its parent is the transport
        self.sound = SoundPlayer(self.transport, self)
        self.page_export = PageExport(self, self)
        self.shot_name = ""
        self.original: MediaSlice | None = None
        self.rate, self.start_timecode = Fraction(24), 0
        self.drop_frame: bool | None = None
        self.takes: tuple[ReviewTake, ...] = ()
        self._current, self._against = "", ORIGINAL
        self.notes.noteAdded.connect(self.noteAdded)
        self.notes.notesChanged.connect(self.notesChanged)
        self.notes.statusChanged.connect(self.statusChanged)
        self.playback.failed.connect(lambda _, problem: self._show_problem(problem))
        self.page_export.problemFound.connect(self._show_problem)

    def set_shot(
        self, original: MediaSlice, rate: Fraction, start_timecode: int, drop_frame: bool | None = None
    ) -> None:
        """Open a shot: `original.count` frames, of which the first has the timecode `start_timecode` (in frames).

        `drop_frame` None means drop-frame at 29.97 and 59.94. The takes are removed until `set_takes`.
        """
        self.original, self.rate = original, Fraction(rate)
        self.shot_name = Path(original.name).stem
        self.start_timecode, self.drop_frame = start_timecode, drop_frame
        self.takes, self._current, self._against = (), "", ORIGINAL
        self.compare.set(original=False, zoom=None, centre=(0.5, 0.5))
        self._update_sources()
        self.transport.open(original.count, self.rate)
        self.sound.open(original)
        self.shotChanged.emit()
        self.takesChanged.emit()
        self.currentChanged.emit()

    def set_takes(self, takes: Sequence[ReviewTake]) -> None:
        """Show these takes with their notes and status. The current take is kept, else the first becomes current."""
        self.takes = tuple(takes)
        for each in self.takes:
            self.notes.load(each.id, each.take.notes, each.take.status)
        known = {each.id for each in self.takes}
        before = self._current
        if self._current not in known:
            self._current = self.takes[0].id if self.takes else ""
        if self._against not in known:
            self._against = ORIGINAL
        self._update_sources()
        self.takesChanged.emit()
        if self._current != before:
            self.currentChanged.emit()

    @property
    def current(self) -> ReviewTake | None:
        """The take under review: side B."""
        return self.take(self._current)

    @property
    def against(self) -> ReviewTake | None:
        """The take on side A, None for the original."""
        return self.take(self._against)

    def take(self, take_id: str) -> ReviewTake | None:
        """A take by its id."""
        return next((each for each in self.takes if each.id == take_id), None)

    def pick(self, take_id: str) -> None:
        """Review a take."""
        if self.take(take_id) is not None:
            self.compare.set(original=False)
            if take_id != self._current:
                if self._against == take_id:
                    self._against = ORIGINAL
                self._current = take_id
                self._update_sources()
                self.currentChanged.emit()

    def pick_number(self, number: int, against: bool = False) -> None:
        """Review the take with a number (keys 1 to 9), or compare with it."""
        found = next((each for each in self.takes if each.number == number), None)
        if found is not None:
            self.compare_with(found.id) if against else self.pick(found.id)

    def pick_neighbour(self, steps: int) -> None:
        """Review the take that is `steps` further."""
        ids = [each.id for each in self.takes]
        if self._current in ids:
            self.pick(ids[(ids.index(self._current) + steps) % len(ids)])

    def compare_with(self, take_id: str | None) -> None:
        """Compare with a take, or with the original when None: side A."""
        side = take_id or ORIGINAL
        if side == self._current or (side != ORIGINAL and self.take(side) is None):
            return
        if side != self._against:
            self._against = side
            self._update_sources()
            self.currentChanged.emit()

    def timecode(self, frame: int) -> str:
        """Timecode of a frame of the shot."""
        return timecode(self.start_timecode + frame, self.rate, self.drop_frame)

    def go_to(self, text: str) -> bool:
        """Go to a typed timecode or frame number; returns False when it is neither."""
        number = frame_of(text, self.rate)
        if number is None:
            return False
        self.transport.stop()
        self.transport.seek(number if text.strip().isdecimal() else number - self.start_timecode)
        return True

    # Notes and decisions ----------------------------------------------------------------------------------------------

    def add_note(self, text: str, category: str = "", whole_range: bool = False) -> Note | None:
        """Add a note to the current take at the current frame, or from in to out. None without a take or text."""
        take, transport = self.current, self.transport
        if take is None or not text.strip():
            return None
        first, last = (transport.first, transport.last) if whole_range else (transport.frame, transport.frame)
        end = (take.count or transport.length) - 1
        first, last = (min(max(frame - take.offset, 0), end) for frame in (first, last))
        return self.notes.add(take.id, text, first, last, category)

    def set_status(self, status: Status) -> None:
        """Set the status of the current take."""
        if self.current is not None:
            self.notes.set_status(self.current.id, status)

    def go_to_note(self, note: Note, loop: bool = False) -> None:
        """Go to a note's first frame; with `loop`, loop its range."""
        offset = self.current.offset if self.current else 0
        self.transport.stop()
        if loop:
            self.transport.set_range(note.first + offset, note.last + offset)
            self.transport.loop(True)
        self.transport.seek(note.first + offset)
        self.noteOpened.emit(note.first + offset)
        if loop and note.last > note.first:
            self.transport.play()

    def step_to_note(self, direction: int) -> None:
        """Go to the next note of the current take, or to the previous one with direction -1."""
        take, frame = self.current, self.transport.frame
        if take is None:
            return
        starts = sorted({note.first + take.offset for note in self.notes.of(take.id)}, reverse=direction < 0)
        target = next((start for start in starts if (start - frame) * direction > 0), None)
        if target is not None:
            self.transport.stop()
            self.transport.seek(target)

    def reviewed(self) -> list[Reviewed]:
        """Every take with its status and notes."""
        return [Reviewed(each, self.notes.status(each.id), self.notes.of(each.id)) for each in self.takes]

    def export_csv(self, path: str) -> bool:
        """Write all notes as a table; returns False after an error, which `problemFound` carries."""
        return self._written(
            lambda: write_csv(Path(path), self.reviewed(), self.rate, self.start_timecode, self.drop_frame)
        )

    def export_markers(self, path: str) -> bool:
        """Write all notes as markers in an OTIO timeline; returns False after an error."""
        original = self.original
        return original is not None and self._written(
            lambda: write_markers(Path(path), original, self.reviewed(), self.rate, self.start_timecode)
        )

    def lineage(self) -> list[ReviewTake]:
        """The current take's ancestors, oldest first."""
        return lineage(self.current, {each.id: each for each in self.takes}) if self.current else []

    def ask_follow_up(self, wanted: FollowUp) -> bool:
        """Request a follow-up of the current take; returns False when it is incomplete."""
        take = self.current
        if take is None or wanted.problem(take):
            return False
        self.followUpRequested.emit(take.id, wanted)
        return True

    def ask_place(self) -> None:
        """Request that the current take is placed in the timeline."""
        if self.current is not None:
            self.placeRequested.emit(self.current.id)

    def close(self) -> None:
        """Stop playback and end the decoder's thread."""
        self.transport.stop()
        self.sound.close()
        self.page_export.cancel()
        self.decoder.close()

    def _written(self, write: Callable[[], None]) -> bool:
        try:
            write()
        except Problem as problem:
            self._show_problem(problem)
            return False
        return True

    def _show_problem(self, problem: Problem) -> None:
        self.problemFound.emit(problem.what, problem.why, problem.remedy)

    def _update_sources(self) -> None:
        if self.original is None:
            return
        sources = {ORIGINAL: PlacedSlice(self.original)}
        for each in self.takes:
            sources[f"take:{each.id}"] = self._source(each, each.composite)
            if each.matte:
                sources[f"matte:{each.id}"] = self._source(each, each.matte, grey=True)
            if each.layer:
                sources[f"layer:{each.id}"] = self._source(each, each.layer)
        self.decoder.set_sources(sources)
        current, against = self.current, self.against

        def name(kind: str) -> str:
            found = f"{kind}:{current.id}" if current else ""
            return found if found in sources else ""

        self.playback.choose(
            a=f"take:{against.id}" if against else ORIGINAL,
            b=name("take"),
            matte=name("matte"),
            layer=name("layer"),
            sheet=(ORIGINAL, *(f"take:{each.id}" for each in self.takes)),
        )

    def _source(self, take: ReviewTake, path: str | ImageSequence, grey: bool = False) -> PlacedSlice:
        assert self.original is not None
        count = take.count or self.original.count - take.offset
        return PlacedSlice(MediaSlice(path, 0, count, self.original.rate), take.offset, grey)
