"""The linear codec: frame rule, orthogonality, and which latent frame sees which pixels."""

import torch

from dynvfx.backbones.tiny.linear_codec import BLOCK, LinearCodec, from_blocks, to_blocks


def _codec(channels: int = BLOCK) -> LinearCodec:
    """An orthonormal basis; all 768 channels lose nothing."""
    codec = LinearCodec(channels)
    basis = torch.linalg.qr(torch.randn(BLOCK, BLOCK, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))[
        0
    ]
    codec.basis.copy_(basis[:channels])
    codec.scale.copy_(torch.linspace(0.5, 2, channels))
    return codec.requires_grad_(False)


def _frames(count: int, height: int = 16, width: int = 24) -> torch.Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_blocks_are_a_rearrangement():
    frames = _frames(9)
    assert torch.equal(from_blocks(to_blocks(frames)), frames)


def test_a_full_basis_gives_the_frames_back():
    frames = _frames(5)
    codec = _codec()
    assert codec.encode(frames).shape == (2, BLOCK, 2, 3)
    assert torch.allclose(codec.decode_linear(codec.encode(frames)), frames, atol=1e-4)


def test_a_single_frame_is_one_latent_frame():
    codec = _codec(16)
    latents = codec.encode(_frames(1))
    assert latents.shape == (1, 16, 2, 3)
    assert codec.decode(latents).shape == (1, 3, 16, 24)


def test_latent_frame_j_sees_pixel_frames_4j_minus_3_to_4j():
    codec, frames = _codec(32), _frames(9)
    before = codec.encode(frames)
    for pixel, latent in ((0, 0), (1, 1), (4, 1), (5, 2), (8, 2)):
        changed = frames.clone()
        changed[pixel] += 0.5
        moved = (codec.encode(changed) - before).abs().flatten(1).amax(1) > 1e-4
        assert moved.nonzero().flatten().tolist() == [latent]


def test_a_fresh_deblocker_changes_nothing():
    codec = _codec(16)
    latents = codec.encode(_frames(5))
    assert torch.equal(codec.deblocker(codec.decode_linear(latents)), codec.decode_linear(latents))
