"""The state of playback: frame, speed, in and out, loop. The clock is passed in."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from math import floor

from PyQt6.QtCore import QObject, Qt, QTimer, pyqtSignal

_FASTEST = 8
_NANO = 1_000_000_000


class Transport(QObject):
    """The position in a shot of `length` frames at `rate` frames a second.

    While it plays, `advance` moves to the frame that is due by the clock: frames are skipped rather than shown late.
    `first` and `last` are in and out, both included; playback stays between them. `jumps` counts discontinuities.
    """

    frameChanged = pyqtSignal(int)
    speedChanged = pyqtSignal(int)
    rangeChanged = pyqtSignal()

    def __init__(self, clock: Callable[[], int] = time.monotonic_ns, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._clock = clock
        self.length, self.rate = 1, Fraction(24)
        self.frame, self.speed = 0, 0
        self.first, self.last = 0, 0
        self.looping = True
        self.jumps = 0
        self._anchor = (0, 0)

    def open(self, length: int, rate: Fraction) -> None:
        """Start with another shot, at its first frame."""
        self.stop()
        self.length, self.rate = max(1, length), rate
        self.frame, self.first, self.last = 0, 0, self.length - 1
        self.jumps += 1
        self.rangeChanged.emit()
        self.frameChanged.emit(0)

    @property
    def playing(self) -> bool:
        """Whether it plays."""
        return self.speed != 0

    @property
    def is_ranged(self) -> bool:
        """Whether in and out are set to less than the whole."""
        return (self.first, self.last) != (0, self.length - 1)

    def play(self, speed: int = 1) -> None:
        """Play at a multiple of real time, backward when negative; 0 stops."""
        if speed and (self.first < self.last or self.looping):
            at_end = self.frame >= self.last if speed > 0 else self.frame <= self.first
            if (at_end and not self.looping) or not self.first <= self.frame <= self.last:
                self._move(self.first if speed > 0 else self.last)
        self._anchor = (self.frame, self._clock())
        if speed != self.speed:
            self.speed = speed
            self.speedChanged.emit(speed)

    def stop(self) -> None:
        """Stop on the current frame."""
        self.play(0)

    def toggle(self) -> None:
        """Play, or stop: the space bar."""
        self.play(0 if self.playing else 1)

    def shuttle(self, direction: int) -> None:
        """J (-1) and L (1): play in that direction; again: twice as fast; in the other direction: slow down first."""
        if self.speed * direction > 0:
            self.play(direction * min(_FASTEST, abs(self.speed) * 2))
        elif abs(self.speed) > 1:
            self.play(self.speed // 2 if self.speed > 0 else -(-self.speed // 2))
        else:
            self.play(direction)

    def seek(self, frame: int) -> None:
        """Go to a frame; playback continues from there."""
        self.jumps += 1
        frame = min(max(frame, 0), self.length - 1)
        self._anchor = (frame, self._clock())
        self._move(frame)

    def step(self, frames: int) -> None:
        """Stop, and go `frames` forward, or backward when negative."""
        self.stop()
        self.seek(self.frame + frames)

    def set_in(self, frame: int | None = None) -> None:
        """Set the in point (I), by default at the current frame."""
        self._set_range(self.frame if frame is None else frame, None)

    def set_out(self, frame: int | None = None) -> None:
        """Set the out point (O), by default at the current frame, which is included."""
        self._set_range(None, self.frame if frame is None else frame)

    def set_range(self, first: int, last: int) -> None:
        """Set in and out at once."""
        self.first, self.last = max(0, min(first, last)), min(self.length - 1, max(first, last))
        self.rangeChanged.emit()

    def clear_range(self) -> None:
        """Reset in and out to the whole shot."""
        self.set_range(0, self.length - 1)

    def loop(self, on: bool) -> None:
        """Whether playback starts over at out."""
        if on != self.looping:
            self.looping = on
            self.rangeChanged.emit()

    def advance(self) -> None:
        """Move to the frame that is due now."""
        if not self.speed:
            return
        start, since = self._anchor
        moved = (self._clock() - since) * self.rate * abs(self.speed) / _NANO
        frame = start + floor(moved) if self.speed > 0 else start - floor(moved)
        if self.first <= frame <= self.last:
            self._move(frame)
        elif self.looping:
            length = self.last - self.first + 1
            self.jumps += 1
            self._move(self.first + (frame - self.first) % length)
            # Count from here with what is left of the current frame, so that a loop keeps its time.
            left = moved - floor(moved)
            self._anchor = (self.frame, self._clock() - round(left * _NANO / self.rate / abs(self.speed)))
        else:
            self._move(self.last if self.speed > 0 else self.first)
            self.stop()

    def milliseconds_to_next(self) -> int:
        """Milliseconds until the next frame is due, at least 1."""
        start, since = self._anchor
        a_frame = _NANO / (self.rate * max(1, abs(self.speed)))
        passed = (self._clock() - since) % a_frame
        return max(1, -int(-(a_frame - passed) // 1_000_000))

    def _set_range(self, first: int | None, last: int | None) -> None:
        begin = self.first if first is None else first
        end = self.last if last is None else last
        if begin > end:
            begin, end = (begin, self.length - 1) if first is not None else (0, end)
        self.set_range(begin, end)

    def _move(self, frame: int) -> None:
        if frame != self.frame:
            self.frame = frame
            self.frameChanged.emit(frame)


class Ticker(QObject):
    """Advances a transport at each frame's due time while it plays."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self._transport = transport
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._tick)
        transport.speedChanged.connect(self._tick)

    def _tick(self) -> None:
        self._transport.advance()
        if self._transport.playing:
            self._timer.start(self._transport.milliseconds_to_next())
        else:
            self._timer.stop()
