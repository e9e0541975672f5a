"""Takes in the timeline: placing them, swapping them, and saying what stands where."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal

from bridge.errors import BadTake, Problem
from bridge.media_location import ImageSequence
from bridge.messages import TakeEntry
from bridge.placement import PlacedTake
from bridge.shot import Shot
from plugin.hosts.base import Placement, PlacesTakes, SwapsTakes
from plugin.panel.models.observable import Field, Observable
from plugin.panel.models.shot import ShotModel
from plugin.panel.models.takes import TakesModel


class PlacesModel(Observable):
    """What stands above the timeline's clips. `placed` is emitted after each placing that was read back."""

    placed = pyqtSignal(str)

    current: Field[Placement | None] = Field(None)
    problem: Field[Problem | None] = Field(None)

    def __init__(self, shot: ShotModel, takes: TakesModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shot, self._takes = shot, takes
        shot.selected.connect(self.refresh)

    @property
    def shot_key(self) -> str:
        """The shot that is placed above."""
        return self._shot.key

    @property
    def possible(self) -> bool:
        """Whether the host can place takes at all."""
        return isinstance(self._shot.host, PlacesTakes)

    @property
    def sentence(self) -> str:
        """What stands where, for people."""
        place = self.current
        if place is None:
            return ""
        return self.tr("{0} is on V{1} “{2}”, {3} – {4}, in {5}. Read back and confirmed.").format(
            place.take_name,
            place.track_number,
            place.track_name,
            place.record_in,
            place.record_out,
            Path(place.where).name,
        )

    def refresh(self) -> None:
        """Ask the host what stands above the shot."""
        host, shot = self._shot.host, self._shot.shot
        found = host.placements() if isinstance(host, PlacesTakes) else {}
        self.current = found.get(shot.index) if shot is not None else None
        self._takes.set_placed(frozenset(each.take for each in found.values()))

    def place(self, entry: TakeEntry) -> bool:
        """Put a take above its clip, the shot's other takes into the same stack where they fit."""
        host, shot = self._shot.host, self._shot.shot
        if shot is None or not isinstance(host, PlacesTakes):
            return False
        start = self._start_of(shot)
        labels = self._takes.labels_of(self._shot.key)
        try:
            self.problem = None
            chosen = placed_take(entry, shot, start, labels.get((entry.job, entry.number), entry.take.name))
            if self.current is not None and isinstance(host, SwapsTakes):
                self.current = host.swap(shot, chosen)
            else:
                others = [
                    placed_take(each, shot, start, labels[each.job, each.number])
                    for each in self._takes.takes_of(self._shot.key)
                    if each.take.status != "rejected" and each is not entry and _fits(each, entry)
                ]
                self.current = host.place(shot, [chosen, *others], 0)
        except Problem as problem:
            self.problem = problem
            return False
        self._takes.set_placed(frozenset(each.take for each in host.placements().values()))
        self.placed.emit(entry.take.id)
        return True

    def _start_of(self, shot: Shot) -> int:
        footage = self._shot.footage
        known = footage is not None and footage.start_timecode is not None
        return footage.start_timecode + shot.source_start if known else 0


def placed_take(entry: TakeEntry, shot: Shot, start_frame: int, label: str) -> PlacedTake:
    """A take as a timeline needs it; `start_frame` is its movie's start. Raises BadTake when it is gone."""
    take, folder = entry.take, Path(entry.folder)
    layer = str(take.extra.get("layer") or "layer.mov")
    path, sequence = folder / layer, None
    if "%" in layer:
        head, _, tail = path.name.partition("%06d")
        first = int(take.extra.get("first_number") or 0)
        sequence = ImageSequence(str(path.parent), head, tail, first, 1, 6, shot.frame_count)
        path, start_frame = Path(sequence.image(0)), 0
    if not path.is_file():
        raise BadTake(
            f"The layer of {label} is not there.", f"{path} is missing.", "Make the take again, or restore its folder."
        )
    facts = {"take": take.id, "instruction": take.instruction, "model": take.model, "seed": take.seed}
    facts["label"] = str(take.plan.get("target_object", ""))
    return PlacedTake(
        str(path), shot.rate, shot.frame_count, f"{label} seed {take.seed}", {"dynvfx": facts}, start_frame, sequence
    )


def _fits(one: TakeEntry, other: TakeEntry) -> bool:
    """Whether two takes can be media references of one clip."""
    kinds = [("%" in str(each.take.extra.get("layer") or ""), each.take.record_range) for each in (one, other)]
    return kinds[0] == kinds[1] and (Path(one.folder) / str(one.take.extra.get("layer") or "layer.mov")).exists()
