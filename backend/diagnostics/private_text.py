"""What people wrote and where their files are, as far as a ledger knows: what must not be in a log that is sent."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

_ALWAYS = {"instruction", "plan", "notes", "source", "clip", "media", "path", "folder"}
_NEVER = {"scope", "created", "category"}
_PRIVATE = re.compile(r"\s|^[/~\\]|^[A-Za-z]:[\\/]")


def collect_private_text(path: Path) -> set[str]:
    """Instructions, plans, notes and paths in the ledger at `path`; none where there is none or a service has it open.

    It is only read, whatever its version or state.
    """
    if not path.is_file():
        return set()
    found: set[str] = set()
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0.5)) as connection:
            for source, output, spec, plan in connection.execute("SELECT source, output, spec, plan FROM jobs"):
                found |= {source, output, *_words(_read(spec)), *_words(_read(plan), private=True)}
            for folder, take in connection.execute("SELECT folder, take FROM takes"):
                found |= {folder, *_words(_read(take))}
    except sqlite3.Error:
        return found
    return {each for each in found if each.strip()}


def _read(value: bytes | None) -> Any:
    try:
        return None if value is None else json.loads(value)
    except ValueError:
        return None


def _words(value: Any, *, private: bool = False) -> Iterator[str]:
    """Strings that a person wrote; `private` when all that are in it are."""
    if isinstance(value, dict):
        for name, each in value.items():
            if name not in _NEVER:
                yield from _words(each, private=private or name in _ALWAYS)
    elif isinstance(value, list):
        for each in value:
            yield from _words(each, private=private)
    elif isinstance(value, str) and (private or _PRIVATE.search(value)):
        yield value
