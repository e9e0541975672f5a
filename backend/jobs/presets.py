"""What draft, standard and reference quality mean for each family of models (table in docs/command-line.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from backend.jobs.orders import Quality
from contract.plan import Scope
from dynvfx.request import Inversion, Request
from dynvfx.sampling.steps import Sampled

if TYPE_CHECKING:
    from dynvfx.backbones.base import Backbone

FULL_FRAME_KEEP_FOREGROUND = 0.10
"""Keep probability on source objects for full-frame content (METHOD 1.5)."""


@dataclass(frozen=True)
class Preset:
    """The part of a request that quality decides. `levels` are wishes; the model's nearest timesteps are taken.

    `preview_every` decodes the unfinished clip every so many steps; it costs time and never changes the result.
    """

    levels: tuple[int, ...]
    steps: int
    guidance: float
    inversion: Inversion
    inversion_steps: int
    anchors_until: int
    keep_foreground: float
    keep_background: float
    mask_reach: int
    coverage: float
    secondary: float
    preview_every: int

    def snapped(self, backbone: Sampled) -> tuple[int, ...]:
        """`levels` as timesteps of the model, falling, each once."""
        return self.snapped_levels(self.levels, backbone)

    def snapped_levels(self, levels: Sequence[int], backbone: Sampled) -> tuple[int, ...]:
        """Other wishes in the place of `levels`."""
        timesteps = backbone.timesteps(self.steps)
        near = {min(timesteps, key=lambda t, level=level: (abs(t - level), t)) for level in levels}
        return tuple(sorted(near, reverse=True))

    def request(self, backbone: Sampled, **shot: Any) -> Request:
        """The request of this quality; `shot` holds the fields of Request that quality does not decide."""
        return Request(
            levels=self.snapped(backbone),
            steps=self.steps,
            guidance=self.guidance,
            anchors_until=self.anchors_until,
            keep_foreground=self.keep_foreground,
            keep_background=self.keep_background,
            inversion=self.inversion,
            inversion_steps=self.inversion_steps,
            mask_reach=self.mask_reach,
            coverage=self.coverage,
            secondary=self.secondary,
            **shot,
        )

    def for_scope(self, scope: Scope) -> Preset:
        """The preset for full-frame content keeps less of what stands in front."""
        if scope == "object":
            return self
        return replace(self, keep_foreground=min(self.keep_foreground, FULL_FRAME_KEEP_FOREGROUND))


# METHOD 1.3 and 1.4: the paper's six levels; 29 forwards of the log-SNR solver; `reference` is the recipe of 250 steps.
_LARGE = Preset(
    levels=(899, 779, 679, 579, 479, 379),
    steps=50,
    guidance=6.0,
    inversion="log_snr",
    inversion_steps=29,
    anchors_until=619,
    keep_foreground=0.7,
    keep_background=0.05,
    mask_reach=0,
    coverage=0.25,
    secondary=1.0,
    preview_every=15,
)
# A grid of so few tokens needs a larger share of them as anchors, masks united over neighbouring latent frames, and
# every cell that the object's edge touches. What it changes around the object is mostly its codec's error.
_TINY = replace(
    _LARGE,
    levels=(919, 799, 679, 559, 439),
    guidance=3.0,
    keep_background=0.15,
    mask_reach=1,
    coverage=0.04,
    secondary=0.0,
    preview_every=0,
)

PRESETS: dict[str, dict[Quality, Preset]] = {
    "large": {
        "draft": replace(_LARGE, levels=(899, 699, 499), steps=25, inversion_steps=15, preview_every=10),
        "standard": _LARGE,
        "reference": replace(_LARGE, inversion="reference", inversion_steps=250),
    },
    "tiny": {
        "draft": replace(_TINY, levels=(919, 679, 439), steps=25, inversion_steps=15),
        "standard": _TINY,
        "reference": replace(_TINY, inversion="reference", inversion_steps=250),
    },
}


def preset_for(backbone: Backbone, quality: Quality) -> Preset:
    """The preset of a quality for a model: the shipped one has its own."""
    return PRESETS["tiny" if backbone.vocabulary is not None else "large"][quality]
