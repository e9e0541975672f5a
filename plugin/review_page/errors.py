"""What can go wrong with a review page."""

from __future__ import annotations

from contract.errors import Problem


class BadDecisions(Problem):
    """A file with decisions is missing, damaged, of a newer kind, or of another kind altogether."""

    kind = "bad_decisions"


class PageFailed(Problem):
    """A review page cannot be made."""

    kind = "page_failed"
