"""From numbered frames in real Blenders through the real panel and the real backend and back: no frame is off.

Checked in rendered pixels: the clip's frame numbers outside the take's matte, and in the whole frame the take's picture
over the clip's, frame by frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from tests.plugin.blender.blenders import MODULES, SYSTEM, Blender
from tests.plugin.blender.chain import Chain, users_service
from tests.plugin.blender.conftest import Media
from tests.plugin.blender.numbered import BITS, read_pictures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]
FILM, NTSC = (24, 1.001), (30, 1.001)
LENGTH = 8
CONTENT = 1
"""Decides the seeds, and so the takes: neighbouring pictures differ in them, and no red is too strong for a movie."""
_REST = 40 - LENGTH  # of the media's frames


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with users_service(tmp_path_factory.mktemp("user") / "home") as home:
        yield home


@pytest.fixture(scope="module")
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Blender]:
    found = Blender(request.param, tmp_path_factory.mktemp(f"chain-{request.param}"))
    yield found
    found.close()


@pytest.fixture
def chain(request: pytest.FixtureRequest, opened: Blender, home: Path) -> Iterator[Chain]:
    made = Chain(opened, home, f"{request.node.name} {CONTENT}")
    yield made
    made.close()


def film(blender: Blender, media: Media, folder: Path) -> list[str]:
    """23.976: a trimmed movie, trimmed pictures, a movie at another speed."""
    blender.call("scenes.fresh", rate=FILM)
    blender.call("scenes.add_movie", str(media.film), "movie", 1, 1, (5, _REST - 5))
    pictures = str(media.folder / "pictures")
    blender.call("scenes.add_pictures", pictures, media.names, "pictures", 1, 40, (9, _REST - 9))
    blender.call("scenes.add_movie", str(media.film), "faster", 1, 100)
    blender.call("scenes.retime", "faster", 4.0)
    return ["movie", "pictures", "faster"]


def broadcast(blender: Blender, media: Media, folder: Path) -> list[str]:
    """29.97: ProRes."""
    blender.call("scenes.fresh", rate=NTSC)
    blender.call("scenes.add_movie", str(media.ntsc_prores), "movie", 1, 7, (20, _REST - 20))
    return ["movie"]


def straight(blender: Blender, media: Media, folder: Path) -> list[str]:
    """23.976: a movie that was cut hard."""
    blender.call("scenes.fresh", rate=FILM)
    blender.call("scenes.add_movie", str(media.film), "movie", 1, 10, (0, 40 - 12 - LENGTH))
    return [blender.call("scenes.cut", "movie", 22, True)["name"]]


TIMELINES = [(SYSTEM, film), (SYSTEM, broadcast), *((version, straight) for version in MODULES)]


@pytest.mark.parametrize(
    ("opened", "make"), TIMELINES, indirect=["opened"], ids=lambda each: getattr(each, "__name__", each)
)
def test_no_frame_is_off(chain: Chain, media: Media, tmp_path: Path, make) -> None:
    blender = chain.blender
    names = make(blender, media, tmp_path)
    blender.call("scenes.save", str(tmp_path / "cut.blend"))
    facts = {name: blender.call("scenes.facts_of", name) for name in names}
    bare = {name: rendered(blender, tmp_path / f"bare {name}", facts[name]) for name in names}
    before = blender.call("scenes.describe")
    takes = chain.order(*names)
    assert differences(before, blender.call("scenes.describe")) == []
    for name in names:
        layer = chain.place(takes[name])
        assert (layer.start, layer.count, layer.track) == (facts[name]["start"], facts[name]["count"], 2)
        assert layer.pictures[0].is_relative_to(tmp_path / "cut dynvfx")
        pictures = [np.asarray(Image.open(each)) for each in layer.pictures]
        shown = rendered(blender, tmp_path / f"shown {name}", facts[name])
        compare(bare[name], pictures, shown)
        compare_with_composite(layer.pictures[0].parents[1] / "composite.mov", pictures, shown)
    now, then = (each["scenes"]["Scene"]["strips"] for each in (blender.call("scenes.describe"), before))
    placed = [each for each in now if each not in then]
    assert len(placed) == len(names)
    assert differences(before, blender.call("scenes.describe", skip=placed)) == []


def differences(one: object, other: object, path: str = "") -> list[str]:
    """The differences of two descriptions."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted({*one, *other})
        return [found for key in keys for found in differences(one.get(key), other.get(key), f"{path}/{key}")]
    return [] if one == other else [f"{path}: {one!r} is {other!r}"]


def rendered(blender: Blender, folder: Path, facts: dict) -> list[np.ndarray]:
    return read_pictures(blender.call("scenes.render", str(folder), facts["start"], facts["count"]))


def compare(bare: list[np.ndarray], layers: list[np.ndarray], shown: list[np.ndarray]) -> None:
    """Every rendered frame is this frame's layer over this frame's clip, and no other layer that looks different.

    Neighbouring layers may look the same: the model has fewer frames a second than the clip. Most do not.
    """
    assert len(bare) == len(layers) == len(shown)
    numbers = [number_outside(each, np.zeros(each.shape[:2])) for each in bare]
    assert len(set(numbers)) == len(numbers)
    assert [number_outside(picture, layer[..., 3]) for picture, layer in zip(shown, layers, strict=True)] == numbers
    for index, picture in enumerate(shown):
        assert (layers[index][..., 3] > 250).sum() > 50  # the take is visible
        composed = [over(bare[index], layer) for layer in layers]
        off = [np.abs(each - picture).max() for each in composed]
        assert off[index] <= 2, (index, off)
        others = [other for other, each in enumerate(composed) if np.abs(each - composed[index]).max() > 4]
        assert len(others) > len(layers) / 2, (index, off)
        assert min(off[other] for other in others) > 2, (index, off)


def over(clip: np.ndarray, layer: np.ndarray) -> np.ndarray:
    alpha = layer[..., 3:] / 255
    return layer[..., :3] * alpha + clip * (1 - alpha)


def number_outside(picture: np.ndarray, alpha: np.ndarray) -> int:
    """The number in the bars of the lower half, read where the layer lets the clip through."""
    height, width = picture.shape[:2]
    rows, clear = picture[height // 2 :].mean(2), alpha[height // 2 :] == 0
    step = width // BITS
    bars = [(rows[:, bit * step + 3 : (bit + 1) * step - 3], clear[:, bit * step + 3 : (bit + 1) * step - 3])
            for bit in range(BITS)]  # fmt: skip
    assert all(free.sum() > 20 for _, free in bars)
    return sum(1 << bit for bit, (bar, free) in enumerate(bars) if bar[free].mean() > 125)


def compare_with_composite(movie: Path, layers: list[np.ndarray], shown: list[np.ndarray]) -> None:
    """The same as the take's own movie shows: beside the matte to 2 of 255, in it as exactly as the movie's coding is.

    The movie's chroma has half the resolution: colours are compared beside the matte, luma in it, both where no edge is
    near. Its 8 bits of limited range, and reds that clip, let luma be up to 8 of 255 off.
    """
    with av.open(str(movie)) as container:
        composites = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(composites) == len(shown)
    for index, (composite, layer, picture) in enumerate(zip(composites, layers, shown, strict=True)):
        off = composite.astype(float) - picture
        kept, alpha = flat(layer[..., 3]), layer[..., 3]
        beside, inside = kept & (alpha == 0), kept & (alpha == 255)
        assert beside.mean() > 0.4 and inside.sum() > 20
        assert np.abs(off[beside]).max() <= 2, index
        assert np.abs(off @ (0.299, 0.587, 0.114))[inside].max() <= 8, index


def flat(alpha: np.ndarray) -> np.ndarray:
    """Pixels with no edge of the matte or the numbered picture near."""
    edges = cv2.morphologyEx(alpha, cv2.MORPH_GRADIENT, np.ones((5, 5)))
    kept = edges == 0
    middle, step = alpha.shape[0] // 2, alpha.shape[1] // BITS
    kept[middle - 3 : middle + 3] = False
    for bar in range(1, BITS):
        kept[:, bar * step - 3 : bar * step + 3] = False
    return kept
