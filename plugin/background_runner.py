"""Running slow work outside the caller's thread, as the panel and the hosts need it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from contract.errors import Problem


class BackgroundRunner(Protocol):
    """Runs functions elsewhere and reports back in the caller's thread."""

    def run(self, work: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[Problem], None]) -> None:
        """Start `work`; later call `done` with its result, or `failed` with the Problem that it raised."""
