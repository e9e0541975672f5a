"""Jobs and takes as tables that fit a terminal."""

from __future__ import annotations

import shutil
import time
import unicodedata
from collections.abc import Sequence
from typing import Any

import msgspec

from bridge.wire.messages import Job, TakeEntry
from contract.printable import one_line
from contract.states import RUNNING, STATE_TEXTS, stage_text
from plugin.cli.output import duration

GAP = "  "


def job_table(jobs: Sequence[Job], now: float | None = None, width: int | None = None) -> str:
    """A line for each job, newest first; `now` is seconds since 1970."""
    now = time.time() if now is None else now
    rows = [
        [job.id, state_text(job), f"{len(job.takes_done)}/{job.takes}", job.model, ago(now - job.changed), _what(job)]
        for job in jobs
    ]
    return table(["JOB", "STATE", "TAKES", "MODEL", "CHANGED", "WHAT"], rows, width)


def take_table(takes: Sequence[TakeEntry], width: int | None = None) -> str:
    """A line for each finished take."""
    rows = []
    for entry in takes:
        take = entry.take
        cover = "" if take.matte_coverage is None else f"{100 * take.matte_coverage:.1f} %"
        notes = str(len(take.notes)) if take.notes else ""
        took = duration(sum(take.seconds.values())) if take.seconds else ""
        rows.append([entry.job, f"{entry.number}", take.status, str(take.seed), cover, took, notes, entry.folder])
    return table(["JOB", "TAKE", "STATUS", "SEED", "COVERS", "TOOK", "NOTES", "FOLDER"], rows, width, cut=False)


def state_text(job: Job) -> str:
    """What a job is doing, for people."""
    text = STATE_TEXTS[job.state]
    if job.state == "queued" and job.position is not None:
        return f"{text}, {job.position}." if job.position > 1 else f"{text}, next"
    if job.state not in RUNNING:
        return text
    if job.stage is not None and job.steps:
        text = stage_text(job.stage, job.iteration, job.iterations).lower()
        text += f", {100 * job.step // job.steps} %"
    if job.seconds_left is not None:
        text += f", {duration(job.seconds_left)} left"
    return text


def ago(seconds: float) -> str:
    """How long ago something was."""
    if seconds < 5:
        return "now"
    if seconds < 86400:
        return f"{duration(seconds)} ago" if seconds < 3600 else f"{int(seconds // 3600)} h ago"
    days = int(seconds // 86400)
    return f"{days} day{'s' if days > 1 else ''} ago"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None, *, cut: bool = True) -> str:
    """Columns under their heads; the last one is cut at `width` (the terminal's) unless `cut` is False."""
    width = width or shutil.get_terminal_size((120, 24)).columns
    lines = [[one_line(cell) for cell in row] for row in [list(head), *rows]]
    widths = [max(map(columns, column)) for column in zip(*lines, strict=True)]
    shown = []
    for line in lines:
        start = GAP.join(cell + " " * (size - columns(cell)) for cell, size in zip(line[:-1], widths[:-1], strict=True))
        room = max(12, width - columns(start) - len(GAP))
        shown.append(f"{start}{GAP}{shortened(line[-1], room) if cut else line[-1]}".rstrip())
    return "\n".join(shown)


def columns(text: str) -> int:
    """Columns of a terminal that a text takes: wide characters two, marks above others none."""
    return sum(
        0
        if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf")
        else 2
        if unicodedata.east_asian_width(character) in "WF"
        else 1
        for character in text
    )


def shortened(text: str, room: int) -> str:
    """A text in at most `room` columns."""
    if columns(text) <= room:
        return text
    kept = ""
    for character in text:
        if columns(kept + character) > room - 3:
            break
        kept += character
    return kept.rstrip() + "..."


def plain(value: Any) -> Any:
    """A struct as plain values, with the fields that have their defaults: a script wants the same ones each time."""
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return msgspec.to_builtins(value)


def _what(job: Job) -> str:
    name = job.source.replace("\\", "/").rstrip("/").rpartition("/")[2] or job.source
    text = f"{job.instruction} ({name})" if name else job.instruction
    return text if job.mine else f"[another user] {text}"
