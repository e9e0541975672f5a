"""A growing pool of encoded training pairs on disk, so that compositing does not slow the training steps."""

from __future__ import annotations

import os
import time
from pathlib import Path as FilePath
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from dynvfx.backbones.tiny.linear_codec import LinearCodec
from dynvfx.backbones.tiny.phrases import VOCABULARY
from dynvfx.training.fit_codec import to_signal
from dynvfx.training.shots import Footage, make_pair

CLIPS_A_SHARD = 128
FRAMES = 17
LANDSCAPE, PORTRAIT = (96, 160), (160, 96)
SHARES = {"red balloon": 2.0, "glowing orb": 1.5}
"""How often content is drawn against all else (1): thin ribbons and halos take longer to learn."""


def _cells(mask: np.ndarray) -> torch.Tensor:
    """uint8 [F, H, W] to uint8 [f, H/8, W/8]: mean over each latent cell's frames and pixels."""
    values = torch.from_numpy(mask).float()
    small = F.avg_pool2d(values[:, None], 8)[:, 0]
    rest = small[1:].reshape(-1, 4, *small.shape[1:]).mean(1)
    return torch.cat([small[:1], rest]).round().to(torch.uint8)


def write_shard(path: FilePath, footage: Footage, codec: LinearCodec, seed: int) -> None:
    """One file of CLIPS_A_SHARD pairs of one orientation; every eighth pair has no content."""
    rng = np.random.default_rng(seed)
    height, width = PORTRAIT if seed % 8 == 7 else LANDSCAPE
    shares = np.array([SHARES.get(content.phrase, 1.0) for content in VOCABULARY])
    plates, composites, mattes, foregrounds, captions = [], [], [], [], []
    for index in range(CLIPS_A_SHARD):
        phrase = VOCABULARY[int(rng.choice(len(VOCABULARY), p=shares / shares.sum()))].phrase if index % 8 else None
        pair = make_pair(rng, footage, FRAMES, height, width, phrase)
        plates.append(codec.encode(to_signal(pair.plate)).half())
        composites.append(codec.encode(to_signal(pair.composite)).half())
        mattes.append(_cells(pair.matte))
        foregrounds.append(_cells(pair.foreground))
        captions.append(pair.caption)
    shard = {
        "plate": torch.stack(plates),
        "composite": torch.stack(composites),
        "matte": torch.stack(mattes),
        "foreground": torch.stack(foregrounds),
        "captions": captions,
    }
    temporary = path.with_suffix(f".{os.getpid()}.part")
    torch.save(shard, temporary)
    temporary.rename(path)


def fill(
    folder: FilePath, footage: Footage, codec: LinearCodec, *, first: int, step: int, count: int, pause: float = 0
) -> None:
    """Write shards first, first + step, ... below `count` that do not exist yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(first, count, step):
        path = folder / f"{seed:05d}.pt"
        if not path.exists():
            write_shard(path, footage, codec, seed)
            time.sleep(pause)


class Pool:
    """Random batches from all shards on disk, new ones included as they appear."""

    def __init__(self, folder: FilePath) -> None:
        self.folder = folder
        self.shards: dict[str, dict] = {}
        self.refresh()

    def refresh(self) -> None:
        """Map shards that appeared since the last call."""
        for path in sorted(self.folder.glob("*.pt")):
            if path.name not in self.shards:
                self.shards[path.name] = torch.load(path, mmap=True, weights_only=True)

    def batch(self, rng: np.random.Generator, size: int, frames: int) -> dict[str, Any]:
        """`size` pairs of one orientation, their first `frames` latent frames, float32."""
        portrait = rng.random() < 0.12
        named = [s for s in self.shards.values() if (s["plate"].shape[-2] > s["plate"].shape[-1]) == portrait]
        named = named or list(self.shards.values())
        picks = [(named[rng.integers(len(named))], int(rng.integers(CLIPS_A_SHARD))) for _ in range(size)]
        out: dict[str, Any] = {
            key: torch.stack([shard[key][i, :frames] for shard, i in picks]).float()
            for key in ("plate", "composite", "matte", "foreground")
        }
        out["matte"], out["foreground"] = out["matte"] / 255, out["foreground"] / 255
        out["captions"] = [shard["captions"][i] for shard, i in picks]
        return out
