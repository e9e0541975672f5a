"""What was found out about a shot, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backend.jobs.sources import Source
from contract.frame_runs import runs_of, runs_text
from contract.job import LayerKind
from contract.preflight import PreflightCheck, PreflightSubject
from media.examine import Examined
from media.probe import MediaInfo


def checks_of(
    source: Source, found: Examined, zero: int, doubted: Sequence[str], doubts: Sequence[str], layer: LayerKind
) -> Iterator[PreflightCheck]:
    """Everything that was looked at.

    zero: the file's frame that a person counts as the clip's frame 0
    doubted: what a second decoder says of the pictures
    doubts: what the composite cannot say of the clip
    """
    info, frames = source.info, source.shot.frame_count
    yield _fine("pictures", f"Every picture of the {_count(frames, 'frame')} is whole.")
    if found.held:
        runs = runs_of([frame - zero for frame in found.held])
        verb, own = ("repeat", "their") if runs_text(runs).startswith("frames") else ("repeats", "its")
        text = f"{runs_text(runs).capitalize()} {verb} the picture before: the file has none of {own} own."
        yield _notice("pictures", text)
    if found.unseen:
        verb = "is" if found.unseen == 1 else "are"
        text = f"{_count(found.unseen, 'picture')} {verb} not shown: the file has a later one for the same frame."
        yield _notice("pictures", text)
    for text in doubted:
        yield _notice("pictures", text)
    if not doubted:
        yield _fine("pictures", "ffmpeg decodes the same pictures, to the last bit.")
    yield _fine("rate", f"{float(info.rate):.6g} frames a second, {_count(info.frame_count, 'frame')} in the file.")
    for text in source.notices:
        yield _notice("timeline", text)
    for text in info.notes:
        yield _notice("clip", text)
    yield _fine("orientation", _orientation(info))
    yield _fine("colour", f"{info.bit_depth} bits ({info.pix_fmt}), {_tags(info)}.")
    if found.retagged is not None:
        text = f"The colour tags change at frame {found.retagged - zero}; those of the first picture are used."
        yield _notice("colour", text)
    yield _fine("delivery", f"One frame was delivered (layer: {layer}) and read back without a change.")
    for text in doubts:
        yield _notice("delivery", text)


def _fine(subject: PreflightSubject, text: str) -> PreflightCheck:
    return PreflightCheck(subject, "fine", text)


def _notice(subject: PreflightSubject, text: str) -> PreflightCheck:
    return PreflightCheck(subject, "notice", text)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _orientation(info: MediaInfo) -> str:
    turned = f"turned by {info.orientation.turns * 90} degrees" if info.orientation.turns else "upright"
    mirrored = " and mirrored" if info.orientation.mirrored else ""
    aspect = "" if info.pixel_aspect == 1 else f", pixel aspect {info.pixel_aspect}"
    return f"{info.width}x{info.height}, stored {turned}{mirrored}{aspect}."


def _tags(info: MediaInfo) -> str:
    """The colour tags as the numbers of ITU-T H.273, of which 2 says nothing."""
    colour = info.colour
    tags = {"primaries": colour.primaries, "transfer": colour.transfer, "matrix": colour.matrix}
    found = ", ".join(f"{name} {value}" for name, value in tags.items() if value != 2)
    return f"tagged {found}" if found else "without colour tags"
