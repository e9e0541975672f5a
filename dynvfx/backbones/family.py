"""What must be known of a family of models before any of them is loaded; imports no torch.

A family is a line of models that share classes, rules and attention. Each has a folder beside this file whose
`family.py` holds one `Family`; `families.py` lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from contract.job import Quality
from dynvfx.geometry import GeometryRules
from dynvfx.presets import Preset
from dynvfx.sampling.steps import SamplingGrid
from dynvfx.vocabulary import Content


@dataclass(frozen=True)
class KnownModel:
    """Published weights that can be named in a job: for lists, estimates and downloads.

    name: the hub's name (owner/model), or the name of a shipped model.
    bytes: what its files weigh; 0 for a shipped model, whose files can be counted.
    """

    name: str
    title: str
    licence: str
    about: str
    bytes: int = 0


@dataclass(frozen=True)
class MemoryModel:
    """What the models of a family need, in bytes.

    main_memory: free memory that a job wants on the machine, beside the weights; 0 where the weights decide alone.
    decode_per_pixel: activations of the decoder for each pixel of one frame, in bfloat16, untiled.
    text_encoder_headroom: memory of the loaded text encoder over the size of its files.
    """

    main_memory: int = 0
    decode_per_pixel: float = 0.0
    text_encoder_headroom: float = 1.0


@dataclass(frozen=True)
class Family:
    """One line of models.

    name: identifies the family in code.
    models: models known by name, the usual one first.
    pipelines: class names in a folder's model_index.json that belong to the family.
    backbone: the class that runs its models, "module:Class"; called with (folder, device).
    rules: the window of a model, given its name and its folder (None: not on this machine); None when its name alone
        does not decide. Raises ModelUnavailable for a folder that holds something else.
    grid: the sampling timesteps.
    trajectory_top: the inversion reaches this timestep even for a take that starts below it, so that takes of one clip
        share its trajectory.
    presets: what each quality means.
    segmenter: name of the segmenter that suits the family when none is chosen.
    memory: what estimates and loading calculate with.
    owns: beginnings of hub names that belong to the family beside those in `models`.
    own_segmenter: the class behind `segmenter`, "module:Class", when it belongs to this family alone.
    needs_vision_model: a plan may come only from a person or a vision model, not from the instruction alone.
    vocabulary: what its models can draw; None for an open vocabulary.
    shipped: folder of the weights that are part of the installation; None when they must be fetched.
    """

    name: str
    models: tuple[KnownModel, ...]
    pipelines: tuple[str, ...]
    backbone: str
    rules: Callable[[str, Path | None], GeometryRules | None]
    grid: SamplingGrid
    trajectory_top: float
    presets: Mapping[Quality, Preset]
    segmenter: str
    memory: MemoryModel
    owns: tuple[str, ...] = ()
    own_segmenter: str | None = None
    needs_vision_model: bool = False
    vocabulary: tuple[Content, ...] | None = None
    shipped: Path | None = None

    def has(self, model: str) -> bool:
        """Whether `model` belongs to the family by its name alone."""
        return model in (known.name for known in self.models) or model.startswith(self.owns or ("\0",))
