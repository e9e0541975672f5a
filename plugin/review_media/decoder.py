"""A thread that decodes the pictures that the screen will need, and measures the change of a take."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass

import av
from PyQt6.QtCore import QObject, pyqtSignal

from contract.errors import BadMedia
from plugin.review_media.frame_cache import FrameCache, Key
from plugin.review_media.measure import Change, change_between
from plugin.review_media.prefetch import PrefetchRequest
from plugin.review_media.slice_reader import SliceReader
from plugin.review_media.slices import MediaSlice

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PlacedSlice:
    """A slice in the shot: its frame 0 is the shot's frame `offset`. `grey` sources are mattes."""

    media: MediaSlice
    offset: int = 0
    grey: bool = False

    def has(self, frame: int) -> bool:
        """Whether the source has a picture at a frame of the shot."""
        return 0 <= frame - self.offset < self.media.count


@dataclass(frozen=True)
class Measurement:
    """A request to measure the change from `original` to `take` at a frame of the shot, outside `matte`."""

    original: str
    take: str
    matte: str | None
    frame: int


class Decoder(QObject):
    """Decodes in a thread of its own into `cache`; its signals are delivered in the receiver's thread.

    `decoded` carries a Key, `failed` a source's name and its BadMedia, `measured` a Measurement and its Change or None.
    """

    decoded = pyqtSignal(object)
    failed = pyqtSignal(str, object)
    measured = pyqtSignal(object, object)

    def __init__(self, cache: FrameCache) -> None:
        # Without a Qt parent: the running thread keeps it alive.
        super().__init__()
        self.cache = cache
        self.pictures_decoded = 0
        self._sources: dict[str, PlacedSlice] = {}
        self._readers: dict[str, SliceReader] = {}
        self._stale: list[SliceReader] = []
        self._undecodable: set[Key] = set()
        self._request: PrefetchRequest | None = None
        self._question: Measurement | None = None
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="review-decoder", daemon=True)
        self._thread.start()

    def set_sources(self, sources: Mapping[str, PlacedSlice]) -> None:
        """Replace the sources; pictures of unchanged sources stay in the cache."""
        with self._changed:
            for name in [name for name, source in self._sources.items() if sources.get(name) != source]:
                self.cache.forget(name)
                self._undecodable = {key for key in self._undecodable if key.source != name}
                if name in self._readers:
                    self._stale.append(self._readers.pop(name))
            self._sources = dict(sources)
            self._changed.notify()

    def source(self, name: str) -> PlacedSlice | None:
        """A source by its name."""
        return self._sources.get(name)

    def prefetch(self, request: PrefetchRequest | None) -> None:
        """Request the pictures that the screen needs now; replaces the previous request."""
        with self._changed:
            self._request = request
            self._changed.notify()

    def measure(self, question: Measurement | None) -> None:
        """Request a measurement, reported by `measured` once no picture is missing; replaces the previous request."""
        with self._changed:
            self._question = question
            self._changed.notify()

    def is_undecodable(self, key: Key) -> bool:
        """Whether a picture cannot be decoded: unreadable, or outside its source."""
        source = self._sources.get(key.source)
        return source is None or not source.has(key.frame) or key in self._undecodable

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
        if self._request is not None:
            run = self._request.next_run(self.cache, _Undecodable(self))
            if run:
                return run
        question, self._question = self._question, None
        return question

    def _decode(self, key: Key) -> bool:
        """Decode one picture into the cache; False when the rest of the run is to be dropped."""
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
                self._undecodable.add(key)
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
            self._undecodable.add(key)
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


class _Undecodable:
    """The pictures that cannot be decoded, as a container."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder

    def __contains__(self, key: object) -> bool:
        return isinstance(key, Key) and self._decoder.is_undecodable(key)
