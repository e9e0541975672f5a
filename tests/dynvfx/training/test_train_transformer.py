"""The trainer: batched anchors against the engine's own, captions from mattes, and a state that continues."""

import numpy as np
import pytest
import torch

from dynvfx.attention.anchors import AnchorPass, AnchorRule
from dynvfx.backbones.cogvideox.transformer import CogVideoXDenoiser
from dynvfx.backbones.tiny.backbone import TinyBackbone
from dynvfx.backbones.tiny.family import WEIGHTS
from dynvfx.backbones.tiny.linear_codec import LinearCodec
from dynvfx.backbones.tiny.phrases import VOCABULARY
from dynvfx.backbones.tiny.placement_map import NOWHERE, placement_map
from dynvfx.sampling.variance_preserving import VariancePreservingSchedule
from dynvfx.training import pool as pools
from dynvfx.training import train_transformer as training
from dynvfx.training.model import build_tokenizer
from dynvfx.training.shots import Footage


@pytest.fixture
def pool(tmp_path, monkeypatch):
    """One shard of a few pairs."""
    monkeypatch.setattr(pools, "CLIPS_A_SHARD", 4)
    monkeypatch.setattr(training, "BATCH", {frames: 2 for frames in training.BATCH})
    codec = LinearCodec()
    codec.basis.copy_(torch.linalg.qr(torch.randn(768, 48))[0].T)
    photos = [np.random.default_rng(0).integers(0, 255, (240, 360, 3)).astype(np.uint8)]
    with torch.no_grad():
        pools.fill(tmp_path / "pool", Footage(photos, []), codec, first=0, step=1, count=1)
    return pools.Pool(tmp_path / "pool")


class _Denoiser(TinyBackbone):
    """The denoising half alone, on the trainer's weights."""

    __init__ = CogVideoXDenoiser.__init__
    predict = CogVideoXDenoiser.predict


def _trainer(pool, tmp_path):
    return training.Trainer(pool, tmp_path / "state.pt", minutes=60, learning_rate=1e-3, seed=0)


def test_all_words_of_all_captions_are_in_the_tokenizer():
    tokenizer = build_tokenizer()
    for phrase in ("", "empty scene", *(content.phrase for content in VOCABULARY)):
        tokens = tokenizer(phrase).input_ids
        assert tokenizer.unk_token_id not in tokens
        assert len(tokens) <= training.TEXT_LENGTH


def test_placements_are_the_place_of_the_matte():
    matte = torch.zeros(2, 12, 20)
    matte[:, 1:5, 15:19] = 1
    for present, x, y, diameter in training.placement_of("red ball", matte).tolist():
        assert (present, x, y) == pytest.approx((1, 17 / 20, 3 / 12))
        assert diameter == pytest.approx(2 * (16 / np.pi) ** 0.5 / 12)
    nowhere = torch.tensor([NOWHERE, NOWHERE])
    assert torch.equal(training.placement_of("snow", matte), nowhere)
    assert torch.equal(training.placement_of("red ball", torch.zeros(2, 12, 20)), nowhere)


def test_placements_go_with_the_matte_and_past_what_hides_it():
    matte = torch.zeros(5, 12, 20)
    for frame in range(5):
        matte[frame, 4:8, 3 + 2 * frame : 7 + 2 * frame] = 1
    matte[2, 4:8, 7:10] = 0
    places = training.placement_of("red ball", matte)
    assert places[:, 1].tolist() == pytest.approx([(5 + 2 * frame) / 20 for frame in range(5)])
    assert places[:, 2].tolist() == pytest.approx([0.5] * 5)


def test_the_map_peaks_at_the_centre_and_is_empty_without_content():
    placed = [[1.0, 0.525, 0.5417, 0.4], [1.0, 0.625, 0.5417, 0.4]]
    channels = placement_map(torch.tensor([placed, [[0.0] * 4] * 2]), 12, 20)
    assert channels.shape == (2, 2, 3, 12, 20)
    assert divmod(int(channels[0, 0, 0].argmax()), 20) == (6, 10)
    assert divmod(int(channels[0, 1, 0].argmax()), 20) == (6, 12)
    assert channels[0, 0, 1, 6, 11] > 0 > channels[0, 0, 1, 6, 9]
    assert not channels[1].any()


def test_a_step_changes_the_weights_and_the_state_continues(pool, tmp_path):
    trainer = _trainer(pool, tmp_path)
    before = [p.detach().clone() for p in trainer.parameters]
    trainer.plan_step = lambda: (1, True)
    value, _, _ = trainer.step()
    assert np.isfinite(value)
    assert any(not torch.equal(a, b) for a, b in zip(before, trainer.parameters, strict=True))
    trainer.save()
    again = _trainer(pool, tmp_path)
    assert again.step_count == 1
    assert all(torch.equal(a, b) for a, b in zip(trainer.parameters, again.parameters, strict=True))


def test_batched_anchors_equal_the_engines(pool, tmp_path):
    """With every cell kept, the trainer's extended attention is the engine's mode "full"."""
    trainer = _trainer(pool, tmp_path)
    torch.nn.init.normal_(trainer.transformer.proj_out.weight, std=0.1)
    trainer.working = trainer.working.float()
    trainer.sync()
    generator = torch.Generator().manual_seed(0)
    source, sample = (torch.randn(1, 2, 51, 4, 6, generator=generator) for _ in range(2))
    text, timesteps = torch.randn(1, 6, 64, generator=generator), torch.tensor([700])
    table = training.rotary(64, 2, 4, 6)

    def forward(latents):
        return trainer.working(latents, text, timesteps, image_rotary_emb=table, return_dict=False)[0]

    with torch.no_grad():
        trainer.rows.mode = "record"
        forward(source)
        trainer.rows.keep, trainer.rows.most, trainer.rows.mode = torch.ones(1, 2, 4, 6), 48, "extend"
        batched = forward(sample)
        backbone = _Denoiser(trainer.transformer, VariancePreservingSchedule(), rotary_grid="integer")
        record = AnchorPass(AnchorRule("full", torch.zeros(2, 4, 6, dtype=torch.bool)), (0,))
        backbone.predict(source[0], 700, text[0], record)
        own = backbone.predict(sample[0], 700, text[0], record.replay())
    assert torch.allclose(batched[0], own, atol=2e-4)


def test_training_can_begin_at_the_shipped_weights(pool, tmp_path):
    trainer = training.Trainer(pool, tmp_path / "none.pt", minutes=60, learning_rate=1e-3, seed=0, start=WEIGHTS)
    shipped = TinyBackbone().transformer.state_dict()
    for name, value in trainer.transformer.state_dict().items():
        assert torch.allclose(value, shipped[name].float(), atol=1e-2), name
