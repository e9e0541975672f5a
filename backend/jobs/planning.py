"""The plan of a job: kept from an earlier run, given by a person, or written by an assistant."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from contract.atomic_file import write_atomically
from contract.errors import BadUsage
from contract.instruction import clean_instruction
from contract.job import JobSpec
from contract.plan import Plan, read_plan
from dynvfx.assistant.base import Assistant
from dynvfx.assistant.loading import open_assistant
from dynvfx.backbones.base import Backbone
from dynvfx.errors import OutsideVocabulary
from dynvfx.vocabulary import find_content

Origin = Literal["written", "kept", "given"]


@dataclass(frozen=True)
class ResolvedPlan:
    """The plan that the takes will follow, and where it came from."""

    plan: Plan
    origin: Origin
    remarks: tuple[str, ...] = ()


def resolve_plan(
    job: JobSpec, approved: Plan | None, file: Path, key_frames: list[np.ndarray], backbone: Backbone
) -> ResolvedPlan:
    """The plan for a job, which is in `file` when this returns.

    A plan that is in `file` already is kept, a person may have edited it, unless `approved` takes its place.
    Raises BadUsage when `job.plan` is another one, BadPlan for one that is none, AssistantFailed, OutsideVocabulary,
    OutOfDisk.
    """
    instruction, scope = clean_instruction(job.instruction), job.edit.scope
    if approved is not None:
        approved = msgspec.structs.replace(approved, instruction=instruction)
        approved.validate()
        check_vocabulary(approved, backbone)
        write_atomically(file, approved.to_json().encode())
        return ResolvedPlan(approved, "given")
    given = None
    if job.plan is not None:
        given = msgspec.structs.replace(job.plan, instruction=instruction, scope=scope or job.plan.scope)
    if file.exists():
        kept = read_plan(file)
        if given is not None and given != kept:
            raise BadUsage(
                f"{file} is another plan than the given one.",
                "Takes of two plans in one folder would look like takes of one.",
                "Choose another folder with --output, or edit the plan in the folder and leave --plan out.",
            )
        resolved = ResolvedPlan(kept, "kept" if given is None else "given")
    elif given is not None:
        resolved = ResolvedPlan(given, "given")
    else:
        planned = assistant_for(job.assistant, backbone).plan(instruction, key_frames, scope)
        resolved = ResolvedPlan(planned.plan, "written", planned.remarks)
    check_vocabulary(resolved.plan, backbone)
    if not file.exists():
        write_atomically(file, resolved.plan.to_json().encode())
    return resolved


def assistant_for(assistant: str | None, backbone: Backbone) -> Assistant:
    """The assistant that was asked for; the offline one knows what a small model can draw.

    Raises BadUsage when the model's plans must come from a vision model and none was set up, AssistantFailed.
    """
    name = assistant or default_assistant()
    if backbone.family.needs_vision_model and name == "offline":
        raise BadUsage(
            f"{backbone.name} needs a plan that has seen the shot.",
            "The offline assistant works from the instruction alone.",
            "Choose a vision model as assistant, or give a plan with --plan.",
        )
    return open_assistant(name, backbone.family.vocabulary)


def default_assistant(environment: Mapping[str, str] = os.environ) -> str:
    """The vision model if one was set up for this program, else the offline assistant.

    Frames leave this machine only when the user asked for it: the key of another
    program in the environment does not count.
    """
    names = ("DYNVFX_ASSISTANT_URL", "DYNVFX_ASSISTANT_KEY", "DYNVFX_ASSISTANT_MODEL")
    return "openai" if any(environment.get(name, "").strip() for name in names) else "offline"


def check_vocabulary(plan: Plan, backbone: Backbone) -> None:
    """Raises OutsideVocabulary when the model knows only so many things and the plan's is none of them."""
    vocabulary = backbone.family.vocabulary
    if vocabulary is None:
        return
    for text in (plan.target_object, plan.composite_caption):
        if find_content(text, vocabulary) is None:
            raise OutsideVocabulary(
                f"The model {backbone.name} cannot generate {text!r}.",
                f"It is a small model that knows only: {', '.join(content.phrase for content in vocabulary)}.",
                "Ask for one of these, or choose a large model with --model.",
            )


def key_frames_of(frames: np.ndarray) -> list[np.ndarray]:
    """First, middle and last of uint8 [F, H, W, 3], each once."""
    return [frames[index] for index in sorted({0, len(frames) // 2, len(frames) - 1})]
