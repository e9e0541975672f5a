"""Which connections get what: a job's events go to its followers, changes of jobs to clients that follow all theirs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from backend.ledger.ledger import Ledger
from backend.ledger.rows import JobRow, StoredEvent
from bridge.wire.messages import Closing, EventPushed, JobChanged, QueuePaused
from bridge.wire.server import WireServer


class Subscriptions:
    """Follows are of connections and end with them: a client that comes back asks again and misses nothing.

    A step is pushed as an event and as nothing else. Changes of jobs (state, place in the queue, finished takes) are
    gathered until `flush`, so that several at once are one push.
    """

    def __init__(self, server: WireServer, ledger: Ledger, may_see: Callable[[JobRow, str], bool]) -> None:
        self._server, self._ledger, self._may_see = server, ledger, may_see
        self._followers: defaultdict[str, set[bytes]] = defaultdict(set)
        self._follow_all: dict[bytes, str] = {}
        self._changed: dict[str, None] = {}

    def follow_job(self, connection: bytes, job: str, on: bool) -> None:
        """Push the job's later events to a connection, or no more."""
        if on:
            self._followers[job].add(connection)
        else:
            self._followers[job].discard(connection)

    def follow_all(self, connection: bytes, client: str, on: bool) -> None:
        """Push changes of all jobs that the client may see, or no more."""
        if on:
            self._follow_all[connection] = client
        else:
            self._follow_all.pop(connection, None)

    def publish_event(self, job: str, stored: StoredEvent) -> None:
        """Push an event that is in the ledger."""
        followers = self._followers.get(job)
        if followers:
            followers.difference_update(
                self._server.push(tuple(followers), EventPushed(job=job, event=stored.numbered()))
            )

    def publish_job(self, job: str) -> None:
        """Push the job as it is then, at the next `flush`."""
        self._changed[job] = None

    def publish_queue(self) -> None:
        """Push all waiting jobs: they may have other places in the queue."""
        if self._follow_all:
            for row in self._ledger.queue():
                self.publish_job(row.id)

    def publish_pause(self, on: bool) -> None:
        """Push to every connection that the queue is paused, or continues."""
        self._server.push(tuple(self._server.connections), QueuePaused(on=on))

    @property
    def pending(self) -> bool:
        """Whether there is something to flush."""
        return bool(self._changed)

    def flush(self) -> None:
        """Push what has changed."""
        changed, self._changed = self._changed, {}
        if not self._follow_all:
            return
        for row in filter(None, map(self._ledger.find, changed)):
            for client in set(self._follow_all.values()):
                if self._may_see(row, client):
                    connections = [each for each, owner in self._follow_all.items() if owner == client]
                    self._forget_all(self._server.push(connections, JobChanged(job=self._ledger.to_job(row, client))))

    def forget(self, connections: Iterable[bytes]) -> None:
        """Connections have ended."""
        gone = set(connections)
        self._forget_all(gone)
        for followers in self._followers.values() if gone else ():
            followers -= gone

    def close(self) -> None:
        """Say to every connection that the service ends."""
        self._server.push(tuple(self._server.connections), Closing())

    def _forget_all(self, connections: Iterable[bytes]) -> None:
        for connection in connections:
            self._follow_all.pop(connection, None)
