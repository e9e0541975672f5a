"""The models on a stand-in for an Apple GPU: the same numbers as on the processor, and no operation that it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from dynvfx.attention import scaled_dot_product
from dynvfx.attention.anchors import AnchorPass, AnchorRule
from dynvfx.backbones.base import Backbone
from dynvfx.backbones.loading import open_backbone
from dynvfx.edits.add import generate
from dynvfx.progress.events import Outcome
from tests.checkpoints import build_cogvideox
from tests.dynvfx.apple_gpu import apple_gpu
from tests.dynvfx.doubles import ScriptedSegmenter, box, clip, request
from tests.dynvfx.memory_store import MemoryStore

FRAMES = clip(0, (9, 16, 32))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_cogvideox(tmp_path_factory.mktemp("model") / "CogVideoX-5b")


@pytest.fixture(scope="module")
def newer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_cogvideox(tmp_path_factory.mktemp("model") / "CogVideoX1.5-5B", newer=True)


def passes(backbone: Backbone) -> dict[str, torch.Tensor]:
    """What a backbone makes of a clip and a prompt, by all its methods."""
    text = backbone.track_camera(backbone.encode_text(["a diver in the sea"])[0].cpu(), FRAMES)
    latents = backbone.encode(FRAMES).to("cpu", torch.float32)
    frames, _, height, width = latents.shape
    tokens = torch.zeros(frames // backbone.patch_frames, height // backbone.patch, width // backbone.patch).bool()
    tokens[:, 0, 0] = True
    anchors = AnchorPass(AnchorRule("anchor", tokens), (1, 0, 0, 899))
    return {
        "text": text,
        "latents": latents,
        "plain": backbone.predict(latents, 599, text),
        "source": backbone.predict(latents, 899, text, anchors),
        "composite": backbone.predict(latents + 0.1, 899, text, anchors.replay()),
        "frames": backbone.decode(latents).float(),
    }


@pytest.mark.parametrize("model", ["tiny", "folder", "newer_folder"])
def test_the_same_numbers_as_on_the_processor(
    model: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
):
    # The attention comes in parts even at this size.
    monkeypatch.setattr(scaled_dot_product, "LARGEST_SCORES", 1 << 16)
    model = str(request.getfixturevalue(model)) if model != "tiny" else model
    monkeypatch.setattr("dynvfx.backbones.tiny.backbone._dtype", lambda device: torch.float32)
    expected = passes(open_backbone(model, "cpu"))
    with apple_gpu(formats=[torch.bfloat16]):
        backbone = open_backbone(model)
        assert backbone.device.type == "mps"
        found = passes(backbone)
        assert {each.device.type for each in found.values()} == {"cpu"}
    for part, numbers in expected.items():
        assert torch.allclose(found[part], numbers, atol=1e-4), part


def test_weights_are_bfloat16_where_the_gpu_has_it(folder: Path):
    with apple_gpu():
        backbone = open_backbone(str(folder))
        assert {backbone.transformer.dtype, backbone.vae.dtype} == {torch.bfloat16}
        assert backbone.vae.device.type == "mps"
        text = backbone.encode_text(["a diver"])[0]
        assert backbone.predict(torch.zeros(3, 16, 2, 4), 599, text).isfinite().all()
        assert backbone.transformer.device.type == "mps" and ":mps:" in backbone.identity


def test_a_vae_that_the_gpu_cannot_run_works_on_the_processor(folder: Path):
    with apple_gpu(operations=["upsample_nearest2d"]):
        backbone = open_backbone(str(folder))
        assert backbone.vae.device.type == "cpu" and backbone.vae.dtype == torch.float32
        latents = backbone.encode(FRAMES)
        assert backbone.decode(latents).shape == FRAMES.shape
        assert backbone.predict(latents, 599, torch.zeros(226, 16)).device.type == "cpu"
        assert backbone.transformer.device.type == "mps"


@pytest.mark.slow
def test_a_whole_take(folder: Path):
    source = clip(0, (9, 16, 32))

    def answer(frames: torch.Tensor, phrase: str, call: int) -> torch.Tensor:
        is_source = phrase != "diver" and torch.equal(frames, source)
        return box(frames, 0, 0, 0, 0) if is_source else box(frames, 0, 0, 16, 16)

    wanted = request(source, levels=(599,), steps=5, anchors_until=500, inversion_steps=4, seed=1)
    segmenter = ScriptedSegmenter(answer)
    with apple_gpu():
        *_, outcome = generate(wanted, source, open_backbone(str(folder)), segmenter, MemoryStore())
    assert isinstance(outcome, Outcome) and outcome.frames.shape == source.shape


def test_a_small_memory_makes_the_vae_work_in_tiles(folder: Path):
    """The transformer cannot wait elsewhere: the GPU's memory is the machine's."""
    latents = torch.zeros(2, 16, 2, 4)
    with apple_gpu(memory=1_000_000):
        backbone = open_backbone(str(folder))
        backbone.decode(latents)
        assert backbone.vae.use_tiling
    with apple_gpu():
        backbone = open_backbone(str(folder))
        backbone.decode(latents)
        assert not backbone.vae.use_tiling
        backbone.use_small_footprint()
        assert backbone.vae.use_tiling
