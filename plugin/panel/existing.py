"""What PyQt's stubs call optional because C++ returns a pointer, although Qt always has it."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def existing(value: T | None) -> T:
    """The value itself, for example the viewport of a scroll area. Raises RuntimeError when it is None after all."""
    if value is None:
        raise RuntimeError("Qt has no such object (any more)")
    return value
