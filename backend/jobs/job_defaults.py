"""What a job leaves open, filled in: its models, and the folder for its results.

Needs no torch, so that a program can know the folder of a job before it hands the job on.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from contract.job import ClipSource, JobSpec
from dynvfx.backbones.families import DEFAULT_MODEL, SHIPPED, family_named
from dynvfx.segmentation.registry import FALLBACK, SEGMENTERS

_LONGEST_WORD = 120  # bytes
NAMES = SHIPPED | frozenset(SEGMENTERS)
"""Names of models and segmenters, which a folder of the same name does not hide."""


def with_models(job: JobSpec) -> JobSpec:
    """The job with the models that it will use; folders as full paths. A follow-up's come from its take."""
    if not isinstance(job.start, ClipSource):
        return msgspec.structs.replace(job, segmenter=model_name(job.segmenter) if job.segmenter else None)
    model = model_name(job.model or DEFAULT_MODEL)
    return msgspec.structs.replace(job, model=model, segmenter=model_name(job.segmenter or segmenter_for(model)))


def for_service(job: JobSpec) -> JobSpec:
    """The job as a backend on this machine gets it: model and segmenter folders as full paths, results in a folder of
    the caller's choice."""
    segmenter = model_name(job.segmenter) if job.segmenter else None
    if not isinstance(job.start, ClipSource):
        return msgspec.structs.replace(job, segmenter=segmenter)
    model = model_name(job.model or DEFAULT_MODEL)
    return msgspec.structs.replace(job, segmenter=segmenter, model=model, output=str(output_of(job).absolute()))


def output_of(job: JobSpec) -> Path:
    """The folder for the results of a clip's job: the one it names, else one in the current folder, always the same
    for the same job. Raises BadRequest."""
    if job.output is not None:
        return Path(job.output)
    start = job.start
    assert isinstance(start, ClipSource), "a follow-up's takes join its take's folder"
    digest = hashlib.sha256(msgspec.json.encode(with_models(job).identity())).hexdigest()[:8]
    return Path.cwd() / f"dynvfx-{_folder_word(start.source)}-{digest}"


def _folder_word(source: str) -> str:
    """The clip's name as part of a folder's: short enough for every disk's limit of 255 bytes (CJK letters have three
    or four), with room for the endings of unfinished folders, and in one line."""
    stem = Path(source).name.split(".")[0].rstrip("%#0123456789[-]_ ")
    printable = "".join(letter if letter.isprintable() else "_" for letter in stem)
    return printable.encode()[:_LONGEST_WORD].decode(errors="ignore").strip() or "shot"


def segmenter_for(model: str) -> str:
    """The segmenter that suits a model."""
    family = family_named(model)
    return FALLBACK if family is None else family.segmenter


def model_name(model: str) -> str:
    """A folder's full path, any other name as it is."""
    folder = Path(model).expanduser()
    return str(folder.absolute()) if model not in NAMES and folder.is_dir() else model
