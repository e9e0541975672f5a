"""Whether an instruction is in English, for an assistant that reads nothing else.

Recognised conservatively: an English instruction is never refused for a name, a quotation or a loan word in it.
"""

from __future__ import annotations

import re
import unicodedata

from dynvfx.assistant import grammar_words


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OTHER = _words(
    "ein eine einen einem einer füge füg fuege hinzu setze setz stelle lass lasse mach mache bitte soll möchte und mit"
    " auf über unter neben hinter vor zwischen dem den des das der ist nicht"
    " une ajoute ajouter ajoutez mets mettez avec dans sur sous derrière devant près les"
    " una uno añade añadir agrega agregar pon sobre detrás delante bajo junto los las"
    " aggiungi aggiungere metti dietro davanti sopra sotto accanto gli della nel"
    " adicione adicionar coloque atrás uma um dos das"
    " een het voeg zet achter naast boven"
    " och ett lägg bakom"
)
"""Function words and requests of other languages; none of them is an English word that instructions use."""
_NAMES = _words("das den der des dos las les los mach mets mit sur um una uno vor")
"""Those that occur in English names and loan words too (Las Vegas, the Mets, MIT): one alone proves nothing."""
_SHARED = _words("a an in on to do me")
"""English function words that are words of other languages too."""


def is_foreign(instruction: str) -> bool:
    """Whether more function words are of another language than of English."""
    words = set(re.findall(r"[^\W\d_]+", instruction.casefold()))
    english = len(words & _english())
    if _mostly_of_another_script(instruction):
        return not english
    other = words & _OTHER
    return bool(other - _NAMES or len(other) > 1) and len(other) > english


def _english() -> frozenset[str]:
    phrases = (*grammar_words.POLITE, *grammar_words.ASKING, *grammar_words.PREPOSITIONS)
    words = frozenset(word for phrase in phrases for word in phrase.split())
    return (words | grammar_words.ARTICLES | grammar_words.NUMBERS) - _SHARED - _OTHER


def _mostly_of_another_script(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    latin = sum("LATIN" in unicodedata.name(character, "") for character in letters)
    return bool(letters) and latin < len(letters) / 2
