"""What was asked for before, newest first."""

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
        """Put an instruction in front."""
        text = " ".join(instruction.split())
        if text:
            self.entries = (text, *(each for each in self.entries if each != text))[:LONGEST]

    def remove(self, instruction: str) -> None:
        """Forget one."""
        self.entries = tuple(each for each in self.entries if each != instruction)
