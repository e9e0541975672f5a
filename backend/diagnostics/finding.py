"""What a check of the machine finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One checked thing: `broken` keeps the shipped model from working, `missing` is optional."""

    subject: str
    state: Literal["fine", "missing", "broken"]
    text: str
    remedy: str = ""
