"""When each picture of a movie is shown: the container's times, or what is certain where they cannot be meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import median_low

# Recordings are joined in these containers, and times begin anew: a longer jump in seconds is no picture's hold.
_JOINED = ("mpegts", "mpeg", "asf", "flv")
_LONGEST_HOLD_WHERE_JOINED, _LONGEST_HOLD, _LONGEST_STEP_BACK = 10, 3600, 2
_ONE_AFTER_ANOTHER = "its pictures were taken one after another."


@dataclass(frozen=True)
class PicturePacket:
    """A packet that makes a picture: times and duration in ticks as the container has them.

    key: decoding can begin here
    place: position and length in the file, in bytes
    cut_away: decoded and not shown, by an edit list
    """

    pts: int | None
    dts: int | None
    duration: int | None
    key: bool
    place: tuple[int, int]
    cut_away: bool


@dataclass(frozen=True)
class SettledTimes:
    """Times in decoding order, no two alike, and what was done to have them; see `PacketIndex`."""

    stamps: tuple[int, ...]
    by_order: bool
    jumps: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def are_stored(self) -> bool:
        """Whether the stamps are the container's own."""
        return not self.notes


def settle_times(
    packets: Sequence[PicturePacket],
    time_base: Fraction,
    *,
    container: str,
    reorders: bool,
    nominal: Fraction | None,
) -> SettledTimes:
    """A time for every packet.

    container: its name for ffmpeg
    reorders: the decoder gives pictures out in another order than it takes them in
    nominal: frames a second in the header
    """
    if not packets:
        return SettledTimes((), False)
    times = [packet.pts if packet.pts is not None else packet.dts for packet in packets]
    known = [time for time in times if time is not None]
    if len(known) < len(packets):
        text = (
            "This file does not say when its pictures are shown: they were taken in order, at the rate in its header."
        )
        return SettledTimes(_even(len(packets), time_base, nominal), True, notes=(text,))
    decoding = [time if packet.dts is None else packet.dts for packet, time in zip(packets, known, strict=True)]
    jumps = _jumps(decoding, time_base, container, all(packet.dts is not None for packet in packets))
    if jumps:
        known = _joined(known, decoding, jumps)
        at = ", ".join(str(place) for place in jumps[:3]) + (", ..." if len(jumps) > 3 else "")
        notes: tuple[str, ...] = (f"The times of this file jump (at frame {at}): {_ONE_AFTER_ANOTHER}",)
    else:
        notes = ()
    if len(set(known)) < len(known):
        rising = len(set(decoding)) == len(decoding) and not jumps
        known = sorted(decoding) if rising else list(_even(len(known), time_base, nominal))
        return SettledTimes(
            tuple(known), True, jumps, (*notes, f"Pictures of this file have the same time: {_ONE_AFTER_ANOTHER}")
        )
    if not jumps and reorders and _without_order(known, container):
        # ffmpeg makes up presentation times for AVI; those of decoding are the file's own.
        return SettledTimes(tuple(decoding if container == "avi" else known), True)
    return SettledTimes(tuple(known), bool(jumps), jumps, notes)


def _without_order(times: Sequence[int], container: str) -> bool:
    """Whether a container says nothing of the order in which reordered pictures are shown.

    AVI has no room for it; other files hold the times of decoding in its place.
    """
    return container == "avi" or all(earlier < later for earlier, later in zip(times, times[1:], strict=False))


def _even(count: int, time_base: Fraction, nominal: Fraction | None) -> tuple[int, ...]:
    step = 1 / (nominal or Fraction(25)) / time_base
    return tuple(round(place * step) for place in range(count))


def _jumps(times: Sequence[int], time_base: Fraction, container: str, rising: bool) -> tuple[int, ...]:
    """Places of the pictures that come too late or too early after the one before to follow it."""
    joined = any(name in _JOINED for name in container.split(","))
    forward = (_LONGEST_HOLD_WHERE_JOINED if joined else _LONGEST_HOLD) / time_base
    # Times of decoding rise, but for what sloppy writers of other containers do; those of presentation go to and fro.
    back = 0 if joined and rising else _LONGEST_STEP_BACK / time_base
    pairs = enumerate(zip(times, times[1:], strict=False), start=1)
    return tuple(place for place, (before, after) in pairs if not -back < after - before < forward)


def _joined(stamps: Sequence[int], decoding: Sequence[int], jumps: Sequence[int]) -> list[int]:
    """The presentation times, with every piece moved to where the one before it ends."""
    steps = [later - earlier for earlier, later in zip(decoding, decoding[1:], strict=False)]
    step = median_low(steps)
    moved, offset, starts = [], 0, set(jumps)
    for place, stamp in enumerate(stamps):
        if place in starts:
            offset += decoding[place - 1] + step - decoding[place]
        moved.append(stamp + offset)
    return moved
