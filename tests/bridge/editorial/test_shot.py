from fractions import Fraction
from pathlib import Path

import msgspec
import pytest

from bridge.editorial.clip_list import Shot, list_shots, select_shot
from bridge.editorial.timeline import OpenTimeline, open_timeline
from contract.errors import BadMedia, BadTimeline
from tests.bridge.editorial import exported as ex


def read(folder: Path, *tracks: dict, start: dict | None = None) -> OpenTimeline:
    return open_timeline(ex.write(folder / "cut.otio", ex.timeline(*tracks, start=start)))


def one(folder: Path, clip: dict, **track: object) -> OpenTimeline:
    return read(folder, ex.track(clip, **track), start=ex.time(0, 24))


def plate(folder: Path, start: float = 0, duration: float = 48, rate: float = 24.0, **fields: object) -> dict:
    media = ex.movie(ex.footage(folder), ex.span(0, 200, rate))
    return ex.clip1(fields.pop("name", "plate"), media, ex.span(start, duration, rate), **fields)


def problem(opened: OpenTimeline, clip: str | int | None = None, **choice: object) -> BadTimeline:
    with pytest.raises(BadTimeline) as caught:
        select_shot(opened, clip, **choice)
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize(
    ("effect", "what"),
    [
        (ex.effect("LinearTimeWarp.1", time_scalar=2.0), "speed change (200 %)"),
        (ex.effect("LinearTimeWarp.1", time_scalar=0.5), "speed change (50 %)"),
        (ex.effect("LinearTimeWarp.1", time_scalar=-1.0), "backwards"),
        (ex.effect("LinearTimeWarp.1", time_scalar=0.0), "freeze frame"),
        (ex.effect("FreezeFrame.1", time_scalar=0.0), "freeze frame"),
        (ex.effect("TimeEffect.1", effect_name="Ramp"), "variable speed change (Ramp)"),
    ],
)
def test_speed_changes_are_refused_wherever_they_are(tmp_path: Path, effect: dict, what: str) -> None:
    for opened in (one(tmp_path, plate(tmp_path, effects=[effect])), one(tmp_path, plate(tmp_path), effects=[effect])):
        assert what in problem(opened).what
    inner = ex.stack(ex.track(plate(tmp_path)), name="comp", effects=[effect], source_range=ex.span(0, 48, 24))
    assert what in problem(one(tmp_path, inner)).what


def test_speed_effects_that_change_nothing(tmp_path: Path) -> None:
    effects = [
        ex.effect("LinearTimeWarp.1", time_scalar=1.0),
        ex.effect("LinearTimeWarp.1", time_scalar=3.0, enabled=False),
        ex.effect("Effect.1", effect_name="Blur"),
    ]
    assert select_shot(one(tmp_path, plate(tmp_path, effects=effects))).effects[-1] == "Blur"


def test_only_usable_clip_is_the_default(tmp_path: Path) -> None:
    generator = {"OTIO_SCHEMA": "GeneratorReference.1", "generator_kind": "Text", "parameters": {}}
    title = ex.clip1("title", generator, ex.span(0, 9, 24))
    off = plate(tmp_path, name="off", enabled=False)
    opened = one(tmp_path, plate(tmp_path))
    assert select_shot(opened).name == "plate"
    opened = read(tmp_path, ex.track(title, plate(tmp_path), off))
    assert select_shot(opened).index == 2
    error = problem(read(tmp_path, ex.track(title, off)))
    assert "No clip" in error.what and "generator (Text)" in error.why and "disabled" in error.why
    assert "disabled" in problem(opened, "off").what


def test_several_clips_need_a_choice(tmp_path: Path) -> None:
    low = ex.track(plate(tmp_path), ex.gap(12), plate(tmp_path, 60, 24))
    high = ex.track(ex.gap(10), plate(tmp_path, name="Other"))
    sound = ex.track(plate(tmp_path, name="sound"), kind="Audio")
    opened = read(tmp_path, sound, low, high, start=ex.time(86400, 24))
    assert [(each.index, each.name, each.shot.track_number) for each in list_shots(opened)] == [
        (1, "plate", 1),
        (2, "Other", 2),
        (3, "plate", 1),
    ]
    error = problem(opened)
    assert "3 clips" in error.what and '2. "Other" on V2, 01:00:00:10 to 01:00:02:10, 48 frames' in error.why
    assert '1. "plate"' in problem(opened, "plate").why and "2 clips" in problem(opened, "plate").what
    assert "Other" in problem(opened, "othr").remedy
    assert "1 to 3" in problem(opened, 4).remedy
    assert "number 0" in problem(opened, "0").what
    for choice in ("Other", "other", 2, "2"):
        assert select_shot(opened, choice).name == "Other"
    assert select_shot(opened, 3).track_index == 1


def test_a_clip_whose_name_is_a_number(tmp_path: Path) -> None:
    opened = read(tmp_path, ex.track(plate(tmp_path), plate(tmp_path, name="1")))
    assert select_shot(opened, "1").index == 2
    assert select_shot(opened, 1).index == 1


def test_timelines_without_clips(tmp_path: Path) -> None:
    assert "no video track" in problem(read(tmp_path)).what
    assert "no video track" in problem(read(tmp_path, ex.track(plate(tmp_path), kind="Audio"))).what
    assert "no video clip" in problem(read(tmp_path, ex.track(ex.gap(24)))).what


def test_missing_available_range_asks_the_media(tmp_path: Path) -> None:
    asked = []

    def probe(path: str, rate: Fraction | None) -> ex.Facts:
        asked.append(path)
        return ex.Facts(Fraction(24000, 1001), start_timecode=86400)

    def start(value: float) -> Shot:
        clip = ex.clip1("a", ex.movie(ex.footage(tmp_path)), ex.span(value, 24, 23.976))
        return select_shot(one(tmp_path, clip), probe=probe)

    shot = start(86410)
    assert (shot.source_start, shot.media_start, shot.handles) == (10, 86400, (10, 0))
    assert asked == [str(tmp_path / "plate.mov")]
    # Before the start timecode there is no picture: such a range counts from 0.
    assert (start(10).source_start, start(10).media_start) == (10, 0)


def test_a_damaged_movie_does_not_hide_the_others(tmp_path: Path) -> None:
    def probe(path: str, rate: Fraction | None) -> ex.Facts:
        if path.endswith("b.mov"):
            raise BadMedia("The movie is damaged.", remedy="Copy it again.")
        return ex.Facts(frame_count=200)

    unknown = ex.clip1("damaged", ex.movie(ex.footage(tmp_path, "b.mov")), ex.span(0, 24, 24))
    opened = read(tmp_path, ex.track(unknown, plate(tmp_path)))
    assert select_shot(opened, probe=probe).name == "plate"
    assert "damaged" in problem(opened, "damaged", probe=probe).what


def test_numbers_of_a_sequence_without_available_range(tmp_path: Path) -> None:
    for number in range(1001, 1051):
        ex.footage(tmp_path, f"n.{number}.exr")
    media = {
        "OTIO_SCHEMA": "ImageSequenceReference.1",
        "target_url_base": "",
        "name_prefix": "n.",
        "name_suffix": ".exr",
        "start_frame": 1001,
        "frame_step": 1,
        "rate": 24.0,
        "frame_zero_padding": 4,
        "missing_frame_policy": "error",
    }
    assert select_shot(one(tmp_path, ex.clip1("a", media, ex.span(1011, 20, 24)))).source_start == 10
    assert select_shot(one(tmp_path, ex.clip1("a", media, ex.span(10, 20, 24)))).source_start == 10
    pattern = ex.movie("n.[1001-1050].exr")
    assert select_shot(one(tmp_path, ex.clip1("a", pattern, ex.span(1011, 40, 24)))).handles == (10, 0)
    assert "does not have" in problem(one(tmp_path, ex.clip1("a", pattern, ex.span(1011, 41, 24)))).what


def test_ranges_that_the_media_does_not_have(tmp_path: Path) -> None:
    media = ex.movie(ex.footage(tmp_path), ex.span(86400, 100, 24))
    apart = problem(one(tmp_path, ex.clip1("a", media, ex.span(0, 24, 24))))
    assert "no frame in common" in apart.what and "0 to 23, the media has 86400 to 86499" in apart.why
    beyond = problem(one(tmp_path, ex.clip1("a", media, ex.span(86490, 11, 24))))
    assert "does not have" in beyond.what and "frames 90 to 100 counted from 0" in beyond.why
    assert "no frames" in problem(one(tmp_path, ex.clip1("a", media, ex.span(86400, 0, 24)))).what
    unknown = ex.clip1("a", ex.movie(ex.footage(tmp_path)), None)
    assert "which part" in problem(one(tmp_path, unknown)).what
    assert select_shot(one(tmp_path, ex.clip1("a", media, None))).frame_count == 100


def test_what_follows_an_item_without_length_has_no_position(tmp_path: Path) -> None:
    opened = one(tmp_path, plate(tmp_path))
    broken = ex.clip1("broken", ex.movie("gone.mov"), None)
    opened = read(tmp_path, ex.track(plate(tmp_path, name="before"), broken, plate(tmp_path, name="behind")))
    assert [each.problem is None for each in list_shots(opened)] == [True, False, False]
    assert "'broken' has no length" in problem(opened, "behind").what
    abstract = {"OTIO_SCHEMA": "Item.1", "name": "odd", "metadata": {}, "effects": [], "markers": []}
    opened = read(tmp_path, ex.track(abstract, plate(tmp_path)))
    assert "'odd' has no length" in problem(opened).what


def test_media_rate_differs_from_timeline_rate(tmp_path: Path) -> None:
    media = ex.movie(ex.footage(tmp_path), ex.span(0, 300, 29.97))
    # Range in media frames: one output frame for each of them.
    shot = select_shot(one(tmp_path, ex.clip1("a", media, ex.span(30, 60, 29.97))))
    assert (shot.source_start, shot.frame_count, shot.rate) == (30, 60, (30000, 1001))
    assert (shot.record_frames, shot.timeline_rate) == (48, (24, 1))
    # Range in timeline frames: all media frames that it touches, and what the cut leaves out of the first.
    shot = select_shot(one(tmp_path, ex.clip1("a", media, ex.span(1, 24, 24.0))))
    assert (shot.source_start, shot.frame_count) == (1, 31)
    assert Fraction(*shot.source_offset) == Fraction(30000, 24 * 1001) - 1
    assert "shorter than one frame" in problem(one(tmp_path, ex.clip1("a", media, ex.span(0, 0.2, 24.0)))).what


def test_fractions_of_frames_at_the_timeline_rate_are_noise(tmp_path: Path) -> None:
    shot = select_shot(one(tmp_path, plate(tmp_path, 10.099992, 47.999)))
    assert (shot.source_start, shot.source_offset, shot.frame_count, shot.record_frames) == (10, (0, 1), 48, 48)


def test_parts(tmp_path: Path) -> None:
    opened = read(tmp_path, ex.track(ex.gap(12), plate(tmp_path, 20, 48)), start=ex.time(86400, 24))
    shot = select_shot(opened, in_out=(10, 19))
    assert (shot.source_start, shot.frame_count, shot.handles) == (30, 10, (30, 160))
    assert (shot.record_start, shot.record_frames, shot.part) == (22, 10, (10, 19))
    assert select_shot(opened, in_out=(47, 47)).frame_count == 1
    assert select_shot(opened, in_out=(0, 47)) == select_shot(opened)
    for outside in ((-1, 5), (5, 4), (0, 48), (48, 48)):
        assert "0 to 47" in problem(opened, in_out=outside).why


def test_parts_of_a_clip_at_another_rate(tmp_path: Path) -> None:
    opened = read(tmp_path, ex.track(plate(tmp_path, 0, 100, 50.0)), start=ex.time(0, 25))
    shot = select_shot(opened, in_out=(10, 19))
    assert (shot.source_start, shot.frame_count, shot.record_start, shot.record_frames) == (10, 10, 5, 5)
    error = problem(opened, in_out=(1, 19))
    assert "frames of the timeline" in error.what and "50" in error.why


def test_clip_bare_in_a_stack_and_track_in_a_track(tmp_path: Path) -> None:
    opened = read(tmp_path, plate(tmp_path))
    assert select_shot(opened).address == (0,)
    opened = read(tmp_path, ex.track(ex.track(plate(tmp_path))))
    assert "track inside a track" in problem(opened).what


def test_shots_travel_as_messages(tmp_path: Path) -> None:
    shot = select_shot(one(tmp_path, plate(tmp_path, metadata={"host": {"id": [1, 2.5, None]}})))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(shot), type=Shot) == shot


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ('🎈 kids/"quoted"\\back\nnewline', '🎈 kids/"quoted"\\back\\nnewline'),
        ("\u202eevil\x1b[31mred\x07", r"\u202eevil\x1b[31mred\x07"),
        ("\x9b2Jgone\u2028", r"\x9b2Jgone\u2028"),
        ("-rf *", "-rf *"),
    ],
)
def test_names_that_disturb_a_terminal_are_escaped_and_can_be_chosen(tmp_path: Path, name: str, listed: str) -> None:
    opened = read(tmp_path, ex.track(plate(tmp_path), plate(tmp_path, 60, 24, name=name)))
    assert [each.name for each in list_shots(opened)] == ["plate", listed]
    why = problem(opened).why
    assert len(why.splitlines()) == 2 and f'2. "{listed}" on V1' in why
    for choice in (name, listed, 2):
        assert select_shot(opened, choice).index == 2
    assert listed in problem(opened, listed[:-1]).remedy
