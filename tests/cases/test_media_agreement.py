"""What timelines say about their media, and what the media is: interpreted footage, mixed rates, clocks, spellings."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from backend.jobs import sources
from backend.jobs.sources import Source, open_source
from contract.errors import BadTimeline
from plugin.review_media.slice_reader import SliceReader
from plugin.review_media.slices import slice_of
from tests.bridge.editorial import exported as ex
from tests.cases.footage import make_movie, number_of
from tests.cases.test_timelines import pictures, placed

NTSC24, NTSC30, NTSC60 = 24000 / 1001, 30000 / 1001, 60000 / 1001


def sequence(folder: Path, rate: float, available: dict | None) -> dict:
    """The sequence output.1000 to output.1100 as a reference."""
    numbers = {"start_frame": 1000, "frame_step": 1, "frame_zero_padding": 4, "missing_frame_policy": "error"}
    names = {"target_url_base": str(folder / "seq"), "name_prefix": "output.", "name_suffix": ".png"}
    head = {"OTIO_SCHEMA": "ImageSequenceReference.1", "rate": rate, "available_range": available}
    return head | names | numbers


def one_clip(
    folder: Path, media: dict, source: dict | None, start: dict | None = None, track: dict | None = None
) -> Source:
    """A timeline of one clip, opened."""
    built = ex.timeline(ex.track(ex.clip2("sh", media, source), **(track or {})), start=start, name="")
    return open_source(str(ex.write(folder / "cut.otio", built)), unpacked=folder / "unpacked")


def cut(folder: Path, footage: Path, name: str, available: dict | None, source: dict | None, rate: float) -> Source:
    """A clip of a movie in a timeline of `rate`; 1 leaves the timeline without a rate of its own."""
    start = None if rate == 1 else ex.time(0, rate)
    return one_clip(folder, ex.movie(str(footage / f"{name}.mov"), available), source, start)


ONE_TO_ONE = [
    ("a25", ex.span(0, 100, 24), ex.span(40, 20, 24), 24),  # PAL slowed down to film
    ("a24", ex.span(0, 100, 25), ex.span(80, 40, 50), 50),  # interpreted as 25, in a timeline of 50
    ("a23976", ex.span(0, 100, 24), ex.span(40, 20, 24), 24),
    ("a23976", ex.span(0, 100, 25), ex.span(40, 20, 25), 25),
    ("a24", ex.span(0, 100, 23.976), ex.span(40, 20, 23.976), 23.976),
    ("a2997", ex.span(0, 120, 23.976), ex.span(40, 20, 23.976), 23.976),  # slow motion by interpretation
    ("a50", ex.span(0, 120, 25), ex.span(40, 20, 25), 25),
    ("a60", ex.span(0, 130, NTSC24), ex.span(40, 20, NTSC24), NTSC24),
    ("tc24", ex.span(90000, 100, 25), ex.span(90040, 20, 25), 25),  # 01:00:00:00 as 25 counts it
    ("tc24", ex.span(86400, 100, 25), ex.span(86440, 20, 25), 25),  # the file's frame number, kept
    ("tc23976", ex.span(917425, 100, 25), ex.span(917465, 20, 25), 25),
    ("a24", None, ex.span(0, 100, 25), 25),  # all of the file's frames
]


@pytest.mark.parametrize(("name", "available", "source", "rate"), ONE_TO_ONE)
def test_equal_counts_are_one_to_one(
    footage: Path, tmp_path: Path, name: str, available: dict | None, source: dict, rate: float
) -> None:
    found = cut(tmp_path, footage, name, available, source, rate)
    assert pictures(found) == (list(range(40, 60)) if available else list(range(100)))
    assert any("one to one" in notice for notice in found.notices)
    timeline = placed(found, tmp_path)
    taken, clip = timeline.tracks[1][-1], timeline.tracks[0][-1]
    assert taken.range_in_parent() == clip.range_in_parent()
    assert (found.info.rate, found.info.has_audio) == (found.shot.frame_rate, False)


BY_TIME = [
    ("a24", ex.span(0, 100, 24), ex.span(25, 25, 25), 25, range(24, 48)),
    ("a24", ex.span(0, 104, 25), ex.span(25, 25, 25), 25, range(24, 48)),  # counted in the timeline's frames
    ("a50", ex.span(0, 60, 25), ex.span(40, 15, 25), 25, range(80, 110)),
    ("a60", ex.span(0, 54, 25), ex.span(10, 20, 25), 25, range(24, 72)),
    ("a25", ex.span(0, 200, 50), ex.span(50, 50, 50), 50, range(25, 50)),
    ("a24", None, ex.span(25, 25, 25), 25, range(24, 48)),
    ("tc24", None, ex.span(90025, 25, 25), 25, range(24, 48)),
    ("tc24", None, ex.span(3601, 1, 1), 25, range(24, 48)),
    ("a25", ex.span(0, 4000, 1000), ex.span(400, 1320, 1000), 1, range(10, 43)),  # milliseconds
    ("a25", None, ex.span(0.4, 1.32, 1), 1, range(10, 43)),
    ("a24", ex.span(0, 100 / 24, 1), ex.span(0.5, 1.5, 1), 1, range(12, 48)),
    ("a2997", ex.span(0, 4.004, 1), ex.span(1.001, 2.002, 1), 1, range(30, 90)),
    ("a30", ex.span(0, 360_000, 90_000), ex.span(90_000, 90_000, 90_000), 30, range(30, 60)),
    ("a25", ex.span(0, 192_000, 48_000), ex.span(48_000, 48_000, 48_000), 25, range(25, 50)),
]


@pytest.mark.parametrize(("name", "available", "source", "rate", "frames"), BY_TIME)
def test_equal_seconds_are_by_time(
    footage: Path, tmp_path: Path, name: str, available: dict | None, source: dict, rate: float, frames: range
) -> None:
    found = cut(tmp_path, footage, name, available, source, rate)
    assert pictures(found) == list(frames)
    assert found.shot.rate == found.shot.media_rate == found.info.rate.as_integer_ratio()


@pytest.mark.parametrize(
    ("rate", "available", "source", "frames"),
    [
        (24, ex.span(0, 101, 25), ex.span(40, 20, 25), range(40, 60)),
        (25, ex.span(1000, 101, 25), ex.span(1040, 20, 25), range(40, 60)),
        (24, ex.span(0, 105, 25), ex.span(25, 25, 25), range(24, 48)),
        (24, ex.span(0, 101 / 24, 1), ex.span(1, 1, 1), range(24, 48)),
        (1, ex.span(0, 4.04, 1), ex.span(1, 1, 1), range(25, 50)),  # the timeline's rate, as nothing else says one
    ],
)
def test_sequences_agree_as_movies_do(
    footage: Path, tmp_path: Path, rate: float, available: dict, source: dict, frames: range
) -> None:
    found = one_clip(tmp_path, sequence(footage, rate, available), source, ex.time(0, 25))
    assert pictures(found) == list(frames)


def test_kdenlive_counts_media_in_frames_of_the_project(footage: Path, tmp_path: Path) -> None:
    def shown(name: str, available: dict, source: dict, length: float, rate: float) -> list[int]:
        media = ex.movie(str(footage / f"{name}.mov"), available)
        return pictures(one_clip(tmp_path, media, source, track={"source_range": ex.span(0, length, rate)}))

    assert shown("a24", ex.span(0, 104, 24), ex.span(25, 25, 25), 25, 25) == list(range(24, 48))
    assert shown("a2997", ex.span(0, 100, 29.97), ex.span(25, 25, 25), 25, 25) == list(range(29, 60))
    # "Force frame rate" of a 50p clip to the project's 25: each frame of the project is one of the file.
    assert shown("a50", ex.span(0, 120, 50), ex.span(40, 20, 25), 20, 25) == list(range(40, 60))


@pytest.mark.parametrize(
    ("available", "says"),
    [
        (ex.span(0, 80, 25), "80 frames at 25 frames a second, the file has 100 at 24"),
        (ex.span(0, 1, 25), "1 frame at 25 frames a second"),
        (ex.span(0, 100_000, 30), "100,000 frames at 30 frames a second"),
    ],
)
def test_what_contradicts_is_refused_with_both_numbers(
    footage: Path, tmp_path: Path, available: dict, says: str
) -> None:
    with pytest.raises(BadTimeline) as caught:
        cut(tmp_path, footage, "a24", available, ex.span(0, 1, 25), 25)
    assert says in caught.value.why and "Relink" in caught.value.remedy
    # The remedy: the timeline describes the file that is there.
    assert pictures(cut(tmp_path, footage, "a24", ex.span(0, 100, 24), ex.span(25, 25, 25), 25)) == list(range(24, 48))


@pytest.mark.parametrize(
    ("name", "available", "source"),
    [
        ("tc24", ex.span(86420, 60, 24), ex.span(86430, 20, 24)),  # a subclip of a file with a timecode
        ("a24", ex.span(20, 60, 24), ex.span(30, 20, 24)),
        ("a24", ex.span(0, 50, 24), ex.span(30, 20, 24)),
        ("a24", ex.span(0, 200, 24), ex.span(30, 20, 24)),
        ("a24", ex.span(5000, 40, 24), ex.span(5030, 10, 24)),  # numbers that the file does not have
    ],
)
def test_another_length_at_the_same_rate_is_a_notice(
    footage: Path, tmp_path: Path, name: str, available: dict, source: dict
) -> None:
    found = cut(tmp_path, footage, name, available, source, 24)
    assert pictures(found)[0] == 30
    assert any("the file has 100" in notice for notice in found.notices)


@pytest.mark.parametrize("noise", [-1.9e-14, 3e-14, -4e-6, 8e-6])
@pytest.mark.parametrize("rate", [24, 25, 30, 60])
def test_noise_at_the_ends_of_the_media(footage: Path, tmp_path: Path, noise: float, rate: float) -> None:
    found = cut(tmp_path, footage, "a24", ex.span(0, 100, 24), ex.span(noise, 100 - 2 * noise, 24), rate)
    assert pictures(found) == list(range(100)) and found.shot.source_offset == (0, 1)


def test_a_cut_on_the_timelines_grid_may_begin_before_the_media(footage: Path, tmp_path: Path) -> None:
    # The media begins at 10.4 frames of the timeline; its clip at frame 10.
    found = cut(tmp_path, footage, "a24", ex.span(9.984, 100, 24), ex.span(10, 25, 25), 25)
    assert pictures(found)[0] == 0


SPELLED = [
    ("a23976", (23.976, 23.98, NTSC24)),
    ("a2997", (29.97, 29.97003, NTSC30)),
    ("a5994", (59.94, 59.9401, NTSC60)),
]


@pytest.fixture(scope="module")
def spelled_footage(footage: Path) -> Path:
    make_movie(footage / "a5994.mov", 100, Fraction(60000, 1001))
    return footage


@pytest.mark.parametrize(("name", "spellings"), SPELLED)
@pytest.mark.parametrize("hours", [1, 10, 23])
def test_spellings_of_one_rate_are_one_rate(
    spelled_footage: Path, tmp_path: Path, name: str, spellings: tuple[float, ...], hours: int
) -> None:
    first = hours * 3600 * round(spellings[0])
    for media in spellings:
        for clip in spellings:
            converted = ex.span((first + 20) * clip / media, 40 * clip / media, clip)
            plain = ex.span(first + 20, 40, clip)
            backwards = ex.span(first * media / clip, 100 * media / clip, media)
            for available, source in (
                (ex.span(first, 100, media), converted),
                (ex.span(first, 100, media), plain),
                (backwards, plain),
            ):
                found = cut(tmp_path, spelled_footage, name, available, source, clip)
                assert (found.shot.source_start, found.shot.frame_count) == (20, 40), (available, source)
                assert found.shot.source_offset == (0, 1)


@pytest.mark.parametrize("clip", [29.97, NTSC30, 29.97003])
def test_drop_frame_timecode_in_two_spellings(footage: Path, tmp_path: Path, clip: float) -> None:
    for media in (29.97, NTSC30):
        source = ex.span((107892 + 10) * clip / media, 20 * clip / media, clip)
        found = cut(tmp_path, footage, "tc2997df", ex.span(107892, 120, media), source, clip)
        assert pictures(found) == list(range(10, 30))


def test_a_file_is_looked_at_once(footage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    seen: list[object] = []
    monkeypatch.setattr(
        sources, "probe", lambda name, rate=None, look=sources.probe: seen.append(name) or look(name, rate)
    )
    media = [ex.movie(str(footage / f"{name}.mov")) for name in ("a24", "a25")]
    clips = [ex.clip2(f"c{place}", media[place % 2], ex.span(10, 20, 24)) for place in range(6)]
    path = ex.write(tmp_path / "cut.otio", ex.timeline(ex.track(*clips), start=ex.time(0, 24)))
    assert pictures(open_source(str(path), "c2", unpacked=tmp_path)) == list(range(10, 30))
    assert seen == [str(footage / "a24.mov")]


def test_one_timecode_counted_at_two_rates(footage: Path, tmp_path: Path) -> None:
    # 10:11:12:13 is frame 880141 at 23.976 frames a second and 916813 at 25: half a minute apart in seconds.
    available = ex.span(880141, 100, NTSC24)
    found = cut(tmp_path, footage, "tc23976", available, ex.span(916813 + 25, 25, 25), 25)
    assert pictures(found)[0] in (23, 24) and "at two rates" in found.notices[-1]
    # Without the media's range the timecode itself is compared.
    found = cut(tmp_path, footage, "tc23976", None, ex.span(916813 + 25, 25, 25), 25)
    assert pictures(found)[0] in (23, 24)


def test_a_range_that_fits_from_the_timecode_and_from_zero(footage: Path, tmp_path: Path) -> None:
    movie = make_movie(tmp_path / "early.mov", 60, "24", "00:00:00:10")
    found = one_clip(tmp_path, ex.movie(str(movie)), ex.span(20, 20, 24), ex.time(0, 24))
    assert pictures(found) == list(range(10, 30))
    assert "it could be frame 20" in found.notices[0]


def test_the_review_shows_the_frames_that_the_take_is_made_from(footage: Path, tmp_path: Path) -> None:
    for name, available, source in (
        ("a24", ex.span(0, 100, 25), ex.span(40, 20, 25)),
        ("a50", ex.span(0, 60, 25), ex.span(40, 15, 25)),
    ):
        found = cut(tmp_path, footage, name, available, source, 25)
        part = slice_of(found.shot)
        reader = SliceReader(part)
        shown = [number_of(reader.frame(frame).to_ndarray(format="rgb24")) for frame in range(part.count)]
        reader.close()
        assert shown == pictures(found)


@pytest.mark.parametrize(
    "available",
    [
        ex.span(0, float("nan"), 24),
        ex.span(0, float("inf"), 24),
        ex.span(float("nan"), 100, 24),
        ex.span(0, -5, 24),
        ex.span(0, 100, 0),
    ],
)
def test_a_range_of_the_media_that_says_nothing(footage: Path, tmp_path: Path, available: dict) -> None:
    assert pictures(cut(tmp_path, footage, "a24", available, ex.span(10, 20, 24), 24)) == list(range(10, 30))


@pytest.mark.parametrize(
    "start", [ex.time(float("nan"), 24), ex.time(0, 0), ex.time(5, float("inf")), ex.time(3600, 1)]
)
def test_a_start_of_the_timeline_that_says_nothing(footage: Path, tmp_path: Path, start: dict) -> None:
    broken = ex.clip2("broken", ex.movie(str(footage / "a24.mov")), ex.span(0, 5, 0))
    plate = ex.clip2("plate", ex.movie(str(footage / "a24.mov"), ex.span(0, 100, 24)), ex.span(10, 20, 24))
    built = ex.timeline(ex.track(plate, broken), start=start)
    found = open_source(str(ex.write(tmp_path / "cut.otio", built)), "plate", unpacked=tmp_path)
    assert pictures(found) == list(range(10, 30))
