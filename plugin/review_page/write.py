"""Writing a review page: a folder with index.html and one movie per take, to be sent to the reviewer."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import msgspec

from contract.atomic_file import write_atomically
from contract.errors import BadMedia
from plugin.review_media.slices import MediaSlice, Reviewed
from plugin.review_page.errors import PageFailed
from plugin.review_page.movies import GAP, sound_of, write_pair

PAGE = "index.html"


def write_page(
    folder: Path,
    shot: str,
    original: MediaSlice,
    reviewed: Sequence[Reviewed],
    *,
    start_timecode: int = 0,
    drop_frame: bool | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Path | None:
    """Write the page of a shot and its takes; returns its path, None when it was cancelled.

    folder: created if it is missing.
    shot: the shot's name.
    start_timecode: the timecode of the original's first frame, in frames.
    drop_frame: whether timecode is drop frame; None decides it by the rate.
    on_progress: called with the number of encoded frames and their total.
    cancelled: checked before each frame.
    The movies are written before the page, so that an existing page is complete. Raises PageFailed, BadMedia or
    OutOfDisk.
    """
    if not reviewed:
        raise PageFailed(
            "There are no takes to review.", "A review page needs at least one take.", "Make a take first."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PageFailed(f"{folder} cannot be created.", error.strerror or "", "Choose another folder.") from error
    total = sum(each.take.count or original.count - each.take.offset for each in reviewed)
    done = 0

    def count_one() -> None:
        nonlocal done
        done += 1
        on_progress(done, total)

    takes = []
    aspect = 16 / 9
    for each in reviewed:
        offset = each.take.offset
        count = min(each.take.count or original.count - offset, original.count - offset)
        name = f"take_{each.take.number:02d}_{re.sub(r'[^A-Za-z0-9]', '', each.take.id)[:8]}.mp4"
        plate = MediaSlice(original.path, original.first + offset, count, original.rate, original.own_rate)
        movie = MediaSlice(each.take.composite, 0, count, original.rate)
        try:
            sound = sound_of(original, movie, offset)
        except BadMedia:
            # A page without sound is better than no page.
            sound = None
        part = folder / f"{name}.part.mp4"
        size = write_pair(plate, movie, part, sound, on_frame=count_one, cancelled=cancelled)
        if cancelled():
            part.unlink(missing_ok=True)
            return None
        part.replace(folder / name)
        aspect = size[0] / size[1]
        takes.append(_take(each, name, count))
    text = page_text(shot, original.rate, start_timecode, drop_frame, aspect, takes)
    write_atomically(folder / PAGE, text.encode())
    return folder / PAGE


def _take(reviewed: Reviewed, name: str, count: int) -> dict:
    take = reviewed.take
    notes = [msgspec.to_builtins(note) | {"category": note.category, "author": note.author} for note in reviewed.notes]
    return {
        "id": take.id,
        "label": take.label,
        "number": take.number,
        "file": name,
        "count": count,
        "offset": take.offset,
        "seed": take.take.seed,
        "model": take.take.model,
        "instruction": take.take.instruction,
        "outside_change": take.take.outside_change,
        "status": reviewed.status,
        "notes": notes,
    }


def page_text(
    shot: str, rate: Fraction, start: int, drop_frame: bool | None, aspect: float, takes: Sequence[dict]
) -> str:
    """The HTML page, which contains everything but the movies."""
    identity = hashlib.sha256("|".join([shot, *(str(take["id"]) for take in takes)]).encode()).hexdigest()[:16]
    drop = rate in (Fraction(30000, 1001), Fraction(60000, 1001)) if drop_frame is None else drop_frame
    stem = re.sub(r"[^\w .-]", "_", shot).strip(" .") or "shot"
    review = {
        "id": identity,
        "shot": shot,
        "file_name": f"{stem}.decisions.json",
        "rate": [rate.numerator, rate.denominator],
        "rate_name": f"{float(rate):.5g}",
        "start_timecode": start,
        "drop_frame": drop,
        "aspect": aspect,
        "gap": GAP,
        "takes": list(takes),
    }
    # "<" is written as an escape, so that no text can end the element that holds it.
    data = json.dumps(review, ensure_ascii=False).replace("<", "\\u003c")
    template = files("plugin.review_page").joinpath("page.html").read_text(encoding="utf-8")
    return template.replace("/*REVIEW*/", data, 1)
