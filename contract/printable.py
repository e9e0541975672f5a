"""Texts from files and other programs, made safe to print: nothing in them moves the cursor or reorders the line."""

from __future__ import annotations

_JOINER = "\u200d"
"""Joins emojis into one; the only invisible character that is kept."""


def one_line(text: str) -> str:
    """`text` on one line: control characters, line breaks, direction marks and lone surrogates as escapes (`\\x1b`)."""
    return "".join(each if each.isprintable() or each == _JOINER else _escaped(each) for each in text)


def printable_lines(text: str) -> str:
    """Like `one_line`, but line feeds stay, for texts that are laid out in lines."""
    return "\n".join(map(one_line, text.split("\n")))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
