"""Takes an English instruction apart: what is added, how it moves, and where it goes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dynvfx.assistant import grammar_words

_PREPOSITION = re.compile(
    r"(?<![\w'-])("
    + "|".join(sorted(map(re.escape, grammar_words.PREPOSITIONS), key=len, reverse=True))
    + r")(?![\w'-])",
    re.IGNORECASE,
)
_ON_FIRE = re.compile(r"^(?:set|light|put|have|make)\s+(.+?)\s+(?:on\s+fire|ablaze|alight)$", re.I)
_SET_FIRE_TO = re.compile(r"^(?:set\s+fire\s+to|burn)\s+(.+)$", re.I)
_IS_ON_FIRE = re.compile(r"^(.+?)\s+(?:is|are|should\s+be|catches|catching)\s+(?:on\s+)?(?:fire|burning)$", re.I)
_GIVE = re.compile(r"^give\s+((?:the|his|her|their|my|our|that|this)\s+[\w'-]+)\s+((?:a|an|some)\s+.+)$", re.I)
_FILL = re.compile(r"^(?:fill|cover|flood)\s+(.+?)\s+(?:with|in)\s+(.+)$", re.I)
_REPLACE = re.compile(r"^(?:replace|swap|turn|change|transform)\s+(.+?)\s+(?:with|into|to|for|by)\s+(.+)$", re.I)
_IT_WEATHER = re.compile(
    r"^(?:make|let|have|it)\s*(?:it|is|'s|should|must|the\s+scene|the\s+shot|everything)?\s*(?:be|look|start|to)?\s*"
    r"(?:to\s+)?(\w+)((?:\s+\w+)*)$",
    re.I,
)
_MAKE_VERB = re.compile(r"^(?:make|let|have)\s+((?:the|a|an|his|her|their|my|our|your|its)\s+.+?)\s+(\w+)$", re.I)


@dataclass(frozen=True)
class Parsed:
    """`content` is the new thing with its adjectives ("a massive whale"), `motion` what it does ("floating"),
    `placement` where it goes ("behind the divers"), `objects` the things named there ("divers")."""

    content: str
    motion: str
    placement: str
    objects: tuple[str, ...]

    @property
    def target(self) -> str:
        """The phrase to look for in the result: the content without articles and counts ("massive whale")."""
        parts = re.split(r"\s+and\s+|\s*,\s*", self.content)
        return " and ".join(part for part in (bare_phrase(part) for part in parts) if part)

    @property
    def head(self) -> str:
        """The last word of the target in lower case and in the singular ("whale")."""
        words = self.target.casefold().split()
        return singular(words[-1]) if words else ""


def parse(text: str) -> Parsed:
    """Take an instruction apart; `content` is empty when nothing was asked for."""
    text = strip_politeness(text)
    special = _special(text)
    if special is not None:
        return special
    content, placement = _split(_strip_first(text, grammar_words.ASKING))
    content, motion = _split_motion(content)
    words = content.split()
    if len(words) > 2 and re.match(r"(?:let|make|have)\b", text, re.I) and words[-1].casefold() in grammar_words.MOVES:
        content, motion = " ".join(words[:-1]), grammar_words.MOVES[words[-1].casefold()]
    # "Add flames to the roof" means that they are on it.
    placement = re.sub(r"^to\s+(?!the\s+(?:left|right)\s+of)", "on ", placement, flags=re.I)
    return Parsed(content, motion, placement, named_objects(placement))


def removes(text: str) -> bool:
    """Whether the instruction asks to take something away, which adding content cannot do."""
    return _strip_first(strip_politeness(text), grammar_words.REMOVING) != strip_politeness(text)


def strip_politeness(text: str) -> str:
    """The instruction without greetings, "please" and "could you"."""
    text = text.strip(' .,;:!?\u2026"“”«»')
    before = None
    while before != text:
        before = text
        text = _strip_first(text, grammar_words.POLITE)
        for word in ("please", "thanks", "thank you", "somehow"):
            text = re.sub(rf"[\s,]+{word}$", "", text, flags=re.I).strip(" .,;:!?")
    return text


def named_objects(placement: str) -> tuple[str, ...]:
    """The things that a placement names, without articles and without words for parts of the picture."""
    found: list[str] = []
    for part in _PREPOSITION.split(placement)[2::2]:
        for phrase in re.split(r"\s+and\s+|\s*,\s*", part):
            kept = bare_phrase(phrase)
            words = [word.casefold() for word in kept.split()]
            if kept and words[-1] not in grammar_words.PLACES and kept not in found:
                found.append(kept)
    return tuple(found)


def bare_phrase(phrase: str) -> str:
    """A noun phrase without leading articles, possessives and counts."""
    words = phrase.strip(" .,;:!?").split()
    counted = grammar_words.ARTICLES | grammar_words.NUMBERS | {"of"}
    while words and (words[0].casefold() in counted or words[0].isdecimal()):
        words.pop(0)
    return " ".join(words)


def singular(word: str) -> str:
    """A plain English singular; good enough to compare words, not to print them."""
    irregular = {
        "leaves": "leaf",
        "wolves": "wolf",
        "men": "man",
        "women": "woman",
        "people": "person",
        "mice": "mouse",
    }
    if word in irregular:
        return irregular[word]
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _special(text: str) -> Parsed | None:
    for pattern in (_ON_FIRE, _SET_FIRE_TO, _IS_ON_FIRE):
        match = pattern.match(text)
        if match:
            return _on_thing("fire", "on", match[1])
    match = _GIVE.match(text)
    if match:
        return _on_thing(match[2], "on", match[1])
    match = _FILL.match(text)
    if match:
        inside = bare_phrase(match[1]).casefold() in grammar_words.PLACES | {"room"}
        return _on_thing(match[2], "in" if inside else "on", match[1])
    match = _REPLACE.match(text)
    if match:
        return _on_thing(match[2], "in place of", match[1])
    match = _MAKE_VERB.match(text)
    if match and match[2].casefold() in grammar_words.PROCESSES and not _PREPOSITION.search(match[1]):
        whole = bare_phrase(match[1]).casefold() in grammar_words.PLACES
        content = grammar_words.PROCESSES[match[2].casefold()]
        return Parsed(content, "", "", ()) if whole else _on_thing(content, "on", match[1])
    match = _IT_WEATHER.match(text)
    if match and match[1].casefold() in grammar_words.PROCESSES:
        rest = match[2].strip()
        _, placement = _split("x " + rest) if rest else ("", "")
        adverb = "" if placement == rest else rest.removesuffix(placement).strip()
        motion = f"falling {adverb}" if adverb else ""
        return Parsed(grammar_words.PROCESSES[match[1].casefold()], motion, placement, named_objects(placement))
    return None


def _on_thing(content: str, preposition: str, thing: str) -> Parsed:
    placement = f"{preposition} {thing}"
    content, motion = _split_motion(content)
    return Parsed(content, motion, placement, named_objects(placement))


def _strip_first(text: str, openings: tuple[str, ...]) -> str:
    folded = text.casefold()
    for opening in sorted(openings, key=len, reverse=True):
        if folded.startswith(opening) and len(folded) == len(text):
            rest = text[len(opening) :]
            if not rest or not (rest[0].isalnum() or rest[0] in "'-"):
                return rest.lstrip(" ,:;-")
    return text


def _split(text: str) -> tuple[str, str]:
    """Content and placement; a preposition at the very start belongs to a placement that precedes the content."""
    first = _PREPOSITION.match(text)
    if first and ("," in text or re.search(r"\b(add|put|place|insert)\b", text, re.I)):
        before, _, after = re.sub(r"\s*(,|\b)\s*(add|put|place|insert)\b", ",", text, count=1, flags=re.I).partition(
            ","
        )
        if after.strip():
            return after.strip(" ,"), before.strip(" ,")
    match = _PREPOSITION.search(text)
    if not match or match.start() == 0:
        return text.strip(" ,"), ""
    return text[: match.start()].strip(" ,"), text[match.start() :].strip(" ,.")


def _split_motion(content: str) -> tuple[str, str]:
    """ "orb floating slowly" is an orb, and it floats slowly."""
    content = re.sub(r"\s+(that|which|who)\s+(is|are)\s+", " ", content)
    relative = re.search(r"\s+(that|which|who)\s+", content)
    if relative:
        return content[: relative.start()], content[relative.start() :].strip()
    words = content.split()
    for index in range(1, len(words)):
        word = words[index].casefold()
        after = [follower.casefold() for follower in words[index + 1 :]]
        says_how = all(follower.endswith("ly") or follower in ("up", "down", "by", "past", "and") for follower in after)
        before = words[index - 1].casefold()
        if (
            word.endswith("ing")
            and word not in grammar_words.NOUNS_IN_ING
            and says_how
            and before not in grammar_words.ARTICLES | grammar_words.NUMBERS | grammar_words.COLOURS
        ):
            return " ".join(words[:index]), " ".join(words[index:])
    return content, ""
