"""Whole jobs with a box, a painted mask, or later iterations only."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import av
import msgspec
import numpy as np
import pytest
from PIL import Image

from backend.jobs.orders import AddOrder, RefineOrder
from backend.jobs.take_job import run
from bridge.wire.messages import EditedMask
from contract.errors import BadUsage, Problem
from contract.events import PreviewWritten, TakeDone
from contract.take import read_take
from dynvfx.backbones.loading import open_backbone
from dynvfx.request import Request
from media.probe import probe
from media.read import read_frames
from tests.backend.jobs.small_jobs import FRAMES, HEIGHT, INSTRUCTION, WIDTH, use_small_models, write_movie

LEFT = (0.0, 0.1, 0.45, 0.9)


@pytest.fixture
def order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AddOrder:
    use_small_models(monkeypatch)
    movie = write_movie(tmp_path / "street.mp4")
    return AddOrder(
        source=str(movie), instruction=INSTRUCTION, quality="draft", assistant="offline", output=tmp_path / "results"
    )


def follow(order: AddOrder, **wanted) -> RefineOrder:
    return RefineOrder(
        instruction=INSTRUCTION,
        quality="draft",
        assistant="offline",
        take_folder=order.output / "takes/01",
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


def test_the_matte_stays_inside_the_box(order: AddOrder):
    list(run(replace(order, region=LEFT)))
    take = read_take(order.output / "takes/01")
    alpha = alphas(order.output / "takes/01")
    assert alpha.shape == (FRAMES, HEIGHT, WIDTH)
    assert not alpha[:, outside(alpha.shape, LEFT)].any()
    assert (alpha[:, 11:21, 10:17] > 200).all()
    assert take.outside_change == 0
    assert Request.from_dict(take.request).region is not None
    assert take.id == Request.from_dict(take.request).digest()


def test_the_same_order_with_another_box_is_another_order(order: AddOrder):
    list(run(replace(order, plan_only=True, region=LEFT)))
    for other in (None, (0.0, 0.0, 0.5, 0.5)):
        with pytest.raises(BadUsage, match="another job.*region"):
            list(run(replace(order, region=other)))
    assert [event.made for event in run(replace(order, region=LEFT)) if isinstance(event, TakeDone)] == [True]
    assert [event.made for event in run(replace(order, region=LEFT)) if isinstance(event, TakeDone)] == [False]


def test_a_job_from_before_there_were_limits_goes_on(order: AddOrder):
    job = run(order)
    next(event for event in job if isinstance(event, PreviewWritten))
    job.close()
    record = json.loads((order.output / ".dynvfx/job.json").read_text("utf-8"))
    assert not {"region", "levels", "mask"} & set(record["batches"][0]["order"])
    assert "mask" not in record["batches"][0]["request"]
    assert [event.made for event in run(order) if isinstance(event, TakeDone)] == [True]


def test_a_box_too_small_for_the_model_is_told_before_the_long_work(order: AddOrder):
    with pytest.raises(Problem, match="box is too small"):
        list(run(replace(order, region=(0.5, 0.5, 0.51, 0.51))))


def test_a_follow_up_with_later_iterations_only(order: AddOrder):
    list(run(order))
    first = read_take(order.output / "takes/01")
    list(run(follow(order, levels=(700, 490))))
    second = read_take(order.output / "takes/02")
    assert len(first.request["levels"]) == 3
    assert [abs(level - wanted) <= 20 for level, wanted in zip(second.request["levels"], (700, 490), strict=True)]
    assert second.forwards["refining"] < first.forwards["refining"]
    with pytest.raises(BadUsage, match="above"):
        list(run(follow(order, levels=(999,))))
    with pytest.raises(BadUsage, match="do not fall"):
        list(run(follow(order, levels=(490, 700))))
    assert not (order.output / "takes/03").exists()


def test_a_painted_mask_becomes_the_matte(order: AddOrder):
    list(run(order))
    wide = EditedMask(frame=2, png=painted(slice(0, 12)))
    list(run(follow(order, mask=wide)))
    second = read_take(order.output / "takes/02")
    kept = list((order.output / ".dynvfx/painted").iterdir())
    assert [file.read_bytes() for file in kept] == [wide.png]
    assert second.request["mask"] == {"frame": 2, "sha256": kept[0].stem}
    alpha = alphas(order.output / "takes/02")
    assert (alpha[:, 10:22, 2:9] > 200).all()
    # The parent's matte reached to the middle; what was rubbed out is the clip again, but for the feather.
    assert (alphas(order.output / "takes/01")[:, 10:22, 18:22] > 200).all()
    assert alpha[:, 10:22, 18:22].max() < 80 and not alpha[:, :, 24:].any()
    assert second.outside_change == 0
    # The same again is there already; another painting is another take.
    assert [event.made for event in run(follow(order, mask=wide)) if isinstance(event, TakeDone)] == [False]
    other = msgspec.structs.replace(wide, png=painted(slice(4, 20)))
    assert [event.take for event in run(follow(order, mask=other)) if isinstance(event, TakeDone)] == [3]


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (EditedMask(frame=FRAMES, png=painted(slice(0, 9))), "the take has 9 frames"),
        (EditedMask(frame=0, png=b"GIF89a"), "no PNG"),
        (EditedMask(frame=0, png=painted(slice(0, 0))), "black"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused_and_not_kept(order: AddOrder, mask: EditedMask, words: str):
    list(run(order))
    with pytest.raises(BadUsage, match=words):
        list(run(follow(order, mask=mask)))
    assert not (order.output / ".dynvfx/painted").exists() and not (order.output / "takes/02").exists()


def test_a_follow_up_in_a_box_keeps_its_parent_elsewhere(order: AddOrder):
    list(run(order))
    list(run(follow(order, region=(0.0, 0.0, 0.25, 1.0), seed=4)))
    first, second = (alphas(order.output / f"takes/{number:02d}") for number in (1, 2))
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
    order = AddOrder(
        source=str(movie),
        instruction="add a red ball",
        quality="draft",
        assistant="offline",
        output=tmp_path / "out",
        region=region,
    )
    list(run(order))
    take = read_take(order.output / "takes/01")
    alpha = alphas(order.output / "takes/01")
    assert not alpha[:, outside(alpha.shape, region)].any()
    assert take.outside_change == 0
    assert 0.01 < take.matte_coverage < 0.4
    frames = list(read_frames(probe(order.output / "takes/01/composite.mov"), 0, 5))
    inside = alpha[2] > 200
    red, green, _ = frames[2].rgb()[inside].mean(axis=0)
    assert red > green + 30
    assert (
        open_backbone("tiny").caption_for_region("a red ball", region)
        == "medium red ball, 27% from the left, 57% from the top"
    )
