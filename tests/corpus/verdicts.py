"""What became of a file, and the report of many."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Literal

VERDICTS = ("right", "repaired", "refused", "wrong")
Outcome = Literal["right", "repaired", "refused", "wrong"]


@dataclass(frozen=True)
class Verdict:
    """One line of the report.

    right: everything is as another decoder sees it, and what was written has the clip's own pixels
    repaired: the same, with notices
    refused: a typed error, `text` is its sentence
    wrong: two decoders disagree, pixels changed, or an error that nothing was prepared for
    """

    name: str
    kind: str
    outcome: Outcome
    text: str = ""
    facts: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        facts = " ".join(self.facts.values())
        line = f"{self.outcome:9} {self.kind:9} {self.name}"
        return line + (f" [{facts}]" if facts else "") + (f": {self.text}" if self.text else "")


def report_of(verdicts: Sequence[Verdict], folder: Path) -> str:
    """The report as JSON: versions, counts and all verdicts, without the place of the folder on this machine."""
    counts = Counter(verdict.outcome for verdict in verdicts)
    packages = ("dynvfx", "av", "opentimelineio", "numpy", "opencv-python-headless", "imageio-ffmpeg")
    values = {
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in packages},
        "counts": {outcome: counts[outcome] for outcome in VERDICTS},
        "files": [asdict(verdict) for verdict in verdicts],
    }
    text = json.dumps(values, indent=1, ensure_ascii=False)
    return text.replace(str(folder.resolve()), "").replace(str(folder), "") + "\n"
