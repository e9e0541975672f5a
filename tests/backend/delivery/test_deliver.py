"""Delivered takes, decoded again: untouched plate, exact layer, right tags."""

from __future__ import annotations

import hashlib
from fractions import Fraction

import cv2
import numpy as np
import pytest

from backend.delivery.compose import Region, compose, smallest_per_sample
from backend.delivery.deliver import deliver_take
from contract.errors import BadRequest, Cancelled
from media.probe import probe
from media.read import read_frames
from tests.backend.delivery.takes import decode, disc_take, stream_facts
from tests.media.clips import make_movie, make_sequence, numbered, planes, run_tool
from tests.media.exr_files import write_exr
from tests.media.test_orientation import MATRICES, as_ffmpeg_shows, marked


def touched_samples(alpha: np.ndarray, form) -> list[np.ndarray]:
    """Which samples of each plane the matte may change."""
    inside = alpha > 0
    if form.family == "rgb" and not form.packed:
        return [inside] * 3
    chroma = smallest_per_sample(inside.astype(np.uint8), form).astype(bool)
    return [inside, chroma, chroma] if form.family == "yuv" else [inside]


CLIPS = {
    "h264": {},
    "full_range": {"tags": (1, 1, 1, 2)},
    "422_10": {"pix_fmt": "yuv422p10le", "codec": "prores_ks"},
    "420_10": {"pix_fmt": "yuv420p10le"},
    "444": {"pix_fmt": "yuv444p"},
    "odd": {"size": (127, 71), "codec": "ffv1"},
    "12_bit": {"pix_fmt": "yuv422p12le", "codec": "ffv1"},
    "grey": {"pix_fmt": "gray", "codec": "ffv1"},
    "rgb": {"pix_fmt": "rgb24", "codec": "png", "tags": (1, 13, 0, 2)},
    "rgb_10": {"pix_fmt": "gbrp10le", "codec": "ffv1", "tags": (1, 13, 0, 2)},
    "bt601": {"tags": (5, 6, 5, 1), "size": (96, 72)},
    "bt2020": {"tags": (9, 14, 9, 1), "pix_fmt": "yuv420p10le"},
}


@pytest.mark.parametrize("name", CLIPS)
def test_pixels_outside_the_matte_are_the_camera_s_own(tmp_path, name):
    source = make_movie(tmp_path / ("a.mov" if CLIPS[name].get("codec") != "ffv1" else "a.mkv"), 6, **CLIPS[name])
    conform, *take = disc_take(source)
    delivery = deliver_take(conform, *take, tmp_path / "take", layer="png", seed=3)
    assert delivery.outside_change == 0
    info, form = conform.info, next(read_frames(conform.info, 0, 1)).form
    ours = read_frames(probe(tmp_path / "take/composite.mov"), 0, 6)
    for number, (mine, original) in enumerate(zip(ours, read_frames(info, 0, 6), strict=True)):
        layer = cv2.imread(str(tmp_path / "take" / (delivery.layer % number)), cv2.IMREAD_UNCHANGED)
        assert layer.dtype == (np.uint8 if form.depth == 8 else np.uint16)
        assert (layer[layer[..., 3] == 0] == 0).all()
        changed = False
        for plane, before, inside in zip(
            mine.planes, original.planes, touched_samples(layer[..., 3], form), strict=True
        ):
            assert plane.dtype == before.dtype
            assert (plane[~inside] == before[~inside]).all()
            changed |= bool((plane[inside] != before[inside]).any())
        assert changed
    ours, theirs = probe(tmp_path / "take/composite.mov").colour, info.colour
    assert (ours.primaries, ours.transfer, ours.matrix) == (theirs.primaries, theirs.transfer, theirs.matrix)
    assert ours.full_range == theirs.full_range


@pytest.mark.parametrize("name", ["h264", "422_10", "444", "rgb", "grey", "odd"])
def test_the_composite_is_the_delivered_layer_over_the_plate(tmp_path, name):
    source = make_movie(tmp_path / ("a.mov" if CLIPS[name].get("codec") != "ffv1" else "a.mkv"), 3, **CLIPS[name])
    conform, *take = disc_take(source)
    delivery = deliver_take(conform, *take, tmp_path / "take", layer="png")
    ours = read_frames(probe(tmp_path / "take/composite.mov"), 0, 3)
    for number, (mine, plate) in enumerate(zip(ours, read_frames(conform.info, 0, 3), strict=True)):
        layer = cv2.imread(str(tmp_path / "take" / (delivery.layer % number)), cv2.IMREAD_UNCHANGED)
        peak = np.float32(255 if layer.dtype == np.uint8 else 65535)
        rgba = cv2.cvtColor(layer, cv2.COLOR_BGRA2RGBA).astype(np.float32) / peak
        whole = Region(0, layer.shape[0], 0, layer.shape[1])
        blended = compose(plate.planes, plate.form, plate.tags, whole, rgba[..., :3].copy(), rgba[..., 3].copy())
        for plane, expected in zip(mine.planes, blended, strict=True):
            assert np.abs(plane.astype(int) - expected.astype(int)).max() <= 1
        # And a plain blend in RGB, as an editor does it, agrees away from the matte's edge.
        straight = rgba[..., :3] * rgba[..., 3:] + plate.rgb() / (255 if plate.form.depth <= 8 else 65535) * (
            1 - rgba[..., 3:]
        )
        if name != "grey":
            solid = cv2.erode((rgba[..., 3] == 1).astype(np.uint8), np.ones((5, 5))) > 0
            shown = mine.rgb() / (255 if plate.form.depth <= 8 else 65535)
            assert np.abs(shown - straight)[solid].max() < 0.03


def test_prores_layer_decodes_back(tmp_path):
    conform, *take = disc_take(make_movie(tmp_path / "a.mov", 6, 25, (256, 144)), grid=(144, 256))
    deliver_take(conform, *take, tmp_path / "take")
    master = decode(tmp_path / "take/master.mkv", "rgba")
    layer = decode(tmp_path / "take/layer.mov", "rgba")
    assert layer.shape == master.shape == (6, 144, 256, 4)
    assert np.abs(layer[..., 3].astype(int) - master[..., 3]).max() <= 1
    assert (layer[..., 3][master[..., 3] == 0] == 0).all()
    assert (master[master[..., 3] == 0] == 0).all()
    solid = master[..., 3] == 255
    assert np.abs(layer[..., :3].astype(int) - master[..., :3])[solid].mean() < 3
    facts = stream_facts(tmp_path / "take/layer.mov")
    assert (facts["codec"], facts["tags"], facts["rate"], facts["count"]) == ("prores", (1, 1, 1, 1), 25, 6)
    matte = decode(tmp_path / "take/matte.mov", "rgb24")[..., 1].astype(float)
    assert np.abs(matte - master[..., 3]).mean() < 1


def test_layer_files_and_master_are_one_for_png(tmp_path):
    conform, *take = disc_take(make_movie(tmp_path / "a.mov", 8), start=2, count=4)
    delivery = deliver_take(conform, *take, tmp_path / "take", layer="png")
    assert delivery.layer == delivery.master == "layer/layer.%06d.png"
    names = sorted(path.name for path in (tmp_path / "take/layer").iterdir())
    assert names == [f"layer.{number:06d}.png" for number in (2, 3, 4, 5)]


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(50)])
def test_range_rate_tags_timecode_and_sound_are_the_clip_s(tmp_path, rate):
    plain = make_movie(tmp_path / "plain.mov", 20, rate, sound="aac")
    source = tmp_path / "a.mov"
    run_tool("-i", plain, "-map", "0", "-c", "copy", "-timecode", "01:00:00:00", source)
    conform, *take = disc_take(source, start=6, count=9)
    delivery = deliver_take(conform, *take, tmp_path / "take")
    facts = stream_facts(tmp_path / "take/composite.mov")
    assert (facts["rate"], facts["count"], facts["pix_fmt"]) == (rate, 9, "yuv420p")
    assert facts["tags"] == (1, 1, 1, 1)
    assert facts["sound"] == ["aac"]
    assert facts["timecode"] == "01:00:00:06"
    assert stream_facts(tmp_path / "take/layer.mov")["timecode"] == "01:00:00:06"
    assert stream_facts(tmp_path / "take/preview.mp4")["sound"] == ["aac"]
    assert delivery.outside_change == 0
    assert len(delivery.coverage) == 9
    assert 0 < delivery.matte_coverage < 0.3


def test_sound_is_copied_sample_by_sample(tmp_path):
    source = make_movie(tmp_path / "a.mov", 12, 24, sound="pcm_s16le")
    conform, *take = disc_take(source, start=4, count=6)
    deliver_take(conform, *take, tmp_path / "take")
    for name, begin in (("source", source), ("ours", tmp_path / "take/composite.mov")):
        run_tool("-i", begin, "-vn", "-f", "s16le", "-c:a", "pcm_s16le", tmp_path / f"{name}.raw")
    whole, part = (np.fromfile(tmp_path / f"{name}.raw", np.int16) for name in ("source", "ours"))
    begin = 4 * 2000
    assert abs(len(part) - 12000) <= 1024
    # Packets are copied whole; the file's edit list hides what stands before the cut.
    assert (whole[begin : begin + 8000] == part[:8000]).all()


def test_sound_that_quicktime_cannot_hold_becomes_pcm(tmp_path):
    source = make_movie(tmp_path / "a.mkv", 6, sound="libopus")
    conform, *take = disc_take(source)
    deliver_take(conform, *take, tmp_path / "take")
    assert stream_facts(tmp_path / "take/composite.mov")["sound"] == ["pcm_s24le"]


def test_rotated_phone_clip(tmp_path):
    run_tool("-display_rotation", 90, "-i", make_movie(tmp_path / "a.mov", 4), "-c", "copy", tmp_path / "phone.mov")
    conform, *take = disc_take(tmp_path / "phone.mov", grid=(128, 72))
    delivery = deliver_take(conform, *take, tmp_path / "take", layer="png")
    assert delivery.outside_change == 0
    composite, preview = (stream_facts(tmp_path / "take" / name) for name in ("composite.mov", "preview.mp4"))
    assert (composite["rotation"], preview["rotation"]) == (90, 0)
    layer = cv2.imread(str(tmp_path / "take" / (delivery.layer % 0)), cv2.IMREAD_UNCHANGED)
    assert layer.shape == (128, 72, 4)
    y, x = (int(axis.mean()) for axis in np.nonzero(layer[..., 3]))
    wanted_y, wanted_x = (int(axis.mean()) for axis in np.nonzero(take[1][0]))
    assert abs(y - wanted_y) <= 1
    assert abs(x - wanted_x) <= 1
    shown = next(read_frames(probe(tmp_path / "take/composite.mov"), 0, 1)).rgb()
    assert shown[y, x, 0] > 150 > 100 > shown[y, x, 1]
    assert decode(tmp_path / "take/preview.mp4", "rgb24").shape[1:3] == (128, 72)


@pytest.mark.parametrize("name", ["hflip", "vflip", "r90_hflip", "r270"])
def test_a_mirrored_clip_is_delivered_as_players_show_it(tmp_path, name):
    movie = make_movie(tmp_path / "a.mov", 3, picture=marked)
    run_tool(*MATRICES[name], "-i", movie, "-c", "copy", tmp_path / "phone.mov")
    grid = (128, 72) if name.startswith("r") else (72, 128)
    conform, *take = disc_take(tmp_path / "phone.mov", grid=grid)
    delivery = deliver_take(conform, *take, tmp_path / "take", layer="png")
    assert delivery.outside_change == 0
    shown = as_ffmpeg_shows(tmp_path / "take/composite.mov", tmp_path, 1)
    before = as_ffmpeg_shows(tmp_path / "phone.mov", tmp_path, 1)
    alpha = cv2.imread(str(tmp_path / "take" / (delivery.layer % 1)), cv2.IMREAD_UNCHANGED)[..., 3]
    disc = conform.info.width // 3, conform.info.height // 3
    assert alpha[disc[1], disc[0]] == 255
    changed = np.abs(shown - before).max(2) > 40
    assert changed[disc[1], disc[0]]
    assert not changed[cv2.dilate(alpha, np.ones((5, 5))) == 0].any()
    preview = as_ffmpeg_shows(tmp_path / "take/preview.mp4", tmp_path, 1)
    assert preview.shape == shown.shape
    assert np.abs(preview - shown).mean() < 4
    sheet = cv2.imread(str(tmp_path / "take/contact.png"))[..., ::-1].astype(int)
    size = (320, 180) if grid[0] == 72 else (169, 300)
    first = as_ffmpeg_shows(tmp_path / "phone.mov", tmp_path).astype(np.uint8)
    cell = cv2.resize(first, size, interpolation=cv2.INTER_AREA)
    assert np.abs(sheet[90 : 90 + cell.shape[0], 92 : 92 + cell.shape[1]] - cell).mean() < 6


def test_a_clip_that_is_turned_by_other_angles_keeps_them_in_its_composite(tmp_path):
    run_tool("-display_rotation", 110, "-i", make_movie(tmp_path / "a.mov", 2), "-c", "copy", tmp_path / "b.mov")
    conform, *take = disc_take(tmp_path / "b.mov", frames=1, grid=(128, 72))
    delivery = deliver_take(conform, *take, tmp_path / "take", layer="png")
    orientation = probe(tmp_path / "take/composite.mov").orientation
    assert (orientation.turns, orientation.mirrored, round(orientation.tilt)) == (1, False, 20)
    assert delivery.outside_change == 0 and any("turned by 110 degrees" in note for note in delivery.notes)


def test_anamorphic_clip_keeps_its_pixels(tmp_path):
    source = make_movie(tmp_path / "a.mov", 3, 25, (96, 72), aspect=Fraction(4, 3))
    conform, *take = disc_take(source)
    assert deliver_take(conform, *take, tmp_path / "take").outside_change == 0
    for name in ("composite.mov", "layer.mov"):
        assert stream_facts(tmp_path / "take" / name)["aspect"] == Fraction(4, 3)
    assert decode(tmp_path / "take/layer.mov", "rgba").shape == (3, 72, 96, 4)
    assert decode(tmp_path / "take/preview.mp4", "rgb24").shape[1:3] == (72, 128)


@pytest.mark.parametrize("count", [1, 2])
def test_shortest_clips(tmp_path, count):
    conform, *take = disc_take(make_movie(tmp_path / "a.mov", count))
    delivery = deliver_take(conform, *take, tmp_path / "take")
    assert (delivery.frame_count, delivery.outside_change) == (count, 0)
    assert stream_facts(tmp_path / "take/layer.mov")["count"] == count


def test_variable_rate_becomes_constant_and_aligned(tmp_path):
    source = make_movie(tmp_path / "vfr.mp4", 8, durations=[1, 1, 3, 1, 1, 2, 1, 1])
    conform, *take = disc_take(source)
    assert deliver_take(conform, *take, tmp_path / "take").outside_change == 0
    assert stream_facts(tmp_path / "take/composite.mov")["count"] == 11


def test_image_sequence(tmp_path):
    pattern = make_sequence(tmp_path / "seq", count=4)
    conform, *take = disc_take(pattern, rate=Fraction(25))
    delivery = deliver_take(conform, *take, tmp_path / "take", layer="png")
    assert delivery.outside_change == 0
    layer = cv2.imread(str(tmp_path / "take" / (delivery.layer % 2)), cv2.IMREAD_UNCHANGED)
    composite = decode(tmp_path / "take/composite.mov", "rgb24")[2]
    assert (composite[layer[..., 3] == 0] == numbered(2)[layer[..., 3] == 0]).all()
    assert stream_facts(tmp_path / "take/composite.mov")["rate"] == 25


def test_float_sequence_stays_float(tmp_path):
    make_sequence(tmp_path / "png", count=3)
    (tmp_path / "exr").mkdir()
    run_tool("-start_number", 1001, "-i", tmp_path / "png/shot.%04d.png", "-pix_fmt", "gbrpf32le", "-format:v", "half",
             "-start_number", 1001, tmp_path / "exr/shot.%04d.exr")  # fmt: skip
    conform, *take = disc_take(tmp_path / "exr")
    delivery = deliver_take(conform, *take, tmp_path / "take", layer="png")
    assert (delivery.composite, delivery.outside_change) == ("composite/composite.%06d.exr", 0)
    assert stream_facts(tmp_path / "take/preview.mp4")["count"] == 3


@pytest.mark.parametrize("folder", ["50%done", "%04d", "cut[1-2] {:04d} #", "two\nlines", "長" * 80])
@pytest.mark.parametrize("kind", ["movie", "float"])
def test_a_folder_of_any_name_is_delivered_to_and_read_from(tmp_path, folder, kind):
    home = tmp_path / folder
    home.mkdir()
    if kind == "movie":
        source = make_movie(home / "50%d #1.mov", 2, sound="aac")
    else:
        ramp = np.linspace(0, 1, 48 * 64).reshape(48, 64)
        for number in (1, 2):
            write_exr(home / f"%d.{number}.exr", dict.fromkeys("RGB", ramp), aspect=16 / 11)
        source = home
    conform, *take = disc_take(source, frames=1)
    delivery = deliver_take(conform, *take, home / "take", layer="png" if kind == "float" else "prores4444")
    assert delivery.outside_change == 0
    if kind == "float":
        assert probe(home / "take/composite").pixel_aspect == Fraction(16, 11)
        assert len(list((home / "take/layer").iterdir())) == 2
    assert not list(tmp_path.glob("take*"))


def test_a_float_picture_that_is_turned_is_delivered_upright(tmp_path):
    run_tool("-f", "lavfi", "-i", "testsrc2=s=64x48:r=24", "-frames:v", 2, "-c:v", "ffv1", "-level", 4,
             "-strict", "experimental", "-pix_fmt", "gbrpf32le", tmp_path / "flat.mov")  # fmt: skip
    run_tool("-display_rotation", 90, "-display_hflip", "-i", tmp_path / "flat.mov", "-c", "copy", tmp_path / "a.mov")
    conform, *take = disc_take(tmp_path / "a.mov", frames=1, grid=(128, 96))
    delivery = deliver_take(conform, *take, tmp_path / "take", layer="png")
    assert delivery.outside_change == 0
    composite = next(read_frames(probe(tmp_path / "take/composite"), 0, 1)).rgb()
    plate = next(read_frames(conform.info, 0, 1)).rgb()
    assert composite.shape == plate.shape == (64, 48, 3)
    alpha = cv2.imread(str(tmp_path / "take" / (delivery.layer % 0)), cv2.IMREAD_UNCHANGED)[..., 3]
    assert (composite[alpha == 0] == plate[alpha == 0]).all() and (composite != plate).any()


def test_no_matte_gives_the_clip_and_an_empty_layer(tmp_path):
    conform, generated, mask, source = disc_take(make_movie(tmp_path / "a.mov", 3))
    delivery = deliver_take(conform, source, mask * 0, source, tmp_path / "take")
    assert (delivery.outside_change, delivery.matte_coverage) == (0, 0)
    assert decode(tmp_path / "take/layer.mov", "rgba")[..., 3].max() == 0
    for ours, theirs in zip(planes(tmp_path / "take/composite.mov"), planes(conform.info.path), strict=True):
        assert all((a == b).all() for a, b in zip(ours, theirs, strict=True))


def test_whole_frame_effect(tmp_path):
    conform, _, mask, source = disc_take(make_movie(tmp_path / "a.mov", 3))
    delivery = deliver_take(conform, 255 - source, np.ones_like(mask), source, tmp_path / "take", layer="png")
    assert (delivery.matte_coverage, delivery.outside_change) == (1, 0)


def test_model_frames_arrive_in_the_layer_and_the_motion_in_between(tmp_path):
    source = make_movie(tmp_path / "a.mov", 13, 24, (256, 144))
    conform, generated, mask, plate = disc_take(source, frames=4, grid=(144, 256))
    for k in range(4):
        mask[k], generated[k] = 0, plate[k]
        cv2.circle(mask[k], (60 + 24 * k, 50), 20, 1, -1)
        generated[k][mask[k] > 0] = (220, 40, 30)
    deliver_take(conform, generated, mask, plate, tmp_path / "take", layer="png")
    for number in range(13):
        layer = cv2.imread(str(tmp_path / "take/layer" / f"layer.{number:06d}.png"), cv2.IMREAD_UNCHANGED)
        weight = layer[..., 3] / 255
        x = (weight * np.arange(256)).sum() / weight.sum()
        assert x == pytest.approx(60 + 6 * number, abs=0.7)
        assert layer[50, 60 + 6 * number, 2] > 200 > 60 > layer[50, 60 + 6 * number, 1]


def pole_in_front(number: int, width: int, height: int) -> np.ndarray:
    """A dark upright pole before a busy ground that stands still."""
    ground = cv2.GaussianBlur(np.random.default_rng(1).normal(150, 90, (height, width, 3)), (0, 0), 1.5)
    ground[:, width // 2 - 6 : width // 2 + 6] = (30, 25, 20)
    return np.clip(ground, 0, 255).astype(np.uint8)


def test_what_stands_before_the_object_stays_there_between_model_frames(tmp_path):
    source = make_movie(tmp_path / "a.mov", 9, 24, (256, 144), picture=pole_in_front)
    conform, generated, mask, plate = disc_take(source, frames=3, grid=(144, 256))
    for k in range(3):
        mask[k], generated[k] = 0, plate[k]
        cv2.circle(mask[k], (100 + 28 * k, 70), 36, 1, -1)
        mask[k][:, 122:134] = 0
        generated[k][mask[k] > 0] = (235, 150, 40)
    delivery = deliver_take(conform, generated, mask, plate, tmp_path / "take", layer="png")
    assert delivery.outside_change == 0
    for number in range(9):
        alpha = cv2.imread(str(tmp_path / "take" / (delivery.layer % number)), cv2.IMREAD_UNCHANGED)[..., 3]
        centre = 100 + 7 * number
        assert alpha[40:100, 125:131].mean() < 6, number
        sides = [x for x in (centre - 24, centre + 24) if not 116 <= x <= 140]
        assert min(alpha[60:80, x].mean() for x in sides) > 250, number


def test_the_same_input_gives_the_same_pictures(tmp_path):
    conform, *take = disc_take(make_movie(tmp_path / "a.mov", 9))
    first = deliver_take(conform, *take, tmp_path / "one", seed=4)
    second = deliver_take(conform, *take, tmp_path / "two", seed=4)
    for name in ("master.mkv", "composite.mov"):
        one, two = (tmp_path / folder / name for folder in ("one", "two"))
        assert (decode(one, "rgba") == decode(two, "rgba")).all()
    assert first.coverage == second.coverage


def test_inventory_progress_and_replacement(tmp_path):
    conform, *take = disc_take(make_movie(tmp_path / "a.mov", 5))
    seen = []
    for _ in range(2):
        delivery = deliver_take(conform, *take, tmp_path / "take", on_progress=lambda *step: seen.append(step))
    assert [done for done, _ in seen[: len(seen) // 2]] == list(range(1, seen[0][1] + 1))
    on_disk = {path.name for path in (tmp_path / "take").iterdir()}
    assert {file.name for file in delivery.files} == on_disk
    assert on_disk == {"layer.mov", "master.mkv", "composite.mov", "matte.mov", "preview.mp4", "contact.png"}
    for file in delivery.files:
        data = (tmp_path / "take" / file.name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file.bytes, file.sha256)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("after", [0, 1, 4, 8, 11])
def test_cancel_leaves_nothing_and_keeps_what_was_there(tmp_path, after):
    conform, *take = disc_take(make_movie(tmp_path / "a.mov", 5))
    (tmp_path / "take").mkdir()
    (tmp_path / "take/older.txt").write_text("older")
    done = [0]
    with pytest.raises(Cancelled):
        deliver_take(
            conform,
            *take,
            tmp_path / "take",
            on_progress=lambda step, total: done.__setitem__(0, step),
            cancelled=lambda: done[0] >= after,
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mov", "take"]
    assert [path.name for path in (tmp_path / "take").iterdir()] == ["older.txt"]


def test_arrays_off_the_grid_are_refused(tmp_path):
    conform, generated, mask, source = disc_take(make_movie(tmp_path / "a.mov", 2))
    with pytest.raises(BadRequest):
        deliver_take(conform, generated[:-1], mask, source, tmp_path / "take")
    assert not (tmp_path / "take").exists()
