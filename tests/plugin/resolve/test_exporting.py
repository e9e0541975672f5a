"""Clips exported from Resolve are read by our own timeline reader with the right frames."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from bridge.editorial.clip_list import list_shots
from bridge.editorial.timeline import open_timeline
from plugin.resolve.errors import ResolveProblem
from plugin.resolve.export.clip_export import export_clip
from tests.plugin.resolve.double import Switches, World
from tests.plugin.resolve.double.state import Item, PoolItem
from tests.plugin.resolve.films import Film


def exported(film: Film, item: Item, folder: Path):
    folder.mkdir(exist_ok=True)
    before = film.world.snapshot()
    reply = export_clip(film.current(), film.journal, item.uid, str(folder))
    assert film.world.snapshot() == before
    assert [each.name for each in folder.iterdir()] == [reply["otio"]]
    clips = list_shots(open_timeline(folder / reply["otio"]))
    assert [str(each.index) for each in clips] == [reply["clip"]]
    assert clips[0].problem is None
    return clips[0].shot


@pytest.mark.parametrize("clip_schema", [1, 2])
@pytest.mark.parametrize("rate", ["24", "23.976", "25", "29.97 DF", "59.94"])
def test_the_right_frames_go_out(tmp_path: Path, rate: str, clip_schema: int) -> None:
    film = Film(tmp_path / "film", World(switches=Switches(otio_clip=clip_schema, fractional_starts=True)), rate)
    film.tracks(3)
    film.clip("other.mov", at=0, frames=7, track=2)
    film.clip("other.mov", at=30, frames=10, track=2)
    media = film.media("street.mov", 100, start=3600)
    item = film.clip(media=media, at=100, frames=24, first=31, track=2)
    shot = exported(film, item, tmp_path / "out")
    assert (shot.source_start, shot.frame_count, shot.handles) == (31, 24, (31, 45))
    assert (shot.record_start, shot.record_frames, shot.timeline_start) == (100, 24, film.start)
    assert Fraction(*shot.timeline_rate) == film.current().rate
    assert shot.media_path == media.path
    assert "://" not in shot.media_url


def test_a_clip_of_another_rate_keeps_it(tmp_path: Path) -> None:
    film = Film(tmp_path / "film", rate="24")
    item = film.clip(media=film.media("fast.mov", 200, "48"), frames=20, first=10)
    shot = exported(film, item, tmp_path / "out")
    assert (shot.rate, shot.source_start, shot.frame_count, shot.record_frames) == ((48, 1), 10, 40, 20)


@pytest.mark.parametrize("switches", [Switches(otio=False), Switches(otio_since=(22, 0, 0))])
def test_without_otio_the_calls_give_enough(tmp_path: Path, switches: Switches) -> None:
    film = Film(tmp_path / "film", World(switches=switches))
    item = film.clip(at=50, frames=24, first=31)
    shot = exported(film, item, tmp_path / "out")
    assert (shot.source_start, shot.frame_count, shot.record_start) == (31, 24, 50)


def test_an_export_that_reports_success_but_writes_nothing(tmp_path: Path) -> None:
    film = Film(tmp_path / "film")
    film.world.answers["Timeline.Export"] = True
    shot = exported(film, film.clip(first=31), tmp_path / "out")
    assert shot.source_start == 31


def test_a_sequence_as_resolve_names_it(tmp_path: Path) -> None:
    film = Film(tmp_path / "film")
    for number in range(1001, 1041):
        (film.folder / f"shot.{number}.exr").write_bytes(b"picture")
    clip = film.media("any", 40, start=1001)
    clip.path = str(film.folder / "shot.[1001-1040].exr")
    shot = exported(film, film.clip(media=clip, frames=20, first=5), tmp_path / "out")
    assert (shot.source_start, shot.frame_count) == (5, 20)
    assert shot.sequence is not None and shot.sequence.first == 1001


def _refused(film: Film, item: Item, tmp_path: Path) -> ResolveProblem:
    (tmp_path / "out").mkdir()
    with pytest.raises(ResolveProblem) as reply:
        export_clip(film.current(), film.journal, item.uid, str(tmp_path / "out"))
    assert list((tmp_path / "out").iterdir()) == []
    assert reply.value.remedy
    return reply.value


@pytest.mark.parametrize("speed", [Fraction(2), Fraction(1, 2), Fraction(-1), Fraction(101, 100)])
def test_retimed_and_reversed_clips_are_refused_with_the_reason(tmp_path: Path, speed: Fraction) -> None:
    film = Film(tmp_path / "film")
    problem = _refused(film, film.clip(frames=24, first=20, speed=speed), tmp_path)
    assert problem.kind == "not_supported"
    assert "speed" in problem.what and "Render in Place" in problem.remedy


def test_titles_are_refused(tmp_path: Path) -> None:
    film = Film(tmp_path / "film")
    item = film.clip()
    item.pool = None
    assert "title" in _refused(film, item, tmp_path).what


@pytest.mark.parametrize("language", ["en", "ja"])
def test_compound_clips_are_refused_in_every_language(tmp_path: Path, language: str) -> None:
    film = Film(tmp_path / "film", World(switches=Switches(language=language)))
    compound = PoolItem(film.world.uid("media"), "Compound Clip 1", "", 100, "24")
    film.world.project.root.clips.append(compound)
    assert "compound" in _refused(film, film.clip(media=compound), tmp_path).what


def test_offline_media_is_reported_with_its_path(tmp_path: Path) -> None:
    film = Film(tmp_path / "film")
    item = film.clip("gone.mov")
    (film.folder / "gone.mov").unlink()
    problem = _refused(film, item, tmp_path)
    assert "gone.mov" in problem.what and "Relink" in problem.remedy


def test_stills_and_disabled_clips_are_refused(tmp_path: Path) -> None:
    film = Film(tmp_path / "film")
    still = film.media("photo.png", 1)
    assert "still" in _refused(film, film.clip(media=still, first=0, frames=1), tmp_path).what
    item = film.clip(at=60)
    item.enabled = False
    with pytest.raises(ResolveProblem, match="disabled"):
        export_clip(film.current(), film.journal, item.uid, str(tmp_path / "out"))


def test_another_timeline_or_a_deleted_clip(tmp_path: Path) -> None:
    film = Film(tmp_path / "film")
    item = film.clip()
    film.timeline.tracks["video"][0].items.clear()
    assert _refused(film, item, tmp_path).kind == "clip_gone"
