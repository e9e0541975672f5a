"""Takes of a small random model on a short clip, for tests of the engine and of the edits."""

from __future__ import annotations

from dynvfx.edits.add import generate
from dynvfx.progress.events import Notice
from tests.dynvfx.doubles import ScriptedSegmenter, SmallBackbone, box, clip, whale_segmenter
from tests.dynvfx.memory_store import MemoryStore

SOURCE = clip()


def run(wanted, backbone=None, segmenter=None, store=None, source=SOURCE, **options):
    """All events of a take."""
    store = store if store is not None else MemoryStore()
    segmenter = segmenter or whale_segmenter(source)
    return list(generate(wanted, source, backbone or SmallBackbone(), segmenter, store, **options))


def notices(events):
    return [event.kind for event in events if isinstance(event, Notice)]


def finds(*answers):
    """Calls 1, 2, ... find the whale at the given boxes (None finds nothing); the diver is always there."""

    def answer(frames, phrase, call):
        if phrase == "diver":
            return box(frames, 0, 4, 8, 16)
        found = answers[min(call, len(answers)) - 1] if call else None
        return box(frames, *(found or (0, 0, 0, 0)))

    return ScriptedSegmenter(answer)
