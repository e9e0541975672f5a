"""The plan: what the shot shows, what it will show, and which objects are meant. People edit it as a JSON file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import msgspec

from contract.errors import BadRequest

Scope = Literal["object", "full_frame"]
"""A thing at a place, or content that reaches over the whole picture (snow, fog, light)."""

LONGEST_TEXT = 20_000
"""Characters of a caption or phrase; the assistants write far less."""
MOST_OBJECTS = 64
LARGEST_FILE = 1_000_000
"""Bytes of a plan's file."""

_REMEDY = "Write a fresh plan with --plan-only and edit that file."
_REQUIRED = ("instruction", "source_caption", "composite_caption", "target_object")


class BadPlan(BadRequest):
    """A plan that nothing can be made from: unreadable, or one of its fields is missing or wrong."""

    kind = "bad_plan"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The VFX assistant's answer (METHOD 1.1).

    instruction: what the plan was written for.
    source_caption, composite_caption: the shot as it was filmed, and with the new content.
    vfx_conversation: how the assistant came to it; for people only.
    source_objects: phrases for what stands in front in the shot and is preserved (O_orig).
    target_object: the phrase for the new content (O_edit).
    scope: see `Scope`.
    assistant: who wrote it: "offline", "openai:MODEL" or "person".
    """

    instruction: str
    source_caption: str
    vfx_conversation: str = ""
    composite_caption: str
    source_objects: tuple[str, ...] = ()
    target_object: str
    scope: Scope = "object"
    assistant: str = "person"

    def validate(self) -> None:
        """Raises BadPlan that names the first field that is wrong."""
        for name in _REQUIRED:
            if not getattr(self, name).strip():
                raise BadPlan(f"The plan's field {name!r} is missing or empty.", remedy=_REMEDY)
        if not all(phrase.strip() for phrase in self.source_objects):
            raise BadPlan("The plan's field 'source_objects' holds an empty phrase.", remedy=_REMEDY)
        if len(self.source_objects) > MOST_OBJECTS:
            what = f"The plan's field 'source_objects' has {len(self.source_objects)} phrases."
            raise BadPlan(what, remedy=f"Name at most {MOST_OBJECTS} objects.")
        for name in (*_REQUIRED, "source_objects"):
            value = getattr(self, name)
            if max(map(len, (value,) if isinstance(value, str) else value), default=0) > LONGEST_TEXT:
                what = f"The plan's field {name!r} is too long."
                raise BadPlan(what, remedy=f"Write at most {LONGEST_TEXT} characters.")

    def to_json(self) -> str:
        """The plan as a file for people: indented JSON in UTF-8."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode() + "\n"

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """The plan in a file that a person may have edited. Raises BadPlan, naming the field that is wrong."""
        try:
            values = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
            raise BadPlan("The plan is not valid JSON.", str(error), _REMEDY) from error
        if not isinstance(values, dict):
            raise BadPlan("The plan must be one JSON object.", remedy=_REMEDY)
        try:
            plan = msgspec.convert(values, cls)
        except msgspec.ValidationError as error:
            found = re.search(r"\$\.(\w+)|field `(\w+)`", str(error))
            name = found and (found[1] or found[2])
            what = f"The plan's field {name!r} is missing or wrong." if name else "The plan is wrong."
            raise BadPlan(what, str(error), _REMEDY) from error
        phrases = tuple(phrase.strip() for phrase in plan.source_objects if phrase.strip())
        plan = msgspec.structs.replace(plan, source_objects=phrases)
        plan.validate()
        return plan


def read_plan(path: Path) -> Plan:
    """The plan in a file. Raises BadPlan when it cannot be read or is no plan."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BadPlan(f"{path} is too large to be a plan.", remedy=_REMEDY)
        return Plan.from_json(path.read_text("utf-8-sig"))
    except OSError as error:
        raise BadPlan(f"The plan {path} cannot be read.", error.strerror or str(error), "Check its path.") from error
    except UnicodeDecodeError as error:
        raise BadPlan(f"The plan {path} is not text in UTF-8.", remedy="Save it as UTF-8.") from error
