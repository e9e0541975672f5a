"""Train the shipped transformer and its text encoder on pairs of plate and composite.

The composite row learns with a random share of the plate row's keys and values in its attention, so that it can copy
the scene through anchors and spend itself on the content. Large text-to-video models were never trained that way; the
model card says so. A share of the samples has no anchors, so that comparisons without them stay fair.
"""

from __future__ import annotations

import copy
import math
import os
import time
from dataclasses import dataclass, field
from pathlib import Path as FilePath

import numpy as np
import torch
import torch.distributed as dist
from diffusers import CogVideoXDDIMScheduler, CogVideoXTransformer3DModel
from diffusers.models.attention_processor import Attention
from diffusers.models.embeddings import apply_rotary_emb, get_3d_rotary_pos_embed
from torch import nn
from torch.nn import functional as F
from transformers import T5EncoderModel

from dynvfx.backbones.tiny.phrases import VOCABULARY
from dynvfx.backbones.tiny.placement_map import NOWHERE, placement_map
from dynvfx.training.model import TEXT_LENGTH, build_text_encoder, build_tokenizer, build_transformer
from dynvfx.training.pool import Pool

SCHEDULE = {
    "num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction", "rescale_betas_zero_snr": True, "timestep_spacing": "trailing",
    "set_alpha_to_one": True, "steps_offset": 0, "clip_sample": False, "snr_shift_scale": 1.0,
}  # fmt: skip

BATCH = {1: 32, 2: 16, 3: 12, 4: 8, 5: 6}


@dataclass
class TrainingRows:
    """What the attention processors share during one training forward."""

    mode: str = "plain"
    kept: dict[int, tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)
    keep: torch.Tensor = field(default_factory=lambda: torch.zeros(0))
    most: int = 0


class TrainingAttention:
    """Joint attention that records the plate rows' keys and values or appends a random share of them, batched.

    Explicit matrix products: on CPUs with bfloat16 instructions they beat the fused kernel several times.
    """

    def __init__(self, block: int, rows: TrainingRows) -> None:
        self.block, self.rows = block, rows

    def __call__(
        self,
        attn: Attention,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        image_rotary_emb: tuple[torch.Tensor, torch.Tensor] | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Video and text output [B, tokens, dim]; the signature of diffusers' processors, which take no mask here."""
        text = encoder_hidden_states.size(1)
        joined = torch.cat([encoder_hidden_states, hidden_states], dim=1)
        batch, length, _ = joined.shape
        query, key, value = (
            layer(joined).view(batch, length, attn.heads, -1).transpose(1, 2)
            for layer in (attn.to_q, attn.to_k, attn.to_v)
        )
        query, key = attn.norm_q(query), attn.norm_k(key)
        rotate = [part.to(query.dtype) for part in image_rotary_emb or ()]
        query = torch.cat([query[:, :, :text], apply_rotary_emb(query[:, :, text:], rotate)], dim=2)
        key = torch.cat([key[:, :, :text], apply_rotary_emb(key[:, :, text:], rotate)], dim=2)
        bias = query.new_zeros(())
        if self.rows.mode == "record":
            self.rows.kept[self.block] = (key[:, :, text:].detach(), value[:, :, text:].detach())
        elif self.rows.mode == "extend":
            source_key, source_value = self.rows.kept[self.block]
            # A fresh draw in every block; the same cells in all latent frames.
            keep = self.rows.keep
            chance = torch.rand(batch, 1, keep.shape[2], keep.shape[3], device=keep.device) < keep
            score = chance.flatten(1).float() + torch.rand(batch, chance[0].numel(), device=keep.device) * 0.5
            top = score.topk(self.rows.most, dim=1)
            index = top.indices[:, None, :, None].expand(-1, attn.heads, -1, key.shape[-1])
            key = torch.cat([key, source_key.gather(2, index)], dim=2)
            value = torch.cat([value, source_value.gather(2, index)], dim=2)
            penalty = torch.where(top.values >= 1, 0.0, -1e4).to(query.dtype)
            bias = torch.cat([penalty.new_zeros(batch, length), penalty], dim=1)[:, None].repeat_interleave(
                attn.heads, dim=0
            )
        flat_query, flat_key, flat_value = (part.flatten(0, 1) for part in (query, key, value))
        weights = torch.baddbmm(bias, flat_query, flat_key.transpose(1, 2), alpha=query.shape[-1] ** -0.5)
        mixed = torch.bmm(weights.softmax(-1), flat_value).view(batch, attn.heads, length, -1)
        mixed = attn.to_out[0](mixed.transpose(1, 2).reshape(batch, length, -1))
        return mixed[:, text:], mixed[:, :text]


def rotary(head: int, frames: int, rows: int, columns: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rotary tables for integer positions."""
    return get_3d_rotary_pos_embed(head, None, (rows, columns), frames, grid_type="slice", max_size=(rows, columns))


def placement_of(phrase: str, matte: torch.Tensor) -> torch.Tensor:
    """The placements [f, 4] (see `placement_map`) of content with the latent matte [f, h, w] in [0, 1].

    The straight path and the mean size that fit the matte best: what else moves is left to the model.
    """
    content = next((content for content in VOCABULARY if content.phrase == phrase), None)
    total = float(matte.sum())
    frames, rows, columns = matte.shape
    if content is None or content.placement is None or total < 0.004 * matte.numel():
        return torch.tensor(NOWHERE).expand(frames, -1)
    mass = matte.sum((1, 2))
    x = (matte.sum(1) * (torch.arange(columns) + 0.5)).sum(1) / mass.clamp_min(1e-6) / columns
    y = (matte.sum(2) * (torch.arange(rows) + 0.5)).sum(1) / mass.clamp_min(1e-6) / rows
    # Frames in which the content is hidden in part would bend its path.
    seen = np.flatnonzero(mass >= 0.6 * mass.max())
    diameter = torch.full_like(x, 2 * math.sqrt(total / frames / math.pi) / min(rows, columns))
    path = [_straight(values.numpy(), seen, mass.numpy()) for values in (x, y)]
    return torch.stack([torch.ones_like(x), *path, diameter], dim=1)


def _straight(values: np.ndarray, seen: np.ndarray, weights: np.ndarray) -> torch.Tensor:
    """The weighted line through values[seen], at every index; a constant where one point is all there is."""
    degree = min(1, len(seen) - 1)
    line = np.polynomial.Polynomial.fit(seen, values[seen], degree, domain=[-1, 1], w=weights[seen])
    return torch.from_numpy(line(np.arange(len(values)))).float()


class Trainer:
    """Model, optimiser and state of one process; gradients are averaged over all processes."""

    def __init__(
        self,
        pool: Pool,
        state: FilePath,
        *,
        minutes: float,
        learning_rate: float,
        seed: int,
        start: FilePath | None = None,
    ) -> None:
        self.pool, self.state_path, self.budget = pool, state, minutes * 60
        self.rank = dist.get_rank() if dist.is_initialized() else 0
        self.world = dist.get_world_size() if dist.is_initialized() else 1
        torch.manual_seed(seed)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.tokenizer = build_tokenizer()
        self.text = build_text_encoder(len(self.tokenizer)).to(self.device)
        self.transformer = build_transformer().to(self.device)
        if start is None:
            # At zero output the loss starts at the data's power, not above it.
            nn.init.zeros_(self.transformer.proj_out.weight)
            nn.init.zeros_(self.transformer.proj_out.bias)
        else:
            self.transformer.load_state_dict(
                CogVideoXTransformer3DModel.from_pretrained(
                    start / "transformer", torch_dtype=torch.float32
                ).state_dict()
            )
            self.text.load_state_dict(
                T5EncoderModel.from_pretrained(start / "text_encoder", torch_dtype=torch.float32).state_dict()
            )
        self.working = copy.deepcopy(self.transformer).to(torch.bfloat16)
        self.rows = TrainingRows()
        self.working.set_attn_processor(
            {name: TrainingAttention(i, self.rows) for i, name in enumerate(self.working.attn_processors)}
        )
        self.parameters = [*self.transformer.parameters(), *self.text.parameters()]
        self.average = [p.detach().clone() for p in self.parameters]
        self.optimizer = torch.optim.AdamW(
            self.parameters, lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True
        )
        self.learning_rate = learning_rate
        self.alphas = CogVideoXDDIMScheduler(**SCHEDULE).alphas_cumprod.float().to(self.device)
        self.step_count, self.elapsed, self.samples = 0, 0.0, 0
        if state.exists():
            self.load()
        self.sync()

    def load(self) -> None:
        """Continue from the stored state."""
        stored = torch.load(self.state_path, map_location=self.device, weights_only=True)
        for mine, theirs in zip(self.parameters, stored["parameters"], strict=True):
            mine.data.copy_(theirs)
        self.average = stored["average"]
        self.optimizer.load_state_dict(stored["optimizer"])
        self.step_count, self.elapsed, self.samples = stored["step"], stored["elapsed"], stored["samples"]

    def save(self) -> None:
        """Store everything that a continuation needs, atomically."""
        temporary = self.state_path.with_suffix(".part")
        torch.save(
            {
                "parameters": [p.data for p in self.parameters],
                "average": self.average,
                "names": [n for n, _ in self.transformer.named_parameters()]
                + [f"text.{n}" for n, _ in self.text.named_parameters()],
                "optimizer": self.optimizer.state_dict(),
                "step": self.step_count,
                "elapsed": self.elapsed,
                "samples": self.samples,
            },
            temporary,
        )
        os.replace(temporary, self.state_path)

    def sync(self) -> None:
        """Copy the float32 master weights into the bfloat16 model that runs."""
        with torch.no_grad():
            torch._foreach_copy_(list(self.working.parameters()), list(self.transformer.parameters()))

    def embed(self, captions: list[str]) -> torch.Tensor:
        """Text embeddings [B, L, 64]."""
        tokens = self.tokenizer(captions, padding="max_length", max_length=TEXT_LENGTH, return_tensors="pt")
        tokens = tokens.to(self.device)
        return self.text(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask).last_hidden_state

    def predict(
        self, latents: torch.Tensor, timesteps: torch.Tensor, text: torch.Tensor, placements: torch.Tensor
    ) -> torch.Tensor:
        """v for [B, f, C, h, w] with placements [B, f, 4]."""
        latents = torch.cat([latents, placement_map(placements, *latents.shape[3:])], dim=2)
        table = tuple(part.to(self.device) for part in rotary(64, latents.shape[1], latents.shape[3], latents.shape[4]))
        return self.working(
            latents.to(torch.bfloat16), text.to(torch.bfloat16), timesteps, image_rotary_emb=table, return_dict=False
        )[0].float()

    def noised(self, latents: torch.Tensor, timesteps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """x_t and the target v."""
        noise = torch.randn_like(latents)
        abar = self.alphas[timesteps].view(-1, 1, 1, 1, 1)
        return abar.sqrt() * latents + (1 - abar).sqrt() * noise, abar.sqrt() * noise - (1 - abar).sqrt() * latents

    def loss(self, rng: np.random.Generator, frames: int, anchored: bool) -> torch.Tensor:
        """Weighted v-MSE of one batch: content and its surroundings count more than the scene."""
        batch = {
            name: value.to(self.device) if isinstance(value, torch.Tensor) else value
            for name, value in self.pool.batch(rng, BATCH[frames], frames).items()
        }
        size = len(batch["captions"])
        spread = (torch.arange(size) + torch.rand(size)) / size  # stratified
        timesteps = (1000 * spread**0.7).long().clamp(0, 999)[torch.randperm(size)].to(self.device)
        clean, matte = batch["composite"].clone(), batch["matte"].clone()
        captions = list(batch["captions"])
        placements = torch.stack([placement_of(c, cells) for c, cells in zip(captions, matte.cpu(), strict=True)])
        # People place content roughly; the model must not take the numbers for more than they are.
        rough = torch.randn(size, 1, 4) * torch.tensor([0.0, 0.02, 0.02, 0.03])
        placements = (placements + rough * placements[..., :1]).to(self.device)
        if not anchored:
            for i in range(size):
                draw = rng.random()
                if draw < 0.25:
                    clean[i], matte[i] = batch["plate"][i], 0
                    captions[i] = "empty scene" if draw < 0.17 else ""
                elif draw < 0.42:
                    captions[i] = ""
                if draw < 0.42:
                    placements[i] = 0
        noisy, target = self.noised(clean, timesteps)
        text = self.embed(captions)
        if anchored:
            with torch.no_grad():
                self.rows.mode = "record"
                source, _ = self.noised(batch["plate"], timesteps)
                self.predict(source, timesteps, self.embed(["empty scene"] * size), torch.zeros_like(placements))
            front = torch.from_numpy(rng.uniform(0.3, 0.9, (size, 1, 1, 1))).to(self.device, torch.float32)
            back = torch.from_numpy(rng.uniform(0.0, 0.45, (size, 1, 1, 1)) ** 1.3).to(self.device, torch.float32)
            foreground = (batch["foreground"] > 0.25).float()
            self.rows.keep = foreground * front + (1 - foreground) * back
            self.rows.most = max(1, int(self.rows.keep.flatten(1).sum(1).max() * 1.02))
            self.rows.mode = "extend"
        else:
            self.rows.mode = "plain"
        predicted = self.predict(noisy, timesteps, text, placements)
        near = F.max_pool2d((matte * 4).clamp(0, 1), 3, 1, 1)
        weight = (0.12 + 1.5 * near)[:, :, None]
        return ((predicted - target) ** 2 * weight).sum() / (weight.sum() * target.shape[2])

    def plan_step(self) -> tuple[int, bool]:
        """Latent frames and anchoring of the next step, the same in all processes: short clips first."""
        rng = np.random.default_rng(self.step_count + 7)
        progress = self.elapsed / self.budget
        shares = [0.75, 0.20, 0.05, 0, 0] if progress < 0.50 else [0.40, 0.20, 0.20, 0.10, 0.10]
        return int(rng.choice([1, 2, 3, 4, 5], p=shares)), bool(rng.random() < 0.6)

    def rate(self) -> float:
        """Learning rate: warm-up, plateau, linear decay over the second half of the time."""
        progress = self.elapsed / self.budget
        return self.learning_rate * min(1, (self.step_count + 1) / 200) * min(1, max(0.02, (1 - progress) / 0.5))

    def step(self) -> tuple[float, int, bool]:
        """One optimiser step."""
        frames, anchored = self.plan_step()
        rng = np.random.default_rng([self.step_count, self.rank])
        torch.manual_seed(self.step_count * 16 + self.rank)
        value = self.loss(rng, frames, anchored)
        self.working.zero_grad(set_to_none=True)
        self.text.zero_grad(set_to_none=True)
        value.backward()
        grads = [p.grad for p in self.working.parameters()] + [p.grad for p in self.text.parameters()]
        flat = torch.cat(
            [
                (torch.zeros_like(p) if g is None else g.float()).flatten()
                for g, p in zip(grads, self.parameters, strict=True)
            ]
        )
        if self.world > 1:
            dist.all_reduce(flat)
            flat /= self.world
        norm = flat.norm()
        if torch.isfinite(norm):
            flat *= min(1.0, 1.0 / (float(norm) + 1e-6))
            for p, part in zip(self.parameters, flat.split([p.numel() for p in self.parameters]), strict=True):
                p.grad = part.view_as(p)
            for group in self.optimizer.param_groups:
                group["lr"] = self.rate()
            self.optimizer.step()
            decay = min(0.9985, (1 + self.step_count) / (10 + self.step_count))
            torch._foreach_lerp_(self.average, [p.data for p in self.parameters], 1 - decay)
            self.sync()
        self.step_count += 1
        self.samples += BATCH[frames] * self.world
        return value.item(), frames, anchored

    def run(self) -> None:
        """Train until the time is used; log and store as it goes."""
        began, last_save, already = time.monotonic(), time.monotonic(), self.elapsed
        meters: dict[tuple[int, bool], float] = {}
        while self.elapsed < self.budget:
            value, frames, anchored = self.step()
            clock = torch.tensor([already + time.monotonic() - began])
            if self.world > 1:
                dist.broadcast(clock, 0)  # one clock, so that all processes stop and decay together
            self.elapsed = float(clock)
            meters[frames, anchored] = (
                value if (frames, anchored) not in meters else 0.95 * meters[frames, anchored] + 0.05 * value
            )
            if self.step_count % 25 == 0 and self.rank == 0:
                shown = " ".join(f"{f}{'a' if a else '-'}:{v:.3f}" for (f, a), v in sorted(meters.items()))
                done = f"{self.elapsed / 60:.1f} min step {self.step_count} samples {self.samples}"
                print(f"{done} lr {self.rate():.1e} {shown}", flush=True)
            if self.step_count % 50 == 0:
                self.pool.refresh()
            if self.rank == 0 and time.monotonic() - last_save > 120:
                self.save()
                last_save = time.monotonic()
        if self.rank == 0:
            self.save()


def average_models(state: FilePath, *, average: bool = True) -> tuple[CogVideoXTransformer3DModel, T5EncoderModel]:
    """Transformer and text encoder with the averaged weights of a stored state."""
    stored = torch.load(state, map_location="cpu", weights_only=True)
    transformer, text = build_transformer(), build_text_encoder(len(build_tokenizer()))
    values = stored["average" if average else "parameters"]
    for p, v in zip([*transformer.parameters(), *text.parameters()], values, strict=True):
        p.data.copy_(v)
    return transformer.eval(), text.eval()


def train(
    pool: FilePath,
    state: FilePath,
    *,
    minutes: float,
    learning_rate: float = 2e-3,
    seed: int = 0,
    start: FilePath | None = None,
) -> None:
    """Train in this process, or as one of several started by torchrun.

    A stored `state` is continued; without one, training begins at the exported weights in the folder `start`, if given.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        dist.init_process_group("gloo")
    torch.set_num_threads(max(1, math.floor(torch.get_num_threads() / int(os.environ.get("LOCAL_WORLD_SIZE", "1")))))
    Trainer(Pool(pool), state, minutes=minutes, learning_rate=learning_rate, seed=seed, start=start).run()
