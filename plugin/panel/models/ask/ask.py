"""The settings of the next job: instruction, scope, quality, takes, seed, model and region, and its estimate."""

from __future__ import annotations

import secrets

from PyQt6.QtCore import QObject, QTimer

from bridge.wire.messages import Estimate, Estimated, Model
from contract.box import Box
from contract.errors import Problem
from contract.job import QUALITIES, Add, ClipSource, JobSpec, Quality
from contract.plan import Scope
from contract.take import Take
from plugin.panel.models.ask.history import History
from plugin.panel.models.ask.model_fetching import room_text
from plugin.panel.models.backend.backend import BackendModel
from plugin.panel.models.number_text import duration_text, size_text
from plugin.panel.models.observable import Field, Observable
from plugin.panel.models.shot.shot import ShotModel

ESTIMATE_AFTER_MS = 120
ROLLED_SEEDS = 1_000_000
"""Random seeds are below this: short enough to write down."""

NO_CLIP = ClipSource(source="")
"""The source of a job whose clip is not set yet."""

SAVED = ("instruction", "scope", "negative", "quality", "takes", "seed", "seed_locked", "model")
"""The fields that a restart restores."""


class AskModel(Observable):
    """The settings and their estimate. `region` is (left, top, right, bottom) in fractions of the frame.

    `model` is "" for the backend's default model.
    """

    instruction: Field[str] = Field("")
    scope: Field[Scope | None] = Field(None)
    negative: Field[str] = Field("")
    quality: Field[Quality] = Field("standard")
    takes: Field[int] = Field(1)
    seed: Field[int] = Field(0)
    seed_locked: Field[bool] = Field(False)
    model: Field[str] = Field("")
    region: Field[Box | None] = Field(None)
    download: Field[bool] = Field(False)
    estimates: Field[dict[str, Estimated]] = Field({})
    estimate_problem: Field[Problem | None] = Field(None)

    def __init__(self, backend: BackendModel, shot: ShotModel, history: History, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._backend, self._shot, self.history = backend, shot, history
        self.seed = secrets.randbelow(ROLLED_SEEDS)
        self._asked = 0
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(ESTIMATE_AFTER_MS)
        self._soon.timeout.connect(self.estimate_now)
        self.changed.connect(self._changed)
        shot.changed.connect(lambda name: self._soon.start() if name in ("shot", "media_info") else None)
        backend.readied.connect(self._soon.start)
        backend.changed.connect(lambda name: self._models_listed() if name == "models" else None)

    # Changing the settings --------------------------------------------------------------------------------------------

    def spec(self) -> JobSpec:
        """The settings as a job; its clip is not set yet."""
        return JobSpec(
            start=NO_CLIP,
            edit=Add(
                instruction=self.instruction.strip(),
                scope=self.scope,
                negative=self.negative.strip(),
                region=self.region,
            ),
            takes=self.takes,
            seed=self.seed,
            quality=self.quality,
            model=self.model or None,
            download=self.download and not self.chosen_model_installed,
        )

    def choose(self, spec: JobSpec) -> None:
        """Set the fields to a job's settings."""
        edit = spec.edit
        self.instruction, self.scope, self.region = edit.instruction, edit.scope, edit.region
        self.negative = edit.negative
        self.takes, self.seed, self.quality = spec.takes, spec.seed, spec.quality
        self.model = spec.model or ""

    def choose_again(self, take: Take) -> None:
        """Set the fields to a take's settings, with its seed locked."""
        self.instruction, self.seed, self.seed_locked = take.instruction, take.seed, True
        self.negative = str(take.request.get("negative", ""))
        if any(each.name == take.model for each in self.models):
            self.model = take.model

    def used(self) -> None:
        """After a job was submitted: remember the instruction and choose a new seed unless it is locked."""
        self.history.add(self.instruction)
        if not self.seed_locked:
            self.seed = secrets.randbelow(ROLLED_SEEDS)

    def draw_region(self, box: Box | None) -> None:
        """Limit the edit to a box; None removes the limit. Boxes below a hundredth of the frame are ignored."""
        if box is not None:
            left, right = sorted((min(1.0, max(0.0, box[0])), min(1.0, max(0.0, box[2]))))
            top, bottom = sorted((min(1.0, max(0.0, box[1])), min(1.0, max(0.0, box[3]))))
            small = (right - left) * (bottom - top) < 0.001 or min(right - left, bottom - top) < 0.01
            box = None if small else (left, top, right, bottom)
        self.region = box

    # What is shown ----------------------------------------------------------------------------------------------------

    @property
    def models(self) -> tuple[Model, ...]:
        """The models to choose from; empty until the backend has listed them."""
        return self._backend.models

    @property
    def default_model(self) -> str:
        """The backend's default model, the first of its list; "" until the list is known."""
        return next((each.name for each in self.models), "")

    @property
    def model_name(self) -> str:
        """Name of the model that a job will use; "" until the backend has listed its models, and none is chosen."""
        return self.model or self.default_model

    @property
    def chosen_model(self) -> Model | None:
        """The one of `models` that a job will use; None when it is not listed."""
        return next((each for each in self.models if each.name == self.model_name), None)

    @property
    def chosen_model_installed(self) -> bool:
        """Whether the chosen model is installed on the backend's machine."""
        return self.chosen_model is None or self.chosen_model.installed

    @property
    def hindrance(self) -> str:
        """Why no plan can be made now, "" when one can."""
        if not self._backend.ready:
            return "The backend is not ready."
        if self._shot.exporting and self._shot.shot is None:
            return "The clip is being exported."
        missing = self._shot.shot is None and not self._shot.awaits_export
        if missing and self._shot.current is not None:
            return "This clip cannot be used."
        if missing:
            return "Select a clip first."
        if not self.instruction.strip():
            return "Describe what to add."
        model = self.chosen_model
        if model is not None and not model.installed:
            if not self.download:
                return "This model is not installed. Allow its download, or choose another one."
            if not room_text(model, self._backend.local)[1]:
                return "Not enough disk space for this model."
        problem = self.estimate_problem
        if problem is not None and problem.kind == "clip_too_long":
            return str(problem)
        return ""

    @property
    def model_line(self) -> str:
        """Licence and size of the chosen model."""
        model = self.chosen_model
        if model is None:
            return ""
        parts = [model.licence]
        if not model.installed:
            size = size_text(model.bytes) if model.bytes else "size unknown"
            here = self._backend.local
            parts.append(f"not installed, {size} download" if here else f"{size} download on the backend")
        if model.about:
            parts.append(model.about)
        return " · ".join(parts)

    @property
    def room_line(self) -> str:
        """Where the chosen model would be stored and whether it fits, "" when it is installed."""
        model = self.chosen_model
        return "" if model is None or model.installed else room_text(model, self._backend.local)[0]

    @property
    def estimate(self) -> Estimated | None:
        """The estimate for the chosen quality; None until it is known."""
        return self.estimates.get(self.quality)

    @property
    def estimate_line(self) -> str:
        """The estimated time, memory and disk space as text."""
        if self.estimate_problem is not None:
            return str(self.estimate_problem)
        estimate = self.estimate
        if estimate is None:
            return ""
        parts = [f"{self._forwards(estimate.forwards)}, not timed on this machine yet"]
        if estimate.seconds is not None:
            parts = [f"about {duration_text(estimate.seconds)}"]
        if estimate.memory_bytes:
            parts.append(f"{size_text(estimate.memory_bytes)} memory")
        parts.append(f"{size_text(estimate.disk_bytes)} disk")
        return " · ".join(parts)

    def quality_hint(self, quality: Quality) -> str:
        """The estimated time of a quality, for its button."""
        estimate = self.estimates.get(quality)
        if estimate is None:
            return ""
        if estimate.seconds is None:
            return self._forwards(estimate.forwards)
        return duration_text(estimate.seconds)

    def _forwards(self, count: int) -> str:
        return f"{count} model steps"

    # Estimates --------------------------------------------------------------------------------------------------------

    def estimate_now(self) -> None:
        """Request an estimate for each quality; replies to earlier requests are dropped."""
        shot, media_info = self._shot.shot, self._shot.media_info
        self._soon.stop()
        if shot is None or media_info is None or not self._backend.ready or not self.model_name:
            self.estimates, self.estimate_problem = {}, None
            return
        self._asked += 1
        asked = self._asked
        for quality in QUALITIES:
            self._backend.call(
                Estimate(
                    model=self.model_name,
                    quality=quality,
                    takes=self.takes,
                    width=media_info.width,
                    height=media_info.height,
                    frames=shot.frame_count,
                    rate=str(shot.frame_rate),
                ),
                lambda reply, quality=quality: self._estimated(asked, quality, reply),
                lambda problem: self._not_estimated(asked, problem),
            )

    def _estimated(self, asked: int, quality: Quality, reply: Estimated) -> None:
        if asked == self._asked:
            self.estimate_problem = None
            self.estimates = {**self.estimates, quality: reply}
            self._shot.model_input = reply

    def _not_estimated(self, asked: int, problem: Problem) -> None:
        if asked == self._asked:
            self.estimates, self.estimate_problem = {}, problem
            self._shot.model_input = None

    def _models_listed(self) -> None:
        self.changed.emit("models")
        self._soon.start()

    def _changed(self, name: str) -> None:
        if name in ("takes", "model"):
            self._soon.start()
