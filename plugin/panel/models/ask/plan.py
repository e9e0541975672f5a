"""The assistant's plan, in fields that the artist edits before anything is generated."""

from __future__ import annotations

from typing import Literal, TypedDict

import msgspec
from PyQt6.QtCore import QObject

from contract.errors import Problem
from contract.events import FoundMask
from contract.job import JobSpec
from contract.plan import Plan, Scope
from contract.preflight import Preflight
from plugin.panel.models.observable import Field, Observable

State = Literal["none", "waiting", "ready", "failed"]


class PlanModel(Observable):
    """The plan of the selected shot. `job` is the waiting job that it belongs to.

    `sending` is the key of the transfer that uploads the shot, "" when there is none. `checked` is the report on the
    shot.
    """

    state: Field[State] = Field("none")
    job: Field[str] = Field("")
    sending: Field[str] = Field("")
    stage: Field[str] = Field("")
    source_caption: Field[str] = Field("")
    composite_caption: Field[str] = Field("")
    source_objects: Field[tuple[str, ...]] = Field(())
    target_object: Field[str] = Field("")
    scope: Field[Scope] = Field("object")
    remarks: Field[tuple[str, ...]] = Field(())
    masks: Field[tuple[FoundMask, ...]] = Field(())
    checked: Field[Preflight | None] = Field(None)
    problem: Field[Problem | None] = Field(None)
    can_try_again: Field[bool] = Field(False)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.asked: JobSpec | None = None
        self.refined: JobSpec | None = None
        """The follow-up job that the plan is for; None for a job of a clip."""
        self._written: Plan | None = None

    def clear(self) -> None:
        """Reset to no plan."""
        self.asked, self.refined, self._written = None, None, None
        self.sending, self.can_try_again, self.checked = "", False, None
        self.job, self.stage, self.masks, self.remarks, self.problem = "", "", (), (), None
        self.state = "none"

    def wait_for(self, asked: JobSpec | None) -> None:
        """Show that a plan for this job is being written."""
        self.clear()
        self.asked = asked
        self.stage = "Sending the shot…"
        self.state = "waiting"

    def show(self, plan: Plan, remarks: tuple[str, ...] = ()) -> None:
        """Fill the fields from a plan of the backend."""
        self._written = plan
        for name, value in _fields_of(plan).items():
            setattr(self, name, value)
        self.remarks = tuple(remarks)

    def ready(self) -> None:
        """Show the plan for approval."""
        self.stage = ""
        self.state = "ready"

    def fail(self, problem: Problem, can_try_again: bool = True) -> None:
        """Show that planning failed, and whether the same job can be tried again."""
        self.problem, self.can_try_again = problem, can_try_again
        self.state = "failed"

    def set_objects(self, text: str) -> None:
        """Set the source objects from text, separated by commas or line breaks."""
        phrases = (each.strip() for each in text.replace("\n", ",").split(","))
        self.source_objects = tuple(dict.fromkeys(each for each in phrases if each))

    @property
    def edited(self) -> bool:
        """Whether the fields differ from the assistant's plan."""
        return self._written is not None and self._fields() != _fields_of(self._written)

    @property
    def hindrance(self) -> str:
        """Why the plan cannot be used as it is, "" when it can."""
        if not self.source_caption.strip() or not self.composite_caption.strip():
            return "Both descriptions are needed."
        if not self.target_object.strip():
            return "Name the new object."
        return ""

    def as_edited(self) -> Plan | None:
        """The plan with the artist's edits; None when there are none."""
        if self._written is None or not self.edited:
            return None
        return msgspec.structs.replace(self._written, **self._fields(), assistant="person")

    def whole(self) -> Plan | None:
        """The plan, edited or not; None when there is none."""
        return self.as_edited() or self._written

    def _fields(self) -> _Fields:
        return {
            "source_caption": self.source_caption.strip(),
            "composite_caption": self.composite_caption.strip(),
            "source_objects": self.source_objects,
            "target_object": self.target_object.strip(),
            "scope": self.scope,
        }


class _Fields(TypedDict):
    """The fields of a plan that can be edited."""

    source_caption: str
    composite_caption: str
    source_objects: tuple[str, ...]
    target_object: str
    scope: Scope


def _fields_of(plan: Plan) -> _Fields:
    return {
        "source_caption": plan.source_caption.strip(),
        "composite_caption": plan.composite_caption.strip(),
        "source_objects": plan.source_objects,
        "target_object": plan.target_object.strip(),
        "scope": plan.scope,
    }
