"""What a job is asked to do: orders for new takes and for takes that follow others."""

from __future__ import annotations

from typing import Literal

from contract.part import Part
from contract.plan import Plan

Quality = Literal["draft", "standard", "reference"]
QUALITIES: tuple[Quality, ...] = ("draft", "standard", "reference")

LARGEST_MASK = 4_000_000
"""Bytes of a painted mask's PNG."""


class Shaping(Part, frozen=True, kw_only=True):
    """What every order has; the fields of `TakeOrder`, `plan` being the plan itself.

    `footprint` "small" trades speed for memory, after a job ran out of it. `plan_only` ends the job, as done, when
    plan and masks are there. `region` is a box that new content stays inside: left, top, right, bottom in parts of the
    picture. `levels` are the start levels of the iterations, falling.
    """

    instruction: str
    takes: int = 1
    seed: int = 0
    quality: str = "standard"
    scope: str | None = None
    assistant: str | None = None
    plan: Plan | None = None
    plan_only: bool = False
    layer: str = "prores4444"
    segmenter: str | None = None
    footprint: Literal["normal", "small"] = "normal"
    region: tuple[float, float, float, float] | None = None
    levels: tuple[int, ...] | None = None


class Upload(Part, frozen=True, kw_only=True):
    """One file that came over the bridge: its place below the job's media folder ("clip.mov", "plate/0001.exr")."""

    path: str
    sha256: str


class AddSpec(Shaping, frozen=True, kw_only=True, tag="add", tag_field="kind"):
    """New content in a clip; see `backend.jobs.orders.AddOrder`.

    `source` is a path on the service's machine below one of its media roots or, with `uploads`, a path among them.
    `output` is a folder below a media root for the results; None keeps them in the service's own folder, from which
    they are downloaded.
    """

    source: str
    uploads: tuple[Upload, ...] = ()
    clip: str | None = None
    part: tuple[int, int] | None = None
    model: str = "tiny"
    output: str | None = None
    media_folders: tuple[str, ...] = ()
    rate: str | None = None
    download: bool = False


class EditedMask(Part, frozen=True, kw_only=True):
    """A matte that a person painted: white where the edit is, on frame `frame` of the take, from 0 on.

    `png` is a grey PNG of the upright picture, in any size of its shape, of at most LARGEST_MASK bytes.
    """

    frame: int
    png: bytes


class RefineSpec(Shaping, frozen=True, kw_only=True, tag="refine", tag_field="kind"):
    """A change of a finished take: `take_folder` on the service's machine, or `job` and `take` of an earlier job.

    `mask` takes the place of the mask that would be found: it is carried to the other frames with the picture's motion.
    """

    take_folder: str | None = None
    job: str | None = None
    take: int | None = None
    mask: EditedMask | None = None


Spec = AddSpec | RefineSpec


# Requests -------------------------------------------------------------------------------------------------------------
