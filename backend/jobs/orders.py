"""What a person asked for, before anything of it was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bridge.wire.messages import EditedMask
from contract.job import Quality
from dynvfx.backbones.families import DEFAULT_MODEL

if TYPE_CHECKING:
    from backend.delivery.deliver import Layer
    from contract.plan import Plan, Scope

Footprint = Literal["normal", "small"]


@dataclass(frozen=True, kw_only=True)
class TakeOrder:
    """What every order has.

    Takes use the seeds `seed`, `seed` + 1, ... `scope` None lets the assistant decide. `assistant` None takes the
    vision model where one is configured for this program, else the offline assistant. `plan` is one that a person
    wrote, or its file; `approved` one that takes the place of the plan in the job's folder. `plan_only` ends the job
    with plan and masks. `segmenter` None takes the one that suits the model. `footprint` "small" trades speed for
    memory. `region` is the box that the change stays inside: left, top, right, bottom in parts of the clip's picture.
    `levels` None takes the preset's; a follow-up may leave the first ones out.
    """

    instruction: str
    takes: int = 1
    seed: int = 0
    quality: Quality = "standard"
    scope: Scope | None = None
    assistant: str | None = None
    plan: Path | Plan | None = None
    approved: Plan | None = None
    plan_only: bool = False
    layer: Layer = "prores4444"
    segmenter: str | None = None
    footprint: Footprint = "normal"
    region: tuple[float, float, float, float] | None = None
    levels: tuple[int, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class AddOrder(TakeOrder):
    """New content in a clip of `source`: a movie, an image sequence (folder or pattern) or a timeline.

    `clip` is the name or number of a timeline's clip; `part` the first and last frame of a part of it, both included,
    0 being its first visible frame. `media_folders` are searched for media that is not where the timeline says.
    `rate` is an image sequence's rate (default 24). `download` allows fetching the model by name. `output` None makes
    a folder in the current one, always the same for the same order.
    """

    source: str
    clip: str | None = None
    part: tuple[int, int] | None = None
    model: str = DEFAULT_MODEL
    output: Path | None = None
    media_folders: tuple[Path, ...] = ()
    rate: Fraction | None = None
    download: bool = False


@dataclass(frozen=True, kw_only=True)
class RefineOrder(TakeOrder):
    """A change of a finished take, made with the same model; the new takes join the old ones in their folder.

    `mask` is where the edit is, painted on one frame of the take.
    """

    take_folder: Path
    mask: EditedMask | None = None
