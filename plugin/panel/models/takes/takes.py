"""Queue and results in one list: running, waiting and failed jobs, and the finished takes."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from PyQt6.QtCore import QAbstractListModel, QModelIndex, QObject, Qt, pyqtSignal

from bridge.wire.messages import Job, TakeEntry
from contract.events import StageProgress
from contract.preflight import Preflight
from contract.states import ENDED, RUNNING
from contract.take import Take
from plugin.panel.models.takes.cards import Card, JobProgress, job_card, take_card

CARD_ROLE = Qt.ItemDataRole.UserRole
_NO_PARENT = QModelIndex()


class TakesModel(QAbstractListModel):
    """Rows are `Card`s: running jobs, plans to approve, the queue, ended jobs, then takes, newest first.

    `show_shot` limits the rows to one shot. Rows that stay are changed in place, so that views keep their selection and
    repaint only what changed.
    """

    takesChanged = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.jobs: dict[str, JobProgress] = {}
        self.entries: dict[tuple[str, int], TakeEntry] = {}
        self.shots: dict[str, str] = {}
        self._placed: frozenset[str] = frozenset()
        self._shot = ""
        self._dismissed: set[str] = set()
        self._cards: list[Card] = []
        self._take_cards: list[Card] | None = None
        self._shown_takes: list[Card] | None = None
        self._job_rows = 0

    # As a Qt model ----------------------------------------------------------------------------------------------------

    def rowCount(self, parent: QModelIndex = _NO_PARENT) -> int:  # noqa: N802 - Qt's name
        """The number of rows."""
        return 0 if parent.isValid() else len(self._cards)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The card, or its text for display and screen readers."""
        if not index.isValid() or index.row() >= len(self._cards):
            return None
        card = self._cards[index.row()]
        if role == CARD_ROLE:
            return card
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{card.title}, {card.state_text}, {card.line}"
        if role == Qt.ItemDataRole.ToolTipRole and card.checked is not None:
            return f"{card.checked.summary}\n\n{card.checked.details}"
        return None

    # Queries ----------------------------------------------------------------------------------------------------------

    @property
    def cards(self) -> tuple[Card, ...]:
        """The rows."""
        return tuple(self._cards)

    def row_of(self, row_id: str) -> int:
        """The index of a row, -1 when it is not shown."""
        return next((row for row, each in enumerate(self._cards) if each.row_id == row_id), -1)

    def takes_of(self, shot: str) -> list[TakeEntry]:
        """Finished takes of a shot, oldest first."""
        found = [each for each in self.entries.values() if self.shots.get(each.job, "") == shot]
        return sorted(found, key=_made)

    def entry_of(self, take_id: str, shot: str = "") -> TakeEntry | None:
        """The take with this id; of `shot` where several shots have it."""
        found = [each for each in self.entries.values() if each.take.id == take_id]
        mine = [each for each in found if self.shots.get(each.job, "") == shot]
        return next(iter(mine or found), None)

    def effect_of(self, entry: TakeEntry) -> str:
        """What a take adds: the instruction of the first take that it follows, which a follow-up only changes."""
        known = {each.take.id: each.take for each in self.entries.values()}
        take, seen = entry.take, {entry.take.id}
        while take.parent in known and take.parent not in seen:
            take = known[take.parent]
            seen.add(take.id)
        return take.instruction

    def labels_of(self, shot: str) -> dict[tuple[str, int], str]:
        """Labels of a shot's takes in the order in which they were made: T1, T2, ..."""
        return {(each.job, each.number): f"T{count}" for count, each in enumerate(self.takes_of(shot), start=1)}

    def neighbour_in_queue(self, job: str, steps: int) -> str | None:
        """The queued job that is `steps` places further in the list; None when there is none."""
        waiting = [each.job.id for each in self._in_order() if each.job.state == "queued" and self._is_shown(each)]
        place = waiting.index(job) + steps if job in waiting else -1
        return waiting[place] if 0 <= place < len(waiting) else None

    # Updates ----------------------------------------------------------------------------------------------------------

    def show_shot(self, shot: str) -> None:
        """Limit the rows to one shot's, or "" for all."""
        if shot != self._shot:
            self._shot, self._take_cards = shot, None
            self.rebuild()

    def set_jobs(self, jobs: tuple[Job, ...]) -> None:
        """Update all jobs that the backend lists."""
        for job in jobs:
            self._keep(job)
        self.rebuild()

    def set_job(self, job: Job) -> JobProgress:
        """Update one job."""
        kept = self._keep(job)
        self.rebuild()
        return kept

    def set_takes(self, entries: tuple[TakeEntry, ...]) -> None:
        """Add or update finished takes."""
        for entry in entries:
            self.entries[entry.job, entry.number] = entry
            self.shots.setdefault(entry.job, "")
        self._take_cards = None
        self.rebuild()
        self.takesChanged.emit()

    def set_progress(self, job: str, event: StageProgress) -> None:
        """Update a job from a progress event."""
        if job in self.jobs:
            progress = self.jobs[job]
            progress.job = msgspec.structs.replace(
                progress.job,
                take=event.take,
                stage=event.stage,
                step=event.step,
                steps=event.steps,
                iteration=event.iteration,
                iterations=event.iterations,
                seconds_left=event.seconds_left,
            )
            self.rebuild()

    def set_preview(self, job: str, path: str) -> None:
        """Show a new picture of the unfinished take."""
        if job in self.jobs:
            progress = self.jobs[job]
            progress.preview, progress.preview_stamp = path, progress.preview_stamp + 1
            self.rebuild()

    def set_checked(self, job: str, report: Preflight) -> None:
        """Remember what was found out about a job's shot."""
        if job in self.jobs:
            self.jobs[job].checked = report
            self.rebuild()

    def set_placed(self, takes: frozenset[str]) -> None:
        """Set the ids of the takes that are in the timeline."""
        if takes != self._placed:
            self._placed, self._take_cards = takes, None
            self.rebuild()

    @property
    def placed(self) -> frozenset[str]:
        """Ids of the takes that are in the timeline."""
        return self._placed

    def dismiss(self, job: str) -> None:
        """Remove an ended job from the list."""
        self._dismissed.add(job)
        self.rebuild()

    def restore(self, job: str) -> None:
        """Show a dismissed job again."""
        if job in self._dismissed:
            self._dismissed.discard(job)
            self.rebuild()

    @property
    def dismissed(self) -> frozenset[str]:
        """Ids of the dismissed jobs."""
        return frozenset(self._dismissed)

    def recall(self, dismissed: frozenset[str]) -> None:
        """Add jobs that were dismissed in an earlier session."""
        self._dismissed |= dismissed

    # Rows -------------------------------------------------------------------------------------------------------------

    def rebuild(self) -> None:
        """Build the rows again; rows that keep their order are only changed."""
        jobs = [job_card(each) for each in self._in_order() if self._is_shown(each)]
        shown = self._cards[: self._job_rows]
        takes_stay = self._take_cards is not None and self._take_cards is self._shown_takes
        if takes_stay and [each.row_id for each in shown] == [each.row_id for each in jobs]:
            # Several times a second only jobs change: two hundred takes need no comparison.
            self._change_rows(jobs)
            return
        if self._take_cards is None:
            self._take_cards = self._made_take_cards()
        self._job_rows, self._shown_takes = len(jobs), self._take_cards
        cards = jobs + self._take_cards
        before = [each.row_id for each in self._cards]
        after = [each.row_id for each in cards]
        if before != after:
            self._move_rows(cards, before, after)
        self._change_rows(cards)

    def _change_rows(self, cards: list[Card]) -> None:
        """Replace the cards of the first rows where they differ."""
        for row, new in enumerate(cards):
            old = self._cards[row]
            if old is not new and old != new:
                self._cards[row] = new
                index = self.index(row)
                self.dataChanged.emit(index, index, [CARD_ROLE])

    def _move_rows(self, cards: list[Card], before: list[str], after: list[str]) -> None:
        kept = set(after)
        for row in range(len(before) - 1, -1, -1):
            if before[row] not in kept:
                self.beginRemoveRows(_NO_PARENT, row, row)
                del self._cards[row]
                self.endRemoveRows()
        for row, card in enumerate(cards):
            if row < len(self._cards) and self._cards[row].row_id == card.row_id:
                continue
            old = self.row_of(card.row_id)
            if old >= 0:
                self.beginMoveRows(_NO_PARENT, old, old, _NO_PARENT, row)
                self._cards.insert(row, self._cards.pop(old))
                self.endMoveRows()
            else:
                self.beginInsertRows(_NO_PARENT, row, row)
                self._cards.insert(row, card)
                self.endInsertRows()

    def _made_take_cards(self) -> list[Card]:
        ids = {entry.take.id: entry.take for entry in self.entries.values()}
        labels: dict[tuple[str, int], str] = {}
        for shot in {self.shots.get(job, "") for job, _ in self.entries}:
            labels.update(self.labels_of(shot))
        names = {entry.take.id: labels[key] for key, entry in self.entries.items()}
        cards = []
        for key, entry in sorted(self.entries.items(), key=lambda pair: _made(pair[1]), reverse=True):
            shot = self.shots.get(entry.job, "")
            if not self._shot or shot == self._shot:
                parent = names.get(entry.take.parent or "", "")
                placed = entry.take.id in self._placed
                cards.append(take_card(entry, shot, labels[key], parent, _depth(entry.take, ids), placed))
        return cards

    def _is_shown(self, progress: JobProgress) -> bool:
        job = progress.job
        if job.state == "done" or job.id in self._dismissed or (self._shot and progress.shot != self._shot):
            return False
        return job.state != "cancelled"  # cancelled by the artist

    def _in_order(self) -> list[JobProgress]:
        def rank(progress: JobProgress) -> tuple:
            job = progress.job
            if job.state in RUNNING:
                return 0, 0, -job.changed
            if job.state == "awaiting_approval":
                return 1, 0, -job.changed
            return (2, job.position or 10**6, job.created) if job.state not in ENDED else (3, 0, -job.changed)

        return sorted(self.jobs.values(), key=rank)

    def _keep(self, job: Job) -> JobProgress:
        shot = job.token.partition(".")[0] if "." in job.token else ""
        if self.shots.get(job.id) != shot:
            self.shots[job.id], self._take_cards = shot, None
        known = self.jobs.get(job.id)
        if known is None:
            known = self.jobs[job.id] = JobProgress(job, shot)
        elif job.changed >= known.job.changed or job.state != known.job.state:
            known.job = job
        return known


def changed_take(entry: TakeEntry, take: Take) -> TakeEntry:
    """An entry with another record."""
    return TakeEntry(job=entry.job, number=entry.number, folder=entry.folder, take=take)


def _depth(take: Take, known: Mapping[str, Take]) -> int:
    depth, seen, parent = 0, {take.id}, take.parent
    while parent is not None and parent in known and parent not in seen:
        seen.add(parent)
        parent, depth = known[parent].parent, depth + 1
    return depth


def _made(entry: TakeEntry) -> tuple[str, str, int]:
    return entry.take.created, entry.job, entry.number
