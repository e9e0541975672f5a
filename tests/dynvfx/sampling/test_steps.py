"""Counting without torch agrees with the models' own schedules."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from backend.jobs.presets import PRESETS
from contract.plan import Plan
from dynvfx.backbones.cogvideox.backbone import CogVideoXBackbone
from dynvfx.backbones.rules import TINY_RULES, rules_of_folder
from dynvfx.errors import ModelUnavailable
from dynvfx.sampling.inversion import choose_recipe
from dynvfx.sampling.schedule import Schedule
from dynvfx.sampling.steps import Trailing, inversion_forwards
from tests.checkpoints import build_cogvideox
from tests.dynvfx.doubles import SmallBackbone


@pytest.mark.parametrize("steps", [1, 7, 15, 25, 29, 30, 50, 250, 999, 1000])
def test_the_timesteps_are_the_schedulers(steps: int):
    assert Trailing().timesteps(steps) == Schedule().timesteps(steps)


@pytest.mark.parametrize("family", sorted(PRESETS))
@pytest.mark.parametrize("quality", ["draft", "standard", "reference"])
def test_inversions_are_counted_as_they_are_made(family: str, quality: str):
    plan = Plan(
        instruction="add a ball",
        source_caption="a street",
        composite_caption="a street with a ball",
        target_object="ball",
    )
    request = PRESETS[family][quality].request(
        Trailing(), source="", plan=plan, model="", seed=0, geometry=TINY_RULES.choose(48, 32, 9, Fraction(8))
    )
    assert inversion_forwards(request, Trailing()) == choose_recipe(request, SmallBackbone()).forwards


def test_the_window_of_a_folder_is_that_of_its_model(tmp_path: Path):
    folder = build_cogvideox(tmp_path / "model")
    assert rules_of_folder(folder) == CogVideoXBackbone(folder).rules


def test_a_folder_without_a_model_is_refused(tmp_path: Path):
    with pytest.raises(ModelUnavailable):
        rules_of_folder(tmp_path)


def test_the_shipped_models_window_fits_its_codec():
    from dynvfx.backbones.tiny.linear_codec import SPATIAL, TEMPORAL

    assert (TINY_RULES.frame_step, TINY_RULES.size_multiple) == (TEMPORAL, SPATIAL)
