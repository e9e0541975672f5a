"""What the anchors do: the same clips, instructions and seeds with anchors and without.

    python benchmarks/anchors.py CLIPS OUT [--seconds 2] [--pan PIXELS] [--instruction TEXT ...]

With `--pan` a camera that pans over the clip by so many pixels of the model's grid a frame is laid over its own motion,
so that there is something to follow; the wider picture is the clip enlarged by a quarter.

Printed and written to OUT/anchors.json, each the mean over all runs in which the object appeared in both modes:

- `drift`: how fast the content leaves its place in the scene, in pixels of the model's grid per frame: the slope of the
  line through the centres of its masks, each taken to the middle frame by the camera's path. With `--pan P`, content
  that stays in the picture instead of in the scene drifts by P.
- `covered`: the share of the foreground that moves in front (found from motion in the clip) which the content covers.
- `changed`: mean absolute change outside the content's mask in the first sampled clip before any compositing, in grey
  levels: what the model would have done to the scene.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch

from backend.delivery.conform import Conform
from backend.jobs.planning import key_frames_of
from dynvfx.assistant.loading import open_assistant
from dynvfx.backbones.tiny.backbone import TinyBackbone
from dynvfx.backbones.tiny.phrases import VOCABULARY
from dynvfx.edits.add import generate
from dynvfx.errors import ObjectAbsent
from dynvfx.masks.camera_path import camera_path
from dynvfx.progress.events import Outcome, Preview
from dynvfx.request import Request
from dynvfx.sampling.steps import steps_from
from dynvfx.segmentation.base import Segmenter
from dynvfx.segmentation.loading import open_segmenter
from dynvfx.state.keys import clip_digest
from dynvfx.state.store import DirectoryStore
from media.probe import probe

INSTRUCTIONS = ("add a red ball", "add a fire", "add a glowing orb")


def panned(frames: np.ndarray, speed: float) -> np.ndarray:
    """`frames` uint8 [F, H, W, 3] seen by a camera that moves to the right by `speed` pixels a frame."""
    if speed == 0:
        return frames
    count, height, width = frames.shape[:3]
    spare = width // 4
    if speed * (count - 1) > spare:
        raise SystemExit(f"A pan over {count} frames may have at most {spare / (count - 1):.1f} pixels a frame.")
    seen = []
    for number, frame in enumerate(frames):
        wide = cv2.resize(frame, (width + spare, height + height // 4), interpolation=cv2.INTER_LINEAR)
        left = (spare - speed * (count - 1)) / 2 + speed * number
        shift = np.float32([[1, 0, -left], [0, 1, -height / 8]])
        seen.append(cv2.warpAffine(wide, shift, (width, height), flags=cv2.INTER_LINEAR))
    return np.stack(seen)


def request_for(
    clip: Path, instruction: str, seconds: float, backbone: TinyBackbone, quality: str, seed: int, pan: float
) -> tuple[Request, np.ndarray]:
    """The request and the model's frames uint8 [F, H, W, 3] for one run."""
    info = probe(clip)
    count = min(info.frame_count, int(seconds * info.rate))
    geometry = backbone.rules.choose(info.width, info.height, count, info.rate)
    frames = panned(Conform(info, 0, count, geometry).model_frames(), pan)
    plan = open_assistant("offline", vocabulary=VOCABULARY).plan(instruction, key_frames_of(frames)).plan
    preset = backbone.family.presets[quality].for_scope(plan.scope)
    request = preset.request(
        backbone.schedule,
        source=clip_digest(torch.from_numpy(frames)),
        plan=plan,
        model=backbone.name,
        seed=seed,
        geometry=geometry,
        segmenter=backbone.family.segmenter,
    )
    return request, frames


def made(
    request: Request, frames: np.ndarray, backbone: TinyBackbone, segmenter: Segmenter
) -> tuple[Outcome, float] | None:
    """The outcome and `changed`; None when the object did not appear."""
    changed: float | None = None
    last = len(steps_from(request.levels[0], backbone.schedule.timesteps(request.steps)))
    with tempfile.TemporaryDirectory() as store:
        try:
            source = torch.from_numpy(frames)
            for event in generate(
                request, source, backbone, segmenter, DirectoryStore(Path(store)), preview_every=last
            ):
                if isinstance(event, Preview) and event.kind == "x0" and changed is None:
                    found = segmenter.segment(event.frames, [request.plan.target_object])[0] >= 0.5
                    outside = (event.frames.float() - source.float()).abs().mean(-1)[~found]
                    changed = float(outside.mean())
                if isinstance(event, Outcome):
                    return event, changed
        except ObjectAbsent:
            return None


def drift(outcome: Outcome, frames: np.ndarray) -> float | None:
    """Pixels per frame by which the content leaves its place in the scene; None when it is seen in too few frames."""
    masks = outcome.mask.numpy() >= 0.5
    seen = np.flatnonzero(masks.sum(axis=(1, 2)) >= 0.25 * np.median(masks.sum(axis=(1, 2))))
    if len(seen) < 3:
        return None
    to_middle = np.linalg.inv(camera_path(torch.from_numpy(frames)))
    places = []
    for number in seen:
        y, x = np.nonzero(masks[number])
        place = to_middle[number] @ [x.mean(), y.mean(), 1.0]
        places.append(place[:2] / place[2])
    velocity = np.polynomial.polynomial.polyfit(seen, np.array(places), 1)[1]
    return float(np.hypot(*velocity))


def main() -> int:
    """Run both modes and print the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--instruction", action="append")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--quality", default="draft")
    parser.add_argument("--pan", type=float, default=0.0, metavar="PIXELS", help="a frame, on the model's grid")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    backbone, segmenter, rows = TinyBackbone(), open_segmenter(TinyBackbone.family.segmenter), []
    for clip in sorted(chosen.clips.glob("*.mp4")):
        for instruction in chosen.instruction or INSTRUCTIONS:
            request, frames = request_for(
                clip, instruction, chosen.seconds, backbone, chosen.quality, seed=0, pan=chosen.pan
            )
            row = {"clip": clip.stem, "instruction": instruction}
            for mode in ("anchor", "none"):
                result = made(replace(request, anchor_mode=mode), frames, backbone, segmenter)
                if result is None:
                    row[mode] = None
                    continue
                outcome, changed = result
                front = outcome.source_mask >= 0.5
                covered = float((outcome.mask >= 0.5)[front].float().mean()) if front.any() else None
                row[mode] = {"drift": drift(outcome, frames), "covered": covered, "changed": changed}
            rows.append(row)
            print(row, flush=True)
    both = [row for row in rows if row["anchor"] and row["none"]]
    summary = {"runs": len(rows), "both": len(both)}
    for figure in ("drift", "covered", "changed"):
        for mode in ("anchor", "none"):
            values = [row[mode][figure] for row in both if None not in (row["anchor"][figure], row["none"][figure])]
            summary[f"{figure}, {mode}"] = round(float(np.mean(values)), 3) if values else None
    (chosen.out / "anchors.json").write_text(json.dumps({"summary": summary, "runs": rows}, indent=2) + "\n")
    print(summary)
    return 0


if __name__ == "__main__":
    sys.exit(main())
