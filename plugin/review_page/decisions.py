"""The decisions that a supervisor saved from a review page."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import msgspec

from contract.take import Note, Status
from plugin.review_page.errors import BadDecisions

FORMAT, SCHEMA = "dynvfx-review", 1
_LARGEST = 16 << 20


class TakeDecision(msgspec.Struct, frozen=True, kw_only=True):
    """The decision about one take, given by its id; the notes' frames are the take's."""

    id: str
    status: Status
    notes: tuple[Note, ...] = ()


class Decisions(msgspec.Struct, frozen=True, kw_only=True):
    """A saved file: who reviewed which page (`review` is its id, `shot` its name), and when (ISO 8601, UTC)."""

    format: str
    schema: int
    review: str
    takes: tuple[TakeDecision, ...]
    shot: str = ""
    reviewer: str = ""
    saved: str = ""


def read_decisions(path: str | PathLike[str]) -> Decisions:
    """Read a file that a review page saved. Raises BadDecisions."""
    name = Path(path).name
    try:
        if Path(path).stat().st_size > _LARGEST:
            raise _not_ours(name, "It is too large.")
        values = msgspec.json.decode(Path(path).read_bytes())
    except FileNotFoundError as error:
        raise BadDecisions(f"{name} does not exist.", "It was moved or deleted.", "Choose the file again.") from error
    except OSError as error:
        raise BadDecisions(f"{name} cannot be read.", error.strerror or "", "Check its permissions.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _not_ours(name, str(error)) from error
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise _not_ours(name, f'Its format is not "{FORMAT}".')
    if isinstance(values.get("schema"), int) and values["schema"] > SCHEMA:
        raise BadDecisions(
            f"{name} was saved by a newer version of DynVFX.",
            f"Its schema is {values['schema']}; this version reads up to {SCHEMA}.",
            "Update DynVFX.",
        )
    try:
        found = msgspec.convert(values, Decisions)
    except msgspec.ValidationError as error:
        raise _not_ours(name, str(error)) from error
    for take in found.takes:
        for note in take.notes:
            if not 0 <= note.first <= note.last:
                raise _not_ours(name, f"A note is on frames {note.first} to {note.last}.")
    return found


def _not_ours(name: str, why: str) -> BadDecisions:
    return BadDecisions(
        f"{name} does not contain the decisions of a review.", why, "Choose the file that the review page saved."
    )
