"""The agent's replies as typed values; PROTOCOL.md beside this file defines the fields."""

from __future__ import annotations

import os
from typing import Any, Literal, TypeVar

import msgspec

from bridge.editorial.clip_list import Shot
from bridge.editorial.placement import PlacedTake
from contract.job import LayerKind
from contract.take import Note
from plugin.hosts.base import HostProblem, Placement

T = TypeVar("T", bound=msgspec.Struct)


class AgentHello(msgspec.Struct, frozen=True):
    """Who the agent is and what it offers; `parts`: whether it places takes of a part of a clip."""

    protocol: int
    host: str
    host_version: str = ""
    agent_version: str = ""
    capabilities: tuple[str, ...] = ()
    layer: Literal[LayerKind, ""] = ""
    pid: int = 0
    parts: bool = False
    palette: dict[str, str] | None = None


class ClipProblem(msgspec.Struct, frozen=True):
    """Why a clip cannot be used, or what is wrong in a timeline."""

    what: str
    why: str = ""
    remedy: str = ""


class HostClip(msgspec.Struct, frozen=True):
    """A clip in the host's timeline; frames are absolute. `stamp` changes when the clip's pictures may have changed."""

    uid: str
    record_start: int
    record_frames: int
    name: str = ""
    track: int = 1
    media: str = ""
    render: str | None = None
    problem: ClipProblem | None = None
    stamp: str = ""


class HostTimeline(msgspec.Struct, frozen=True):
    """The timeline that is open in the host; `rate` is (numerator, denominator). `unrepaired`: what an interrupted
    change left in it."""

    id: str
    rate: tuple[int, int]
    title: str = ""
    project: str = ""
    start: int = 0
    width: int = 0
    height: int = 0
    playhead: int = 0
    selected: tuple[str, ...] = ()
    clips: tuple[HostClip, ...] = ()
    unrepaired: ClipProblem | None = None


class ExportReply(msgspec.Struct, frozen=True):
    """Where an exported clip is: the timeline file, a path below the given folder, and the clip's number in it."""

    otio: str
    clip: str = "1"


class PlacementsReply(msgspec.Struct, frozen=True):
    """All takes that are placed in the timeline."""

    placements: tuple[Placement, ...] = ()


class VersionCount(msgspec.Struct, frozen=True):
    """The number of versions that a clip has."""

    count: int = 0


class BadReply(HostProblem):
    """The agent's answer does not follow the protocol."""

    kind = "bad_reply"


def read_reply(reply: dict[str, Any], kind: type[T]) -> T:
    """Convert a reply to its type. Raises BadReply."""
    try:
        return msgspec.convert(reply, kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadReply(
            "The panel does not understand an answer of the editing application.",
            str(error),
            "Install DynVFX again, so that both have the same version.",
        ) from error


def take_message(take: PlacedTake, shot: Shot) -> dict[str, Any]:
    """A take in the protocol's form (K)."""
    facts = take.metadata.get("dynvfx", {})
    sequence = None
    if take.sequence is not None:
        sequence = {
            "folder": os.path.abspath(take.sequence.folder),
            "prefix": take.sequence.prefix,
            "suffix": take.sequence.suffix,
            "first": take.sequence.first,
            "padding": take.sequence.padding,
            "count": take.frame_count,
        }
    return {
        "id": str(facts.get("take", "")),
        "label": take.name,
        "path": os.path.abspath(take.media_path),
        "sequence": sequence,
        "frame_count": take.frame_count,
        "rate": list(take.rate),
        "start_frame": take.start_frame,
        "width": int(facts.get("width") or 0),
        "height": int(facts.get("height") or 0),
        "record_start": shot.timeline_start + shot.record_start,
        "record_frames": shot.record_frames,
        "part": [shot.part_offset, shot.record_frames] if shot.part else None,
        "instruction": str(facts.get("instruction", "")),
        "effect": str(facts.get("effect") or facts.get("instruction", "")),
        "model": str(facts.get("model", "")),
        "seed": int(facts.get("seed") or 0),
    }


def note_message(note: Note, shot: Shot) -> dict[str, Any]:
    """A note in the protocol's form, its frames counted from the first of the whole clip."""
    return {
        "first": note.first + shot.part_offset,
        "last": note.last + shot.part_offset,
        "text": note.text,
        "category": note.category,
        "author": note.author,
    }
