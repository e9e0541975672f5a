"""Whole jobs with a box, a painted mask, or later iterations only."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from backend.jobs.job_start import JobFileAccess
from backend.jobs.take_job import run
from contract.errors import BadUsage, Problem
from contract.events import JobEvent, TakeDone
from contract.job import MASK_FILE, JobSpec
from contract.take import read_take
from dynvfx.backbones.loading import open_backbone
from dynvfx.request import Request
from media.probe import probe
from media.read import read_frames
from tests.backend.jobs.small_jobs import FRAMES, HEIGHT, INSTRUCTION, WIDTH, use_small_models, write_movie
from tests.contract.sample_job import a_follow_up, a_job, changed
from tests.contract.sample_job import painted as mask_of

LEFT = (0.0, 0.1, 0.45, 0.9)


@pytest.fixture
def order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobSpec:
    use_small_models(monkeypatch)
    movie = write_movie(tmp_path / "street.mp4")
    return a_job(
        source=str(movie), instruction=INSTRUCTION, quality="draft", assistant="offline", output=tmp_path / "results"
    )


def follow(order: JobSpec, **wanted) -> JobSpec:
    return a_follow_up(
        instruction=INSTRUCTION,
        quality="draft",
        assistant="offline",
        folder=Path(order.output) / "takes/01",
        **wanted,
    )


def alphas(folder: Path) -> np.ndarray:
    """The layer's alpha [F, H, W], as delivered in its lossless master."""
    with av.open(str(folder / "master.mkv")) as container:
        return np.stack([frame.to_ndarray(format="rgba")[..., 3] for frame in container.decode(video=0)])


def outside(shape: tuple[int, ...], region) -> np.ndarray:
    """Pixels that do not lie whole in the box."""
    height, width = shape[1:]
    left, top, right, bottom = region
    x, y = np.arange(width), np.arange(height)
    within = ((y >= top * height) & (y + 1 <= bottom * height))[:, None]
    return ~(within & ((x >= left * width) & (x + 1 <= right * width))[None])


def painted(pixels: slice) -> bytes:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[8:24, pixels] = 255
    out = io.BytesIO()
    Image.fromarray(mask).save(out, "PNG")
    return out.getvalue()


def test_the_matte_stays_inside_the_box(order: JobSpec):
    list(run(changed(order, region=LEFT)))
    take = read_take(Path(order.output) / "takes/01")
    alpha = alphas(Path(order.output) / "takes/01")
    assert alpha.shape == (FRAMES, HEIGHT, WIDTH)
    assert not alpha[:, outside(alpha.shape, LEFT)].any()
    assert (alpha[:, 11:21, 10:17] > 200).all()
    assert take.outside_change == 0
    assert Request.from_dict(take.request).region is not None
    assert take.id == Request.from_dict(take.request).digest()


def test_the_same_order_with_another_box_is_another_order(order: JobSpec):
    list(run(changed(order, after_plan="end", region=LEFT)))
    for other in (None, (0.0, 0.0, 0.5, 0.5)):
        with pytest.raises(BadUsage, match="another job.*region"):
            list(run(changed(order, region=other)))
    assert [event.made for event in run(changed(order, region=LEFT)) if isinstance(event, TakeDone)] == [True]
    assert [event.made for event in run(changed(order, region=LEFT)) if isinstance(event, TakeDone)] == [False]


def test_a_box_too_small_for_the_model_is_reported_before_the_long_work(order: JobSpec):
    with pytest.raises(Problem, match="box is too small"):
        list(run(changed(order, region=(0.5, 0.5, 0.51, 0.51))))


def test_a_follow_up_with_later_iterations_only(order: JobSpec):
    list(run(order))
    first = read_take(Path(order.output) / "takes/01")
    list(run(follow(order, levels=(700, 490))))
    second = read_take(Path(order.output) / "takes/02")
    assert len(first.request["levels"]) == 3
    assert [abs(level - wanted) <= 20 for level, wanted in zip(second.request["levels"], (700, 490), strict=True)]
    assert second.forwards["refining"] < first.forwards["refining"]
    with pytest.raises(BadUsage, match="above"):
        list(run(follow(order, levels=(999,))))
    with pytest.raises(BadUsage, match="do not fall"):
        list(run(follow(order, levels=(490, 700))))
    assert not (Path(order.output) / "takes/03").exists()


def masked(order: JobSpec, folder: Path, frame: int, png: bytes) -> Iterator[JobEvent]:
    """A follow-up with this painted mask."""
    file = folder / "painted.png"
    file.write_bytes(png)
    return run(follow(order, **mask_of(frame, png)), files=JobFileAccess(inputs={MASK_FILE: file}))


def test_a_painted_mask_becomes_the_matte(order: JobSpec, tmp_path: Path):
    list(run(order))
    wide = painted(slice(0, 12))
    list(masked(order, tmp_path, 2, wide))
    second = read_take(Path(order.output) / "takes/02")
    kept = list((Path(order.output) / ".dynvfx/inputs").iterdir())
    assert [file.read_bytes() for file in kept] == [wide]
    assert second.request["mask"] == {"frame": 2, "sha256": kept[0].stem}
    alpha = alphas(Path(order.output) / "takes/02")
    assert (alpha[:, 10:22, 2:9] > 200).all()
    # The parent's matte reached to the middle; what was rubbed out is the clip again, but for the feather.
    assert (alphas(Path(order.output) / "takes/01")[:, 10:22, 18:22] > 200).all()
    assert alpha[:, 10:22, 18:22].max() < 80 and not alpha[:, :, 24:].any()
    assert second.outside_change == 0
    # The same again is there already; another painting is another take.
    assert [event.made for event in masked(order, tmp_path, 2, wide) if isinstance(event, TakeDone)] == [False]
    other = painted(slice(4, 20))
    assert [event.take for event in masked(order, tmp_path, 2, other) if isinstance(event, TakeDone)] == [3]


@pytest.mark.parametrize(
    ("frame", "png", "words"),
    [
        (FRAMES, painted(slice(0, 9)), "the take has 9 frames"),
        (0, b"GIF89a", "not a PNG"),
        (0, painted(slice(0, 0)), "black"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused_and_not_kept(
    order: JobSpec, tmp_path: Path, frame: int, png: bytes, words: str
):
    list(run(order))
    with pytest.raises(BadUsage, match=words):
        list(masked(order, tmp_path, frame, png))
    assert not (Path(order.output) / ".dynvfx/inputs").exists() and not (Path(order.output) / "takes/02").exists()


def test_a_follow_up_in_a_box_keeps_its_parent_elsewhere(order: JobSpec):
    list(run(order))
    list(run(follow(order, region=(0.0, 0.0, 0.25, 1.0), seed=4)))
    first, second = (alphas(Path(order.output) / f"takes/{number:02d}") for number in (1, 2))
    assert (first[:, 10:22, 16:20] > 200).all() and (second[:, 10:22, 16:20] > 200).all()


def test_the_shipped_model_puts_its_content_into_the_box(tmp_path: Path):
    """The whole method with `tiny` on a shot that it never saw; the plan names no place."""
    size = (240, 160)
    y, x = np.mgrid[: size[1], : size[0]]
    movie = tmp_path / "wall.mp4"
    with av.open(str(movie), "w") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        rng = np.random.default_rng(4)
        plate = np.stack([90 + x // 4, 110 + y // 4, 140 - x // 8], -1) + rng.integers(0, 12, (*size[::-1], 1))
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(plate.astype(np.uint8), format="rgb24")))
        container.mux(stream.encode())
    region = (0.04, 0.2, 0.5, 0.95)
    order = a_job(
        source=str(movie),
        instruction="add a red ball",
        quality="draft",
        assistant="offline",
        output=tmp_path / "out",
        region=region,
    )
    list(run(order))
    take = read_take(Path(order.output) / "takes/01")
    alpha = alphas(Path(order.output) / "takes/01")
    assert not alpha[:, outside(alpha.shape, region)].any()
    assert take.outside_change == 0
    assert 0.01 < take.matte_coverage < 0.4
    frames = list(read_frames(probe(Path(order.output) / "takes/01/composite.mov"), 0, 5))
    inside = alpha[2] > 200
    red, green, _ = frames[2].rgb()[inside].mean(axis=0)
    assert red > green + 30
    assert (
        open_backbone("tiny").caption_for_region("a red ball", region)
        == "medium red ball, 27% from the left, 57% from the top"
    )
