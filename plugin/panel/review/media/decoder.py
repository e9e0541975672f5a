"""A thread that decodes what the screen will need, and measures what it is asked to measure."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass

import av
from PyQt6.QtCore import QObject, pyqtSignal

from contract.errors import BadMedia
from plugin.panel.review.media.frame_cache import FrameCache, Key
from plugin.panel.review.media.measure import Change, change_between
from plugin.panel.review.media.prefetch import PrefetchRequest
from plugin.panel.review.media.slice_reader import SliceReader
from plugin.panel.review.media.slices import MediaSlice

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PlacedSlice:
    """A slice in the shot: its frame 0 lies on the shot's frame `offset`. `grey` sources are mattes."""

    media: MediaSlice
    offset: int = 0
    grey: bool = False

    def has(self, frame: int) -> bool:
        """Whether the source has a picture at a frame of the shot."""
        return 0 <= frame - self.offset < self.media.count


@dataclass(frozen=True)
class Measurement:
    """The question how far `take` is from `original` at a frame of the shot; `matte` limits "outside"."""

    original: str
    take: str
    matte: str | None
    frame: int


class Decoder(QObject):
    """Decodes in one thread of its own into `cache`; its signals arrive in the thread that listens.

    `decoded` carries a Key, `failed` a source's name and its BadMedia, `measured` a Measurement and its Change or None.
    """

    decoded = pyqtSignal(object)
    failed = pyqtSignal(str, object)
    measured = pyqtSignal(object, object)

    def __init__(self, cache: FrameCache) -> None:
        # Without a parent: the thread keeps its object for as long as it runs.
        super().__init__()
        self.cache = cache
        self.pictures_decoded = 0
        self._sources: dict[str, PlacedSlice] = {}
        self._readers: dict[str, SliceReader] = {}
        self._stale: list[SliceReader] = []
        self._hopeless: set[Key] = set()
        self._wish: PrefetchRequest | None = None
        self._question: Measurement | None = None
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="review-decoder", daemon=True)
        self._thread.start()

    def set_sources(self, sources: Mapping[str, PlacedSlice]) -> None:
        """Change what there is to decode; pictures of sources that stay as they are stay in the cache."""
        with self._changed:
            for name in [name for name, source in self._sources.items() if sources.get(name) != source]:
                self.cache.forget(name)
                self._hopeless = {key for key in self._hopeless if key.source != name}
                if name in self._readers:
                    self._stale.append(self._readers.pop(name))
            self._sources = dict(sources)
            self._changed.notify()

    def source(self, name: str) -> PlacedSlice | None:
        """A source by its name."""
        return self._sources.get(name)

    def wish(self, wish: PrefetchRequest | None) -> None:
        """Say what the screen needs now; replaces what was wished before."""
        with self._changed:
            self._wish = wish
            self._changed.notify()

    def measure(self, question: Measurement | None) -> None:
        """Ask for a number, answered by `measured` when no picture is missing any more; replaces the last question."""
        with self._changed:
            self._question = question
            self._changed.notify()

    def is_hopeless(self, key: Key) -> bool:
        """Whether a picture cannot be had: unreadable, or outside its source."""
        source = self._sources.get(key.source)
        return source is None or not source.has(key.frame) or key in self._hopeless

    def close(self) -> None:
        """End the thread and close every file."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while True:
            with self._changed:
                work = self._next_work()
                while not self._closed and work is None:
                    self._changed.wait()
                    work = self._next_work()
                stale, self._stale = self._stale, []
                for reader in stale:
                    reader.close()
                if self._closed:
                    for reader in self._readers.values():
                        reader.close()
                    return
            if isinstance(work, Measurement):
                self._answer(work)
            elif work is not None:
                for key in work:
                    if not self._decode(key):
                        break

    def _next_work(self) -> list[Key] | Measurement | None:
        if self._wish is not None:
            run = self._wish.next_run(self.cache, _Hopeless(self))
            if run:
                return run
        question, self._question = self._question, None
        return question

    def _decode(self, key: Key) -> bool:
        """Put one picture into the cache; False when the rest of a run is not worth doing."""
        with self._changed:
            opened = self._open(key.source)
        if opened is None:
            return False
        source, reader = opened
        try:
            picture = reader.picture(key.frame - source.offset, key.level)
        except BadMedia as error:
            self._give_up(key, error)
            return False
        with self._changed:
            if self._closed or self._sources.get(key.source) is not source:
                return False
            self.pictures_decoded += 1
            if not self.cache.put(key, picture):
                self._hopeless.add(key)
        self.decoded.emit(key)
        return True

    def _open(self, name: str) -> tuple[PlacedSlice, SliceReader] | None:
        source = self._sources.get(name)
        if source is None:
            return None
        reader = self._readers.get(name)
        if reader is None:
            reader = self._readers[name] = SliceReader(source.media, source.grey)
        return source, reader

    def _give_up(self, key: Key, error: BadMedia) -> None:
        _log.info("%s", error)
        with self._changed:
            self._hopeless.add(key)
            known = self._closed
        if not known:
            self.failed.emit(key.source, error)
            self.decoded.emit(key)

    def _answer(self, question: Measurement) -> None:
        original, take = self._frame(question.original, question.frame), self._frame(question.take, question.frame)
        matte = self._frame(question.matte, question.frame) if question.matte else None
        change: Change | None = None
        if original is not None and take is not None:
            change = change_between(original, take, matte)
        with self._changed:
            closed = self._closed
        if not closed:
            self.measured.emit(question, change)

    def _frame(self, name: str, frame: int) -> av.VideoFrame | None:
        """The decoded frame of a source at a frame of the shot; None when there is none or it cannot be read."""
        with self._changed:
            opened = self._open(name)
        if opened is None or not opened[0].has(frame):
            return None
        source, reader = opened
        try:
            return reader.frame(frame - source.offset)
        except BadMedia:
            return None


class _Hopeless:
    """The pictures that cannot be had, as a container."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder

    def __contains__(self, key: object) -> bool:
        return isinstance(key, Key) and self._decoder.is_hopeless(key)
