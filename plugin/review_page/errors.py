"""The errors of review pages."""

from __future__ import annotations

from contract.errors import Problem


class BadDecisions(Problem):
    """A file of decisions is missing, damaged or from a newer version, or it is another kind of file."""

    kind = "bad_decisions"


class PageFailed(Problem):
    """A review page cannot be written."""

    kind = "page_failed"
