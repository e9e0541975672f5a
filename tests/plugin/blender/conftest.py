"""One process for each Blender for the whole session, and the media that their timelines use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest

from tests.plugin.blender.blenders import ALL, Blender
from tests.plugin.blender.numbered import HEIGHT, WIDTH, with_edit_list, write_movie, write_pictures

NTSC_FILM, NTSC = Fraction(24000, 1001), Fraction(30000, 1001)


@pytest.fixture(scope="session", params=ALL)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Blender]:
    found = Blender(request.param, tmp_path_factory.mktemp(f"blender-{request.param}"))
    yield found
    found.close()


@pytest.fixture
def blender(running: Blender) -> Blender:
    """A Blender with an empty timeline of 24 frames a second."""
    running.call("scenes.fresh")
    running.call("agent_calls.start")
    return running


@dataclass(frozen=True)
class Media:
    """Movies and pictures of 40 numbered frames."""

    folder: Path
    h264: Path
    prores: Path
    film: Path
    ntsc: Path
    ntsc_prores: Path
    variable: Path
    edited: Path
    transport: Path
    names: list[str]
    count: int = 40


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Media:
    folder = tmp_path_factory.mktemp("média mit spaces")
    h264 = write_movie(folder / "h264 #1 100%25.mp4", 40)
    return Media(
        folder=folder,
        h264=h264,
        prores=write_movie(folder / "prores.mov", 40, codec="prores_ks"),
        film=write_movie(folder / "film.mov", 40, NTSC_FILM),
        ntsc=write_movie(folder / "ntsc.mov", 40, NTSC),
        ntsc_prores=write_movie(folder / "ntsc prores.mov", 40, NTSC, "prores_ks"),
        variable=write_movie(folder / "variable.mp4", 40, held=lambda index: 2 if index % 7 == 3 else 1),
        edited=with_edit_list(h264, folder / "edited.mp4", 0.5),
        transport=write_movie(folder / "transport.ts", 40),
        names=write_pictures(folder / "pictures", 40, "shot v2_{:04d}.png", first=1001),
    )


def take(identity: str, folder: Path, count: int, label: str = "", write: bool = True) -> dict:
    """A take of the protocol: `count` numbered layer pictures in `folder`."""
    if write:
        write_pictures(folder, count, "layer_{:06d}.png", 0, layer=True)
    sequence = {"folder": str(folder), "prefix": "layer_", "suffix": ".png", "first": 0, "padding": 6, "count": count}
    facts = {"id": identity, "label": label or f"Take {identity}", "path": "", "sequence": sequence}
    facts.update(frame_count=count, rate=[24, 1], start_frame=0, width=WIDTH, height=HEIGHT)
    return {**facts, "instruction": "add a whale", "model": "tiny", "seed": 1}


@pytest.fixture(scope="session")
def layers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 pictures of a layer, for takes of up to 60 frames."""
    folder = tmp_path_factory.mktemp("layers")
    write_pictures(folder, 60, "layer_{:06d}.png", 0, layer=True)
    return folder
