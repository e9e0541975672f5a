"""Everything that a source leads to is checked before it is read."""

from __future__ import annotations

from pathlib import Path

import opentimelineio as otio
import pytest
from PIL import Image

from backend.jobs.media_roots import MediaRoots, OutsideMediaRoots
from backend.jobs.sources import open_source
from contract.errors import BadTimeline
from tests.backend.jobs.small_jobs import FRAMES, RATE, write_movie


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    (tmp_path / "inside").mkdir()
    (tmp_path / "outside").mkdir()
    write_movie(tmp_path / "outside/secret.mp4")
    return tmp_path / "inside"


def clip(path: Path, *, known: bool) -> otio.schema.Clip:
    """A clip of all the movie's frames; `known`: the timeline gives the media's range, so the media stays closed."""
    whole = otio.opentime.TimeRange(otio.opentime.RationalTime(0, RATE), otio.opentime.RationalTime(FRAMES, RATE))
    media = otio.schema.ExternalReference(str(path), whole if known else None)
    return otio.schema.Clip(path.stem, media, whole)


def timeline(path: Path, *clips: otio.schema.Clip) -> str:
    made = otio.schema.Timeline("cut")
    made.tracks.append(otio.schema.Track("V1", children=clips, kind=otio.schema.TrackKind.Video))
    otio.adapters.write_to_file(made, str(path))
    return str(path)


def opened(source: str | Path, inside: Path, clip: str | None = None) -> str:
    check = MediaRoots([inside]).check
    return open_source(str(source), clip, unpacked=inside / "media", check=check).info.path


def test_movies(inside: Path):
    write_movie(inside / "clip.mp4")
    assert opened(inside / "clip.mp4", inside) == str(inside / "clip.mp4")
    (inside / "link.mp4").symlink_to(inside.parent / "outside/secret.mp4")
    for name in ("link.mp4", "../outside/secret.mp4"):
        with pytest.raises(OutsideMediaRoots):
            opened(inside / name, inside)


def test_a_sequence_with_one_picture_from_elsewhere(inside: Path):
    for number in range(1, 4):
        Image.new("RGB", (32, 16)).save(inside / f"shot.{number:04d}.png")
    assert opened(inside / "shot.%04d.png", inside)
    (inside.parent / "outside/x.png").write_bytes((inside / "shot.0002.png").read_bytes())
    (inside / "shot.0002.png").unlink()
    (inside / "shot.0002.png").symlink_to(inside.parent / "outside/x.png")
    for name in ("shot.%04d.png", "."):
        with pytest.raises(OutsideMediaRoots):
            opened(inside / name, inside)


@pytest.mark.parametrize("known", [True, False])
def test_a_timeline_with_media_from_elsewhere(inside: Path, known: bool):
    write_movie(inside / "clip.mp4")
    secret = clip(inside.parent / "outside/secret.mp4", known=known)
    cut = timeline(inside / "cut.otio", clip(inside / "clip.mp4", known=known), secret)
    # The clip that may not be read hides no other.
    assert opened(cut, inside, "clip") == str(inside / "clip.mp4")
    with pytest.raises((OutsideMediaRoots, BadTimeline), match="may not use"):
        opened(cut, inside, "secret")


def test_a_timeline_from_elsewhere(inside: Path):
    write_movie(inside / "clip.mp4")
    cut = timeline(inside.parent / "outside/cut.otio", clip(inside / "clip.mp4", known=True))
    with pytest.raises(OutsideMediaRoots):
        opened(cut, inside)
