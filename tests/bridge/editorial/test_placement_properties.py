"""Random timelines: whatever stands around a clip, the take lies exactly above it and nothing else changes."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentimelineio.opentime import RationalTime

from bridge.editorial.clip_list import ListedClip, list_shots, part_of
from bridge.editorial.placement import PlacedTake, place_takes, write_timeline
from bridge.editorial.rates import exact_rate, seconds
from bridge.editorial.timeline import OpenTimeline, open_timeline
from contract.errors import BadTimeline
from tests.bridge.editorial import exported as ex

KEPT = tempfile.TemporaryDirectory(prefix="dynvfx-timelines-")
FOLDER = Path(KEPT.name)
MOVIE = ex.footage(FOLDER)
RATES = [23.976, 23.98, 24000 / 1001, 24.0, 25.0, 29.97, 30000 / 1001, 30.0, 50.0, 59.94, 60000 / 1001, 60.0]
LENGTHS = st.integers(1, 500)


@st.composite
def clips(draw: st.DrawFn, rate: float) -> otio.schema.Clip:
    start, duration = draw(st.integers(0, 10**6)), draw(LENGTHS)
    before, after = draw(st.integers(0, min(start, 50))), draw(st.integers(0, 50))
    first = draw(st.sampled_from([0, start - before]))
    available = ex.frames(first, start + duration + after - first, rate)
    media = draw(
        st.sampled_from(
            [
                otio.schema.ExternalReference(MOVIE, available),
                otio.schema.ExternalReference("file://" + MOVIE, available),
                otio.schema.ExternalReference("plate.mov"),
                otio.schema.MissingReference(),
            ]
        )
    )
    name = draw(st.sampled_from(["a", "b", "c"]))
    clip = otio.schema.Clip(name, media.deepcopy(), ex.frames(start, duration, rate), {"host": {"id": start}})
    if draw(st.booleans()):
        clip.effects.append(otio.schema.Effect(effect_name="Transform", metadata={"zoom": 1.5}))
    return clip


@st.composite
def tracks(draw: st.DrawFn, rates: list[float], depth: int) -> otio.schema.Track:
    kind = draw(st.sampled_from(["Video", "Video", "Video", "Audio"]))
    track = otio.schema.Track(draw(st.sampled_from(["V1", "", "VFX"])), kind=kind)
    for _ in range(draw(st.integers(0, 4))):
        rate = draw(st.sampled_from(rates))
        what = draw(st.sampled_from(["clip", "clip", "gap", "dissolve", "compound"] if depth else ["clip", "gap"]))
        if what == "clip":
            track.append(draw(clips(rate)))
        elif what == "gap":
            track.append(otio.schema.Gap(duration=RationalTime(draw(LENGTHS), rate)))
        elif what == "compound":
            inner = otio.schema.Stack(
                "compound", [draw(tracks(rates, depth - 1)) for _ in range(draw(st.integers(1, 2)))]
            )
            inner.source_range = ex.frames(draw(st.integers(0, 20)), draw(LENGTHS), rate)
            track.append(inner)
        elif len(track) and not isinstance(track[-1], otio.schema.Transition):
            overlap = RationalTime(draw(st.integers(0, 12)), rate)
            track.append(otio.schema.Transition("", "SMPTE_Dissolve", overlap, overlap))
    return track


@st.composite
def timelines(draw: st.DrawFn) -> otio.schema.Timeline:
    rates = draw(st.lists(st.sampled_from(RATES), min_size=1, max_size=draw(st.sampled_from([1, 1, 3]))))
    start = RationalTime(draw(st.integers(0, 10**6)), rates[0])
    timeline = otio.schema.Timeline("random", global_start_time=start, metadata={"host": [1, None]})
    for _ in range(draw(st.integers(1, 3))):
        timeline.tracks.append(draw(tracks(rates, 1)))
    return timeline


@settings(max_examples=80, deadline=None)
@given(timelines(), st.data())
def test_take_lies_above_its_clip(timeline: otio.schema.Timeline, data: st.DataObject) -> None:
    opened = ex.opened(timeline, FOLDER)
    before = timeline.deepcopy()
    usable = [each.shot for each in _listed(opened) if each.shot is not None]
    if not usable:
        return
    shot = data.draw(st.sampled_from(usable))
    count = data.draw(st.integers(1, 3))
    takes = [PlacedTake(MOVIE, shot.rate, shot.frame_count, f"t{number}") for number in range(count)]
    placed = place_takes(opened, shot, takes, data.draw(st.integers(0, count - 1)))

    parents = [placed.tracks]
    for index in shot.address[:-2]:
        parents.append(parents[-1][index])
    stack = parents[-1]
    original, track = stack[shot.track_index][shot.address[-1]], stack[shot.track_index + 1]
    taken = track[-1]
    if shot.seen is None:
        assert taken.range_in_parent() == original.range_in_parent()
        assert taken.transformed_time_range(taken.trimmed_range(), placed.tracks).duration == original.duration()
    else:
        # As much of it as the ranges around it leave to be seen, to the frame of the timeline.
        begins = [seconds(each.range_in_parent().start_time) * opened.rate for each in (taken, original)]
        assert begins[0] - begins[1] == pytest.approx(Fraction(*shot.seen.before), abs=1e-3)
        assert seconds(taken.duration()) * opened.rate == pytest.approx(shot.record_frames, abs=1e-3)
    assert timeline.is_equivalent_to(before)

    path = FOLDER / "out.otio"
    write_timeline(placed, path, older=data.draw(st.booleans()))
    again = open_timeline(path)
    assert again.timeline.is_equivalent_to(placed)
    above = [each.shot for each in _listed(again) if each.shot is not None and each.name == taken.name]
    assert [(each.record_start, each.record_frames, each.rate) for each in above] == [
        (shot.record_start, shot.record_frames, shot.rate)
    ]
    assert (above[0].source_start, above[0].frame_count) == (0, shot.frame_count)

    del stack[shot.track_index + 1]
    assert placed.is_equivalent_to(before)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(RATES), st.integers(0, 10**6), LENGTHS, LENGTHS, st.data())
def test_part_lies_on_its_frames(rate: float, start: int, lead: int, length: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, length - 1))
    last = data.draw(st.integers(first, length - 1))
    timeline = otio.schema.Timeline("x", global_start_time=RationalTime(start, rate))
    track = otio.schema.Track("V1", [otio.schema.Gap(duration=RationalTime(lead, rate))], kind="Video")
    track.append(otio.schema.Clip("a", otio.schema.ExternalReference(MOVIE), ex.frames(start, length, rate)))
    timeline.tracks.append(track)
    opened = ex.opened(timeline, FOLDER)
    shot = part_of(
        list_shots(opened, ex.probe_of(ex.Facts(exact_rate(rate), start_timecode=start)))[0].shot, (first, last)
    )
    assert (shot.source_start, shot.frame_count, shot.record_start) == (first, last - first + 1, lead + first)
    placed = place_takes(opened, shot, [PlacedTake(MOVIE, shot.rate, shot.frame_count, "t")])
    record = placed.tracks[1][-1].range_in_parent()
    exact = Fraction(*shot.rate)
    assert seconds(record.start_time) * exact == lead + first
    assert seconds(record.duration) * exact == last - first + 1


def _listed(opened: OpenTimeline) -> list[ListedClip]:
    try:
        return list_shots(opened)
    except BadTimeline:
        return []
