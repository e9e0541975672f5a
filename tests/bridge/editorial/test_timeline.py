import json
import zipfile
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest

from bridge.editorial.clip_list import list_shots, select_shot
from bridge.editorial.timeline import open_timeline, timeline_for_media
from contract.errors import BadTimeline, OutOfDisk
from contract.image_sequence import ImageSequence
from tests.bridge.editorial import exported as ex


def test_resolve_export(tmp_path: Path) -> None:
    media = ex.footage(tmp_path / "media", "A001_C003.mov")
    opened = open_timeline(ex.write(tmp_path / "cut.otio", ex.resolve_export(media)))
    assert (opened.kind, opened.rate, opened.start) == ("otio", Fraction(24), 86400)
    shot = select_shot(opened)
    assert shot.media_path == media
    assert (shot.source_start, shot.frame_count, shot.handles) == (24, 72, (24, 144))
    assert shot.record_timecodes == ("01:00:01:00", "01:00:04:00")
    assert shot.metadata == {"Resolve_OTIO": {"Link Group ID": 7}}


def test_premiere_like_export(tmp_path: Path) -> None:
    media = ex.footage(tmp_path / "my media", "beach.mov")
    opened = open_timeline(ex.write(tmp_path / "cut.otio", ex.premiere_like_export(media)))
    first, second = (listed.shot for listed in list_shots(opened))
    assert first.media_path == second.media_path == media
    assert first.rate == (30000, 1001)
    assert first.record_timecodes == ("01:00:00;00", "01:00:03;00")
    # A dissolve overlaps its neighbours and takes no time of its own.
    assert (second.record_start, second.record_frames, second.source_start) == (90, 60, 900)
    assert (first.dissolves, second.dissolves) == ((0, 15), (15, 0))


def test_avid_like_export(tmp_path: Path) -> None:
    ex.footage(tmp_path, "sc12.mxf")
    opened = open_timeline(ex.write(tmp_path / "cut.otio", ex.avid_like_export("sc12.mxf")))
    listed = list_shots(opened, probe=ex.probe_of(ex.Facts(Fraction(25), start_timecode=90000)))
    assert [each.name for each in listed] == ["sc11", "sc12", "sc13"]
    assert "no media" in listed[0].problem.what
    assert "backwards" in listed[2].problem.what
    nested = listed[1].shot
    assert nested.nested and nested.media_start == 90000
    # The compound clip begins at 25, hides the first five of the fifty frames in it and shows forty.
    assert (nested.source_start, nested.frame_count, nested.seen.before) == (15, 40, (5, 1))
    assert (nested.record_start, nested.record_frames) == (25, 40)


def test_otioz_unpacks_its_media_once(tmp_path: Path) -> None:
    built = ex.timeline(ex.track(ex.clip1("a", ex.movie("media/a%20b.mov", ex.span(0, 50, 24)), ex.span(0, 50, 24))))
    bundle = tmp_path / "cut.otioz"
    with zipfile.ZipFile(bundle, "w") as sink:
        sink.writestr("content.otio", json.dumps(built))
        sink.writestr("media/a b.mov", b"movie")
        sink.writestr("media/../../outside.mov", b"no")
    opened = open_timeline(bundle, tmp_path / "scratch")
    unpacked = tmp_path / "scratch" / "media" / "a b.mov"
    assert opened.kind == "otioz" and select_shot(opened).media_path == str(unpacked)
    written = unpacked.stat().st_mtime_ns
    open_timeline(bundle, tmp_path / "scratch")
    assert unpacked.stat().st_mtime_ns == written
    assert not list(tmp_path.rglob("outside.mov"))


def test_bundles_that_opentimelineio_itself_writes(tmp_path: Path) -> None:
    built = otio.schema.Timeline("x")
    built.tracks.append(otio.schema.Track("V1", [ex.clip("a", ex.footage(tmp_path, "a b.mov"))]))
    for name in ("cut.otioz", "cut.otiod"):
        otio.adapters.write_to_file(built, str(tmp_path / name))
        opened = open_timeline(tmp_path / name)
        assert opened.kind == name[4:]
        assert Path(select_shot(opened).media_path).read_bytes() == b"movie"


def test_otioz_into_a_folder_that_is_a_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "cut.otioz", "w") as sink:
        sink.writestr("content.otio", json.dumps(ex.timeline()))
        sink.writestr("media/a.mov", b"movie")
    (tmp_path / "scratch").write_text("in the way")
    with pytest.raises(OutOfDisk):
        open_timeline(tmp_path / "cut.otioz", tmp_path / "scratch")


def test_damaged_otioz(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "cut.otioz", "w") as sink:
        sink.writestr("content.otio", json.dumps(ex.timeline()))
        sink.writestr("media/a.mov", b"movie" * 100)
    content = bytearray((tmp_path / "cut.otioz").read_bytes())
    at = content.index(b"moviemovie")
    content[at : at + 4] = b"XXXX"
    (tmp_path / "cut.otioz").write_bytes(content)
    with pytest.raises(BadTimeline, match="damaged"):
        open_timeline(tmp_path / "cut.otioz")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("{", "line 1"),
        ("<xmeml version='5'/>", "XML"),
        ("[]", "not OpenTimelineIO"),
        ("7", "not OpenTimelineIO"),
        ('{"a": 1}', "not OpenTimelineIO"),
        (json.dumps(ex.track()), "Track"),
        ('{"OTIO_SCHEMA": "Timeline.99"}', "newer"),
        ('{"OTIO_SCHEMA": "Timeline.1"}', "no 'tracks'"),
        ('{"OTIO_SCHEMA": "Timeline.1", "tracks": 5}', "wrong kind"),
        (json.dumps(ex.timeline(tracks=None)), "no video track"),
        ('{"OTIO_SCHEMA": "SerializableCollection.1", "name": "", "children": []}', "no timeline"),
        (json.dumps(ex.timeline(ex.track(ex.clip1("a", None, None, effects=[{"OTIO_SCHEMA": "Odd.1"}])))), "not know"),
    ],
)
def test_what_is_not_a_timeline(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "cut.otio").write_text(text)
    with pytest.raises(BadTimeline, match=why) as caught:
        open_timeline(tmp_path / "cut.otio")
    assert caught.value.remedy


def test_missing_binary_and_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(BadTimeline, match="no timeline at"):
        open_timeline(tmp_path / "none.otio")
    with pytest.raises(BadTimeline, match=r"content\.otio"):
        open_timeline(tmp_path)
    (tmp_path / "x.otio").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(BadTimeline, match="not text"):
        open_timeline(tmp_path / "x.otio")


def test_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "x.otio").write_text(json.dumps(ex.timeline()), encoding="utf-8-sig")
    assert open_timeline(tmp_path / "x.otio").timeline.name == "Reel 1"


def test_which_schema_the_file_was_written_in(tmp_path: Path) -> None:
    media = ex.footage(tmp_path)
    assert not open_timeline(ex.write(tmp_path / "new.otio", ex.resolve_export(media))).older
    assert open_timeline(ex.write(tmp_path / "old.otio", ex.premiere_like_export(media))).older
    assert timeline_for_media(media, Fraction(24), 10).older


def test_collections(tmp_path: Path) -> None:
    both = [ex.timeline(name="one"), ex.timeline(name="two")]
    collection = {"OTIO_SCHEMA": "SerializableCollection.1", "name": "", "metadata": {}, "children": both}
    path = ex.write(tmp_path / "cuts.otio", collection)
    with pytest.raises(BadTimeline, match='1. "one", 2. "two"'):
        open_timeline(path)
    with pytest.raises(BadTimeline, match='called "three"'):
        open_timeline(path, name="three")
    assert open_timeline(path, name="two").timeline.name == "two"
    single = ex.write(tmp_path / "cut.otio", collection | {"children": both[:1]})
    assert open_timeline(single).timeline.name == "one"


def test_rate_comes_from_the_start_time_then_from_video(tmp_path: Path) -> None:
    video = ex.track(ex.clip1("a", None, ex.span(0, 10, 23.976)), ex.clip1("b", None, ex.span(0, 10, 25.0)))
    video["children"].append(ex.clip1("c", None, ex.span(0, 10, 23.98)))
    audio = ex.track(*[ex.clip1("s", None, ex.span(0, 10, 48000.0))] * 4, kind="Audio")
    path = tmp_path / "cut.otio"
    assert open_timeline(ex.write(path, ex.timeline(video, audio))).rate == Fraction(24000, 1001)
    assert open_timeline(ex.write(path, ex.timeline(video, audio, start=ex.time(0, 50)))).rate == 50
    noted = ex.stack(video, metadata={"PremierePro_OTIO": {"VideoFrameRate": 59.94}})
    assert open_timeline(ex.write(path, ex.timeline(tracks=noted))).rate == Fraction(60000, 1001)
    zero = ex.timeline(ex.track(ex.clip1("a", None, ex.span(0, 10, 0.0))))
    for without in (ex.timeline(audio), zero):
        with pytest.raises(BadTimeline, match="no frame rate"):
            _ = open_timeline(ex.write(path, without)).rate


def test_movie_as_timeline(tmp_path: Path) -> None:
    media = ex.footage(tmp_path, "plate #1 50%.mov")
    opened = timeline_for_media(media, Fraction(24000, 1001), 100, 86400)
    shot = select_shot(opened)
    assert opened.kind == "movie" and shot.name == "plate #1 50%" and shot.media_path == media
    assert (shot.source_start, shot.frame_count, shot.handles, shot.media_start) == (0, 100, (0, 0), 86400)
    assert shot.record_timecodes[0] == "01:00:00:00"
    with pytest.raises(BadTimeline, match="no frames"):
        timeline_for_media(media, Fraction(24), 0)


def test_sequence_as_timeline(tmp_path: Path) -> None:
    sequence = ImageSequence(str(tmp_path), "n.", ".exr", 1001, 1, 4, 12)
    ex.footage(tmp_path, "n.1001.exr")
    shot = select_shot(timeline_for_media(sequence.image(0), Fraction(25), 12, sequence=sequence))
    assert shot.sequence == sequence and shot.frame_count == 12
    assert shot.media_path == str(tmp_path / "n.1001.exr")
