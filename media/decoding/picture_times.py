"""When each picture of a movie is shown: the container's times, or what is certain where they cannot be meant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from statistics import median_low

# Recordings are joined in these containers, and times begin anew: a longer jump in seconds is no picture's hold.
_JOINED = ("mpegts", "mpeg", "asf", "flv")
_LONGEST_HOLD_WHERE_JOINED, _LONGEST_HOLD, _LONGEST_STEP_BACK = 10, 3600, 2
_ONE_AFTER_ANOTHER = "its pictures were taken one after another."
_HOLDS_MAY_STAND_ELSEWHERE = (
    "Pictures of this clip were dropped, and its file does not say exactly where: every picture is there, in order; "
    "those around a hold may stand a few frames too early or too late."
)


@dataclass(frozen=True)
class PicturePacket:
    """A packet that makes a picture: times and duration in ticks as the container has them.

    key: decoding can begin here
    place: position and length in the file, in bytes
    cut_away: decoded and not shown, by an edit list
    corrupt: the container knows that bytes of it are lost
    repeats: it shows the picture before it again
    ended: it ends with the marker of a JPEG picture's end
    """

    pts: int | None
    dts: int | None
    duration: int | None
    key: bool
    place: tuple[int, int]
    cut_away: bool
    corrupt: bool = False
    repeats: bool = False
    ended: bool = False


@dataclass(frozen=True)
class SettledTimes:
    """Times in decoding order, no two alike, and what was done to have them.

    jumps: places of the pictures before which the container's times jumped
    guessed: numbers of the pictures whose place among the others is not certain
    """

    stamps: tuple[int, ...]
    jumps: tuple[int, ...] = ()
    guessed: frozenset[int] = frozenset()
    notes: tuple[str, ...] = ()


def settle_times(
    packets: Sequence[PicturePacket],
    time_base: Fraction,
    *,
    container: str,
    reorders: bool,
    nominal: Fraction | None,
    ranks: Callable[[], tuple[Sequence[int], frozenset[int]]],
) -> SettledTimes:
    """A time for every packet.

    container: its name for ffmpeg
    reorders: the decoder gives pictures out in another order than it takes them in
    nominal: frames a second in the header
    ranks: reads from the bitstream which place each picture has as they are shown, and which of these are guesses
    """
    if not packets:
        return SettledTimes(())
    stored = [packet.pts if packet.pts is not None else packet.dts for packet in packets]
    known = [time for time in stored if time is not None]
    if len(known) < len(packets):
        text = (
            "This file does not say when its pictures are shown: they were taken in order, at the rate in its header."
        )
        return _by_rank(_even(len(packets), time_base, nominal), reorders, ranks, (text,))
    decoding = [time if packet.dts is None else packet.dts for packet, time in zip(packets, known, strict=True)]
    jumps = _jumps(decoding, time_base, container, all(packet.dts is not None for packet in packets))
    notes: tuple[str, ...] = ()
    if jumps:
        known, decoding = _joined(known, decoding, jumps), _joined(decoding, decoding, jumps)
        at = ", ".join(str(place) for place in jumps[:3]) + (", ..." if len(jumps) > 3 else "")
        notes = (f"The times of this file jump (at frame {at}): {_ONE_AFTER_ANOTHER}",)
    # AVI has no room for the order in which pictures are shown, and ffmpeg makes one up; other files may hold the
    # times of decoding in its place.
    times = decoding if container == "avi" and reorders else known
    if len(set(times)) < len(times):
        notes = (*notes, f"Pictures of this file have the same time: {_ONE_AFTER_ANOTHER}")
        distinct = len(set(decoding)) == len(decoding)
        settled = _by_rank(decoding if distinct else _even(len(times), time_base, nominal), reorders, ranks, notes)
    elif reorders and (container == "avi" or _rises(times)):
        settled = _by_rank(times, True, ranks, notes)
    else:
        settled = SettledTimes(tuple(times), notes=notes)
    return replace(settled, jumps=jumps)


def _rises(times: Sequence[int]) -> bool:
    return all(earlier < later for earlier, later in pairwise(times))


def _by_rank(
    times: Sequence[int],
    reorders: bool,
    ranks: Callable[[], tuple[Sequence[int], frozenset[int]]],
    notes: tuple[str, ...],
) -> SettledTimes:
    """Times of decoding, given to the pictures in the order in which they are shown."""
    ordered = sorted(times)
    if not reorders:
        return SettledTimes(tuple(ordered), notes=notes)
    places, guessed = ranks()
    # A picture cannot be shown before it is decoded: each is due when the decoder, so many packets late, gives it out.
    late = max(number - place for number, place in enumerate(places))
    steps = [later - earlier for earlier, later in pairwise(ordered)]
    step = median_low(steps) if steps else 1
    due = [*ordered[late:], *(ordered[-1] + step * more for more in range(1, late + 1))]
    if late and steps and max(steps) >= 1.5 * step:
        notes = (*notes, _HOLDS_MAY_STAND_ELSEWHERE)
    first = due[0] - ordered[0]
    return SettledTimes(tuple(due[place] - first for place in places), guessed=guessed, notes=notes)


def _even(count: int, time_base: Fraction, nominal: Fraction | None) -> tuple[int, ...]:
    step = 1 / (nominal or Fraction(25)) / time_base
    return tuple(round(place * step) for place in range(count))


def _jumps(times: Sequence[int], time_base: Fraction, container: str, rising: bool) -> tuple[int, ...]:
    """Places of the pictures that come too late or too early after the one before to follow it."""
    joined = any(name in _JOINED for name in container.split(","))
    forward = (_LONGEST_HOLD_WHERE_JOINED if joined else _LONGEST_HOLD) / time_base
    # Times of decoding rise, but for what sloppy writers of other containers do; those of presentation go to and fro.
    back = 0 if joined and rising else _LONGEST_STEP_BACK / time_base
    return tuple(
        place for place, (before, after) in enumerate(pairwise(times), start=1) if not -back < after - before < forward
    )


def _joined(stamps: Sequence[int], decoding: Sequence[int], jumps: Sequence[int]) -> list[int]:
    """The presentation times, with every piece moved to where the one before it ends."""
    steps = [later - earlier for earlier, later in pairwise(decoding)]
    step = median_low(steps)
    moved, offset, starts = [], 0, set(jumps)
    for place, stamp in enumerate(stamps):
        if place in starts:
            offset += decoding[place - 1] + step - decoding[place]
        moved.append(stamp + offset)
    return moved
