"""What a check of the machine finds."""

from __future__ import annotations

from typing import Literal

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """One checked thing, as `dynvfx doctor --json` prints it.

    subject: what was checked, for example "Memory"
    state: fine; missing, which is optional; broken, which keeps the shipped model from working
    text: what was found
    remedy: what to do about it, "" when there is nothing to do
    """

    subject: str
    state: Literal["fine", "missing", "broken"]
    text: str
    remedy: str = ""
