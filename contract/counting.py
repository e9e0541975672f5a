"""Numbers in sentences: "1 frame", "2 frames", "2nd"."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number with its noun in singular or plural: "1 frame", "0 frames"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st."""
    last = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else last}"
