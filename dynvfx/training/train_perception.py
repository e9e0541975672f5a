"""Train what looks at pictures: the segmenter, the codec's deblocking network, and the independent classifier."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path as FilePath

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from dynvfx.backbones.tiny.linear_codec import LinearCodec
from dynvfx.backbones.tiny.phrases import VOCABULARY
from dynvfx.backbones.tiny.unet import PromptedUNet
from dynvfx.training.classifier import NAMES, Classifier
from dynvfx.training.fit_codec import to_signal
from dynvfx.training.shots import Footage, Pair, make_pair

PHRASES = [content.phrase for content in VOCABULARY]


def _degraded(rng: np.random.Generator, codec: LinearCodec, frames: np.ndarray) -> torch.Tensor:
    """Frames as the model would give them: through the codec, with errors in the latents, sometimes blurred."""
    signal = to_signal(frames)
    if rng.random() < 0.65:
        latents = codec.encode(signal)
        latents = latents + torch.randn_like(latents) * rng.uniform(0, 0.25)
        signal = codec.decode(latents) if rng.random() < 0.6 else codec.decode_linear(latents)
    if rng.random() < 0.3:
        blurred = cv2.GaussianBlur(signal[0].permute(1, 2, 0).numpy(), (0, 0), rng.uniform(0.5, 1.8))
        signal = torch.from_numpy(blurred).permute(2, 0, 1)[None]
    return signal.clamp(-1, 1)


def _train(
    network: nn.Module, loss: Callable[[int], torch.Tensor], state: FilePath, minutes: float, rate: float, name: str
) -> None:
    """AdamW with warm-up and linear decay against the process's own time; stored every minute."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.01)
    began, elapsed, step, saved, meter = time.process_time(), 0.0, 0, 0.0, None
    while elapsed < minutes * 60:
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1, (step + 1) / 50) * min(1, max(0.02, (1 - elapsed / minutes / 60) / 0.6))
        value = loss(step)
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        meter = value.item() if meter is None else 0.97 * meter + 0.03 * value.item()
        step, elapsed = step + 1, time.process_time() - began
        if elapsed - saved > 60 or elapsed >= minutes * 60:
            torch.save(network.state_dict(), state)
            saved = elapsed
            print(f"{name} {elapsed / 60:.1f} min step {step} loss {meter:.4f}", flush=True)


def _single(rng: np.random.Generator, footage: Footage, phrase: str | None) -> Pair:
    height, width = (160, 96) if rng.random() < 0.15 else (96, 160)
    return make_pair(rng, footage, 1, height, width, phrase)


def train_segmenter(
    footage: Footage, codec: LinearCodec, state: FilePath, *, minutes: float, seed: int = 1
) -> PromptedUNet:
    """Masks of every vocabulary entry; half of the questions are about something that is not there."""
    network = PromptedUNet(len(PHRASES))
    if state.exists():
        network.load_state_dict(torch.load(state, weights_only=True))

    def loss(step: int) -> torch.Tensor:
        rng = np.random.default_rng([seed, step])
        torch.manual_seed(step)
        pictures: list[torch.Tensor] = []
        targets, asked = [], []
        size = None
        while len(pictures) < 16:
            present = int(rng.integers(len(PHRASES)))
            pair = _single(rng, footage, PHRASES[present] if rng.random() < 0.88 else None)
            size = size or pair.matte.shape
            if pair.matte.shape != size:
                continue
            with torch.no_grad():
                picture = _degraded(rng, codec, pair.composite)[0]
            question = present if pair.phrase and rng.random() < 0.62 else int(rng.integers(len(PHRASES)))
            matte = torch.from_numpy(pair.matte[0]).float() / 255
            if PHRASES[question] == "snow":
                matte = F.max_pool2d(matte[None, None], 3, 1, 1)[0, 0]
            same = pair.phrase == PHRASES[question]
            pictures.append(picture)
            targets.append(matte if same else torch.zeros_like(matte))
            asked.append(question)
        logits = network(torch.stack(pictures), torch.tensor(asked))
        target = torch.stack(targets)
        entropy = F.binary_cross_entropy_with_logits(logits, target, pos_weight=torch.tensor(2.0))
        chance = logits.sigmoid()
        overlap = 2 * (chance * target).sum((1, 2)) + 20
        dice = 1 - overlap / (chance.sum((1, 2)) + target.sum((1, 2)) + 20)
        return entropy + 0.5 * dice.mean()

    _train(network, loss, state, minutes, 2e-3, "segmenter")
    return network.eval()


def train_deblocker(footage: Footage, codec: LinearCodec, state: FilePath, *, minutes: float, seed: int = 2) -> None:
    """The codec's deblocking network, in place: from decoded blocks, some with latent errors, to the picture."""
    network = codec.deblocker
    if state.exists():
        network.load_state_dict(torch.load(state, weights_only=True))

    def loss(step: int) -> torch.Tensor:
        rng = np.random.default_rng([seed, step])
        torch.manual_seed(step)
        phrase = PHRASES[int(rng.integers(len(PHRASES)))] if rng.random() < 0.8 else None
        pair = make_pair(rng, footage, 5, 96, 160, phrase)
        clean = to_signal(pair.composite)
        latents = codec.encode(clean)
        blocks = codec.decode_linear(latents + torch.randn_like(latents) * float(rng.choice([0.0, 0.05, 0.12])))
        weight = 1 + 4 * torch.from_numpy(pair.matte)[:, None].float() / 255
        difference = network(blocks) - clean
        return ((difference**2 + 0.02 * difference.abs()) * weight).mean()

    _train(network, loss, state, minutes, 2e-3, "deblocker")


def train_classifier(
    footage: Footage, codec: LinearCodec, state: FilePath, *, minutes: float, seed: int = 3
) -> Classifier:
    """The judge; give it footage that the model never saw."""
    network = Classifier()
    if state.exists():
        network.load_state_dict(torch.load(state, weights_only=True))
    network.train()

    def loss(step: int) -> torch.Tensor:
        rng = np.random.default_rng([seed, step])
        torch.manual_seed(step)
        pictures: list[torch.Tensor] = []
        names, size = [], (1, 160, 96) if step % 6 == 5 else (1, 96, 160)
        while len(pictures) < 24:
            name = NAMES[int(rng.integers(len(NAMES)))]
            pair = make_pair(rng, footage, 1, size[1], size[2], None if name == "nothing" else name)
            if pair.phrase is not None and (pair.matte > 100).mean() < 0.004:
                continue  # hidden behind an occluder or outside the picture
            with torch.no_grad():
                pictures.append(_degraded(rng, codec, pair.composite)[0])
            names.append(NAMES.index(name))
        return F.cross_entropy(network(torch.stack(pictures)), torch.tensor(names), label_smoothing=0.05)

    _train(network, loss, state, minutes, 2e-3, "classifier")
    return network.eval()
