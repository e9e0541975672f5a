"""Takes in the timeline: placing them, swapping them, and describing where they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal

from bridge.editorial.clip_list import Shot
from bridge.editorial.placement import PlacedTake, layer_of, placed_take
from bridge.wire.messages import TakeEntry
from contract.errors import Problem
from contract.job import LayerKind
from contract.take import Note
from contract.timecode import recounted
from media.probe import MediaInfo
from plugin.hosts.base import (
    FollowsPlacements,
    NativeVersions,
    Placement,
    PlacesTakes,
    SeeksTo,
    ShowsMarkers,
    SwapsTakes,
)
from plugin.panel.models.observable import Field, Observable
from plugin.panel.models.shot.shot import ShotModel
from plugin.panel.models.takes.takes import TakesModel


class PlacementsModel(Observable):
    """The takes that are placed above the timeline's clips. `placed` carries a take's id once it was read back.

    `placing` is the label of the take that is being placed: a host in another process needs some time.
    """

    placed = pyqtSignal(str)
    versionAdded = pyqtSignal(str)
    """A sentence for the artist: the take is in the host's own version stack."""

    placing: Field[str] = Field("")

    current: Field[Placement | None] = Field(None)
    problem: Field[Problem | None] = Field(None)

    def __init__(self, shot: ShotModel, takes: TakesModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shot, self._takes = shot, takes
        shot.selected.connect(self.refresh)
        if isinstance(shot.host, FollowsPlacements):
            shot.host.on_placements(self.refresh)

    @property
    def shot_key(self) -> str:
        """The key of the selected shot."""
        return self._shot.key

    @property
    def possible(self) -> bool:
        """Whether the host can place takes."""
        return isinstance(self._shot.host, PlacesTakes)

    @property
    def takes_versions(self) -> bool:
        """Whether the host has a version stack of its own, and a take of the selected shot is placed to hold it."""
        return isinstance(self._shot.host, NativeVersions) and self.current is not None

    @property
    def layer(self) -> LayerKind | None:
        """The kind of layer file that the host composites correctly; None leaves it to the settings."""
        return self._shot.host.layer

    @property
    def status_text(self) -> str:
        """Where the take is placed, for display."""
        place = self.current
        if self.placing:
            return f"Placing {self.placing} in {self._shot.host.name}…"
        if place is None:
            return ""
        where = f"V{place.track_number} “{place.track_name}”, {place.record_in} – {place.record_out}"
        sentence = f"{place.take_name} is on {where}, in {Path(place.where).name}. Read back and confirmed."
        return f"{sentence} {place.note}".strip()

    def refresh(self) -> None:
        """Read from the host which take is above the shot."""
        host, shot = self._shot.host, self._shot.shot
        found = host.placements() if isinstance(host, PlacesTakes) else {}
        self.current = found.get(shot.index) if shot is not None else None
        self._takes.set_placed(frozenset(take for each in found.values() for take in (each.take, *each.also_visible)))

    def place(
        self,
        entry: TakeEntry,
        done: Callable[[], None],
        failed: Callable[[Problem], None] | None = None,
        above: tuple[Shot, MediaInfo] | None = None,
    ) -> None:
        """Place a take above its clip, with the shot's other takes in the same stack where they fit.

        done: called when the take was placed and read back
        failed: called with the error; None shows it in `problem`
        above: the take's own shot, where that is not the selected one
        """
        self.problem = None
        try:
            self._place(entry, done, failed or self._failed, above)
        except Problem as problem:
            (failed or self._failed)(problem)

    def _place(
        self, entry: TakeEntry, done: Callable[[], None], failed: Callable, above: tuple[Shot, MediaInfo] | None
    ) -> None:
        host, takes = self._shot.host, self._takes
        shot, media_info = above or (self._shot.shot, self._shot.media_info)
        if shot is None or not isinstance(host, PlacesTakes):
            raise PlacingHindered("No clip is selected.", "", "Select the take’s clip.")
        if self.placing:
            what = f"{self.placing} is still being placed."
            raise PlacingHindered(what, "", "Wait until it is in the timeline.")
        key = self._shot.key_of(shot)
        if takes.shots.get(entry.job, key) not in (key, ""):
            what = "This take belongs to another clip, or to another part of this one."
            raise PlacingHindered(what, "", "Select that clip, then place the take.")
        labels = takes.labels_of(key)
        label = labels.get((entry.job, entry.number), entry.take.name)
        chosen = _placed(entry, shot, media_info, label, takes.effect_of(entry))

        def placed(placement: Placement) -> None:
            self.placing = ""
            self.refresh()
            if self._shot.shot == shot:
                self.current = placement
            self.placed.emit(entry.take.id)
            done()

        def hindered(problem: Problem) -> None:
            self.placing = ""
            failed(problem)

        occupied = host.placements().get(shot.index) is not None
        self.placing = label
        if occupied and isinstance(host, SwapsTakes):
            host.swap(shot, chosen, placed, hindered)
        else:
            others = [
                _placed(each, shot, media_info, labels[each.job, each.number], takes.effect_of(each))
                for each in takes.takes_of(key)
                if each.take.status != "rejected" and each is not entry and _fits(each, entry)
            ]
            host.place(shot, [chosen, *others], 0, placed, hindered)

    def add_version(self, entry: TakeEntry) -> None:
        """Add a take to the host's own version stack of the placed take, which stays visible."""
        host, shot, media_info = self._shot.host, self._shot.shot, self._shot.media_info
        if shot is None or self.current is None or not isinstance(host, NativeVersions):
            return
        self.problem = None
        label = self._takes.labels_of(self._shot.key).get((entry.job, entry.number), entry.take.name)

        def added(count: int) -> None:
            self.versionAdded.emit(f"{label} is in the take selector of {host.name}, one of {count} takes.")

        try:
            take = _placed(entry, shot, media_info, label, self._takes.effect_of(entry))
        except Problem as problem:
            self._failed(problem)
        else:
            host.add_versions(shot, [take], added, self._failed)

    def seek(self, frame: int) -> None:
        """Move the host's playhead to a frame of the selected shot, where the host can."""
        host, shot = self._shot.host, self._shot.shot
        if shot is not None and isinstance(host, SeeksTo):
            host.seek(shot, frame, self._failed)

    def mark(self, take_id: str, notes: tuple[Note, ...]) -> None:
        """Show a placed take's notes as markers, where the host has markers."""
        host, shot = self._shot.host, self._shot.shot
        is_placed = self.current is not None and self.current.take == take_id
        if shot is not None and is_placed and isinstance(host, ShowsMarkers):
            host.mark(shot, notes, self._failed)

    def _failed(self, problem: Problem) -> None:
        self.problem = problem


class PlacingHindered(Problem):
    """A take cannot be placed now; the timeline is unchanged."""

    kind = "placing_hindered"


def _placed(entry: TakeEntry, shot: Shot, media_info: MediaInfo | None, label: str, effect: str) -> PlacedTake:
    """A take for placing it in the timeline. Raises BadTake when its layer is missing."""
    take = entry.take
    return placed_take(
        Path(entry.folder),
        take,
        shot,
        None if media_info is None else _start_of(media_info, shot),
        f"{label} seed {take.seed}",
        take.plan.target_object,
        (media_info.width, media_info.height) if media_info is not None else None,
        effect if effect != take.instruction else "",
    )


def _start_of(media_info: MediaInfo, shot: Shot) -> int | None:
    """The media's start timecode in frames of the shot's rate."""
    if media_info.start_timecode is None or media_info.rate == shot.frame_rate:
        return media_info.start_timecode
    return recounted(media_info.start_timecode, media_info.rate, shot.frame_rate, media_info.drop_frame)


def _fits(one: TakeEntry, other: TakeEntry) -> bool:
    """Whether two takes can be media references of one clip: the same length, and both movies or both sequences."""
    (path, sequence), (_, others) = (layer_of(Path(each.folder), each.take) for each in (one, other))
    lengths = [each.take.record_range and each.take.record_range[1] for each in (one, other)]
    return (sequence is None) == (others is None) and lengths[0] == lengths[1] and path.is_file()
