"""The agent's errors."""


class ResolveProblem(Exception):
    """An error for the user: a stable identifier `kind`, and the sentences `what`, `why`, `remedy`."""

    def __init__(self, kind: str, what: str, why: str = "", remedy: str = "") -> None:
        Exception.__init__(self, " ".join(part for part in (what, why, remedy) if part))
        self.kind, self.what, self.why, self.remedy = kind, what, why, remedy


class NoAnswer(ResolveProblem):
    """Resolve has no such call, or has ended."""

    def __init__(self, name: str) -> None:
        ResolveProblem.__init__(
            self,
            "not_supported",
            f"DaVinci Resolve does not answer {name}.",
            "This version does not have the call, or Resolve was closed.",
            "Update Resolve, or use the timeline as an .otio file.",
        )
