"""What a small model can draw: phrases, and finding one of them in a text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from contract.plan import Scope


@dataclass(frozen=True)
class Content:
    """One drawable thing: its canonical `phrase`, other phrases for it, and how much of the picture it takes."""

    phrase: str
    synonyms: tuple[str, ...] = ()
    scope: Scope = "object"


C = TypeVar("C", bound=Content)


def find_content(text: str, contents: Iterable[C]) -> C | None:
    """The entry that `text` names first, the longest of those that begin there; None when it names none."""
    words = " ".join(re.findall(r"[\w'-]+", text.lower()))
    best: tuple[int, int, C] | None = None
    for content in contents:
        for phrase in (content.phrase, *content.synonyms):
            found = re.search(rf"\b{re.escape(phrase)}\b", words)
            if found and (best is None or (found.start(), -len(phrase)) < best[:2]):
                best = (found.start(), -len(phrase), content)
    return best[2] if best else None
