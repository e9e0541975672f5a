"""Filmstrips, moving thumbnails and stills for the panel, read in other threads and cached."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from PyQt6.QtCore import QObject, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QImage

from bridge.editorial.clip_list import Shot
from contract.errors import BadMedia
from media.probe import probe
from plugin.background_runner import BackgroundRunner
from plugin.review_media.pictures import Picture
from plugin.review_media.slice_reader import SliceReader
from plugin.review_media.slices import MediaSlice, slice_of

MOVING = 12
"""Pictures of a moving thumbnail."""
_LIMIT_BYTES = 96 << 20


class Thumbnails(QObject):
    """Small pictures by key. A picture is empty while it is read; `arrived` carries its key once it is ready."""

    arrived = pyqtSignal(str)

    def __init__(self, background: BackgroundRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._kept: OrderedDict[str, tuple[QImage, ...]] = OrderedDict()
        self._bytes = 0
        self._wanted: set[str] = set()

    def filmstrip(self, shot: Shot, count: int, height: int) -> tuple[QImage, ...]:
        """`count` pictures of a shot, evenly spaced, `height` pixels high."""
        media = slice_of(shot)
        frames = _spread(media.count, count)
        key = f"strip:{media.path}:{media.first}:{media.count}:{count}:{height}"
        return self._get(key, lambda: read_pictures(media, frames, height))

    def frame(self, shot: Shot, frame: int, height: int) -> QImage | None:
        """One picture of a shot."""
        media = slice_of(shot)
        key = f"frame:{media.path}:{media.first}:{frame}:{height}"
        return next(iter(self._get(key, lambda: read_pictures(media, [frame], height))), None)

    def moving(self, path: str, height: int) -> tuple[QImage, ...]:
        """Pictures of a short movie, for a moving thumbnail."""
        return self._get(f"movie:{path}:{height}", lambda: _read_movie(path, height))

    def still(self, path: str, stamp: int, size: QSize) -> QImage | None:
        """A picture file; another `stamp` reads it again."""
        key = f"still:{path}:{stamp}:{size.width()}x{size.height()}"
        found = self._get(key, lambda: _read_still(path, size))
        if not found and stamp > 0:
            # Show the previous picture until the new one is ready.
            found = self._kept.get(f"still:{path}:{stamp - 1}:{size.width()}x{size.height()}", ())
        return next(iter(found), None)

    def _get(self, key: str, read: Callable[[], tuple[QImage, ...]]) -> tuple[QImage, ...]:
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if key not in self._wanted:
            self._wanted.add(key)
            self._background.run(read, lambda found: self._keep(key, found), lambda problem: self._keep(key, ()))
        return self._kept.get(key, ())

    def _keep(self, key: str, found: tuple[QImage, ...]) -> None:
        self._wanted.discard(key)
        self._kept[key] = found
        self._bytes += sum(each.sizeInBytes() for each in found)
        while self._bytes > _LIMIT_BYTES and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= sum(each.sizeInBytes() for each in dropped)
        self.arrived.emit(key)


def read_pictures(media: MediaSlice, frames: list[int], height: int) -> tuple[QImage, ...]:
    """Pictures of a slice, `height` pixels high. Raises BadMedia."""
    reader = SliceReader(media)
    try:
        level = _level(reader.picture(frames[0], 0).height, height)
        return tuple(_image(reader.picture(frame, level), height) for frame in frames)
    finally:
        reader.close()


def _read_movie(path: str, height: int) -> tuple[QImage, ...]:
    info = probe(path)
    media = MediaSlice(path, 0, info.frame_count, info.rate)
    return read_pictures(media, _spread(info.frame_count, MOVING), height)


def _read_still(path: str, size: QSize) -> tuple[QImage, ...]:
    image = QImage(path)
    if image.isNull():
        raise BadMedia(f"There is no picture at {path}.")
    return (image.scaled(size, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation),)


def _image(picture: Picture, height: int) -> QImage:
    rows, columns = picture.pixels.shape[:2]
    image = QImage(picture.pixels.tobytes(), columns, rows, 4 * columns, QImage.Format.Format_RGB32)
    width = max(1, round(height * picture.width / picture.height))
    return image.scaled(
        width, height, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
    ).copy()


def _level(full: int, wanted: int) -> int:
    level = 0
    while full >> (level + 1) >= wanted and level < 6:
        level += 1
    return level


def _spread(length: int, count: int) -> list[int]:
    """Frames in the middle of `count` equal parts."""
    count = max(1, min(count, length))
    return [min(length - 1, (2 * index + 1) * length // (2 * count)) for index in range(count)]
