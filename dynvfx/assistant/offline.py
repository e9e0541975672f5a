"""A VFX assistant without a model: it works from the instruction alone and sees no picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from contract.errors import BadRequest
from contract.instruction import clean_instruction
from contract.plan import Plan, Scope
from dynvfx.assistant import grammar_words
from dynvfx.assistant.base import Assistant, Planned
from dynvfx.assistant.grammar import Parsed, parse, removes, singular
from dynvfx.assistant.language import is_foreign
from dynvfx.assistant.vocabulary_match import find_entry, stems
from dynvfx.segmentation.base import MOVING_FOREGROUND
from dynvfx.vocabulary import Content

SOURCE_CAPTION = "The scene as filmed."
_SIMPLE = (
    "The offline assistant, the simpler one, wrote this plan from your instruction alone; it has not seen the shot. "
    "Read the captions before you generate, or choose a vision model as assistant."
)


class OfflineAssistant(Assistant):
    """Plans by grammar, always the same plan for the same instruction.

    `vocabulary` is what the model can draw; None leaves it open.
    """

    name = "offline"

    def __init__(self, vocabulary: Sequence[Content] | None = None) -> None:
        self.vocabulary = None if vocabulary is None else tuple(vocabulary)

    def plan(self, instruction: str, key_frames: Sequence[np.ndarray] = (), scope: Scope | None = None) -> Planned:
        """Plan for `instruction`; `key_frames` are not looked at.

        Raises BadRequest for an instruction that names nothing to add or is in another language than English,
        OutsideVocabulary when the vocabulary lacks what it names.
        """
        instruction = clean_instruction(instruction)
        remarks = [_SIMPLE]
        if is_foreign(instruction):
            raise BadRequest(
                "The offline assistant reads English only.",
                f"{instruction!r} is in another language, which it cannot read reliably.",
                "Write the instruction in English, or choose a vision model as assistant: it reads other languages.",
            )
        if removes(instruction):
            raise BadRequest(
                "The instruction asks to take something away.",
                "DynVFX adds new content to a shot; it does not remove what was filmed.",
                "Say what to add, for example what should replace it.",
            )
        parsed = parse(instruction)
        if not parsed.target:
            raise BadRequest(
                "The instruction names nothing to add.",
                f"{instruction!r} has no noun that the offline assistant could find.",
                'Say what and where, for example "add a red balloon above the street".',
            )
        if self.vocabulary is None:
            content, target = _with_article(parsed), parsed.target
            decided = _scope_of(parsed)
            objects = parsed.objects or (MOVING_FOREGROUND,)
        else:
            entry, remark = find_entry(parsed, self.vocabulary, instruction)
            target, decided = entry.phrase, entry.scope
            decided = "full_frame" if _everywhere(parsed) else decided
            content = _counted(parsed, target)
            remarks += [each for each in (remark, _left_out(parsed, entry)) if each]
            # A model with a vocabulary comes with a segmenter that finds little else; what moves is protected as well.
            objects = (*parsed.objects, MOVING_FOREGROUND)
        plan = Plan(
            instruction=instruction,
            source_caption=SOURCE_CAPTION,
            vfx_conversation="",
            composite_caption=_composite(content, parsed),
            source_objects=objects,
            target_object=target,
            scope=scope or decided,
            assistant=self.name,
        )
        return Planned(plan, remarks=tuple(remarks))


def _everywhere(parsed: Parsed) -> bool:
    placement = parsed.placement.casefold()
    return bool(set(placement.split()) & grammar_words.EVERYWHERE) or "all over" in placement


def _scope_of(parsed: Parsed) -> Scope:
    if _everywhere(parsed) or parsed.head in grammar_words.WEATHER:
        return "full_frame"
    return "full_frame" if parsed.head in grammar_words.ATMOSPHERE and not parsed.objects else "object"


def _with_article(parsed: Parsed) -> str:
    words = parsed.content.split()
    if words[0].casefold() in grammar_words.ARTICLES:
        return " ".join([words[0].casefold(), *words[1:]])
    first, last = words[0].casefold(), words[-1].casefold()
    counted = first in grammar_words.ARTICLES | grammar_words.NUMBERS or first.isdecimal()
    if counted or " and " in parsed.content or singular(last) in grammar_words.MASS or singular(last) != last:
        return parsed.content
    if not parsed.content.isascii():
        return parsed.content
    return f"{'an' if first[0] in 'aeiou' else 'a'} {parsed.content}"


def _counted(parsed: Parsed, phrase: str) -> str:
    """The vocabulary's phrase with the artist's count ("three blue balls")."""
    words = parsed.content.casefold().split()
    last = singular(phrase.split()[-1])
    if last in grammar_words.MASS or singular(phrase.split()[-1]) != phrase.split()[-1]:
        return phrase
    count = next((word for word in words if word in grammar_words.NUMBERS or (word.isdecimal() and word != "1")), None)
    if count:
        return f"{count} {phrase}s"
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def _left_out(parsed: Parsed, entry: Content) -> str:
    """The remark on adjectives that a model with a vocabulary ignores; empty without any."""
    known = stems(" ".join((entry.phrase, *entry.synonyms)))
    counts = grammar_words.ARTICLES | grammar_words.NUMBERS
    unknown = [
        word
        for word in parsed.content.split()
        if not set(stems(word)) <= {*known, "of"} | counts and not word.isdecimal()
    ]
    return f"The model generates {entry.phrase!r} without: {', '.join(unknown)}." if unknown else ""


def _composite(content: str, parsed: Parsed) -> str:
    where = " ".join(part for part in (content, parsed.motion, parsed.placement) if part)
    return f"The scene as filmed with {where}."
