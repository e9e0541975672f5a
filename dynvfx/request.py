"""Everything that shapes a result, in one hashable value: the same request gives the same bytes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from typing import Literal

from contract.errors import BadRequest
from dynvfx.geometry import Geometry

Scope = Literal["object", "full_frame"]
AnchorMode = Literal["anchor", "masked", "full", "none"]
Inversion = Literal["log_snr", "reference"]


@dataclass(frozen=True)
class Plan:
    """The VFX assistant's answer (METHOD 1.1), editable by a person before any long work.

    `source_objects` are the prominent foreground things in the source (O_orig); `target_object` is the phrase for the
    new content (O_edit); `assistant` names who wrote it ("offline", "openai:MODEL", "person").
    """

    instruction: str
    source_caption: str
    vfx_conversation: str
    composite_caption: str
    source_objects: tuple[str, ...]
    target_object: str
    scope: Scope = "object"
    assistant: str = "person"

    def to_json(self) -> str:
        """The plan as a file for people: indented JSON in UTF-8."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Read a plan that a person may have edited. Raises BadRequest naming the field that is wrong."""
        remedy = "Write a fresh plan with --plan-only and edit that file."
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise BadRequest(f"The plan is not valid JSON (line {error.lineno}).", error.msg, remedy) from error
        if not isinstance(values, dict):
            raise BadRequest("The plan must be one JSON object.", remedy=remedy)
        known = cls.__dataclass_fields__
        for name in ("instruction", "source_caption", "composite_caption", "target_object"):
            if not isinstance(values.get(name), str) or not values[name].strip():
                raise BadRequest(f"The plan's field {name!r} is missing or empty.", remedy=remedy)
        if values.get("scope", "object") not in ("object", "full_frame"):
            raise BadRequest("The plan's field 'scope' must be 'object' or 'full_frame'.", remedy=remedy)
        objects = values.get("source_objects", [])
        if not isinstance(objects, list) or not all(isinstance(item, str) for item in objects):
            raise BadRequest("The plan's field 'source_objects' must be a list of phrases.", remedy=remedy)
        kept = {name: value for name, value in values.items() if name in known}
        kept["source_objects"] = tuple(item.strip() for item in objects if item.strip())
        kept.setdefault("vfx_conversation", "")
        return cls(**kept)


@dataclass(frozen=True)
class PaintedMask:
    """An edit mask that a person painted on one frame: `frame` of the clip from 0 on, and the SHA-256 of its file."""

    frame: int
    sha256: str


@dataclass(frozen=True)
class Request:
    """One take, fully described.

    `source` is the SHA-256 of the conformed model frames; `levels` are the start timesteps of the refinement
    iterations (METHOD 1.3); anchors act while t >= `anchors_until`; `keep_foreground` / `keep_background` are keep
    probabilities in [0, 1] (METHOD 1.5); `coverage` is the latent mask's threshold (METHOD 1.6); `retries` bounds the
    attempts when the object does not appear; `secondary` is how eagerly shadows and reflections join the delivered
    matte (0: not at all). `parent` is the digest of the take that a follow-up starts from. `region` limits the edit to
    a box (left, top, right, bottom) in fractions of the model's frame, padding included. `mask` names the painted mask
    that takes the place of the one that segmentation would find.
    """

    source: str
    plan: Plan
    model: str
    seed: int
    geometry: Geometry
    levels: tuple[int, ...] = (899, 779, 679, 579, 479, 379)
    steps: int = 50
    guidance: float = 6.0
    anchor_mode: AnchorMode = "anchor"
    anchors_until: int = 619
    keep_foreground: float = 0.7
    keep_background: float = 0.05
    inversion: Inversion = "log_snr"
    inversion_steps: int = 29
    coverage: float = 0.25
    mask_reach: int = 0
    retries: int = 2
    secondary: float = 1.0
    segmenter: str = "tiny"
    parent: str | None = None
    region: tuple[float, float, float, float] | None = None
    mask: PaintedMask | None = None
    notes: tuple[str, ...] = field(default=(), compare=False)

    def to_dict(self) -> dict:
        """Plain values for JSON; `from_dict` gives an equal request back."""
        values = asdict(self)
        values["geometry"]["rate"] = str(self.geometry.rate)
        if self.mask is None:
            # Requests from before there were painted masks keep their digests.
            del values["mask"]
        return values

    @classmethod
    def from_dict(cls, values: dict) -> Request:
        """Inverse of `to_dict`; unknown fields are ignored so that older programs can read newer takes."""
        kept = {name: value for name, value in values.items() if name in cls.__dataclass_fields__}
        kept["plan"] = Plan.from_json(json.dumps(kept["plan"]))
        kept["geometry"] = Geometry(**{**kept["geometry"], "rate": Fraction(kept["geometry"]["rate"])})
        for name in ("levels", "notes"):
            kept[name] = tuple(kept.get(name, ()))
        if kept.get("region") is not None:
            kept["region"] = tuple(kept["region"])
        if kept.get("mask") is not None:
            kept["mask"] = PaintedMask(**kept["mask"])
        return cls(**kept)

    def digest(self) -> str:
        """SHA-256 over everything that shapes the result, `notes` excluded."""
        values = self.to_dict()
        values.pop("notes")
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    def with_seed(self, seed: int) -> Request:
        """The same request for another take."""
        return replace(self, seed=seed)
