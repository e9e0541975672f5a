"""Chooses the pictures on the screen, always all from the same frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import floor, log2

from PyQt6.QtCore import QObject, pyqtSignal

from contract.errors import BadMedia
from plugin.panel.review.compare import ORIGINAL, Comparison, Mode
from plugin.panel.review.transport import Transport
from plugin.review_media.decoder import Decoder, Measurement
from plugin.review_media.frame_cache import Key
from plugin.review_media.measure import Change
from plugin.review_media.pictures import Picture
from plugin.review_media.prefetch import PrefetchRequest

_SMALLEST_LEVEL = 5
_AHEAD_STOPPED, _AHEAD_PLAYING = 4, 36
# The share of the cache for frames ahead; the rest keeps shown frames, for stepping back and for loops.
_SHARE_AHEAD = 0.6


@dataclass(frozen=True)
class ShownFrame:
    """One frame of every source that the comparison needs; None where a source has no such frame."""

    frame: int = -1
    pictures: Mapping[str, Picture | None] = field(default_factory=dict)


class Playback(QObject):
    """Follows transport and comparison, requests pictures and shows a frame once all of them are decoded.

    a, b: names of the sides' sources
    sheet: names of the contact sheet's sources
    matte, layer: names of side B's matte and layer, "" where there is none
    shown: the frame on the screen
    change: its measured change; None until it is measured
    late: how many frames playback had to skip
    """

    shownChanged = pyqtSignal()
    changeMeasured = pyqtSignal()
    failed = pyqtSignal(str, object)

    def __init__(
        self, decoder: Decoder, transport: Transport, compare: Comparison, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._decoder, self._cache = decoder, decoder.cache
        self._transport, self._compare = transport, compare
        self.a, self.b, self.matte, self.layer = ORIGINAL, "", "", ""
        self.sheet: tuple[str, ...] = ()
        self.shown = ShownFrame()
        self.change: Change | None = None
        self.change_frame = -1
        self.late = 0
        self.frames_shown = 0
        self.scale = 1.0
        self.sheet_scale = 0.25
        self._bytes_a_picture: dict[str, int] = {}
        self._direction = 1
        self._reported: set[str] = set()
        transport.frameChanged.connect(self._moved)
        transport.speedChanged.connect(self._speed_changed)
        transport.rangeChanged.connect(self._request_frames)
        compare.changed.connect(self.refresh)
        decoder.decoded.connect(self._decoded)
        decoder.failed.connect(self._failed)
        decoder.measured.connect(self._measured)

    def choose(self, a: str, b: str, matte: str, layer: str, sheet: tuple[str, ...]) -> None:
        """Name the sides' sources; "" where there is none."""
        self.a, self.b, self.matte, self.layer, self.sheet = a, b, matte, layer, sheet
        self._reported.clear()
        self.change, self.change_frame = None, -1
        self.refresh()

    def set_scale(self, scale: float, sheet_scale: float) -> None:
        """Screen pixels per picture pixel, in the comparison and in a cell of the contact sheet."""
        if (scale, sheet_scale) != (self.scale, self.sheet_scale):
            self.scale, self.sheet_scale = scale, sheet_scale
            self._request_frames()

    def refresh(self) -> None:
        """Show what is decoded, and request what is missing."""
        self._show()
        self._request_frames()

    def needed(self) -> tuple[str, ...]:
        """The sources whose pictures must be decoded before a frame is shown."""
        view = self._compare.view
        if view.mode is Mode.SHEET:
            return self.sheet
        if view.mode is Mode.TAKE:
            side = self.a if self._compare.shows_original or not self.b else self.b
            found = [side]
        else:
            found = [self.a, self.b]
        if view.matte:
            found.append(self.matte)
        return tuple(name for name in dict.fromkeys(found) if name)

    def level(self) -> int:
        """How many times pictures are halved before they are scaled to the screen."""
        scale = self.sheet_scale if self._compare.view.mode is Mode.SHEET else self.scale
        return min(_SMALLEST_LEVEL, max(0, floor(log2(1 / scale) + 0.01))) if scale > 0 else 0

    def picture(self, source: str) -> Picture | None:
        """The picture of a source that is on the screen."""
        return self.shown.pictures.get(source)

    def held_frames(self) -> set[int]:
        """Frames that can be shown without decoding."""
        sets = [self._cache.frames(source, self.level()) for source in self.needed()]
        return set.intersection(*sets) if sets else set()

    def _moved(self, frame: int) -> None:
        if not self._transport.playing:
            self._direction = 1 if frame >= self.shown.frame else -1
        self._show()
        self._request_frames()

    def _speed_changed(self, speed: int) -> None:
        if speed:
            self._direction = 1 if speed > 0 else -1
            self.late = 0
        self._show()
        self._request_frames()

    def _request_frames(self) -> None:
        transport, needed = self._transport, self.needed()
        level = self.level()
        also = () if self._compare.view.mode is Mode.SHEET else (self.b, self.a)
        sources = tuple(name for name in dict.fromkeys((*needed, *also)) if name)
        spare = sources[len(needed) :]
        weight = sum(self._bytes_a_picture.get(name, 4 << 20) for name in sources) or 1
        room = int(self._cache.limit * _SHARE_AHEAD / weight)
        ahead = min(_AHEAD_PLAYING if transport.playing else _AHEAD_STOPPED, room)
        ranged = transport.playing
        self._decoder.prefetch(
            PrefetchRequest(
                frame=transport.frame,
                sources=tuple((name, level) for name in needed),
                spare=tuple((name, level) for name in spare),
                playing=transport.playing,
                first=min(transport.first, transport.frame) if ranged else 0,
                last=max(transport.last, transport.frame) if ranged else transport.length - 1,
                direction=self._direction,
                loop=ranged and transport.looping,
                ahead=max(1, ahead),
                stride=max(1, abs(transport.speed)),
            )
            if sources
            else None
        )

    def _complete(self, frame: int) -> dict[str, Picture | None] | None:
        """All needed pictures of a frame, at the wanted level or until then at another; None when one is missing."""
        found: dict[str, Picture | None] = {}
        wanted = self.level()
        for source in self.needed():
            levels = (wanted, *(level for level in range(_SMALLEST_LEVEL + 1) if level != wanted))
            pictures = (self._cache.get(Key(source, frame, level)) for level in levels)
            found[source] = next((picture for picture in pictures if picture is not None), None)
            if found[source] is None and not self._decoder.is_undecodable(Key(source, frame, wanted)):
                return None
        return found

    def _show(self) -> None:
        frame = self._transport.frame
        pictures = self._complete(frame)
        if pictures is None and self._transport.playing:
            frame, pictures = self._latest_before(frame)
        if pictures is None:
            return
        same = frame == self.shown.frame and pictures.keys() == self.shown.pictures.keys()
        if same and all(pictures[name] is self.shown.pictures[name] for name in pictures):
            self._ask()
            return
        if self._transport.playing and frame != self.shown.frame:
            self.frames_shown += 1
            skipped = abs(frame - self.shown.frame) - abs(self._transport.speed)
            self.late += skipped if 0 < skipped < 1 + self._transport.rate else 0
        if frame != self.change_frame:
            self.change = None
        self.shown = ShownFrame(frame, pictures)
        self.shownChanged.emit()
        self._ask()

    def _latest_before(self, frame: int) -> tuple[int, dict[str, Picture | None] | None]:
        """The newest complete frame between the shown one and the due one, so that slow playback does not freeze."""
        behind = (frame - self.shown.frame) * self._direction
        for back in range(1, min(max(behind, 0), 24)):
            pictures = self._complete(frame - back * self._direction)
            if pictures is not None:
                return frame - back * self._direction, pictures
        return frame, None

    def _decoded(self, key: Key) -> None:
        picture = self._cache.get(key)
        if picture is not None:
            self._bytes_a_picture[key.source] = picture.bytes
        if key.source in self.needed():
            self._show()

    def _ask(self) -> None:
        """Have the change measured while the transport is stopped."""
        if self._transport.playing or not self.b or self.shown.frame != self._transport.frame:
            self._decoder.measure(None)
        elif self.change_frame != self.shown.frame:
            self._decoder.measure(Measurement(self.a, self.b, self.layer or self.matte or None, self.shown.frame))

    def _measured(self, question: Measurement, change: Change | None) -> None:
        if (question.original, question.take, question.frame) == (self.a, self.b, self.shown.frame):
            self.change, self.change_frame = change, question.frame
            self.changeMeasured.emit()

    def _failed(self, source: str, error: BadMedia) -> None:
        if source not in self._reported:
            self._reported.add(source)
            self.failed.emit(source, error)
        self._show()
