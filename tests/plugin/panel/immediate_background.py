"""A background runner without threads: work runs at once."""

from __future__ import annotations

from contract.errors import Problem
from plugin.panel.background import Done, Failed, Work


class ImmediateBackground:
    """Replaces `plugin.panel.background.Background`; works in the caller's thread."""

    def run(self, work: Work, done: Done, failed: Failed) -> None:
        """Run `work` now and call `done` or `failed`."""
        try:
            result = work()
        except Problem as problem:
            failed(problem)
        else:
            done(result)

    def wait(self) -> None:
        """Nothing is ever running."""
