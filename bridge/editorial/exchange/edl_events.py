"""The lines of an edit decision list in the layout of CMX 3600, as Avid, Premiere, Resolve and others write it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_TIMECODE = re.compile(r"\d{1,3}[:;.]\d\d[:;.]\d\d[:;.]\d{2,3}|\d+")
_KIND = re.compile(r"C|D|W\d{1,3}|K[BO]?")
_SPEED = re.compile(r"M2\s+(?P<reel>.*?)\s+(?P<speed>[-+]?\d*\.?\d+)\s+\d+[:;.]\d")
_REPLACED = re.compile(r"FINAL CUT PRO REEL:\s*(?P<long>.*?)\s+REPLACED BY:\s*(?P<short>.*)")
_COMMENTS = (
    (re.compile(r"\*?\s*FROM CLIP NAME:\s*(.*)", re.I), "from_name"),
    (re.compile(r"\*?\s*TO CLIP NAME:\s*(.*)", re.I), "to_name"),
    (re.compile(r"\*?\s*(?:FROM FILE|SOURCE FILE|FROM CLIP|MEDIA FILE):\s*(.*)", re.I), "from_file"),
    (re.compile(r"\*?\s*(?:TO FILE|TO CLIP):\s*(.*)", re.I), "to_file"),
    (re.compile(r"\*?\s*\*?\s*FREEZE FRAME.*()", re.I), "freeze"),
)


@dataclass
class EdlEvent:
    """One line with its comments. Times are the four texts source in, source out, record in, record out.

    source_drops: whether the file says that the source counts drop frame, None where it does not say
    speed: frames a second of the source at which it runs, None for its own
    """

    number: str
    reel: str
    channels: str
    kind: str
    transition: int
    times: tuple[str, str, str, str]
    source_drops: bool | None
    name: str = ""
    file: str = ""
    speed: float | None = None
    freeze: bool = False


@dataclass
class EditList:
    """The events in the order of the file. `record_drops` is what its header says about the timeline's own count."""

    title: str = ""
    record_drops: bool | None = None
    events: list[EdlEvent] = field(default_factory=list)


def parse_edit_list(text: str) -> EditList:
    """Everything that counts in an edit list; lines of other kinds are passed over."""
    edits = EditList()
    drops: bool | None = None
    replaced: dict[str, str] = {}
    for line in map(str.strip, text.splitlines()):
        event = _event(line, drops)
        if event is not None:
            edits.events.append(event)
        elif line.upper().startswith("TITLE:"):
            edits.title = edits.title or line[6:].strip()
        elif line.upper().startswith("FCM:"):
            drops = "NON" not in line.upper()
            if not edits.events:
                edits.record_drops = drops
        elif match := _REPLACED.match(line):
            replaced[match["short"].strip()] = match["long"].strip()
        elif edits.events:
            _comment(line, edits.events)
    for each in edits.events:
        each.reel = replaced.get(each.reel, each.reel)
    return edits


def _event(line: str, drops: bool | None) -> EdlEvent | None:
    words = line.split()
    if len(words) < 8 or not words[0][:1].isdigit() or not all(map(_TIMECODE.fullmatch, words[-4:])):
        return None
    rest = words[1:-4]
    if len(rest) > 3 and rest[-1].isdigit() and _KIND.fullmatch(rest[-2]):
        transition, rest = int(rest[-1]), rest[:-1]
    else:
        transition = 0
    *reel, channels, kind = rest
    if not reel or not _KIND.fullmatch(kind):
        return None
    source_in, source_out, record_in, record_out = words[-4:]
    times = (source_in, source_out, record_in, record_out)
    return EdlEvent(words[0], " ".join(reel), channels.upper(), kind, transition, times, drops)


def _comment(line: str, events: list[EdlEvent]) -> None:
    """Comments follow their event; those of a dissolve follow both of its lines."""
    event = events[-1]
    group = [each for each in events[-2:] if each.number == event.number]
    if match := _SPEED.match(line):
        of_reel = [each for each in group if each.reel == match["reel"]]
        (of_reel or [event])[-1].speed = float(match["speed"])
        return
    for pattern, name in _COMMENTS:
        found = pattern.match(line)
        if found is None:
            continue
        leaving, arriving = group[0], group[-1]
        if name == "freeze":
            event.freeze = True
        elif name == "from_name":
            leaving.name = leaving.name or found[1].strip()
        elif name == "to_name":
            arriving.name = found[1].strip()
        elif name == "from_file":
            leaving.file = leaving.file or found[1].strip()
        elif name == "to_file":
            arriving.file = found[1].strip()
        return
