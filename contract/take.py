"""take.json: what a take is, how it was made, and what people said about it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from contract.atomic_file import write_atomically
from contract.errors import BadTake
from contract.plan import Plan
from contract.preflight import Preflight

TAKE_FILE = "take.json"
TAKE_SCHEMA = 1

Status = Literal["pending", "approved", "rejected", "retake"]


class MediaFile(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One of the take's files: `role` is layer, composite, matte, preview or thumbnail; `path` counts from take.json.

    `sha256` is in hexadecimal digits. An image sequence is listed image by image.
    """

    role: str
    path: str
    sha256: str
    bytes: int
    extra: dict[str, Any] = {}


class Note(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A reviewer's note on the frames `first` to `last` (both included, 0 is the take's first frame)."""

    text: str
    first: int
    last: int
    author: str = ""
    created: str = ""
    category: str = ""
    extra: dict[str, Any] = {}


class Take(msgspec.Struct, kw_only=True):
    """Everything that is known about a take.

    `layer` and `composite` are file names that count from take.json; that of numbered images holds one `%06d`, and the
    first image has the number `first_number`. `frame_count` is the number of frames of each. `attempts` counts the
    starts until the object appeared, `device` is what they ran on, `footprint` is "normal", or "small" after a job ran
    out of memory.
    `request` holds all that shapes the result, `plan` the assistant's captions and phrases, as plain values.
    `seconds` and `forwards` (model evaluations) are per stage; `peak_memory` is in bytes (None where unknown);
    `matte_coverage` is the matte's mean over all pixels and frames, in [0, 1]; `record_range` the first frame and the
    number of frames in the timeline; `outside_change` the largest change of a pixel outside the matte, in code values
    of the delivered composite, 0 when every one is the camera's own. `preflight` is what was found out about the shot.
    `parent` is the id of the take that this one follows. `created` is an ISO 8601 time in UTC. `extra` holds fields of
    newer versions, which survive.
    """

    id: str
    name: str
    instruction: str
    request: dict[str, Any]
    plan: Plan
    model: str
    licence: str
    assistant: str
    seed: int
    created: str
    version: str
    layer: str
    composite: str
    frame_count: Annotated[int, msgspec.Meta(ge=1)]
    first_number: Annotated[int, msgspec.Meta(ge=0)] = 0
    attempts: int = 1
    device: str = ""
    footprint: str = "normal"
    seconds: dict[str, float] = {}
    forwards: dict[str, int] = {}
    peak_memory: int | None = None
    matte_coverage: float | None = None
    outside_change: float | None = None
    record_range: tuple[int, int] | None = None
    preflight: Preflight | None = None
    media: list[MediaFile] = []
    status: Status = "pending"
    notes: list[Note] = []
    parent: str | None = None
    schema: int = TAKE_SCHEMA
    extra: dict[str, Any] = {}


_Kind = TypeVar("_Kind", Take, MediaFile, Note)


def read_take(folder: str | os.PathLike[str]) -> Take:
    """The take in a folder. Raises BadTake when there is none, or it is damaged or of a newer kind."""
    path = Path(folder) / TAKE_FILE
    try:
        values = msgspec.json.decode(path.read_bytes())
    except FileNotFoundError as error:
        raise BadTake(f"There is no take in {folder}.", f"It has no {TAKE_FILE}.", "Choose a take's folder.") from error
    except OSError as error:
        raise BadTake(f"{path} cannot be read.", error.strerror or "", "Check the file's permissions.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damaged(path, error) from error
    schema = values.get("schema") if isinstance(values, dict) else None
    if isinstance(schema, int) and schema > TAKE_SCHEMA:
        raise BadTake(
            f"{path} was written by a newer version of this program.",
            f"Its schema is {schema}; this version reads up to {TAKE_SCHEMA}.",
            "Update this program.",
        )
    try:
        take = _read(Take, values)
        take.media = [_read(MediaFile, each) for each in values.get("media", [])]
        take.notes = [_read(Note, each) for each in values.get("notes", [])]
    except msgspec.ValidationError as error:
        raise _damaged(path, error) from error
    return take


def has_all_files(folder: Path, take: Take) -> bool:
    """Whether all of a take's files are in its folder, in their sizes."""
    try:
        return all((folder / each.path).stat().st_size == each.bytes for each in take.media)
    except OSError:
        return False


def write_take(folder: str | os.PathLike[str], take: Take) -> None:
    """Write take.json in one step, so that a reader sees the old take or the new one. Raises OutOfDisk."""
    values = _plain(take)
    values["media"] = [_plain(each) for each in take.media]
    values["notes"] = [_plain(each) for each in take.notes]
    text = msgspec.json.format(msgspec.json.encode(values), indent=2)
    write_atomically(Path(folder) / TAKE_FILE, text + b"\n")


def _read(kind: type[_Kind], values: Any) -> _Kind:
    """Convert plain values; fields that this version does not know go into `extra`."""
    if not isinstance(values, dict):
        raise msgspec.ValidationError(f"Expected an object for a {kind.__name__.lower()}")
    known = {name: value for name, value in values.items() if name in kind.__struct_fields__ and name != "extra"}
    unknown = {name: value for name, value in values.items() if name not in known}
    return msgspec.convert({**known, "extra": unknown}, kind)


def _plain(value: Take | MediaFile | Note) -> dict[str, Any]:
    """Fields in their order, unknown ones behind; known names win."""
    fields = {name: getattr(value, name) for name in value.__struct_fields__ if name != "extra"}
    return {**fields, **{name: kept for name, kept in value.extra.items() if name not in fields}}


def _damaged(path: Path, error: Exception) -> BadTake:
    return BadTake(f"{path} is damaged.", str(error), "Restore it from a backup, or make the take again.")
