"""How two pictures are compared: mode, sides, wipe, gain, exposure, matte, zoom and pan, the same for both sides."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal

ORIGINAL = "original"
GAINS = (1, 2, 4, 8, 16, 32, 64)
ZOOM_LIMITS = (0.05, 32.0)


class Mode(Enum):
    """The comparison on the canvas."""

    TAKE = "take"
    WIPE = "wipe"
    SIDE = "side"
    DIFFERENCE = "difference"
    SHEET = "sheet"


@dataclass(frozen=True)
class ComparisonView:
    """Everything that the picture on the canvas depends on besides the frames themselves.

    wipe: position of the wipe line in [0, 1] of the picture, from the left, or from the top with `wipe_level`
    gain: factor of the difference
    exposure: in stops
    gamma: viewing gamma, 1 changes nothing
    matte: whether the matte is drawn over the picture
    original: whether a single picture shows side A
    zoom: screen pixels per picture pixel; None fits the picture into the view
    centre: the point of the picture in the middle of the view, in [0, 1]
    """

    mode: Mode = Mode.TAKE
    wipe: float = 0.5
    wipe_level: bool = False
    gain: int = 8
    exposure: float = 0.0
    gamma: float = 1.0
    matte: bool = False
    original: bool = False
    zoom: float | None = None
    centre: tuple[float, float] = (0.5, 0.5)


class Comparison(QObject):
    """The observable view. Setting a field to its current value emits nothing."""

    changed = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.view = ComparisonView()
        self.holding = False

    def set(self, **values: Any) -> None:
        """Change fields of the view; numbers are clamped to their ranges."""
        view = replace(self.view, **values)
        zoom = view.zoom if view.zoom is None else min(max(view.zoom, ZOOM_LIMITS[0]), ZOOM_LIMITS[1])
        view = replace(
            view,
            wipe=_within(view.wipe, 0, 1),
            exposure=round(_within(view.exposure, -6, 6), 2),
            gamma=round(_within(view.gamma, 0.2, 4), 2),
            zoom=zoom,
            centre=(_within(view.centre[0], 0, 1), _within(view.centre[1], 0, 1)),
        )
        if view != self.view:
            self.view = view
            self.changed.emit()

    def hold(self, on: bool) -> None:
        """Show the other side while a key or a button is held."""
        if on != self.holding:
            self.holding = on
            self.changed.emit()

    @property
    def shows_original(self) -> bool:
        """Whether a single picture shows side A."""
        return self.view.original != self.holding

    def toggle(self, mode: Mode) -> None:
        """Choose a mode; choosing the current one again shows the take alone."""
        self.set(mode=Mode.TAKE if self.view.mode is mode else mode)

    def more_gain(self, steps: int) -> None:
        """Raise the gain of the difference by steps of GAINS, or lower it when negative."""
        place = GAINS.index(self.view.gain) + steps
        self.set(gain=GAINS[min(max(place, 0), len(GAINS) - 1)])

    def zoom_by(self, factor: float, fitted: float, at: tuple[float, float] | None = None) -> None:
        """Zoom, keeping the picture's point `at` where it is; `fitted` is the zoom that fits the view."""
        before = self.view.zoom or fitted
        after = min(max(before * factor, ZOOM_LIMITS[0]), ZOOM_LIMITS[1])
        x, y = self.view.centre if self.view.zoom else (0.5, 0.5)
        if at is not None:
            kept = before / after
            x, y = at[0] + (x - at[0]) * kept, at[1] + (y - at[1]) * kept
        self.set(zoom=after, centre=(x, y))

    def pan_by(self, x: float, y: float, fitted: float) -> None:
        """Move the view by fractions of the picture."""
        centre = self.view.centre
        self.set(zoom=self.view.zoom or fitted, centre=(centre[0] + x, centre[1] + y))

    def reset_grade(self) -> None:
        """Reset exposure and gamma."""
        self.set(exposure=0.0, gamma=1.0)


def _within(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
