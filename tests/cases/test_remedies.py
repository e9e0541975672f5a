"""What a refusal tells to do is done, and works."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.jobs.sources import Source, open_source
from contract.errors import BadMedia, BadTimeline, Problem
from tests.bridge.editorial import exported as ex
from tests.cases.footage import case_file, make_movie, make_sequence
from tests.cases.test_timelines import pictures


def opened(folder: Path, built: dict, clip: str | None = None, part: tuple[int, int] | None = None) -> Source:
    return open_source(str(ex.write(folder / "cut.otio", built)), clip, part, unpacked=folder / "unpacked")


def refused(folder: Path, built: dict, clip: str | None = None, part: tuple[int, int] | None = None) -> Problem:
    with pytest.raises((BadTimeline, BadMedia)) as caught:
        opened(folder, built, clip, part)
    return caught.value


def plate(footage: Path, source: dict | None, available: dict | None = None, **fields: object) -> dict:
    media = ex.movie(str(footage / "a24.mov"), available)
    return ex.clip2(str(fields.pop("name", "sh")), media, source, **fields)


WHOLE = ex.span(0, 100, 24)


def test_ranges_that_count_from_different_zeros(footage: Path, tmp_path: Path) -> None:
    path = case_file("fcp-tc-source-but-file-number-available", footage, tmp_path)
    with pytest.raises(BadTimeline, match="both counted alike, or render"):
        open_source(str(path), unpacked=tmp_path)
    cut = json.loads(path.read_text())
    clip = cut["tracks"]["children"][0]["children"][0]
    alike = copy.deepcopy(cut)
    (reference,) = alike["tracks"]["children"][0]["children"][0]["media_references"].values()
    reference["available_range"]["start_time"]["value"] = clip["source_range"]["start_time"]["value"] - 5
    path.write_text(json.dumps(alike))
    assert pictures(open_source(str(path), unpacked=tmp_path)) == list(range(5, 55))
    rendered = make_movie(tmp_path / "rendered.mov", 50, "24")
    assert len(pictures(open_source(str(rendered), unpacked=tmp_path))) == 50


def test_frames_that_the_media_does_not_have(footage: Path, tmp_path: Path) -> None:
    problem = refused(tmp_path, ex.timeline(ex.track(plate(footage, ex.span(90, 20, 24), ex.span(0, 110, 24)))))
    assert "frames 90 to 109 counted from 0; the file has 100 frames, the timeline says 110" in problem.why
    assert "Shorten" in problem.remedy and "relink" in problem.remedy
    shorter = ex.timeline(ex.track(plate(footage, ex.span(90, 10, 24), ex.span(0, 110, 24))))
    assert pictures(opened(tmp_path, shorter)) == list(range(90, 100))
    longer = ex.movie(str(make_movie(tmp_path / "longer.mov", 110, "24")), ex.span(0, 110, 24))
    relinked = ex.timeline(ex.track(ex.clip2("sh", longer, ex.span(90, 20, 24))))
    assert pictures(opened(tmp_path, relinked)) == list(range(90, 110))


def test_a_clip_without_ranges(footage: Path, tmp_path: Path) -> None:
    problem = refused(tmp_path, ex.timeline(ex.track(plate(footage, None)), start=ex.time(0, 24)))
    assert "media online" in problem.remedy
    # With the media online, programs write its range.
    assert len(pictures(opened(tmp_path, ex.timeline(ex.track(plate(footage, None, WHOLE)))))) == 100


@pytest.mark.parametrize("length", [float("nan"), None])
def test_an_item_without_length(footage: Path, tmp_path: Path, length: float | None) -> None:
    holder = ex.clip2("ph", {"OTIO_SCHEMA": "MissingReference.1"}, None if length is None else ex.span(0, length, 24))
    street = plate(footage, ex.span(10, 20, 24), WHOLE, name="street")
    problem = refused(tmp_path, ex.timeline(ex.track(holder, street)), "street")
    assert "'ph' has no length" in problem.what and "media online, or give it a length or delete it" in problem.remedy
    online = plate(footage, None, WHOLE, name="ph")
    given = holder | {"source_range": ex.span(0, 12, 24)}
    for items, start in (([online, street], 100), ([given, street], 12), ([street], 0)):
        assert opened(tmp_path, ex.timeline(ex.track(*items)), "street").shot.record_start == start


def test_speed_changes_baked(footage: Path, tmp_path: Path) -> None:
    fast = plate(footage, ex.span(0, 20, 24), WHOLE, effects=[ex.effect("LinearTimeWarp.1", time_scalar=2.0)])
    assert "Render it in place" in refused(tmp_path, ex.timeline(ex.track(fast))).remedy
    baked = ex.movie(str(make_movie(tmp_path / "baked.mov", 20, "24")), ex.span(0, 20, 24))
    assert len(pictures(opened(tmp_path, ex.timeline(ex.track(ex.clip2("sh", baked, ex.span(0, 20, 24))))))) == 20


def test_a_track_inside_a_track(footage: Path, tmp_path: Path) -> None:
    inner = plate(footage, ex.span(0, 20, 24), WHOLE)
    assert "decompose" in refused(tmp_path, ex.timeline(ex.track(ex.track(inner)))).remedy
    assert pictures(opened(tmp_path, ex.timeline(ex.track(inner)))) == list(range(20))


def test_clips_of_no_or_hardly_any_frame(footage: Path, tmp_path: Path) -> None:
    nothing, shred = ex.span(5, 0, 24), ex.span(5, 0.3, 24)
    for source, remedy in ((nothing, "at least one frame"), (shred, "longer clip")):
        problem = refused(tmp_path, ex.timeline(ex.track(plate(footage, source, WHOLE)), start=ex.time(0, 24)))
        assert remedy in problem.remedy
    one = plate(footage, ex.span(5, 1, 24), WHOLE, name="one")
    source = opened(tmp_path, ex.timeline(ex.track(plate(footage, nothing, WHOLE), one), start=ex.time(0, 24)), "one")
    assert pictures(source) == [5]


def test_a_range_that_is_cut_between_frames(footage: Path, tmp_path: Path) -> None:
    media = ex.movie(str(footage / "a50.mov"), ex.span(0, 120, 50))

    def cut(start: float, length: float) -> dict:
        return ex.timeline(ex.track(ex.clip2("sh", media, ex.span(start, length, 50))), start=ex.time(0, 25))

    problem = refused(tmp_path, cut(20, 40), part=(5, 14))
    assert "Use the whole clip, or cut it in your editor" in problem.remedy
    assert pictures(opened(tmp_path, cut(20, 40))) == list(range(20, 60))
    assert pictures(opened(tmp_path, cut(26, 10))) == list(range(26, 36))
    outside = refused(tmp_path, cut(20, 40), part=(30, 40))
    assert "frames 0 to 39" in outside.why and "Choose IN and OUT between them" in outside.remedy
    assert pictures(opened(tmp_path, cut(20, 40), part=(30, 39))) == list(range(50, 60))


def test_a_timeline_without_a_rate(footage: Path, tmp_path: Path) -> None:
    gone = ex.clip2("sh", ex.movie("/gone/a.mov", ex.span(0, 4, 1)), ex.span(1, 1, 1))
    problem = refused(tmp_path, ex.timeline(ex.track(gone)))
    assert "no frame rate" in problem.what and "OpenTimelineIO" in problem.remedy
    there = plate(footage, ex.span(1, 1, 1), ex.span(0, 100 / 24, 1))
    assert pictures(opened(tmp_path, ex.timeline(ex.track(gone, there)), "2")) == list(range(24, 48))


@pytest.mark.parametrize("rate", [0.0, -24.0, float("inf")])
def test_an_impossible_rate(footage: Path, tmp_path: Path, rate: float) -> None:
    broken = plate(footage, ex.span(10, 20, rate), WHOLE)
    assert "valid frame rate" in refused(tmp_path, ex.timeline(ex.track(broken), start=ex.time(0, 24))).remedy
    assert pictures(opened(tmp_path, ex.timeline(ex.track(plate(footage, ex.span(10, 20, 24), WHOLE)))))


def newer(schema: str) -> Callable[[dict], None]:
    def changed(cut: dict) -> None:
        clip = cut["tracks"]["children"][0]["children"][0]
        if schema.startswith("Marker"):
            clip["markers"] = [{"OTIO_SCHEMA": schema, "name": "", "marked_range": ex.span(0, 1, 24), "metadata": {}}]
        else:
            clip["OTIO_SCHEMA"] = schema

    return changed


@pytest.mark.parametrize(
    ("schema", "known"), [("Marker.3", "Marker.2"), ("Marker.7", "Marker.2"), ("Clip.9", "Clip.2")]
)
def test_files_of_a_newer_opentimelineio(footage: Path, tmp_path: Path, schema: str, known: str) -> None:
    built = ex.timeline(ex.track(plate(footage, ex.span(10, 20, 24), WHOLE)))
    newer(schema)(built)
    problem = refused(tmp_path, built)
    assert f"{schema} (known up to {known})" in problem.why and "or older" in problem.remedy
    assert ("without its markers" in problem.remedy) == schema.startswith("Marker")
    newer(known)(built)
    assert pictures(opened(tmp_path, built)) == list(range(10, 30))


@pytest.mark.parametrize(("step", "every"), [(2, "2nd"), (3, "3rd"), (11, "11th"), (21, "21st")])
def test_sequences_with_steps(footage: Path, tmp_path: Path, step: int, every: str) -> None:
    reference = {
        "OTIO_SCHEMA": "ImageSequenceReference.1",
        "target_url_base": str(footage / "seq"),
        "name_prefix": "output.",
        "name_suffix": ".png",
        "start_frame": 1000,
        "frame_step": step,
        "rate": 24.0,
        "frame_zero_padding": 4,
        "missing_frame_policy": "error",
        "available_range": None,
    }
    problem = refused(tmp_path, ex.timeline(ex.track(ex.clip2("sh", reference, ex.span(1000, 2, 24)))))
    assert f"every {every} picture" in problem.what and "movie" in problem.remedy
    movie = ex.movie(str(make_movie(tmp_path / "rendered.mov", 2, "24")), ex.span(0, 2, 24))
    assert pictures(opened(tmp_path, ex.timeline(ex.track(ex.clip2("sh", movie, ex.span(0, 2, 24)))))) == [0, 1]


def test_missing_images_inside_the_clip_and_a_range_without_them(footage: Path, tmp_path: Path) -> None:
    path = case_file("hole-outside-the-clip", footage, tmp_path)
    cut = json.loads(path.read_text())
    cut["tracks"]["children"][0]["children"][0]["source_range"]["start_time"]["value"] = 5.0
    path.write_text(json.dumps(cut))
    with pytest.raises(BadMedia, match="missing: 10.*choose a range without them"):
        open_source(str(path), unpacked=tmp_path)
    assert pictures(open_source(str(path), part=(6, 19), unpacked=tmp_path)) == list(range(10, 24))


def test_a_single_picture(tmp_path: Path) -> None:
    make_sequence(tmp_path / "shots", "shot.", 1, 4)
    with pytest.raises(BadMedia, match="a movie, the folder of an image sequence, or its pattern"):
        open_source(str(tmp_path / "shots" / "shot.0001.png"), unpacked=tmp_path)
    movie = make_movie(tmp_path / "shot.mov", 4, "24")
    for name in (movie, tmp_path / "shots", tmp_path / "shots" / "shot.%04d.png"):
        assert pictures(open_source(str(name), unpacked=tmp_path)) == [0, 1, 2, 3]


@pytest.mark.parametrize("name", ["", "shot.%04d.png", "shot.####.png", "shot.[0001-0040].png"])
def test_missing_images_of_a_sequence_and_a_range_without_them(footage: Path, tmp_path: Path, name: str) -> None:
    path = str(footage / "holes" / name)
    for part in (None, (5, 12), (0, 39)):
        with pytest.raises(BadMedia, match="1 frame of .* is missing: 10.*choose a range without them"):
            open_source(path, part=part, unpacked=tmp_path)
    assert pictures(open_source(path, part=(10, 39), unpacked=tmp_path)) == list(range(10, 40))
    assert pictures(open_source(path, part=(0, 8), unpacked=tmp_path)) == list(range(9))
