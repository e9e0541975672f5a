"""A take behind speed changes lies above its clip, whichever way a program counts their lengths."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest

from backend.jobs.sources import Source, open_source
from tests.bridge.editorial import exported as ex
from tests.cases.test_timelines import placed

WARP = ex.effect("LinearTimeWarp.1", time_scalar=0.5)


def clip(footage: Path, name: str, length: float, rate: float = 24, **fields: object) -> dict:
    media = ex.movie(str(footage / "a24.mov"), ex.span(0, 100, 24))
    return ex.clip2(name, media, ex.span(0, length * rate / 24, rate), **fields)


def opened(folder: Path, *items: dict, select: str = "street", part: tuple[int, int] | None = None) -> Source:
    built = ex.timeline(ex.track(*items), start=ex.time(0, 24))
    return open_source(str(ex.write(folder / "cut.otio", built)), select, part, unpacked=folder / "unpacked")


def starts(track: otio.schema.Track, *, by_speed: bool) -> Fraction:
    """Seconds before the last item: plain sums, or with Premiere's reading, where a length is one of the media."""
    return sum((length_of(item, by_speed) for item in list(track)[:-1]), Fraction(0))


def length_of(item: otio.core.Composable, by_speed: bool) -> Fraction:
    if isinstance(item, otio.schema.Transition):
        return Fraction(0)
    if isinstance(item, otio.core.Composition) and item.source_range is None:
        inside = [length_of(child, by_speed) for child in item]
        length = max(inside) if isinstance(item, otio.schema.Stack) else sum(inside, Fraction(0))
    else:
        length = Fraction(item.duration().value) / Fraction(item.duration().rate)
    speeds = [effect.time_scalar for effect in item.effects if isinstance(effect, otio.schema.LinearTimeWarp)]
    for speed in speeds if by_speed else []:
        length /= abs(Fraction(speed))
    return length


@pytest.mark.parametrize(
    "before",
    [
        [("fast", 48, 2.0)],
        [("plain", 10, None), ("slow", 12, 0.5), ("plain", 6, None), ("back", 24, -1.5)],
        [("plain", 10, None), ("fast", 48, 4.0), ("off", 12, 1.0)],
    ],
)
@pytest.mark.parametrize("rate", [24, 25])
def test_both_readings_agree(footage: Path, tmp_path: Path, before: list[tuple], rate: float) -> None:
    items = [
        clip(footage, name, length, rate, effects=[] if speed is None else [WARP | {"time_scalar": speed}])
        for name, length, speed in before
    ]
    source = opened(tmp_path, *items, clip(footage, "street", 24))
    timeline = placed(source, tmp_path)
    below, taken = timeline.tracks[0], timeline.tracks[1]
    for by_speed in (False, True):
        assert starts(taken, by_speed=by_speed) == pytest.approx(starts(below, by_speed=by_speed))
    assert any("speed change lies before" in notice for notice in source.notices)


def test_a_part_behind_a_freeze_and_a_dissolve(footage: Path, tmp_path: Path) -> None:
    freeze = clip(footage, "still", 12, effects=[ex.effect("FreezeFrame.1", time_scalar=0.0)])
    source = opened(tmp_path, freeze, ex.dissolve(4, 4), ex.gap(3), clip(footage, "street", 24), part=(6, 11))
    timeline = placed(source, tmp_path)
    pieces = [(item.duration().value, [type(effect) for effect in item.effects]) for item in timeline.tracks[1]]
    assert pieces == [(12, [otio.schema.FreezeFrame]), (3, []), (6, []), (6, [])]


def test_speed_changes_elsewhere_say_nothing(footage: Path, tmp_path: Path) -> None:
    fast, slow = (clip(footage, name, 24, effects=[WARP]) for name in ("fast", "slow"))
    off = clip(footage, "off", 24, effects=[WARP | {"enabled": False}])
    source = opened(tmp_path, off, clip(footage, "street", 24), fast, slow)
    assert source.notices == ()
    timeline = placed(source, tmp_path)
    assert [item.duration().value for item in timeline.tracks[1]] == [24, 24]


@pytest.mark.parametrize("trimmed", [False, True])
def test_speed_changes_inside_a_compound_clip_before(footage: Path, tmp_path: Path, trimmed: bool) -> None:
    fast = clip(footage, "fast", 48, effects=[WARP | {"time_scalar": 2.0}])
    compound = ex.stack(ex.track(fast, clip(footage, "plain", 6)), ex.track(clip(footage, "short", 10)))
    if trimmed:
        compound["source_range"] = ex.span(0, 20, 24)
    source = opened(tmp_path, compound, clip(footage, "street", 24))
    timeline = placed(source, tmp_path)
    below, taken = timeline.tracks[0], timeline.tracks[1]
    for by_speed in (False, True):
        assert starts(taken, by_speed=by_speed) == starts(below, by_speed=by_speed)
    assert any("speed change lies before" in notice for notice in source.notices) != trimmed
    assert isinstance(taken[0], otio.schema.Gap) == trimmed
    assert [each.name for each in taken.find_clips()] == ["take"]
