"""Exported clips name exactly the frames that Blender shows; the open file stays as it was."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import psutil
import pytest

from backend.jobs.sources import open_source
from bridge.editorial.clip_list import list_shots
from bridge.editorial.timeline import open_timeline
from media.read import read_frames
from tests.plugin.blender.blenders import Blender
from tests.plugin.blender.conftest import Media
from tests.plugin.blender.numbered import HEIGHT, WIDTH, clip_picture, number_in, read_pictures

STRAIGHT = {
    "h264": (24, 1),
    "prores": (24, 1),
    "film": (24, 1.001),
    "ntsc": (30, 1.001),
    "variable": (24, 1),
    "edited": (24, 1),
    "transport": (24, 1),
}


def numbers_of(folder: Path, reply: dict) -> list[int]:
    """The frame numbers that the backend reads from an exported clip."""
    source = open_source(str(folder / reply["otio"]), reply["clip"], unpacked=folder / "unpacked")
    frames = read_frames(source.info, source.shot.source_start, source.shot.frame_count)
    return [number_in(_eight_bit(frame.rgb())) for frame in frames]


def _eight_bit(picture: np.ndarray) -> np.ndarray:
    return picture if picture.dtype == np.uint8 else (picture // 257).astype(np.uint8)


def shown(blender: Blender, folder: Path, facts: dict) -> list[np.ndarray]:
    """What Blender renders in the clip's range."""
    return read_pictures(blender.call("scenes.render", str(folder), facts["start"], facts["count"]))


def export(blender: Blender, name: str, folder: Path) -> dict:
    """Export a clip, and check that this did not change the open file."""
    folder.mkdir()
    before, dirty = blender.call("scenes.describe"), blender.call("scenes.is_dirty")
    reply = blender.call("agent_calls.export", name, str(folder))
    assert blender.call("scenes.describe") == before
    assert blender.call("scenes.is_dirty") == dirty
    assert not reply.get("problem"), reply
    return reply


@pytest.mark.parametrize("kind", STRAIGHT)
def test_movies_are_handed_over_as_they_are(blender: Blender, media: Media, tmp_path: Path, kind: str) -> None:
    path = getattr(media, kind)
    blender.call("scenes.fresh", rate=STRAIGHT[kind])
    facts = blender.call("scenes.add_movie", str(path), trim=(5, 7))
    facts = blender.call("scenes.cut", "clip", facts["start"] + 4, True)
    reply = export(blender, facts["name"], tmp_path / "out")
    listed = list_shots(open_timeline(tmp_path / "out" / reply["otio"]))
    assert [each.problem for each in listed] == [None]
    shot = listed[0].shot
    assert shot.media_path == str(path)
    assert (shot.timeline_start + shot.record_start, shot.record_frames) == (facts["start"], facts["count"])
    answered = blender.call("agent_calls.timeline")
    assert list(shot.timeline_rate) == answered["rate"]
    assert shot.handles[0] == 9 and shot.handles[1] == 7  # the trimmed frames are in the export too
    rendered = shown(blender, tmp_path / "frames", facts)
    assert numbers_of(tmp_path / "out", reply) == [number_in(each) for each in rendered]


def test_pictures_are_handed_over_as_a_sequence(blender: Blender, media: Media, tmp_path: Path) -> None:
    pictures = str(media.folder / "pictures")
    facts = blender.call("scenes.add_pictures", pictures, media.names, start=-7, trim=(3, 4))
    reply = export(blender, "clip", tmp_path / "out")
    shot = list_shots(open_timeline(tmp_path / "out" / reply["otio"]))[0].shot
    assert shot.sequence is not None and shot.sequence.first == 1001
    assert numbers_of(tmp_path / "out", reply) == list(range(3, 36))
    assert [number_in(each) for each in shown(blender, tmp_path / "frames", facts)] == list(range(3, 36))
    assert shot.timeline_start + shot.record_start == -4


def reversed_movie(blender: Blender, media: Media) -> None:
    blender.call("scenes.add_movie", str(media.h264), trim=(8, 22))
    blender.call("scenes.set_strip", "clip", use_reverse_frames=True)


def retimed_movie(blender: Blender, media: Media) -> None:
    blender.call("scenes.add_movie", str(media.h264))
    blender.call("scenes.retime", "clip", 4.0)


def other_rate(blender: Blender, media: Media) -> None:
    blender.call("scenes.add_movie", str(media.ntsc), trim=(2, 28))


def meta_strip(blender: Blender, media: Media) -> None:
    inside = [(str(media.h264), "first", 1, 10, (0, 34)), (str(media.prores), "second", 2, 6, (10, 24))]
    blender.call("scenes.add_meta", "clip", 3, 10, inside)


def scene_strip(blender: Blender, media: Media) -> None:
    blender.call("scenes.add_scene", str(media.h264), "clip", 4, 30, 9, 3)


def pictures_with_gaps(blender: Blender, media: Media) -> None:
    pictures = str(media.folder / "pictures")
    blender.call("scenes.add_pictures", pictures, media.names[5:9] + media.names[20:23])


BAKED = {
    reversed_movie: "reversed",
    retimed_movie: "retimed",
    other_rate: "its frame rate differs from the timeline's",
    meta_strip: "meta strip",
    scene_strip: "scene strip",
    pictures_with_gaps: "pictures that are not numbered consecutively",
}


@pytest.mark.parametrize("make", BAKED, ids=lambda make: make.__name__)
def test_others_are_rendered_as_blender_shows_them(blender: Blender, media: Media, tmp_path: Path, make) -> None:
    make(blender, media)
    clip = next(each for each in blender.call("agent_calls.timeline")["clips"] if each["name"] == "clip")
    assert (clip["render"], clip["problem"]) == (BAKED[make], None)
    # A neighbour in the same range and what a take gets from its clip must not be in the render.
    blender.call("scenes.add_movie", str(media.prores), "neighbour", 9, clip["record_start"])
    moved = {"transform__offset_x": 31, "use_flip_x": True, "blend_alpha": 0.4, "crop__min_x": 20}
    blender.call("scenes.set_strip", "clip", **moved)
    reply = export(blender, "clip", tmp_path / "out")
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["clip.otio", "rendered"]
    plain = {"transform__offset_x": 0, "use_flip_x": False, "blend_alpha": 1.0, "crop__min_x": 0}
    blender.call("scenes.set_strip", "clip", **plain)
    blender.call("scenes.remove", "neighbour")
    facts = {"start": clip["record_start"], "count": clip["record_frames"]}
    expected = shown(blender, tmp_path / "frames", facts)
    rendered = read_pictures(sorted(str(each) for each in (tmp_path / "out" / "rendered").iterdir()))
    assert numbers_of(tmp_path / "out", reply) == [number_in(each) for each in expected]
    assert len(set(map(number_in, expected))) > 3
    differences = [np.abs(a.astype(int) - b).max() for a, b in zip(rendered, expected, strict=True)]
    assert max(differences) <= 2


def test_a_cancelled_render_leaves_nothing(blender: Blender, media: Media, tmp_path: Path) -> None:
    reversed_movie(blender, media)
    folder = tmp_path / "out"
    folder.mkdir()
    assert blender.call("agent_calls.cancel_export", "clip", str(folder)) == []


def test_a_failed_render_gives_the_reason(blender: Blender, media: Media, tmp_path: Path) -> None:
    reversed_movie(blender, media)
    folder = tmp_path / "out"
    folder.mkdir()
    blender.call("agent_calls.break_rendering")
    try:
        reply = blender.call("agent_calls.export", "clip", str(folder))
    finally:
        blender.call("agent_calls.mend_rendering")
    assert reply["problem"] == "render_failed"
    assert "10 of 10 frames are missing" in reply["what"] and reply["why"] and reply["remedy"]
    assert list(folder.iterdir()) == []


def test_unusable_clips_give_the_reason(blender: Blender, media: Media, tmp_path: Path) -> None:
    gone = tmp_path / "gone.mp4"
    gone.write_bytes(media.h264.read_bytes())
    blender.call("scenes.add_movie", str(gone), "gone", 1)
    gone.unlink()
    blender.call("scenes.add_movie", str(media.h264), "muted", 2)
    blender.call("scenes.set_strip", "muted", mute=True)
    blender.call("scenes.add_movie", str(media.h264), "on a muted channel", 5)
    blender.call("scenes.set_channel", 5, mute=True)
    blender.call("scenes.add_movie", str(media.h264), "faster", 6)
    blender.call("scenes.add_effect", "SPEED", "speed", 7, "faster")
    problems = {each["name"]: each["problem"] for each in blender.call("agent_calls.timeline")["clips"]}
    assert {name: each["what"].replace(str(gone), "FILE") for name, each in problems.items()} == {
        "gone": 'The file of "gone" is missing: FILE',
        "muted": '"muted" is muted.',
        "on a muted channel": '"on a muted channel" is muted.',
        "faster": 'The effect "speed" replaces "faster".',
    }
    assert all(each["what"] and each["remedy"] for each in problems.values())
    for name, kind in [("gone", "media_missing"), ("muted", "clip_muted"), ("faster", "not_supported")]:
        assert blender.call("agent_calls.export", name, str(tmp_path))["problem"] == kind
    assert not (tmp_path / "clip.otio").exists()


def in_two_streams(folder: Path) -> Path:
    """A movie of two video streams: numbers from 0 on, and numbers from 100 on."""
    path = folder / "two streams.mkv"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("mpeg4", rate=24, options={"qscale": "2"}) for _ in range(2)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index in range(20):
            for number, stream in enumerate(streams):
                frame = av.VideoFrame.from_ndarray(clip_picture(100 * number + index), format="rgb24")
                container.mux(stream.encode(frame.reformat(format="yuv420p")))
        for stream in streams:
            container.mux(stream.encode())
    return path


@pytest.mark.parametrize("stream", [0, 1])
def test_the_stream_that_blender_shows_is_exported(blender: Blender, tmp_path: Path, stream: int) -> None:
    facts = blender.call("scenes.add_movie", str(in_two_streams(tmp_path)), trim=(3, 9))
    blender.call("scenes.set_strip", "clip", stream_index=stream)
    (clip,) = blender.call("agent_calls.timeline")["clips"]
    assert clip["render"] == (None if stream == 0 else "video stream 1 of its file")
    expected = [number_in(each) for each in shown(blender, tmp_path / "frames", facts)]
    assert expected == [100 * stream + 3 + number for number in range(8)]
    assert numbers_of(tmp_path / "out", export(blender, "clip", tmp_path / "out")) == expected


@pytest.mark.parametrize("version", ["system", "5.3.0"])
def test_a_render_ends_with_the_blender_that_started_it(version: str, media: Media, tmp_path: Path) -> None:
    (tmp_path / "blender").mkdir()
    dying = Blender(version, tmp_path / "blender")
    try:
        dying.call("scenes.fresh")
        dying.call("agent_calls.start")
        dying.call("scenes.add_pictures", str(media.folder / "pictures"), media.names[:1])
        dying.call("scenes.lengthen", "clip", 5000)
        child = psutil.Process(dying.call("agent_calls.begin_export", "clip", str(tmp_path)))
        assert child.is_running()
        dying.kill()
        psutil.wait_procs([child], timeout=60)
        assert not child.is_running()
        pictures = list(tmp_path.glob("rendering-*/pictures/*.png"))
        assert 0 < len(pictures) < 5000  # it did not end because it was done
    finally:
        dying.close()
