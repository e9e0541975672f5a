"""What can be wrong with the ledger or with a question to it."""

from __future__ import annotations

from contract.errors import NotFound, Problem


class LedgerInUse(Problem):
    """Another process has the ledger open."""

    kind = "ledger_in_use"


class LedgerDamaged(Problem):
    """The ledger's file cannot be understood."""

    kind = "ledger_damaged"


class LedgerTooNew(Problem):
    """The ledger's file was written by a newer version of the program."""

    kind = "ledger_too_new"


class NoSuchJob(NotFound):
    """There is no job of that name."""

    def __init__(self, job: str) -> None:
        super().__init__(f"There is no job {job}.", remedy="List the jobs to see which there are.")


class NoSuchTake(NotFound):
    """The job has no finished take of that number."""

    def __init__(self, job: str, number: int) -> None:
        super().__init__(f"Job {job} has no finished take {number}.", remedy="List the takes to see which there are.")


class QueueFull(Problem):
    """A client has as many jobs waiting as it may."""

    kind = "queue_full"

    def __init__(self, limit: int) -> None:
        super().__init__(
            "The queue is full.",
            f"{limit} jobs of this client are waiting, which is the most that this backend accepts.",
            "Wait until some are done, or cancel some.",
        )
