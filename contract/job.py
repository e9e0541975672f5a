"""The job: one edit of a clip or of a take, with everything that shapes its takes.

The command line, the panel and the agents build it, the wire carries it, the ledger stores it, a worker carries it out.
Bounds, defaults and checks stand here and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, Literal, get_args

import msgspec

from contract.box import Box, check_box
from contract.errors import BadUsage
from contract.instruction import LONGEST_INSTRUCTION, clean_instruction
from contract.part import Part
from contract.plan import Plan, Scope

Quality = Literal["draft", "standard", "reference"]
QUALITIES: tuple[Quality, ...] = get_args(Quality)
LayerKind = Literal["prores4444", "png"]
LAYER_KINDS: tuple[LayerKind, ...] = get_args(LayerKind)
SCOPES: tuple[Scope, ...] = get_args(Scope)
Footprint = Literal["normal", "small"]
"""The small one trades speed for memory, after a job ran out of it."""
AfterPlan = Literal["generate", "wait", "end"]
"""What follows once plan and masks are there: the takes, waiting for approval, or the end of the job."""

MOST_TAKES = 64
LARGEST_SEED = 2**31 - 1
"""Of any take; every front end's number field holds it."""
PURE_NOISE = 999
"""The highest timestep of the models' schedules, and so the highest start level."""
MOST_LEVELS = 50
MOST_INPUTS = 64
LARGEST_MASK = 4_000_000
"""Bytes of a painted mask's PNG."""
MASK_FILE = "mask.png"


class InputFile(Part, frozen=True, kw_only=True):
    """One file that a job brings along, found by its content: its place below the job's folder of inputs
    ("clip.mov", "plate/0001.exr"), its SHA-256 in hexadecimal digits, and its size."""

    path: str
    sha256: str
    bytes: int


# What an edit starts from --------------------------------------------------------------------------------------------


class ClipSource(Part, frozen=True, kw_only=True, tag="clip", tag_field="kind"):
    """A clip of a movie, an image sequence (folder or pattern) or a timeline.

    source: a path on the backend's machine; with `uploads`, a path among them.
    timeline: the name or number of one of several timelines in the file.
    clip: the name or number of a timeline's clip.
    part: first and last frame of a part of the clip, both included, 0 being its first visible frame.
    rate: frames a second of an image sequence (None: 24) or an edit list (None: its media's), "24" or "24000/1001".
    media_folders: searched for media that is not where the timeline says.
    uploads: the clip's files where they came over the bridge.
    """

    source: str
    timeline: str | None = None
    clip: str | None = None
    part: tuple[int, int] | None = None
    rate: str | None = None
    media_folders: tuple[str, ...] = ()
    uploads: tuple[InputFile, ...] = ()

    @property
    def frame_rate(self) -> Fraction | None:
        """`rate` as a number."""
        return None if self.rate is None else Fraction(self.rate)

    def validate(self) -> None:
        """Raises BadUsage for values that mean nothing, whatever the media is."""
        if not self.source.strip() and not self.uploads:
            raise BadUsage("No clip is named.", remedy="Name a movie, an image sequence or a timeline.")
        if self.part is not None and not 0 <= self.part[0] <= self.part[1]:
            what = f"The part {self.part[0]}-{self.part[1]} ends before it begins or begins before the clip."
            raise BadUsage(what, remedy="Frames count from 0, the clip's first visible one.")
        if self.rate is not None:
            try:
                right = Fraction(self.rate) > 0
            except (ValueError, ZeroDivisionError):
                right = False
            if not right:
                raise BadUsage(f"{self.rate!r} is not a frame rate.", remedy='Give it like "24" or "24000/1001".')


class TakeSource(Part, frozen=True, kw_only=True, tag="take", tag_field="kind"):
    """A finished take: `number` of the backend's job `job`, or `folder` on the backend's machine."""

    job: str | None = None
    number: int | None = None
    folder: str | None = None

    def validate(self) -> None:
        """Raises BadUsage when no take is named."""
        if self.folder is None and (self.job is None or self.number is None):
            raise BadUsage("No take to follow is named.", remedy="Name its folder, or its job and number.")


# Edits ----------------------------------------------------------------------------------------------------------------


class PaintedMask(Part, frozen=True, kw_only=True):
    """Where a person painted the edit: white in the grey PNG `input` (the path of one of the job's inputs).

    It is the upright picture of the take's frame `frame`, from 0 on, in any size of its shape.
    """

    frame: int
    input: str = MASK_FILE


class Add(Part, frozen=True, kw_only=True, tag="add", tag_field="kind"):
    """New content.

    instruction: what to add or change, as a person says it.
    scope: None lets the assistant decide.
    negative: what must not appear (the negative prompt); "" for nothing in particular.
    region: the box that the change stays inside.
    mask: takes the place of the mask that would be found; it is carried to the other frames with the picture's motion.
        Only for an edit that starts from a take.
    """

    instruction: str
    scope: Scope | None = None
    negative: str = ""
    region: Box | None = None
    mask: PaintedMask | None = None

    def validate(self, job: JobSpec) -> None:
        """Raises BadUsage and BadRequest for values that mean nothing, whatever clip and model are."""
        clean_instruction(self.instruction)
        if len(self.negative) > LONGEST_INSTRUCTION:
            what = f"What must not appear has {len(self.negative)} characters; the limit is {LONGEST_INSTRUCTION}."
            raise BadUsage(what, remedy="Name only the few things that matter.")
        if self.region is not None:
            check_box(self.region)
        if self.mask is not None:
            self._check_mask(job, self.mask)

    def cleaned(self) -> Add:
        """The edit with its texts as they count."""
        instruction, negative = clean_instruction(self.instruction), " ".join(self.negative.split())
        return msgspec.structs.replace(self, instruction=instruction, negative=negative)

    @staticmethod
    def _check_mask(job: JobSpec, mask: PaintedMask) -> None:
        if isinstance(job.start, ClipSource):
            raise BadUsage("A painted mask belongs to a take.", remedy="Refine a take with it.")
        if mask.frame < 0:
            what = f"The mask is for frame {mask.frame}."
            raise BadUsage(what, remedy="Frames count from 0, the take's first one.")
        size = job.input_file(mask.input).bytes
        if size > LARGEST_MASK:
            raise BadUsage(
                f"The mask has {size / 1e6:.1f} MB.",
                f"At most {LARGEST_MASK / 1e6:.0f} MB are taken.",
                "Save it with fewer pixels: half the clip's size is more than enough.",
            )


Edit = Add
"""Other kinds of edits join here, as a union tagged by `kind`."""


# The job --------------------------------------------------------------------------------------------------------------


class JobSpec(Part, frozen=True, kw_only=True):
    """One edit and how its takes are made. Takes use the seeds `seed`, `seed` + 1, ...

    start: the clip, or the take that is followed: its takes are made with the same model and join it in its folder.
    levels: start levels of the iterations, falling; None: the quality's own. A follow-up may leave the first ones out.
    model: None is the shipped one, for a follow-up the take's own. `download` allows fetching it.
    segmenter: None takes the one that suits the model.
    assistant: who writes the plan: "openai", "openai:MODEL" or "offline"; None: the vision model where one is set up.
    plan: a plan to keep to; None: it is written.
    output: a folder for a clip's results; None: one of the backend's own.
    inputs: files that the edit brings along, by content.
    """

    start: ClipSource | TakeSource
    edit: Edit
    takes: int = 1
    seed: int = 0
    quality: Quality = "standard"
    levels: tuple[float, ...] | None = None
    model: str | None = None
    download: bool = False
    segmenter: str | None = None
    assistant: str | None = None
    plan: Plan | None = None
    after_plan: AfterPlan = "generate"
    layer: LayerKind = "prores4444"
    footprint: Footprint = "normal"
    output: str | None = None
    inputs: tuple[InputFile, ...] = ()

    @property
    def instruction(self) -> str:
        """What the edit asks for."""
        return self.edit.instruction

    @property
    def seeds(self) -> range:
        """One for each take."""
        return range(self.seed, self.seed + self.takes)

    @property
    def files(self) -> tuple[InputFile, ...]:
        """Everything that travelled over the bridge for this job."""
        return (*(self.start.uploads if isinstance(self.start, ClipSource) else ()), *self.inputs)

    def input_file(self, path: str) -> InputFile:
        """The input with this path. Raises BadUsage when the job brings none."""
        for each in self.inputs:
            if each.path == path:
                return each
        raise BadUsage(f"The input {path} is missing.", remedy="Send the file along with the job.")

    def validate(self) -> None:
        """Raises BadUsage, BadRequest or BadPlan for what makes no sense whatever clip and model are."""
        self.start.validate()
        self._check_inputs()
        self.edit.validate(self)
        if not 1 <= self.takes <= MOST_TAKES:
            raise BadUsage(f"{self.takes} takes were asked for.", remedy=f"Choose a number from 1 to {MOST_TAKES}.")
        if not 0 <= self.seed <= LARGEST_SEED - self.takes + 1:
            remedy = f"Choose seeds from 0 to {LARGEST_SEED}."
            raise BadUsage(f"The seed {self.seed} is out of range.", remedy=remedy)
        if self.levels is not None:
            check_levels(self.levels)
        if self.plan is not None:
            self.plan.validate()
        if isinstance(self.start, TakeSource):
            for name in ("model", "output"):
                if getattr(self, name) is not None:
                    why = "A follow-up is made with its take's model, in its take's folder."
                    raise BadUsage(f"A follow-up takes no {name}.", why, "Leave it out.")

    def identity(self) -> JobSpec:
        """What makes it another job; the number of takes and the way to the plan do not. For `==` and for files."""
        start = self.start
        if isinstance(start, ClipSource):
            start = msgspec.structs.replace(start, uploads=())
        return JobSpec(
            start=start,
            edit=self.edit.cleaned(),
            seed=self.seed,
            quality=self.quality,
            levels=self.levels,
            model=self.model,
            segmenter=self.segmenter,
            assistant=self.assistant,
            layer=self.layer,
            inputs=self.inputs,
        )

    def _check_inputs(self) -> None:
        known = {each.path for each in self.inputs}
        if len(known) != len(self.inputs) or len(known) > MOST_INPUTS:
            what = f"The job brings {len(self.inputs)} inputs, some under the same name or too many."
            raise BadUsage(what, remedy=f"Send at most {MOST_INPUTS} files, each under a name of its own.")
        for each in self.inputs:
            if not re.fullmatch(r"[0-9a-f]{64}", each.sha256):
                raise BadUsage(f"{each.sha256!r} is not a SHA-256.", remedy="Give 64 hexadecimal digits.")


def check_levels(levels: Sequence[float]) -> None:
    """Raises BadUsage unless these are start levels: falling, from PURE_NOISE down to 1."""
    remedy = "Give start levels that fall, such as 679,439: high ones change the whole, low ones details."
    listed = ", ".join(f"{level:g}" for level in levels)
    if not 1 <= len(levels) <= MOST_LEVELS:
        raise BadUsage(f"{len(levels)} levels were given.", remedy=remedy)
    if any(not 0 < level <= PURE_NOISE for level in levels):
        raise BadUsage(f"The levels {listed} are not all between 1 and {PURE_NOISE}.", remedy=remedy)
    if any(first <= second for first, second in pairwise(levels)):
        raise BadUsage(f"The levels {listed} do not fall.", remedy=remedy)


def differences(one: JobSpec, other: JobSpec) -> list[tuple[str, Any, Any]]:
    """In which fields two jobs differ, with both values; an edit's fields and a start's under their own names."""
    mine, yours = _flat(one), _flat(other)
    names = dict.fromkeys([*mine, *yours])
    return [(name, mine.get(name), yours.get(name)) for name in names if mine.get(name) != yours.get(name)]


def _flat(job: JobSpec) -> dict[str, Any]:
    values = msgspec.to_builtins(job)
    start, edit = values.pop("start"), values.pop("edit")
    return {**edit, "edit": edit.pop("kind"), **values, **start, "start": start.pop("kind")}
