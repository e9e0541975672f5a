"""Calling methods of Resolve's objects, which return None for every unknown name."""

import time
from typing import Any, Callable, List

from .errors import NoAnswer

TRIES, PAUSE = 3, 0.1
"""How often a refused change is tried, and the seconds between."""


def has(thing: Any, name: str) -> bool:
    """Whether an object has a method."""
    return callable(getattr(thing, name, None))


def call(thing: Any, name: str, *given: Any) -> Any:
    """Call a method. Raises NoAnswer when the object is None or has no such method."""
    method = getattr(thing, name, None)
    if not callable(method):
        raise NoAnswer(name)
    return method(*given)


def call_if_present(thing: Any, name: str, *given: Any) -> Any:
    """Call a method; None when the object has no such method."""
    return call(thing, name, *given) if has(thing, name) else None


def to_list(answer: Any) -> List[Any]:
    """A list from Resolve's answer: None, a list, or in old versions a dict numbered from 1."""
    if isinstance(answer, dict):
        answer = list(answer.values())
    return [each for each in answer if each is not None] if isinstance(answer, (list, tuple)) else []


def to_int(answer: Any, otherwise: int = 0) -> int:
    """A frame number from Resolve's answer: an int, a float or text."""
    try:
        return int(round(float(answer)))
    except (TypeError, ValueError, OverflowError):
        return otherwise


def until_done(change: Callable[[], Any], is_done: Callable[[], bool]) -> bool:
    """Make a change until reading back shows it; returns whether it does.

    Some changes are refused at the first try and made at the second, and the answer does not tell which.
    """
    for number in range(TRIES):
        if number:
            time.sleep(PAUSE)
        change()
        if is_done():
            return True
    return False
