"""Who hears of what: each job's events to whoever follows it, changes of jobs to whoever follows all of theirs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from backend.ledger.ledger import Ledger
from backend.ledger.rows import JobRow
from bridge.wire.messages import Closing, EventPushed, JobChanged, Numbered
from bridge.wire.server import WireServer


class Subscriptions:
    """Follows are of connections and end with them: a client that comes back asks again and misses nothing.

    Changes are gathered until `flush`, so that ten steps in a row are one change.
    """

    def __init__(self, server: WireServer, ledger: Ledger, may_see: Callable[[JobRow, str], bool]) -> None:
        self._server, self._ledger, self._may_see = server, ledger, may_see
        self._jobs: defaultdict[str, set[bytes]] = defaultdict(set)
        self._all: dict[bytes, str] = {}
        self._changed: dict[str, None] = {}

    def follow_job(self, connection: bytes, job: str, on: bool) -> None:
        """Push the job's later events to a connection, or no more."""
        if on:
            self._jobs[job].add(connection)
        else:
            self._jobs[job].discard(connection)

    def follow_all(self, connection: bytes, client: str, on: bool) -> None:
        """Push changes of all jobs that the client may see, or no more."""
        if on:
            self._all[connection] = client
        else:
            self._all.pop(connection, None)

    def happened(self, job: str, numbered: Numbered) -> None:
        """An event stands in the ledger."""
        for connection in tuple(self._jobs.get(job, ())):
            if not self._server.push(connection, EventPushed(job=job, event=numbered)):
                self._jobs[job].discard(connection)
        self.changed(job)

    def changed(self, job: str) -> None:
        """A job is another one than before."""
        self._changed[job] = None

    def order_changed(self) -> None:
        """Waiting jobs may have other places in the queue."""
        if self._all:
            for row in self._ledger.queue():
                self.changed(row.id)

    @property
    def pending(self) -> bool:
        """Whether there is something to flush."""
        return bool(self._changed)

    def flush(self) -> None:
        """Push what has changed."""
        changed, self._changed = self._changed, {}
        if not self._all:
            return
        for job in changed:
            row = self._ledger.find(job)
            if row is None:
                continue
            for connection, client in tuple(self._all.items()):
                if self._may_see(row, client):
                    change = JobChanged(job=self._ledger.to_job(row, client))
                    if not self._server.push(connection, change):
                        self._all.pop(connection, None)

    def forget(self, connections: list[bytes]) -> None:
        """Connections have ended."""
        for connection in connections:
            self._all.pop(connection, None)
            for followers in self._jobs.values():
                followers.discard(connection)

    def close(self) -> None:
        """Tell every connection that the service ends."""
        for connection in tuple(self._server.connections):
            self._server.push(connection, Closing())
