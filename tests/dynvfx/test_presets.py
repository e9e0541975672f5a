"""The presets of every family fall on its sampling timesteps."""

from __future__ import annotations

import pytest

from contract.job import QUALITIES
from dynvfx.backbones.cogvideox.family import COGVIDEOX
from dynvfx.backbones.families import FAMILIES
from dynvfx.backbones.family import Family


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@pytest.mark.parametrize("quality", QUALITIES)
def test_every_level_is_a_sampling_timestep_and_they_fall(family: Family, quality: str):
    preset = family.presets[quality]
    levels = preset.snapped(family.grid)
    assert len(levels) == len(preset.levels), "two levels fell on the same timestep"
    assert list(levels) == sorted(levels, reverse=True)
    assert set(levels) <= set(family.grid.timesteps(preset.steps))
    assert max(abs(a - b) for a, b in zip(levels, preset.levels, strict=True)) <= 500 / preset.steps


def test_standard_is_the_paper_s_recipe():
    preset = COGVIDEOX.presets["standard"]
    assert preset.snapped(COGVIDEOX.grid) == (899, 779, 679, 579, 479, 379)
    assert (preset.steps, preset.guidance, preset.anchors_until) == (50, 6.0, 619)
    assert (preset.keep_foreground, preset.keep_background) == (0.7, 0.05)
    assert preset.for_scope("full_frame").keep_foreground == 0.1
    assert preset.for_scope("object") == preset
