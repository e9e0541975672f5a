"""What a job would need, before it is submitted: forwards by counting, seconds and memory from what was measured here.

Imports no torch: the service answers this while a worker is at something else.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from backend.service.model_list import folder_of
from bridge.wire.messages import Estimate, Estimated
from contract.errors import BadUsage
from contract.plan import Plan
from contract.take import Take
from dynvfx.backbones.families import family_named, family_of_folder
from dynvfx.backbones.family import Family
from dynvfx.errors import ModelUnavailable
from dynvfx.geometry import Geometry, GeometryRules
from dynvfx.progress.workload import Workload
from dynvfx.request import Request
from dynvfx.sampling.steps import inversion_forwards

STATE_BYTES = 100_000_000
"""Room for the engine's states and for the small files of a job."""
BYTES_PER_PIXEL = 6
"""Of one take at native size: master with alpha, composite, matte and host layers, losslessly compressed (measured)."""
RECENT = 20
"""So many of the newest takes say how fast the machine is."""

_ANY_PLAN = Plan(instruction="any", source_caption="any", composite_caption="any", target_object="any")


@dataclass(frozen=True)
class Work:
    """Forwards that all takes share (the clip's inversion) and those of each take, without retries."""

    shared: int
    each: int

    def of(self, takes: int) -> int:
        """Forwards of a job."""
        return self.shared + takes * self.each


def estimate(wanted: Estimate, history: Iterable[Take]) -> Estimated:
    """Raises BadUsage, and from the model's rules ClipTooLong, BadRequest and ModelUnavailable."""
    if wanted.takes < 1:
        raise BadUsage(f"{wanted.takes} takes were asked for.", remedy="Ask for one or more.")
    geometry = rules_of(wanted.model).choose(wanted.width, wanted.height, wanted.frames, _rate(wanted.rate))
    work = work_of(preset_request(wanted.model, wanted.quality, geometry))
    alike = [take for take in history if take.request.get("model") == wanted.model and sum(take.forwards.values())]
    alike = alike[-RECENT:]
    seconds, memory = None, None
    if alike:
        seconds = statistics.median(_pace(take) for take in alike) * work.of(wanted.takes) * _size(geometry)
        memory = max(take.peak_memory or 0 for take in alike) or None
    pixels = wanted.width * wanted.height * wanted.frames
    return Estimated(
        forwards=work.of(wanted.takes),
        seconds=seconds,
        memory_bytes=memory,
        disk_bytes=STATE_BYTES + wanted.takes * pixels * BYTES_PER_PIXEL,
        model_frames=geometry.frames,
        model_width=geometry.width,
        model_height=geometry.height,
        model_rate=str(geometry.rate),
    )


def family_of(model: str) -> Family:
    """The family of a model, by its name or by its folder on this machine. Raises ModelUnavailable."""
    family = family_named(model)
    if family is not None:
        return family
    folder = folder_of(model)
    if folder is None:
        raise _not_here(model)
    return family_of_folder(folder)


def rules_of(model: str) -> GeometryRules:
    """What a model sees at once. Raises ModelUnavailable."""
    family = family_of(model)
    rules = family.rules(model, family.shipped or folder_of(model))
    if rules is None:
        raise _not_here(model)
    return rules


def preset_request(model: str, quality: str, geometry: Geometry) -> Request:
    """A request of this quality, as far as counting goes. Raises BadUsage, ModelUnavailable."""
    family = family_of(model)
    preset = next((preset for name, preset in family.presets.items() if name == quality), None)
    if preset is None:
        raise BadUsage(f"There is no quality {quality!r}.", remedy=f"Choose one of {', '.join(family.presets)}.")
    shot = {"source": "", "plan": _ANY_PLAN, "model": model, "seed": 0, "segmenter": family.segmenter}
    return preset.request(family.grid, geometry=geometry, **shot)


def work_of(request: Request) -> Work:
    """The forwards of a request, counted as the engine makes them. Raises ModelUnavailable."""
    family = family_of(request.model)
    workload = Workload(request, family.grid.timesteps(request.steps))
    shared = inversion_forwards(request, family.grid, family.trajectory_top)
    return Work(shared=shared, each=workload.after(0)["forward"])


def _not_here(model: str) -> ModelUnavailable:
    return ModelUnavailable(
        f"{model} is not on this machine.", "What it sees at once is known when it is here.", "Fetch the model first."
    )


def _pace(take: Take) -> float:
    """Seconds a forward and model pixel, all that a take needs beside its forwards included."""
    return sum(take.seconds.values()) / (sum(take.forwards.values()) * _size(Request.from_dict(take.request).geometry))


def _size(geometry: Geometry) -> float:
    return geometry.frames * geometry.width * geometry.height


def _rate(text: str) -> Fraction:
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise BadUsage(f"{text!r} is not a rate.", remedy='Give it like "24" or "24000/1001".') from error
    if rate <= 0:
        raise BadUsage(f"{text!r} is not a rate.", remedy="A rate is above zero.")
    return rate
