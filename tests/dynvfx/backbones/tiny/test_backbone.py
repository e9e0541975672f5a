"""The shipped model: opens, keeps the contract of a backbone, and reports what is wrong with damaged weights."""

import json
import shutil

import numpy as np
import pytest
import torch

from dynvfx.backbones.loading import open_backbone
from dynvfx.backbones.tiny.backbone import PARTS, TinyBackbone
from dynvfx.backbones.tiny.family import WEIGHTS
from dynvfx.backbones.tiny.phrases import VOCABULARY
from dynvfx.errors import ModelUnavailable
from dynvfx.training.shots import Footage, make_pair


@pytest.fixture(scope="module")
def backbone():
    return open_backbone("tiny")


def _clip(phrase, frames=9, height=96, width=160, seed=3):
    """A rendered pair on a smooth plate that no training set holds."""
    y, x = np.mgrid[0:240, 0:360]
    photo = np.stack([90 + x // 4, 110 + y // 4, 140 - x // 8], -1).astype(np.uint8)
    return make_pair(np.random.default_rng(seed), Footage([photo], []), frames, height, width, phrase)


def test_shipped_files_stay_small_and_come_with_their_card():
    size = sum(path.stat().st_size for path in WEIGHTS.rglob("*") if path.is_file())
    assert size < 40e6
    assert (WEIGHTS / "MODEL_CARD.md").exists()
    assert (WEIGHTS / "SOURCES.tsv").read_text(encoding="utf-8").count("\n") > 100


def test_the_codec_keeps_a_picture(backbone):
    frames = torch.from_numpy(_clip("red ball").composite)
    latents = backbone.encode(frames)
    assert latents.shape == (3, 48, 12, 20)
    error = (backbone.decode(latents).float() - frames.float()).square().mean()
    assert 10 * torch.log10(255**2 / error) > 26


@pytest.mark.parametrize(("frames", "height", "width"), [(17, 96, 160), (9, 160, 96), (1, 120, 128)])
def test_prediction_has_the_shape_of_the_latents(backbone, frames, height, width):
    latents = backbone.encode(torch.zeros(frames, height, width, 3, dtype=torch.uint8))
    text = backbone.encode_text(["a red ball"])[0]
    assert backbone.predict(latents, 500, text).shape == latents.shape


def test_captions_with_the_same_meaning_are_the_same_to_the_model(backbone):
    first, second, other = backbone.encode_text(
        ["The scene with a red ball.", "RED BALL, rolling along", "The scene with a fire."]
    )
    assert torch.equal(first, second)
    assert not torch.allclose(first, other)


def test_one_guided_estimate_already_shows_the_named_colour(backbone):
    """The estimate of the clean clip at a high noise level leans to red for a red ball, to blue for a blue one."""
    source = backbone.encode(torch.full((1, 96, 160, 3), 120, dtype=torch.uint8))
    noise = torch.randn(source.shape, generator=torch.Generator().manual_seed(0))
    noisy = backbone.schedule.add_noise(source, noise, 799)

    def shown(caption):
        estimate = backbone.schedule.to_clean(
            noisy, 799, backbone.predict(noisy, 799, backbone.encode_text([caption])[0])
        )
        return backbone.decode(estimate).float().mean((0, 1, 2))

    red, blue = shown("a large red ball"), shown("a large blue ball")
    assert red[0] - red[2] > blue[0] - blue[2] + 5


def test_the_vocabulary_is_the_family_s(backbone):
    assert backbone.family.vocabulary == VOCABULARY


@pytest.mark.parametrize("part", PARTS)
def test_a_missing_part_is_named(tmp_path, part):
    folder = tmp_path / "tiny"
    shutil.copytree(WEIGHTS, folder)
    target = folder / part
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    with pytest.raises(ModelUnavailable, match=part):
        TinyBackbone(folder)


def test_damaged_weights_are_refused(tmp_path):
    folder = tmp_path / "tiny"
    shutil.copytree(WEIGHTS, folder)
    (folder / "transformer" / "config.json").write_text(json.dumps({"_class_name": "x"})[:-4])
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        TinyBackbone(folder)
