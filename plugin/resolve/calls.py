"""Calling Resolve's objects, which give None for every name that they do not know."""

from typing import Any, List

from .errors import NoAnswer


def has(thing: Any, name: str) -> bool:
    """Whether an object has a method."""
    return callable(getattr(thing, name, None))


def call(thing: Any, name: str, *given: Any) -> Any:
    """What a method returns. Raises NoAnswer when the object is None or has no such method."""
    method = getattr(thing, name, None)
    if not callable(method):
        raise NoAnswer(name)
    return method(*given)


def call_if_present(thing: Any, name: str, *given: Any) -> Any:
    """What a method returns, None where the object has no such method."""
    return call(thing, name, *given) if has(thing, name) else None


def to_list(answer: Any) -> List[Any]:
    """A list from what Resolve gives for one: None, a list, or a dict numbered from 1 as old versions give."""
    if isinstance(answer, dict):
        answer = list(answer.values())
    return [each for each in answer if each is not None] if isinstance(answer, (list, tuple)) else []


def to_int(answer: Any, otherwise: int = 0) -> int:
    """A frame number from what Resolve gives: an int, a float or text."""
    try:
        return int(round(float(answer)))
    except (TypeError, ValueError, OverflowError):
        return otherwise
