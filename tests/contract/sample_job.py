"""Jobs for tests, their fields named without saying which part of the job each belongs to."""

from __future__ import annotations

import os
from typing import Any

import msgspec

from contract.job import Add, ClipSource, InputFile, JobSpec, PaintedMask, TakeSource

_START = {*ClipSource.__struct_fields__, *TakeSource.__struct_fields__}
_EDIT = set(Add.__struct_fields__)


def a_job(instruction: str = "add a ball", source: str = "/clips/a.mov", **changes: Any) -> JobSpec:
    """New content in a clip."""
    return changed(JobSpec(start=ClipSource(source=str(source)), edit=Add(instruction=instruction)), **changes)


def a_follow_up(instruction: str = "larger", **changes: Any) -> JobSpec:
    """A change of a take: `folder`, or `job` and `number`."""
    return changed(JobSpec(start=TakeSource(), edit=Add(instruction=instruction)), **changes)


def changed(spec: JobSpec, **changes: Any) -> JobSpec:
    """The job with other values, those of its start and of its edit among them."""
    plain = {name: os.fspath(each) if isinstance(each, os.PathLike) else each for name, each in changes.items()}
    start = {name: plain.pop(name) for name in list(plain) if name in _START}
    edit = {name: plain.pop(name) for name in list(plain) if name in _EDIT}
    replace = msgspec.structs.replace
    return replace(spec, start=replace(spec.start, **start), edit=replace(spec.edit, **edit), **plain)


def painted(frame: int, png: bytes) -> dict[str, Any]:
    """A painted mask and its file, as changes of a job."""
    file = InputFile(path="mask.png", sha256=sha256_of(png), bytes=len(png))
    return {"mask": PaintedMask(frame=frame), "inputs": (file,)}


def sha256_of(content: bytes) -> str:
    """In hexadecimal digits."""
    import hashlib

    return hashlib.sha256(content).hexdigest()
