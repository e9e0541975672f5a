"""How well the shipped model does its job: real clips times instructions, judged by a classifier of its own.

    python benchmarks/tiny_quality.py CLIPS OUT [--seconds 2] [--seed 0] [--instruction TEXT ...]

CLIPS is a folder of movies that were used neither for training nor for tuning. For every clip and instruction a whole
job runs, from the file to the delivered take. Counted are: the object appeared (the segmenter found it), the classifier
(other weights, held-out crops, the same renderers) names it, `outside_change` is zero, and the delivered layer's alpha
is zero wherever the lossless master's is. OUT receives the takes, `sheet.png`, in random order `blind.png`, without any
words on them, for a person to name what was added, and `results.json`.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

from backend.delivery.conform import Conform
from backend.jobs.take_job import run
from contract.errors import Problem
from contract.events import TakeDone
from contract.job import Add, ClipSource, JobSpec
from contract.take import read_take
from dynvfx.backbones.tiny.family import WEIGHTS
from dynvfx.backbones.tiny.phrases import find_content
from dynvfx.geometry import Geometry
from dynvfx.training.classifier import Classifier
from media.probe import probe

INSTRUCTIONS = (
    "add a red ball",
    "add a blue ball",
    "put a red balloon in the picture",
    "add a fire",
    "make it snow",
    "add a glowing orb",
)
CLASSIFIER = WEIGHTS / "classifier.safetensors"


def classifier() -> Classifier:
    """The independent judge."""
    judge = Classifier()
    judge.load_state_dict(
        {name: t.float() if t.is_floating_point() else t for name, t in load_file(CLASSIFIER).items()}
    )
    return judge.eval()


def model_grid(movie: Path, frames: int) -> np.ndarray:
    """Nine frames of a delivered composite near 96 x 160 pixels, uint8 [9, H, W, 3]."""
    info = probe(movie)
    tall = info.height > info.width
    geometry = Geometry(9, 160 if tall else 96, 96 if tall else 160, Fraction(8))
    return Conform(info, 0, frames, geometry).model_frames()


def alphas(movie: Path, size: int) -> Iterator[np.ndarray]:
    """The alpha of every frame, uint16 of `size` pixels, as ffmpeg decodes it."""
    decode = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(movie), "-vf", "alphaextract"]
    raw = ["-pix_fmt", "gray16le", "-f", "rawvideo", "-"]
    with subprocess.Popen([*decode, *raw], stdout=subprocess.PIPE) as process:
        while frame := process.stdout.read(size * 2):
            yield np.frombuffer(frame, np.uint16)


def alpha_outside(folder: Path, width: int, height: int) -> int:
    """Greatest alpha of the delivered layer, in 16-bit code values, where the lossless master has none."""
    layer, master = (alphas(folder / name, width * height) for name in ("layer.mov", "master.mkv"))
    return max(int(mine[matte == 0].max(initial=0)) for mine, matte in zip(layer, master, strict=True))


def judge_one(
    clip: Path, instruction: str, folder: Path, seconds: float, seed: int, quality: str, judge: Classifier
) -> dict:
    """Run one job and measure what was delivered."""
    info = probe(clip)
    frames = min(info.frame_count, int(seconds * info.rate))
    job = JobSpec(
        start=ClipSource(source=str(clip), part=(0, frames - 1)),
        edit=Add(instruction=instruction),
        output=str(folder),
        seed=seed,
        quality=quality,
    )
    row: dict = {"clip": clip.stem, "instruction": instruction, "wanted": find_content(instruction).phrase}
    began = time.monotonic()
    try:
        for event in run(job):
            if isinstance(event, TakeDone):
                take = read_take(Path(event.folder))
                row["folder"] = event.folder
    except Problem as problem:
        return {**row, "appeared": False, "error": problem.kind, "seconds": time.monotonic() - began}
    composite = Path(row["folder"]) / take.composite
    pictures = model_grid(composite, frames)
    named, chance = judge.name(torch.from_numpy(pictures))
    return {
        **row,
        "appeared": True,
        "named": named,
        "chance": round(chance, 3),
        "coverage": round(take.matte_coverage, 4),
        "outside_change": take.outside_change,
        "alpha_outside": alpha_outside(Path(row["folder"]), info.width, info.height),
        "attempts": take.attempts,
        "seconds": round(time.monotonic() - began, 1),
        "pictures": pictures[[1, 4, 7]],
    }


def sheet(rows: list[dict], path: Path, across: int) -> None:
    """Three frames a take, one line a clip, no words."""
    blank = np.full((3, 96, 160, 3), 128, np.uint8)
    cells = []
    for row in rows:
        pictures = [np.asarray(Image.fromarray(p).resize((160, 96))) for p in row.get("pictures", blank)]
        cells.append(np.concatenate(pictures, axis=1))
    lines = [np.concatenate(cells[i : i + across], axis=1) for i in range(0, len(cells), across)]
    Image.fromarray(np.concatenate(lines)).save(path)


def main() -> int:
    """Run everything and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--instruction", action="append")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quality", default="standard")
    chosen = parser.parse_args()
    instructions = chosen.instruction or list(INSTRUCTIONS)
    judge, rows = classifier(), []
    for clip in sorted(chosen.clips.glob("*.mp4")):
        for number, instruction in enumerate(instructions):
            folder = chosen.out / clip.stem / str(number)
            row = judge_one(clip, instruction, folder, chosen.seconds, chosen.seed, chosen.quality, judge)
            rows.append(row)
            print({key: value for key, value in row.items() if key not in ("pictures", "folder")}, flush=True)
    sheet(rows, chosen.out / "sheet.png", len(instructions))
    shuffled = random.Random(7).sample(rows, len(rows))
    sheet(shuffled, chosen.out / "blind.png", len(instructions))
    appeared = [row for row in rows if row["appeared"]]
    right = [row for row in appeared if row["named"] == row["wanted"]]
    summary = {
        "runs": len(rows),
        "appeared": len(appeared),
        "named_right": len(right),
        "outside_change_zero": sum(row["outside_change"] == 0 for row in appeared),
        "alpha_outside_zero": sum(row["alpha_outside"] == 0 for row in appeared),
        "median_seconds": float(np.median([row["seconds"] for row in rows])),
    }
    for row in rows:
        row.pop("pictures", None)
        row.pop("folder", None)
    (chosen.out / "results.json").write_text(json.dumps({"summary": summary, "runs": rows}, indent=2) + "\n")
    print(summary)
    return 0


if __name__ == "__main__":
    sys.exit(main())
