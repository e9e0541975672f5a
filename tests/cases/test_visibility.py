"""Clips that are hidden, partly or wholly, by tracks and compound clips around them."""

from __future__ import annotations

import json
from pathlib import Path

import opentimelineio as otio
import pytest

from backend.jobs.sources import Source, open_source
from bridge.editorial.shot_bundle import TIMELINE, pack_shot
from bridge.editorial.visibility import SeenPart
from contract.errors import BadTimeline
from tests.bridge.editorial import exported as ex
from tests.cases.test_timelines import pictures, placed


def footage_clip(footage: Path, name: str, start: float, length: float, **fields: object) -> dict:
    media = ex.movie(str(footage / "a24.mov"), ex.span(0, 100, 24))
    return ex.clip2(name, media, ex.span(start, length, 24), **fields)


def opened(folder: Path, built: dict, clip: str | None = None, part: tuple[int, int] | None = None) -> Source:
    return open_source(str(ex.write(folder / "cut.otio", built)), clip, part, unpacked=folder / "unpacked")


def lies(timeline: otio.schema.Timeline, name: str = "take") -> tuple[float, float]:
    """Where a clip is seen, in frames from the timeline's first one: begin and end, as OpenTimelineIO reckons."""
    clip = next(each for each in timeline.find_clips() if each.name == name)
    there = clip.transformed_time_range(clip.trimmed_range(), timeline.tracks)
    return there.start_time.value, there.end_time_exclusive().value


def switched_off(built: dict, holder: str) -> None:
    """The remedy, or its opposite: set `enabled` of what is called `holder`."""
    for item in built.get("tracks", built).get("children", []):
        if item["name"] == holder:
            item["enabled"] = not item.get("enabled", True)
        switched_off(item, holder)


@pytest.mark.parametrize("holder", ["V2", "comp", "inner", "in"])
def test_what_is_switched_off_is_not_shown_until_it_is_enabled(footage: Path, tmp_path: Path, holder: str) -> None:
    inner = ex.track(footage_clip(footage, "in", 10, 40), name="inner")
    comp = ex.stack(inner, name="comp", source_range=ex.span(0, 40, 24))
    comp["name"] = "comp"
    built = ex.timeline(ex.track(footage_clip(footage, "ok", 0, 40), name="V1"), ex.track(comp, name="V2"))
    switched_off(built, holder)
    with pytest.raises(BadTimeline) as caught:
        opened(tmp_path, built, "in")
    assert "nable" in caught.value.remedy and (holder == "in" or f'"{holder}", which holds it' in caught.value.why)
    switched_off(built, holder)
    assert pictures(opened(tmp_path, built, "in")) == list(range(10, 50))


def test_the_whole_timeline_may_be_trimmed(footage: Path, tmp_path: Path) -> None:
    built = ex.timeline(ex.track(footage_clip(footage, "a", 0, 40), footage_clip(footage, "b", 50, 40)))
    built["tracks"]["source_range"] = ex.span(30, 30, 24)
    first, second = opened(tmp_path, built, "a"), opened(tmp_path, built, "b")
    assert (pictures(first), first.shot.record_start) == (list(range(30, 40)), 0)
    assert (pictures(second), second.shot.record_start) == (list(range(50, 70)), 10)
    assert (first.shot.seen, second.shot.seen) == (SeenPart((30, 1), 10), SeenPart((0, 1), 20))
    assert "hides 30 frames" in first.notices[0] and "10 frames" in first.notices[0]
    # OpenTimelineIO counts these from the beginning of the tracks, not from what the timeline shows.
    assert lies(placed(first, tmp_path)) == (30, 40) and lies(placed(second, tmp_path)) == (40, 60)


def test_ranges_inside_ranges(footage: Path, tmp_path: Path) -> None:
    inner = ex.track(ex.gap(10), footage_clip(footage, "in", 20, 40), name="inner", source_range=ex.span(5, 40, 24))
    comp = ex.stack(inner, source_range=ex.span(10, 20, 24))
    comp["name"] = "comp"
    built = ex.timeline(ex.track(ex.gap(7), comp, name="V1"))
    # Of the track 5..45 is seen, of that 10..30: the clip, which begins at 10, shows its frames 5 to 24.
    source = opened(tmp_path, built, "in")
    assert pictures(source) == list(range(25, 45))
    assert (source.shot.record_start, source.shot.record_frames, source.shot.seen) == (7, 20, SeenPart((5, 1), 20))
    assert lies(placed(source, tmp_path)) == (7, 27)
    part = opened(tmp_path, built, "in", (5, 9))
    assert pictures(part) == list(range(30, 35))
    assert lies(placed(part, tmp_path)) == (12, 17)
    with pytest.raises(BadTimeline, match="0 to 19"):
        opened(tmp_path, built, "in", (0, 20))


def test_a_trimmed_clip_of_another_rate(footage: Path, tmp_path: Path) -> None:
    media = ex.movie(str(footage / "a50.mov"), ex.span(0, 120, 50))
    clip = ex.clip2("in", media, ex.span(20, 60, 50))
    built = ex.timeline(ex.track(clip, source_range=ex.span(5, 10, 25)), start=ex.time(0, 25))
    source = opened(tmp_path, built)
    assert pictures(source) == list(range(30, 50))
    assert (source.shot.record_start, source.shot.record_frames) == (0, 10)
    assert lies(placed(source, tmp_path)) == (0, 20)  # in frames of the clip's rate


def test_a_clip_outside_is_named_with_what_hides_it_and_extending_shows_it(footage: Path, tmp_path: Path) -> None:
    track = ex.track(footage_clip(footage, "a", 0, 30), footage_clip(footage, "b", 30, 30), name="V1")
    for hiding in (ex.span(30, 30, 24), ex.span(40, 5, 24)):
        track["source_range"] = hiding
        with pytest.raises(BadTimeline, match="'V1' shows") as caught:
            opened(tmp_path, ex.timeline(track), "a")
        assert "extend that range" in caught.value.remedy
    track["source_range"] = ex.span(29, 31, 24)
    source = opened(tmp_path, ex.timeline(track), "a")
    assert pictures(source) == [29]
    assert "hides 29 frames of it; the take is made for what is seen, 1 frame of the timeline" in source.notices[0]


def test_only_what_is_seen_travels(footage: Path, tmp_path: Path) -> None:
    track = ex.track(footage_clip(footage, "a", 10, 60), source_range=ex.span(20, 30, 24))
    source = opened(tmp_path, ex.timeline(track))
    bundle = pack_shot(source.opened, source.shot)
    for name, path in bundle.files:
        (tmp_path / "there" / name).parent.mkdir(parents=True)
        (tmp_path / "there" / name).write_bytes(path.read_bytes())
    (tmp_path / "there" / TIMELINE).write_bytes(bundle.timeline)
    there = open_source(str(tmp_path / "there" / TIMELINE), unpacked=tmp_path / "unpacked")
    assert pictures(there) == pictures(source) == list(range(30, 60))
    assert there.shot.record_frames == source.shot.record_frames == 30


def test_footage_above_the_whole_clip_is_a_notice(footage: Path, tmp_path: Path) -> None:
    def notices(*tracks: dict, clip: str = "plate") -> tuple[str, ...]:
        found = opened(tmp_path, json.loads(json.dumps(ex.timeline(*tracks))), clip)
        return tuple(notice for notice in found.notices if "lies above the whole" in notice)

    plate = ex.track(ex.gap(5), footage_clip(footage, "plate", 10, 20), name="V1")
    cover = footage_clip(footage, "cover", 0, 40)
    assert notices(plate, ex.track(cover, name="V2")) == (
        '"cover" on V2 lies above the whole clip. Where it is opaque, it hides the clip and the take.',
    )
    moved = ex.track(footage_clip(footage, "late", 0, 15), footage_clip(footage, "later", 0, 30), name="V2")
    scaled = footage_clip(footage, "small", 0, 40, effects=[ex.effect("Effect.1", effect_name="Transform")])
    off = footage_clip(footage, "off", 0, 40, enabled=False)
    for above in (
        moved,
        ex.track(scaled),
        ex.track(off),
        ex.track(cover, enabled=False),
        ex.track(cover, name="VFX - x"),
    ):
        assert notices(plate, above) == ()
    assert notices(plate, ex.track(cover, name="V2"), clip="cover") == ()


@pytest.mark.parametrize("length", [5, 9])
def test_a_window_that_opens_between_frames(footage: Path, tmp_path: Path, length: int) -> None:
    media = ex.movie(str(footage / "a60.mov"), ex.span(0, length, 60))
    inner = ex.track(ex.clip2("in", media, ex.span(0, length, 60)))
    comp = ex.stack(inner, source_range=ex.span((length - 2) / 2.5, 1, 24))
    source = opened(tmp_path, ex.timeline(ex.track(comp), start=ex.time(0, 60)), "in")
    shown = pictures(source)
    assert len(shown) == source.shot.record_frames and shown[-1] < length
    begin, end = lies(placed(source, tmp_path))
    assert end - begin == len(shown) and abs(begin) <= 0.5
