"""Finds what an instruction asks for among the things that a small model can draw."""

from __future__ import annotations

import re
from collections.abc import Sequence

from contract.plan import Scope
from dynvfx.assistant import grammar_words
from dynvfx.assistant.grammar import Parsed, singular
from dynvfx.errors import OutsideVocabulary

Entry = tuple[str, Sequence[str], Scope]
"""(phrase, synonyms, scope)"""


def find_entry(parsed: Parsed, vocabulary: Sequence[Entry], instruction: str) -> tuple[Entry, str]:
    """The entry that `parsed.content` names, and a remark when a choice was made for the artist (else "").

    The longest name wins; adjectives may stand between its words, a colour that contradicts it may not.
    Raises OutsideVocabulary with everything that the model can draw.
    """
    words = _stems(parsed.content)
    best: tuple[int, int, Entry] | None = None
    for order, entry in enumerate(vocabulary):
        for name in (entry[0], *entry[1]):
            stems = _stems(name)
            if stems and _holds(words, stems) and not _other_colour(words, stems):
                score = (len(stems), -order, entry)
                best = score if best is None or score[:2] > best[:2] else best
    if best is not None:
        return best[2], ""
    if not set(words) & grammar_words.COLOURS:
        for entry in vocabulary:
            stems = _stems(entry[0])
            if words and stems[-1] == words[-1] and set(stems[:-1]) <= grammar_words.COLOURS:
                return entry, f"You named no colour; the plan says {entry[0]!r}."
    known = ", ".join(entry[0] for entry in vocabulary)
    raise OutsideVocabulary(
        f"This model cannot draw {parsed.target!r}.",
        f"It is a small model that knows only: {known}.",
        f"Ask for one of these, or choose a large model for {instruction!r}.",
    )


def _stems(text: str) -> list[str]:
    return [singular(word) for word in re.findall(r"[^\W_]+(?:-[^\W_]+)*", text.casefold())]


def _holds(words: list[str], name: list[str]) -> bool:
    """Whether `name` stands in `words` in order, and its last word is followed by no other noun of a compound."""
    position = -1
    for stem in name:
        if stem not in words[position + 1 :]:
            return False
        position = words.index(stem, position + 1)
    rest = words[position + 1 :]
    return not rest or rest[0] in {"and", "of", "with"} or rest[0].endswith("ing")


def _other_colour(words: list[str], name: list[str]) -> bool:
    return bool(set(words) & grammar_words.COLOURS - set(name)) and bool(set(name) & grammar_words.COLOURS)
