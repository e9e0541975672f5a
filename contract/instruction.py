"""What an artist typed, made safe to pass on: nothing an editor would miss is taken away."""

from __future__ import annotations

import unicodedata

from contract.errors import BadRequest

LONGEST_INSTRUCTION = 2000
"""Longest instruction in characters; about a page, far more than a shot needs."""


def clean_instruction(text: str) -> str:
    """The instruction on one line, without control characters, at most LONGEST_INSTRUCTION characters long.

    Emoji, right-to-left text and their invisible joiners pass through unchanged. Raises BadRequest when nothing is
    left or when the text is too long.
    """
    # A control character can come from a paste and means nothing; a lone surrogate cannot be written as UTF-8.
    readable = "".join(
        " " if character in "\t\n\r\v\f\x85\u2028\u2029" else character
        for character in text
        if character in "\t\n\r\v\f\x85" or unicodedata.category(character) not in ("Cc", "Cs")
    )
    cleaned = " ".join(readable.split())
    if not any(unicodedata.category(character)[0] in "LNS" for character in cleaned):
        raise BadRequest(
            "The instruction is empty.",
            "There is nothing to add to the shot.",
            'Say what to add and where, for example "add a massive whale behind the divers".',
        )
    if len(cleaned) > LONGEST_INSTRUCTION:
        raise BadRequest(
            f"The instruction has {len(cleaned)} characters; the limit is {LONGEST_INSTRUCTION}.",
            "A longer text hides what the shot should show.",
            "Describe one addition; change the details in the plan afterwards.",
        )
    return cleaned
