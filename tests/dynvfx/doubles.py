"""Small stand-ins for the method's partners: a random but true CogVideoX transformer with a pooling codec, and a
segmenter that answers from a script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import torch
from diffusers import CogVideoXTransformer3DModel

from contract.plan import Plan
from dynvfx.attention.anchors import AnchorPass
from dynvfx.backbones.cogvideox.family import COGVIDEOX
from dynvfx.backbones.cogvideox.transformer import CogVideoXDenoiser
from dynvfx.geometry import Geometry, GeometryRules
from dynvfx.request import Request
from dynvfx.sampling.variance_preserving import VariancePreservingSchedule
from dynvfx.segmentation.base import Segmenter
from dynvfx.state.keys import clip_digest

WORDS, WIDTH, CHANNELS = 5, 8, 4
SHAPE = (9, 16, 24)
"""Frames, height and width of the usual test clip: latents [3, 4, 4, 6], tokens [3, 2, 3]."""


def small_transformer(seed: int = 0, **changes: object) -> CogVideoXTransformer3DModel:
    """A random transformer of about 5,000 parameters whose attention is far from uniform."""
    config = {
        "num_attention_heads": 2,
        "attention_head_dim": 16,
        "in_channels": CHANNELS,
        "out_channels": CHANNELS,
        "time_embed_dim": 8,
        "text_embed_dim": WIDTH,
        "num_layers": 2,
        "sample_width": 6,
        "sample_height": 4,
        "sample_frames": 9,
        "patch_size": 2,
        "max_text_seq_length": WORDS,
        "use_rotary_positional_embeddings": True,
    }
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        transformer = CogVideoXTransformer3DModel(**{**config, **changes})
        for block in transformer.transformer_blocks:
            # Normalised queries and keys give nearly uniform attention unless their gains differ.
            torch.nn.init.normal_(block.attn1.norm_q.weight, std=2.0)
            torch.nn.init.normal_(block.attn1.norm_k.weight, std=2.0)
    return transformer


class SmallBackbone(CogVideoXDenoiser):
    """True transformer and schedule; the codec averages 4x4 pixels, the text encoder hashes words. Counts its calls."""

    family = COGVIDEOX

    def __init__(self, seed: int = 0, **changes: object) -> None:
        super().__init__(small_transformer(seed, **changes), VariancePreservingSchedule())
        self.name = f"small-{seed}"
        self.licence = "none"
        self.rules = GeometryRules(4, 1, 49, 8, SHAPE[1] * SHAPE[2], Fraction(8))
        self.temporal_ratio = self.spatial_ratio = 4
        self.calls: list[tuple[float, str]] = []
        self.encoded_texts: list[str] = []
        self.encodes = self.decodes = 0

    def encode_text(self, prompts: Sequence[str]) -> list[torch.Tensor]:
        self.encoded_texts.extend(prompts)
        return [
            torch.randn(WORDS, WIDTH, generator=torch.Generator().manual_seed(sum(prompt.encode())))
            for prompt in prompts
        ]

    def encode(self, frames: torch.Tensor) -> torch.Tensor:
        self.encodes += 1
        pixels = frames.permute(0, 3, 1, 2).float() / 127.5 - 1.0
        cells = torch.nn.functional.avg_pool2d(pixels, 4)
        cells = torch.cat((cells[:1], cells[1:].unflatten(0, (-1, 4)).mean(dim=1)))
        return torch.cat((cells, cells.mean(dim=1, keepdim=True)), dim=1)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        self.decodes += 1
        cells = torch.cat((latents[:1], latents[1:].repeat_interleave(4, dim=0)))[:, :3]
        pixels = cells.repeat_interleave(4, dim=2).repeat_interleave(4, dim=3).permute(0, 2, 3, 1)
        return ((pixels.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)

    def predict(
        self, latents: torch.Tensor, timestep: float, text: torch.Tensor, anchors: AnchorPass | None = None
    ) -> torch.Tensor:
        row = "plain" if anchors is None else "record" if anchors.recording else "extend"
        self.calls.append((timestep, row))
        return super().predict(latents, timestep, text, anchors)


class CountingBackbone(SmallBackbone):
    """Predictions that cost nothing, for tests that only count forwards."""

    def predict(
        self, latents: torch.Tensor, timestep: float, text: torch.Tensor, anchors: AnchorPass | None = None
    ) -> torch.Tensor:
        row = "plain" if anchors is None else "record" if anchors.recording else "extend"
        self.calls.append((timestep, row))
        return 0.1 * latents


Answer = Callable[[torch.Tensor, str, int], torch.Tensor]


class ScriptedSegmenter(Segmenter):
    """Answers by `answer(frames, phrase, call)` with a mask [F, H, W]; `call` counts calls of `segment` from 0."""

    name = "scripted"

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.calls = 0

    def segment(self, frames: torch.Tensor, phrases: Sequence[str]) -> torch.Tensor:
        call, self.calls = self.calls, self.calls + 1
        return torch.stack([self._answer(frames, phrase, call).float() for phrase in phrases])


def box(frames: torch.Tensor, left: int, top: int, right: int, bottom: int) -> torch.Tensor:
    """A mask [F, H, W] that is 1 in the same box of every frame."""
    mask = torch.zeros(frames.shape[:3])
    mask[:, top:bottom, left:right] = 1.0
    return mask


def whale_segmenter(source: torch.Tensor) -> ScriptedSegmenter:
    """Finds a diver at the left of any clip, and a whale at the right of any clip but the source."""

    def answer(frames: torch.Tensor, phrase: str, call: int) -> torch.Tensor:
        if phrase == "diver":
            return box(frames, 0, 4, 8, 16)
        return box(frames, 0, 0, 0, 0) if torch.equal(frames, source) else box(frames, 12, 0, 24, 12)

    return ScriptedSegmenter(answer)


def clip(seed: int = 0, shape: tuple[int, int, int] = SHAPE) -> torch.Tensor:
    """A random clip uint8 [F, H, W, 3]."""
    return torch.randint(0, 256, (*shape, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


PLAN = Plan(
    instruction="add a whale",
    source_caption="a diver in the sea",
    vfx_conversation="",
    composite_caption="a diver and a whale in the sea",
    source_objects=("diver",),
    target_object="whale",
)


def request(source: torch.Tensor, **changes: object) -> Request:
    """A quick request for `source`: ten steps, two levels, anchors in the first three steps of the first."""
    frames, height, width, _ = source.shape
    values = {
        "source": clip_digest(source),
        "plan": PLAN,
        "model": "small",
        "seed": 7,
        "geometry": Geometry(frames, height, width, Fraction(8)),
        "levels": (899, 499),
        "steps": 10,
        "anchors_until": 699,
        "inversion_steps": 6,
        "segmenter": "scripted",
    }
    return Request(**{**values, **changes})
