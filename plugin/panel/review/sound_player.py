"""Plays the original sound at normal speed, where the machine has a sound device."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QBuffer, QByteArray, QIODevice, QObject, pyqtSignal

from contract.errors import BadMedia
from plugin.panel.review.transport import Transport
from plugin.review_media.slices import MediaSlice
from plugin.review_media.sound import CHANNELS, SAMPLE_RATE, read_sound, sample_of

if TYPE_CHECKING:
    from PyQt6.QtMultimedia import QAudioSink

_log = logging.getLogger(__name__)


def _open_sink(parent: QObject) -> QAudioSink | None:
    """A sink on the machine's default device; None without a device, or where Qt was installed without sound."""
    try:
        from PyQt6.QtMultimedia import QAudioFormat, QAudioSink, QMediaDevices
    except ImportError as error:
        _log.info("no sound: %s", error)
        return None
    device = QMediaDevices.defaultAudioOutput()
    form = QAudioFormat()
    form.setSampleRate(SAMPLE_RATE)
    form.setChannelCount(CHANNELS)
    form.setSampleFormat(QAudioFormat.SampleFormat.Int16)
    return None if device.isNull() or not device.isFormatSupported(form) else QAudioSink(device, form, parent)


class _Reading(QObject):
    """Reads a shot's sound in a thread of its own. It has no Qt parent: the running thread keeps it alive."""

    done = pyqtSignal(object, object)

    def __init__(self, media: MediaSlice) -> None:
        super().__init__()
        self._media = media
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="review-sound", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def cancel(self) -> None:
        """Stop reading; returns when the thread has ended."""
        self._cancelled.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        found: np.ndarray | BadMedia | None
        try:
            found = read_sound(self._media, self._cancelled.is_set)
        except BadMedia as error:
            found = error
        if not self._cancelled.is_set():
            self.done.emit(self._media, found)


class SoundPlayer(QObject):
    """Plays the shot's sound while the transport plays forward at normal speed.

    The transport is the clock: the sound starts at the first sample of the current frame, and again after every jump.
    """

    changed = pyqtSignal()

    def __init__(
        self,
        transport: Transport,
        parent: QObject | None = None,
        open_sink: Callable[[QObject], QAudioSink | None] = _open_sink,
    ) -> None:
        super().__init__(parent)
        self._open_sink = open_sink
        self._transport = transport
        self._sink: QAudioSink | None = None
        self._sink_opened = False
        self._buffer: QBuffer | None = None
        self._media: MediaSlice | None = None
        self.samples: np.ndarray | None = None
        self.on = True
        self.problem = ""
        self._jumps = -1
        self._reading: _Reading | None = None
        transport.speedChanged.connect(self._follow)
        transport.frameChanged.connect(self._follow)

    @property
    def available(self) -> bool:
        """Whether sound can be played: the shot has sound and the machine has a device."""
        return self.samples is not None and self._device() is not None

    def status_text(self) -> str:
        """What is played, or why nothing can be played."""
        if self.problem:
            return self.problem
        if self._media is not None and self.samples is None:
            return "The shot has no sound."
        if self.samples is not None and self._device() is None:
            return "This machine has no sound device."
        return "Original sound, at normal speed"

    def open(self, media: MediaSlice) -> None:
        """Read a shot's sound, in the background."""
        self._stop()
        self._media, self.samples, self.problem = media, None, ""
        self._cancel()
        self._reading = _Reading(media)
        self._reading.done.connect(self._take_over)
        self._reading.start()
        self.changed.emit()

    def set_on(self, on: bool) -> None:
        """Turn the sound on or off."""
        if on != self.on:
            self.on = on
            self._jumps = -1
            self._follow()
            self.changed.emit()

    def close(self) -> None:
        """Stop the sound and close the shot."""
        self._stop()
        self._media = None
        self._cancel()

    def _cancel(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _take_over(self, media: MediaSlice, found: np.ndarray | BadMedia | None) -> None:
        if media is not self._media:
            return
        if isinstance(found, BadMedia):
            self.problem = found.what
        else:
            self.samples = found
        self._follow()
        self.changed.emit()

    def _device(self) -> QAudioSink | None:
        if not self._sink_opened:
            self._sink_opened = True
            self._sink = self._open_sink(self)
        return self._sink

    def _follow(self) -> None:
        transport = self._transport
        if transport.speed != 1 or not self.on or self.samples is None:
            self._stop()
        elif self._jumps != transport.jumps:
            self._start(transport.frame, transport.rate)
            self._jumps = transport.jumps

    def _start(self, frame: int, rate: Fraction) -> None:
        self._stop()
        sink = self._device()
        if sink is None or self.samples is None:
            return
        rest = self.samples[sample_of(frame, rate) :]
        self._buffer = QBuffer(self)
        self._buffer.setData(QByteArray(rest.tobytes()))
        self._buffer.open(QIODevice.OpenModeFlag.ReadOnly)
        sink.start(self._buffer)

    def _stop(self) -> None:
        self._jumps = -1
        if self._buffer is not None:
            if self._sink is not None:
                self._sink.stop()
            self._buffer.deleteLater()
            self._buffer = None
