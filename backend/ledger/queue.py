"""Who is next: fair between clients, in each client's own order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from backend.ledger.database import Database


@dataclass(frozen=True)
class Waiting:
    """A queued job. `place` orders the jobs of one client, `serial` is its number of submission among all.

    `interrupted` jobs were at work already when their worker or the service ended.
    """

    id: str
    client: str
    place: int
    serial: int
    interrupted: bool = False


def queue_order(waiting: Iterable[Waiting], turns: Mapping[str, int]) -> list[str]:
    """The ids of all waiting jobs, first the one that is next.

    Interrupted jobs go first, for they had their turn. Then the clients take turns, the one whose last turn is longest
    ago first (`turns` has the last one of each client, greater is later; a client without one comes before all).
    """
    queues: dict[str, list[Waiting]] = defaultdict(list)
    interrupted: list[Waiting] = []
    for job in sorted(waiting, key=lambda each: (each.place, each.serial)):
        (interrupted if job.interrupted else queues[job.client]).append(job)
    order = [job.id for job in sorted(interrupted, key=lambda each: each.serial)]
    # As long as no other client comes, they go on taking turns in the order of their next ones.
    ring = sorted(queues, key=lambda client: (turns.get(client, 0), queues[client][0].serial))
    for turn in range(max((len(queue) for queue in queues.values()), default=0)):
        order += [queues[client][turn].id for client in ring if turn < len(queues[client])]
    return order


class Queue:
    """The queue as the ledger's tables hold it. What changes it is to be called in a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._positions: dict[str, int] | None = None

    def changed(self) -> None:
        """Something was written; look again."""
        self._positions = None

    def positions(self) -> dict[str, int]:
        """The place of every waiting job, from 1 on, in this order."""
        if self._positions is None:
            turns = {row["client"]: row["turn"] for row in self._database.rows("SELECT client, turn FROM clients")}
            order = queue_order(self._waiting(), turns)
            self._positions = {job: position for position, job in enumerate(order, start=1)}
        return self._positions

    def last_place(self, client: str) -> int:
        """The place of the client's last waiting job."""
        return max((job.place for job in self._waiting(client)), default=0)

    def length(self, client: str) -> int:
        """How many jobs of the client wait."""
        return len(self._waiting(client))

    def put_first(self, job: str, client: str) -> None:
        """Let the job be the client's next."""
        place = min((each.place for each in self._waiting(client) if each.id != job), default=1) - 1
        self._database.change("UPDATE jobs SET place = ? WHERE id = ?", place, job)

    def put_before(self, job: str, client: str, other: str | None) -> None:
        """Put the job before another one of the client, or behind all. Both must wait.

        Interrupted jobs keep their precedence over other clients only where the new order still begins with them.
        """
        order = [each for each in self._waiting(client) if each.id != job]
        at = len(order) if other is None else [each.id for each in order].index(other)
        order.insert(at, next(each for each in self._waiting(client) if each.id == job))
        ahead = True
        for place, each in enumerate(order, start=1):
            ahead = ahead and each.interrupted and (each.id != job or at == 0)
            self._database.change("UPDATE jobs SET place = ?, interrupted = ? WHERE id = ?", place, ahead, each.id)

    def begin(self, job: str, client: str) -> None:
        """The job leaves the queue for a worker: its client had its turn, unless the job was interrupted in it."""
        row = self._database.row("SELECT interrupted FROM jobs WHERE id = ?", job)
        self._database.change("UPDATE jobs SET interrupted = 0 WHERE id = ?", job)
        if row is not None and not row["interrupted"]:
            self._database.change(
                "INSERT INTO clients (client, turn) VALUES (?, (SELECT COALESCE(MAX(turn), 0) + 1 FROM clients)) "
                "ON CONFLICT (client) DO UPDATE SET turn = excluded.turn",
                client,
            )

    @property
    def paused(self) -> bool:
        """Whether no further job is to be started."""
        row = self._database.row("SELECT value FROM settings WHERE name = 'paused'")
        return row is not None and bool(row["value"])

    def pause(self, on: bool) -> None:
        """Start no further job, or continue."""
        self._database.change("INSERT OR REPLACE INTO settings (name, value) VALUES ('paused', ?)", on)

    def _waiting(self, client: str | None = None) -> list[Waiting]:
        rows = self._database.rows(
            "SELECT id, client, place, serial, interrupted FROM jobs WHERE state = 'queued'"
            " AND (?1 IS NULL OR client = ?1)",
            client,
        )
        jobs = [
            Waiting(row["id"], row["client"], row["place"], row["serial"], bool(row["interrupted"])) for row in rows
        ]
        # As `queue_order` has them, for one client.
        return sorted(jobs, key=lambda each: (not each.interrupted, each.serial if each.interrupted else each.place))
