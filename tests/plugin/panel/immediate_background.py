"""A background without threads: what it is given runs at once."""

from __future__ import annotations

from contract.errors import Problem
from plugin.panel.background import Done, Failed, Work


class ImmediateBackground:
    """`plugin.panel.background.Background` in the caller's thread."""

    def run(self, work: Work, done: Done, failed: Failed) -> None:
        """Do `work` now and call `done` or `failed`."""
        try:
            result = work()
        except Problem as problem:
            failed(problem)
        else:
            done(result)

    def wait(self) -> None:
        """Nothing is ever running."""
