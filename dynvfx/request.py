"""Everything that shapes a result, in one hashable value: the same request gives the same bytes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from typing import Literal

import msgspec

from contract.plan import Plan
from dynvfx.geometry import Geometry

AnchorMode = Literal["anchor", "masked", "full", "none"]
Inversion = Literal["log_snr", "reference"]


@dataclass(frozen=True)
class MaskIdentity:
    """An edit mask that a person painted on one frame: `frame` of the clip from 0 on, and the SHA-256 of its file."""

    frame: int
    sha256: str


@dataclass(frozen=True)
class Request:
    """One take, fully described.

    source: SHA-256 of the conformed model frames.
    model, seed, segmenter: by name; a folder counts as a name.
    geometry: the model's window on the clip.
    levels: start timesteps of the refinement iterations, falling, in the model's own numbers (METHOD 1.3).
    steps: sampling steps of a full run, of which an iteration passes those below its level.
    anchors_until: anchors act while the timestep is at least this.
    negative: what must not appear; the text of the unconditional row, "" for none.
    guidance: of classifier-free guidance; 1 leaves the unconditional row out.
    anchor_mode, keep_foreground, keep_background: which source tokens are anchors; the keep probabilities are in
        [0, 1] (METHOD 1.5).
    inversion, inversion_steps: recipe and forwards of the inversion (METHOD 1.4).
    coverage: threshold of the latent mask, in [0, 1] (METHOD 1.6).
    mask_reach: latent frames to either side over which the latent mask is united.
    retries: further attempts when the object does not appear.
    secondary: how eagerly shadows and reflections join the delivered matte; 0 not at all.
    parent: digest of the take that a follow-up starts from.
    region: a box (left, top, right, bottom) in fractions of the model's frame, padding included, that limits the edit.
    mask: the painted mask that takes the place of the one that segmentation would find.
    notes: not part of the digest.
    """

    source: str
    plan: Plan
    model: str
    seed: int
    geometry: Geometry
    segmenter: str
    levels: tuple[float, ...]
    steps: int
    anchors_until: float
    negative: str = ""
    guidance: float = 6.0
    anchor_mode: AnchorMode = "anchor"
    keep_foreground: float = 0.7
    keep_background: float = 0.05
    inversion: Inversion = "log_snr"
    inversion_steps: int = 29
    coverage: float = 0.25
    mask_reach: int = 0
    retries: int = 2
    secondary: float = 1.0
    parent: str | None = None
    region: tuple[float, float, float, float] | None = None
    mask: MaskIdentity | None = None
    notes: tuple[str, ...] = field(default=(), compare=False)

    def to_dict(self) -> dict:
        """Plain values for JSON; `from_dict` gives an equal request back."""
        values = asdict(self)
        values["plan"] = msgspec.to_builtins(self.plan)
        values["geometry"]["rate"] = str(self.geometry.rate)
        return values

    @classmethod
    def from_dict(cls, values: dict) -> Request:
        """Inverse of `to_dict`."""
        geometry, region, mask = values["geometry"], values["region"], values["mask"]
        changed = {
            "plan": msgspec.convert(values["plan"], Plan),
            "geometry": Geometry(**{**geometry, "rate": Fraction(geometry["rate"])}),
            "levels": tuple(values["levels"]),
            "notes": tuple(values["notes"]),
            "region": None if region is None else tuple(region),
            "mask": None if mask is None else MaskIdentity(**mask),
        }
        return cls(**{**values, **changed})

    def digest(self) -> str:
        """SHA-256 over everything that shapes the result, `notes` excluded."""
        values = self.to_dict()
        values.pop("notes")
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    def with_seed(self, seed: int) -> Request:
        """The same request for another take."""
        return replace(self, seed=seed)
