"""The command that retrains the shipped model, from footage to a folder that the program opens."""

import os
import subprocess
import sys

import av
import cv2
import numpy as np
import pytest
import torch

from dynvfx.backbones.tiny.backbone import TinyBackbone
from dynvfx.backbones.tiny.segmenter import TinySegmenter


def _footage(folder):
    """Three pictures of noise at two scales and a clip that pans over one of them."""
    rng = np.random.default_rng(0)
    (folder / "photos").mkdir(parents=True)
    (folder / "clips").mkdir()
    for number in range(3):
        coarse = cv2.resize(rng.integers(0, 256, (12, 16, 3), np.uint8), (400, 300), interpolation=cv2.INTER_CUBIC)
        picture = np.clip(coarse.astype(int) + rng.integers(-20, 20, coarse.shape), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / "photos" / f"{number}.jpg"), picture)
    with av.open(str(folder / "clips" / "pan.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.width, stream.height, stream.pix_fmt = 256, 144, "yuv420p"
        for f in range(24):
            window = np.ascontiguousarray(picture[60:204, f * 4 : f * 4 + 256])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(window, format="bgr24")))
        container.mux(stream.encode())


def _train(footage, work, *more):
    command = [sys.executable, "-m", "dynvfx.training", "--footage", str(footage), "--work", str(work)]
    command += ["--minutes", "0.02", "--perception-minutes", "0.02", "--shards", "1", *more]
    done = subprocess.run(
        command, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_one_command_trains_everything_and_repeats_nothing(tmp_path):
    footage, work = tmp_path / "footage", tmp_path / "work"
    _footage(footage)
    first = _train(footage, work, "--processes", "2")
    assert "2 photographs, 1 clips" in first  # the third is the judge's
    for name in ("deblocker", "segmenter", "classifier"):
        assert f"{name} 0." in first

    backbone, segmenter = TinyBackbone(work / "weights"), TinySegmenter(work / "weights" / "segmenter.safetensors")
    clip = torch.randint(0, 256, (5, 96, 160, 3), dtype=torch.uint8)
    assert backbone.decode(backbone.encode(clip)).shape == clip.shape
    assert segmenter.segment(clip, ["red ball"]).shape == (1, 5, 96, 160)

    weights = {path.name: path.read_bytes() for path in (work / "weights").rglob("*.safetensors")}
    stamps = {path: path.stat().st_mtime_ns for path in (*work.glob("pool/*.pt"), work / "codec.pt", work / "state.pt")}
    again = _train(footage, work, "--processes", "1")
    assert "deblocker" not in again
    assert {path.name: path.read_bytes() for path in (work / "weights").rglob("*.safetensors")} == weights
    assert {path: path.stat().st_mtime_ns for path in stamps if path.name != "state.pt"} == {
        path: stamp for path, stamp in stamps.items() if path.name != "state.pt"
    }
