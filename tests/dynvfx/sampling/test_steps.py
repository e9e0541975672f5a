"""Counting without torch agrees with the models' own schedules."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from contract.plan import Plan
from dynvfx.backbones.cogvideox.backbone import CogVideoXBackbone
from dynvfx.backbones.cogvideox.rules import rules_of_folder
from dynvfx.backbones.families import FAMILIES
from dynvfx.backbones.family import Family
from dynvfx.backbones.tiny.family import RULES
from dynvfx.errors import ModelUnavailable
from dynvfx.sampling.inversion import choose_recipe
from dynvfx.sampling.steps import TrailingGrid, inversion_forwards
from dynvfx.sampling.variance_preserving import VariancePreservingSchedule
from tests.checkpoints import build_cogvideox
from tests.dynvfx.doubles import SmallBackbone


@pytest.mark.parametrize("steps", [1, 7, 15, 25, 29, 30, 50, 250, 999, 1000])
def test_the_timesteps_are_the_schedulers(steps: int):
    assert TrailingGrid(1000).timesteps(steps) == VariancePreservingSchedule().timesteps(steps)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@pytest.mark.parametrize("quality", ["draft", "standard", "reference"])
def test_inversions_are_counted_as_they_are_made(family: Family, quality: str):
    plan = Plan(
        instruction="add a ball",
        source_caption="a street",
        composite_caption="a street with a ball",
        target_object="ball",
    )
    shot = {"source": "", "plan": plan, "model": "", "seed": 0, "segmenter": ""}
    geometry = RULES.choose(48, 32, 9, Fraction(8))
    request = family.presets[quality].request(family.grid, geometry=geometry, **shot)
    backbone = SmallBackbone()
    backbone.family = family
    counted = inversion_forwards(request, family.grid, family.trajectory_top)
    assert counted == choose_recipe(request, backbone).forwards


def test_the_window_of_a_folder_is_that_of_its_model(tmp_path: Path):
    folder = build_cogvideox(tmp_path / "model")
    assert rules_of_folder(folder) == CogVideoXBackbone(folder).rules


def test_a_folder_without_a_model_is_refused(tmp_path: Path):
    with pytest.raises(ModelUnavailable):
        rules_of_folder(tmp_path)


def test_the_shipped_models_window_fits_its_codec():
    from dynvfx.backbones.tiny.linear_codec import SPATIAL, TEMPORAL

    assert (RULES.frame_step, RULES.size_multiple) == (TEMPORAL, SPATIAL)
