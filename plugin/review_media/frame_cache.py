"""A cache of decoded pictures, limited in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import NamedTuple

from plugin.review_media.pictures import Picture


class Key(NamedTuple):
    """Identifies a picture: its source, the frame of the shot, and how many times it is halved."""

    source: str
    frame: int
    level: int = 0


class FrameCache:
    """The most recently used pictures, never more than `limit` bytes of them. Safe to use from several threads."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._pictures: OrderedDict[Key, Picture] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        """Bytes of the cached pictures."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._pictures)

    def __contains__(self, key: object) -> bool:
        return key in self._pictures

    def get(self, key: Key) -> Picture | None:
        """The picture, which counts as used now; None when it is not cached."""
        with self._lock:
            picture = self._pictures.get(key)
            if picture is not None:
                self._pictures.move_to_end(key)
            return picture

    def put(self, key: Key, picture: Picture) -> bool:
        """Add a picture and drop the least recently used ones; False when it is larger than the whole cache."""
        if picture.bytes > self.limit:
            return False
        with self._lock:
            before = self._pictures.pop(key, None)
            self._bytes += picture.bytes - (before.bytes if before else 0)
            self._pictures[key] = picture
            while self._bytes > self.limit:
                _, dropped = self._pictures.popitem(last=False)
                self._bytes -= dropped.bytes
            return True

    def frames(self, source: str, level: int) -> set[int]:
        """The frames of a source that are cached at a level."""
        with self._lock:
            return {key.frame for key in self._pictures if key.source == source and key.level == level}

    def forget(self, source: str) -> None:
        """Drop a source's pictures."""
        with self._lock:
            for key in [key for key in self._pictures if key.source == source]:
                self._bytes -= self._pictures.pop(key).bytes
