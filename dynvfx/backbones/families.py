"""All families of models, and which one a model belongs to; imports no torch."""

from __future__ import annotations

from pathlib import Path

from dynvfx.backbones.cogvideox.family import COGVIDEOX
from dynvfx.backbones.family import Family
from dynvfx.backbones.pipeline_folder import pipeline_of
from dynvfx.backbones.tiny.family import TINY
from dynvfx.errors import ModelUnavailable

FAMILIES: tuple[Family, ...] = (TINY, COGVIDEOX)
DEFAULT_FAMILY = TINY
DEFAULT_MODEL = DEFAULT_FAMILY.models[0].name
"""The model of a job that names none."""
SHIPPED = frozenset(known.name for family in FAMILIES if family.shipped for known in family.models)
"""Names of models that are part of the installation; a folder of the same name does not hide them."""
EXAMPLE = next(family.models[0].name for family in FAMILIES if not family.shipped)
"""A model that error messages suggest."""


def family_named(model: str) -> Family | None:
    """The family of a model by its name; None when the name alone does not decide."""
    return next((family for family in FAMILIES if family.has(model)), None)


def family_of_folder(folder: Path) -> Family:
    """The family of the pipeline in a folder. Raises ModelUnavailable."""
    pipeline = pipeline_of(folder)
    for family in FAMILIES:
        if pipeline in family.pipelines:
            return family
    raise ModelUnavailable(
        f"The folder {folder} holds a {pipeline}.",
        f"Models of these kinds can be used: {', '.join(name for family in FAMILIES for name in family.pipelines)}.",
        f"Choose for example {EXAMPLE}.",
    )
