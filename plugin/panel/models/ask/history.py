"""Earlier instructions, newest first."""

from __future__ import annotations

from PyQt6.QtCore import QObject

from plugin.panel.models.observable import Field, Observable

LONGEST = 100


class History(Observable):
    """Instructions without repetition."""

    entries: Field[tuple[str, ...]] = Field(())

    def __init__(self, entries: tuple[str, ...] = (), parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.entries = tuple(entries)[:LONGEST]

    def add(self, instruction: str) -> None:
        """Add an instruction as the newest."""
        text = " ".join(instruction.split())
        if text:
            self.entries = (text, *(each for each in self.entries if each != text))[:LONGEST]

    def remove(self, instruction: str) -> None:
        """Remove an instruction."""
        self.entries = tuple(each for each in self.entries if each != instruction)
