"""Retrain the shipped model: `python -m dynvfx.training --footage DIR --work DIR`.

DIR holds `photos/*.jpg` and `clips/*.mp4` (the model card names those that the shipped weights were made from). Every
step stores its state in the work folder and is not repeated; run the same command again after an interruption. Seeds
are fixed; the schedule follows the clock, so a faster machine makes a better model in the same minutes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path as FilePath

import cv2
import torch
from safetensors.torch import load_file, save_file

from dynvfx.backbones.tiny.linear_codec import LinearCodec
from dynvfx.training.export import export_codec, export_transformer
from dynvfx.training.fit_codec import fit_codec
from dynvfx.training.plates import load_clips, load_photos
from dynvfx.training.pool import fill
from dynvfx.training.shots import Footage
from dynvfx.training.train_perception import train_classifier, train_deblocker, train_segmenter
from dynvfx.training.train_transformer import train

HELD_OUT = 7
"""Every seventh photograph is kept for the classifier, which judges the model and must not share its footage."""


def footage(folder: FilePath, *, judge: bool = False) -> Footage:
    """The footage of the model, or the classifier's own share."""
    photos = load_photos(folder / "photos")
    chosen = [photo for index, photo in enumerate(photos) if (index % HELD_OUT == 0) == judge]
    return Footage(chosen, [] if judge else load_clips(folder / "clips"))


def codec_of(work: FilePath) -> LinearCodec:
    """The fitted codec with whatever deblocking network there is so far."""
    codec = LinearCodec()
    codec.load_state_dict(torch.load(work / "codec.pt", weights_only=True))
    if (work / "deblocker.pt").exists():
        codec.deblocker.load_state_dict(torch.load(work / "deblocker.pt", weights_only=True))
    return codec


def shipped_codec(weights: FilePath) -> LinearCodec:
    """The codec of exported weights."""
    codec = LinearCodec()
    codec.load_state_dict({name: value.float() for name, value in load_file(weights / "codec.safetensors").items()})
    return codec


def export(work: FilePath, weights: FilePath) -> None:
    """Write the folder that the program loads, and the classifier beside it."""
    export_codec(codec_of(work), weights)
    export_transformer(work / "state.pt", weights)
    for name in ("segmenter", "classifier"):
        tensors = torch.load(work / f"{name}.pt", weights_only=True)
        half = {key: value.half() if value.is_floating_point() else value for key, value in tensors.items()}
        save_file({key: value.contiguous() for key, value in half.items()}, weights / f"{name}.safetensors")


def main(arguments: list[str] | None = None) -> int:
    """Run the steps that have not been run."""
    parser = argparse.ArgumentParser(prog="python -m dynvfx.training", description=__doc__)
    parser.add_argument("--footage", type=FilePath, required=True, help="folder with photos/*.jpg and clips/*.mp4")
    parser.add_argument("--work", type=FilePath, required=True, help="folder for states; several GB")
    parser.add_argument("--weights", type=FilePath, help="where to write the model (default: WORK/weights)")
    parser.add_argument("--minutes", type=float, default=100, help="for the transformer (default 100)")
    parser.add_argument("--perception-minutes", type=float, default=12, help="for each of the small networks")
    parser.add_argument("--shards", type=int, default=110, help="pool size; a shard is 128 pairs and 30 MB")
    parser.add_argument("--processes", type=int, default=1 if torch.cuda.is_available() else os.cpu_count() or 1)
    parser.add_argument(
        "--start-from", type=FilePath, help="exported weights to begin at, for example the shipped ones"
    )
    parser.add_argument("--step", choices=["transformer"], help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    work = chosen.work
    work.mkdir(parents=True, exist_ok=True)
    if chosen.step == "transformer":
        train(work / "pool", work / "state.pt", minutes=chosen.minutes, start=chosen.start_from)
        return 0
    cv2.setNumThreads(1)
    own = footage(chosen.footage)
    print(f"{len(own.photos)} photographs, {len(own.clips)} clips", flush=True)
    if not (work / "codec.pt").exists():
        # Weights only fit the codec that they were trained on.
        codec = fit_codec(own) if chosen.start_from is None else shipped_codec(chosen.start_from)
        torch.save(codec.state_dict(), work / "codec.pt")
    with torch.no_grad():
        fill(work / "pool", own, codec_of(work), first=0, step=1, count=chosen.shards)
    if not (work / "perceived").exists():
        codec, minutes = codec_of(work), chosen.perception_minutes
        train_deblocker(own, codec, work / "deblocker.pt", minutes=minutes)
        train_segmenter(own, codec, work / "segmenter.pt", minutes=minutes)
        train_classifier(footage(chosen.footage, judge=True), codec, work / "classifier.pt", minutes=minutes)
        (work / "perceived").touch()
    # One single-threaded process a core beats one process with many threads.
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(chosen.processes), "-m"]
    command = [sys.executable, *launcher, "dynvfx.training", "--step", "transformer"]
    command += ["--footage", str(chosen.footage), "--work", str(work), "--minutes", str(chosen.minutes)]
    command += ["--start-from", str(chosen.start_from)] if chosen.start_from else []
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    export(work, chosen.weights or work / "weights")
    return 0


if __name__ == "__main__":
    sys.exit(main())
