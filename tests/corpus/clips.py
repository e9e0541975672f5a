"""One clip: checked, read in and out of order, compared with another decoder, delivered with a synthetic matte."""

from __future__ import annotations

import contextlib
import hashlib
import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from backend.delivery.conform import Conform
from backend.delivery.deliver import deliver_take
from backend.delivery.verification.program_decoder import clip_pictures
from backend.jobs.preflight import preflight
from backend.jobs.sources import Source, open_source
from bridge.editorial.clip_list import part_of
from bridge.local.job_folder import JobFolder
from contract.errors import Problem
from contract.job import LAYER_KINDS
from contract.preflight import Preflight
from dynvfx.geometry import Geometry
from media.probe import MediaInfo
from media.read import read_frames
from tests.corpus.verdicts import Outcome, Verdict

MOST_FRAMES = 150
"""Of a longer clip so many are looked at, from its first third on."""
DELIVERED = 6
"""Frames that are delivered of each clip."""


class Disagreement(Exception):
    """Something is not as it must be."""


def judge_clip(name: str, kind: str, path: Path, scratch: Path) -> Verdict:
    """The verdict on a movie, a picture, or an image sequence (a folder or a pattern)."""
    return judged(name, kind, lambda: check_source(_opened(path, scratch), scratch))


def judged(name: str, kind: str, check: Callable[[], tuple[list[str], dict[str, str]]]) -> Verdict:
    """The verdict for what `check` returns (notices and facts) or raises."""
    try:
        notices, facts = check()
    except Problem as problem:
        text = " ".join(filter(None, (problem.what, problem.why, problem.remedy)))
        return Verdict(name, kind, "refused", f"{problem.kind}: {text}")
    except Disagreement as disagreement:
        return Verdict(name, kind, "wrong", str(disagreement))
    except Exception as error:  # noqa: BLE001 - whatever it is belongs into the report
        return Verdict(name, kind, "wrong", f"{type(error).__name__}: {error}")
    outcome: Outcome = "repaired" if notices else "right"
    return Verdict(name, kind, outcome, " ".join(notices), facts)


def check_source(source: Source, scratch: Path) -> tuple[list[str], dict[str, str]]:
    """(notices, facts) of a shot that can be worked on. Raises Problem, and Disagreement where something is wrong."""
    info, shot = source.info, source.shot
    folder = JobFolder(scratch / "job")
    with folder.locked():
        report = _report(source, folder)
    start, count = shot.source_start, shot.frame_count
    read = [_digest(frame.planes) for frame in read_frames(info, start, count)]
    _compare_decoders(info, start, read)
    _compare_random_access(info, start, read)
    deliver_some(info, start, min(count, DELIVERED), scratch)
    return report.notices, facts_of(info)


def facts_of(info: MediaInfo) -> dict[str, str]:
    """What kind of clip it is."""
    rate = f"{float(info.rate):.5g} fps"
    size = f"{info.width}x{info.height}"
    return {"codec": info.codec, "pixels": info.pix_fmt, "size": size, "rate": rate, "frames": str(info.frame_count)}


def deliver_some(info: MediaInfo, start: int, count: int, scratch: Path) -> None:
    """Deliver with a disc that moves, as a movie and as PNG. Raises Disagreement when pixels outside of it change."""
    conform = Conform(info, start, count, Geometry(count, 64, 96, info.rate))
    source = conform.model_frames()
    mask, generated = np.zeros(source.shape[:3], np.float32), source.copy()
    box = conform.box
    for place in range(len(source)):
        centre = (box.left + box.width // 3 + place % 5, box.top + box.height // 2)
        cv2.circle(mask[place], centre, max(3, min(box.width, box.height) // 6), 1, -1)
        generated[place][mask[place] > 0] = (230, 30, 200)
    for layer in LAYER_KINDS:
        delivery = deliver_take(conform, generated, mask, source, scratch / f"take-{layer}", layer=layer)
        if delivery.outside_change:
            raise Disagreement(f"pixels outside the effect change by {delivery.outside_change:g} ({layer})")
        if not delivery.matte_coverage:
            raise Disagreement(f"nothing was delivered ({layer})")


def _opened(path: Path, scratch: Path) -> Source:
    """The clip, or a part of a long one."""
    source = open_source(str(path), unpacked=scratch / "unpacked")
    frames = source.shot.frame_count
    if frames <= MOST_FRAMES:
        return source
    first = min(frames // 3, frames - MOST_FRAMES)
    return replace(source, shot=part_of(source.shot, (first, first + MOST_FRAMES - 1)))


def _report(source: Source, folder: JobFolder) -> Preflight:
    steps = preflight(source, folder, "prores4444", 1)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: Preflight = end.value
            return found


def _compare_decoders(info: MediaInfo, start: int, read: list[str]) -> None:
    with contextlib.closing(clip_pictures(info, start, len(read))) as others:
        theirs = [_digest(planes) for planes in others]
    wrong = [place for place, (ours, other) in enumerate(zip(read, theirs, strict=False)) if ours != other]
    if len(theirs) != len(read):
        raise Disagreement(f"{len(read)} frames were read, ffmpeg decodes {len(theirs)}")
    if wrong:
        raise Disagreement(f"{len(wrong)} of {len(read)} frames are not as ffmpeg decodes them, first {wrong[:5]}")


def _compare_random_access(info: MediaInfo, start: int, read: list[str]) -> None:
    chosen = random.Random(len(read)).sample(range(len(read)), min(5, len(read)))
    for place in chosen:
        frame = next(read_frames(info, start + place, 1))
        if _digest(frame.planes) != read[place]:
            raise Disagreement(f"frame {place} is another one when it is read alone")


def _digest(planes: Iterable[np.ndarray]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for plane in planes:
        digest.update(np.ascontiguousarray(plane).tobytes())
    return digest.hexdigest()
