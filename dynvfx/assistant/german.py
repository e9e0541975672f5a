"""A little German for the offline assistant: enough for short instructions, and it says where it ends."""

from __future__ import annotations

import re

_PHRASES = (
    (r"\b(lass|lasse|mach|mache) es\b", "make it"),
    (r"\bes soll\b", "make it"),
    (r"\b(setz|setze|steck|stecke) (.+?) in (brand|flammen)\b", r"set \2 on fire"),
    (r"\b(bitte|mal)\b", "please"),
    (r"\b(füge|füg|fuege)\b", "add"),
    (r"\bhinzu(fügen)?\b", ""),
    (r"\b(setze|setz|stelle|stell|lege|leg|platziere)\b", "put"),
    (r"\b(mache|mach|erzeuge|zeige|zeig)\b", "add"),
    (r"\b(ich möchte|ich will|ich hätte gern|ich hätte gerne)\b", "i want"),
    (r"\bim (hintergrund|vordergrund|himmel)\b", r"in the \1"),
    (r"\bam himmel\b", "in the himmel"),
    (r"\b(neben)\b", "next to"),
    (r"\b(vor)\b", "in front of"),
    (r"\b(hinter)\b", "behind"),
    (r"\b(über)\b", "above"),
    (r"\b(unter)\b", "below"),
    (r"\b(auf)\b", "on"),
    (r"\b(zwischen)\b", "between"),
    (r"\b(ein|eine|einen|einem|einer)\b", "a"),
    (r"\b(der|die|das|den|dem|des)\b", "the"),
    (r"\bund\b", "and"),
    (r"\büberall\b", "everywhere"),
)

_STEMS = {
    "rot": "red",
    "blau": "blue",
    "gelb": "yellow",
    "grün": "green",
    "weiß": "white",
    "schwarz": "black",
    "orange": "orange",
    "leuchtend": "glowing",
    "riesig": "massive",
    "groß": "large",
    "klein": "small",
    "zwei": "two",
    "drei": "three",
    "vier": "four",
}

_WORDS = {
    "schneien": "snow",
    "schnee": "snow",
    "regnen": "rain",
    "regen": "rain",
    "nebel": "fog",
    "rauch": "smoke",
    "feuer": "fire",
    "flammen": "flames",
    "brennen": "burn",
    "ball": "ball",
    "bälle": "balls",
    "ballon": "balloon",
    "luftballon": "balloon",
    "ballons": "balloons",
    "kugel": "orb",
    "wal": "whale",
    "hund": "dog",
    "katze": "cat",
    "vogel": "bird",
    "vögel": "birds",
    "auto": "car",
    "straße": "street",
    "taucher": "divers",
    "tauchern": "divers",
    "mann": "man",
    "frau": "woman",
    "kopf": "head",
    "haus": "house",
    "baum": "tree",
    "himmel": "sky",
    "hintergrund": "background",
    "vordergrund": "foreground",
}

_MARKS = re.compile(
    r"\b(füge?|fuege|hinzu|bitte|ein|eine|einen|der|die|das|den|dem|und|hinter|neben|über|auf|lass|mach|setze?|schnee|regen"
    r"|nebel|feuer|möchte|es soll)\b"
)


def looks_german(text: str) -> bool:
    """Whether lower-case `text` holds a German function word ("die" alone could be English, so two are wanted)."""
    found = set(_MARKS.findall(text))
    return len(found) >= 2 or bool(found - {"die", "das", "den"})


def to_english(text: str) -> tuple[str, list[str]]:
    """Lower-case German in English words, and the words that had no translation (kept as they are)."""
    for pattern, replacement in _PHRASES:
        text = re.sub(pattern, replacement, text)
    words, unknown = [], []
    for word in text.split():
        core = word.strip(".,;:!?")
        stem = re.sub(r"(er|es|en|em|e)$", "", core)
        if core in _WORDS:
            words.append(_WORDS[core])
        elif core in _STEMS or stem in _STEMS:
            words.append(_STEMS.get(core) or _STEMS[stem])
        else:
            words.append(core)
            unknown.append(core)
    return " ".join(word for word in words if word), unknown
