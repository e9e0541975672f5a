"""What a model sees of a clip: frame count, size and rate, and the rules that choose them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from contract.errors import BadRequest
from dynvfx.errors import ClipTooLong


@dataclass(frozen=True)
class Geometry:
    """A model's window: `frames` pictures of `height` x `width` pixels at `rate` frames a second."""

    frames: int
    height: int
    width: int
    rate: Fraction

    def source_positions(self, source_frames: int) -> list[int]:
        """Source frame index (0-based) that each model frame shows; first and last frames coincide.

        Clips shorter than the window repeat frames, longer ones are sampled evenly.
        """
        if self.frames == 1:
            return [0]
        span = source_frames - 1
        return [(2 * k * span + self.frames - 1) // (2 * (self.frames - 1)) for k in range(self.frames)]


@dataclass(frozen=True)
class GeometryRules:
    """Which geometries a model takes.

    Frame counts are `frame_step * n + 1` from `min_frames` to `max_frames`; sides are multiples of `size_multiple`;
    `area` is the pixel area that the model was trained at, `rate` its nominal frame rate. A clip may be sampled at a
    rate between `rate / rate_slack` and `rate * rate_slack`.
    """

    frame_step: int
    min_frames: int
    max_frames: int
    size_multiple: int
    area: int
    rate: Fraction
    rate_slack: Fraction = Fraction(3, 2)

    @property
    def longest(self) -> Fraction:
        """Longest clip in seconds that fits one window."""
        return Fraction(self.max_frames - 1) * self.rate_slack / self.rate

    def frame_counts(self) -> list[int]:
        """Allowed frame counts, ascending."""
        return [n for n in range(1, self.max_frames + 1, self.frame_step) if n >= self.min_frames]

    def choose(self, width: int, height: int, source_frames: int, source_rate: Fraction) -> Geometry:
        """Window for a clip of `source_frames` pictures of `width` x `height` display pixels.

        The window's aspect is the allowed one nearest the clip's; the conform step pads, it never distorts.
        Raises ClipTooLong when the clip does not fit one window, BadRequest for an empty clip.
        """
        if source_frames < 1 or width < 1 or height < 1:
            raise BadRequest("The clip has no frames.", remedy="Select a clip with at least one frame.")
        duration = Fraction(source_frames - 1) / source_rate
        if duration > self.longest:
            raise ClipTooLong(
                f"The clip is {float(duration):.2f} s long; this model sees {float(self.longest):.2f} s at once.",
                "Cutting it silently would lose part of your shot.",
                "Choose the part to work on with a range (in and out frame), or a model with a longer window.",
            )
        wanted = duration * self.rate + 1
        frames = min(self.frame_counts(), key=lambda n: (abs(n - wanted), n))
        rate = Fraction(frames - 1) / duration if duration and frames > 1 else self.rate
        step = self.size_multiple

        def fit(grid: tuple[int, int]) -> tuple[float, int]:
            """Pixels that show the clip, not padding; among equals the squarer grid."""
            rows, columns = grid
            return min(columns * step / width, rows * step / height) ** 2 * width * height, -abs(columns - rows)

        grids = [
            (rows, max(1, self.area // (rows * step * step)))
            for rows in range(1, int((self.area * 4) ** 0.5) // step + 1)
        ]
        rows, columns = max(grids, key=fit)
        return Geometry(frames, rows * step, columns * step, rate)
