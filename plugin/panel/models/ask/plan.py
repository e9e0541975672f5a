"""The assistant's plan, in fields that the artist edits before anything long runs."""

from __future__ import annotations

from typing import Any, Literal

from PyQt6.QtCore import QObject

from bridge.wire.messages import RefineSpec
from contract.errors import Problem
from contract.events import FoundMask
from plugin.panel.models.ask.ask import Asked
from plugin.panel.models.observable import Field, Observable

State = Literal["none", "waiting", "ready", "failed"]


class PlanModel(Observable):
    """One plan at a time: the one of the shot that is worked on. `job` is the held job that it belongs to.

    `sending` is the key of the transfer that brings the shot to another machine, empty when none does.
    """

    state: Field[State] = Field("none")
    job: Field[str] = Field("")
    sending: Field[str] = Field("")
    stage: Field[str] = Field("")
    source_caption: Field[str] = Field("")
    composite_caption: Field[str] = Field("")
    source_objects: Field[tuple[str, ...]] = Field(())
    target_object: Field[str] = Field("")
    scope: Field[str] = Field("object")
    remarks: Field[tuple[str, ...]] = Field(())
    masks: Field[tuple[FoundMask, ...]] = Field(())
    problem: Field[Problem | None] = Field(None)
    can_try_again: Field[bool] = Field(False)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.asked: Asked | None = None
        self.refined: RefineSpec | None = None
        """The order of the child of a take that the plan is for; None for what is made anew."""
        self._written: dict[str, Any] = {}

    def clear(self) -> None:
        """No plan."""
        self.asked, self.refined, self._written = None, None, {}
        self.sending, self.can_try_again = "", False
        self.job, self.stage, self.masks, self.remarks, self.problem = "", "", (), (), None
        self.state = "none"

    def wait_for(self, asked: Asked | None) -> None:
        """A plan is being written."""
        self.clear()
        self.asked = asked
        self.stage = "Sending the shot…"
        self.state = "waiting"

    def show(self, plan: dict[str, Any], remarks: tuple[str, ...] = ()) -> None:
        """Fill the fields from a plan as the service tells it."""
        self._written = dict(plan)
        self.source_caption = str(plan.get("source_caption", ""))
        self.composite_caption = str(plan.get("composite_caption", ""))
        self.source_objects = tuple(str(each) for each in plan.get("source_objects", ()))
        self.target_object = str(plan.get("target_object", ""))
        self.scope = str(plan.get("scope", "object"))
        self.remarks = tuple(remarks)

    def ready(self) -> None:
        """The job waits for approval."""
        self.stage = ""
        self.state = "ready"

    def fail(self, problem: Problem, can_try_again: bool = True) -> None:
        """No plan came out; the same order may be tried again, or another one is needed."""
        self.problem, self.can_try_again = problem, can_try_again
        self.state = "failed"

    def set_objects(self, text: str) -> None:
        """Source objects from text, separated by commas or lines."""
        phrases = (each.strip() for each in text.replace("\n", ",").split(","))
        self.source_objects = tuple(dict.fromkeys(each for each in phrases if each))

    @property
    def edited(self) -> bool:
        """Whether the fields differ from what the assistant wrote."""
        return bool(self._written) and self._fields() != _fields_of(self._written)

    @property
    def hindrance(self) -> str:
        """Why the plan cannot be used as it is, empty when it can."""
        if not self.source_caption.strip() or not self.composite_caption.strip():
            return "Both captions are needed."
        if not self.target_object.strip():
            return "Say what the new object is."
        return ""

    def as_edited(self) -> dict[str, Any] | None:
        """The plan with the edits, None when there are none."""
        if not self.edited:
            return None
        return {**self._written, **self._fields(), "assistant": "person"}

    def whole(self) -> dict[str, Any]:
        """The plan, edited or not."""
        return self.as_edited() or dict(self._written)

    def _fields(self) -> dict[str, Any]:
        return {
            "source_caption": self.source_caption.strip(),
            "composite_caption": self.composite_caption.strip(),
            "source_objects": list(self.source_objects),
            "target_object": self.target_object.strip(),
            "scope": self.scope,
        }


def _fields_of(plan: dict[str, Any]) -> dict[str, Any]:
    return {
        "source_caption": str(plan.get("source_caption", "")).strip(),
        "composite_caption": str(plan.get("composite_caption", "")).strip(),
        "source_objects": list(plan.get("source_objects", ())),
        "target_object": str(plan.get("target_object", "")).strip(),
        "scope": str(plan.get("scope", "object")),
    }
