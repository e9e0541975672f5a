from __future__ import annotations

import pytest

from backend.jobs.orders import QUALITIES
from backend.jobs.presets import PRESETS, preset_for
from dynvfx.backbones.base import Backbone
from tests.dynvfx.doubles import SmallBackbone


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return SmallBackbone()


@pytest.mark.parametrize("family", PRESETS)
@pytest.mark.parametrize("quality", QUALITIES)
def test_every_level_is_a_sampling_timestep_and_they_fall(family: str, quality: str, backbone: Backbone):
    preset = PRESETS[family][quality]
    levels = preset.snapped(backbone)
    assert len(levels) == len(preset.levels), "two wishes fell on the same timestep"
    assert list(levels) == sorted(levels, reverse=True)
    assert set(levels) <= set(backbone.timesteps(preset.steps))
    assert max(abs(a - b) for a, b in zip(levels, preset.levels, strict=True)) <= 500 / preset.steps


def test_standard_is_the_paper_s_recipe(backbone: Backbone):
    preset = preset_for(backbone, "standard")
    assert preset.snapped(backbone) == (899, 779, 679, 579, 479, 379)
    assert (preset.steps, preset.guidance, preset.anchors_until) == (50, 6.0, 619)
    assert (preset.keep_foreground, preset.keep_background) == (0.7, 0.05)
    assert preset.for_scope("full_frame").keep_foreground == 0.1
    assert preset.for_scope("object") == preset


def test_a_model_with_a_vocabulary_has_its_own(backbone: Backbone):
    class Knowing(SmallBackbone):
        vocabulary = ("fire",)

    assert preset_for(Knowing(), "standard") is PRESETS["tiny"]["standard"]
