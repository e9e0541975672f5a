"""Finds what an instruction asks for among the things that a small model can draw."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dynvfx.assistant import grammar_words
from dynvfx.assistant.grammar import Parsed, singular
from dynvfx.errors import OutsideVocabulary
from dynvfx.vocabulary import Content


def find_entry(parsed: Parsed, vocabulary: Sequence[Content], instruction: str) -> tuple[Content, str]:
    """The entry that `parsed.content` names, and a remark when a choice was made for the artist (else "").

    The longest name wins; adjectives may come between its words, a colour that contradicts it may not.
    Raises OutsideVocabulary with everything that the model can draw.
    """
    words = stems(parsed.content)
    best: tuple[int, int, Content] | None = None
    for order, entry in enumerate(vocabulary):
        for name in (entry.phrase, *entry.synonyms):
            name_stems = stems(name)
            if name_stems and _holds(words, name_stems) and not _other_colour(words, name_stems):
                score = (len(name_stems), -order, entry)
                best = score if best is None or score[:2] > best[:2] else best
    if best is not None:
        return best[2], ""
    if not set(words) & grammar_words.COLOURS:
        for entry in vocabulary:
            name_stems = stems(entry.phrase)
            if words and name_stems[-1] == words[-1] and set(name_stems[:-1]) <= grammar_words.COLOURS:
                return entry, f"You named no colour; the plan says {entry.phrase!r}."
    known = ", ".join(entry.phrase for entry in vocabulary)
    raise OutsideVocabulary(
        f"This model cannot generate {parsed.target!r}.",
        f"It is a small model that knows only: {known}.",
        f"Ask for one of these, or choose a large model for {instruction!r}.",
    )


def stems(text: str) -> list[str]:
    """The words of `text` in lower case and in the singular."""
    return [singular(word) for word in re.findall(r"[^\W_]+(?:-[^\W_]+)*", text.casefold())]


def _holds(words: list[str], name: list[str]) -> bool:
    """Whether `words` hold those of `name` in order, and no further noun of a compound follows the last."""
    position = -1
    for stem in name:
        if stem not in words[position + 1 :]:
            return False
        position = words.index(stem, position + 1)
    rest = words[position + 1 :]
    return not rest or rest[0] in {"and", "of", "with"} or rest[0].endswith("ing")


def _other_colour(words: list[str], name: list[str]) -> bool:
    return bool(set(words) & grammar_words.COLOURS - set(name)) and bool(set(name) & grammar_words.COLOURS)
