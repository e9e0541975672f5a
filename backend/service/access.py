"""Who may see and do what."""

from __future__ import annotations

from dataclasses import dataclass

from backend.ledger.errors import NoSuchJob
from backend.ledger.ledger import Ledger
from backend.ledger.rows import JobRow
from contract.errors import Problem


class NotPermitted(Problem):
    """Only the service's owner may do this."""

    kind = "not_permitted"


@dataclass(frozen=True)
class Access:
    """Clients see and change their own jobs, on a `shared` service all; some things are the owner's."""

    owner: str
    shared: bool = False

    def may_see(self, row: JobRow, client: str) -> bool:
        """Whether the job exists for a client."""
        return self.shared or row.client == client

    def job(self, ledger: Ledger, job: str, client: str) -> JobRow:
        """The job. Raises NoSuchJob, also for a job that the client may not see."""
        row = ledger.find(job)
        if row is None or not self.may_see(row, client):
            raise NoSuchJob(job)
        return row

    def whose(self, client: str) -> str | None:
        """Whose jobs a client is shown: its own, or None: all."""
        return None if self.shared else client

    def require_owner(self, client: str) -> None:
        """Raises NotPermitted for everybody else."""
        if client != self.owner:
            raise NotPermitted(
                "Only the backend's owner may do this.",
                "The backend belongs to the user who started it.",
                "Ask that user, or run your own backend.",
            )

    def require_power_over_all(self, client: str) -> None:
        """For what concerns everybody's jobs: the owner, and on a shared service all. Raises NotPermitted."""
        if not self.shared:
            self.require_owner(client)
