"""Edit lists: media by its name, frames by timecode, the rate from the media or a person."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import pytest

from backend.jobs.sources import Source, open_source
from bridge.editorial.clip_list import list_clips
from bridge.editorial.timeline import open_timeline
from contract.errors import BadTimeline
from tests.cases import edls
from tests.cases.footage import make_movie
from tests.cases.test_timelines import pictures


def edl(folder: Path, text: str) -> Path:
    path = folder / "cut.edl"
    path.write_text(text, encoding="utf-8")
    return path


def opened(path: Path, clip: str | None, *media: Path, **choice: object) -> Source:
    return open_source(str(path), clip, unpacked=path.parent / "unpacked", media_folders=media, **choice)


def test_avid(footage: Path, tmp_path: Path) -> None:
    path = edl(tmp_path, edls.AVID)
    first, second = opened(path, "tc24", footage), opened(path, "a24", footage)
    assert (pictures(first), pictures(second)) == (list(range(10, 40)), list(range(50, 74)))
    assert first.shot.record_timecodes == ("01:00:00:00", "01:00:01:06")
    assert second.shot.record_timecodes == ("01:00:01:18", "01:00:02:18")
    assert first.opened.notices == (
        "cut.edl does not say its frame rate; it was read at 24 frames a second, as its media.",
    )


def test_premiere(footage: Path, tmp_path: Path) -> None:
    shutil.copy(footage / "a25.mov", tmp_path / "second.mov")
    path = edl(tmp_path, edls.PREMIERE)
    dissolved = opened(path, "second.mov", footage)
    assert pictures(dissolved) == list(range(5, 40)) and dissolved.shot.record_start == 25
    listed = list_clips(dissolved.opened)
    assert [each.name for each in listed] == ["a25.mov", "second.mov", "a25.mov"]
    assert opened(path, "1", footage).shot.dissolves == (0, 10)
    last = opened(path, "3", footage)
    assert pictures(last) == list(range(60, 75)) and last.shot.record_start == 60


def test_resolve(footage: Path, tmp_path: Path) -> None:
    path = edl(tmp_path, edls.RESOLVE)
    assert pictures(opened(path, "1", footage)) == list(range(20, 44))
    with pytest.raises(BadTimeline, match=r"speed change \(200 %\)"):
        opened(path, "2", footage)
    assert opened(path, "1", footage).shot.record_timecodes == ("01:00:00:00", "01:00:01:00")


def test_a_sequence_of_an_edit_list(footage: Path, tmp_path: Path) -> None:
    """Its pictures have no timecode: the list must count in their numbers."""
    with pytest.raises(BadTimeline, match="Which pictures"):
        opened(edl(tmp_path, edls.RESOLVE), "3", footage)
    counted = edls.RESOLVE.replace("00:00:02:00 00:00:03:12", "00:00:42:02 00:00:43:14")
    assert pictures(opened(edl(tmp_path, counted), "3", footage)) == list(range(10, 46))


@pytest.mark.parametrize(
    "text",
    [
        edls.DROP,
        edls.DROP.replace(";", ":"),
        edls.DROP.replace("FCM: DROP FRAME\n", ""),
        edls.DROP.replace("FCM: DROP FRAME\n", "").replace("01:00:00;10 01:00:01;10", "01;00;00;10 01;00;01;10"),
    ],
)
def test_drop_frame(footage: Path, tmp_path: Path, text: str) -> None:
    source = opened(edl(tmp_path, text), None, footage)
    assert pictures(source) == list(range(10, 40))
    assert source.shot.record_timecodes[0] == "00:59:59;00"


def test_drop_frame_over_a_minute(tmp_path: Path) -> None:
    make_movie(tmp_path / "b.mov", 60, "30000/1001", "01:00:59;00")
    text = "FCM: DROP FRAME\n001  B  V  C  01:00:59:20 01:01:00:10 01:00:00:00 01:00:00:18\n* FROM CLIP NAME: b.mov\n"
    assert pictures(opened(edl(tmp_path, text), None)) == list(range(20, 38))
    make_movie(tmp_path / "b.mov", 60, "30000/1001", "01:00:59:00")
    assert pictures(opened(edl(tmp_path, text.replace("00:18", "00:20")), None)) == list(range(20, 40))


@pytest.mark.parametrize(("rate", "name"), [("23.976", "a23976.mov"), ("24", "a23976.mov"), ("24000/1001", "a24.mov")])
def test_24_and_23976_count_alike(footage: Path, tmp_path: Path, rate: str, name: str) -> None:
    from plugin.cli.argument_types import rate as rate_of

    text = f"001  A  V  C  00:00:01:00 00:00:02:00 00:00:00:00 00:00:01:00\n* FROM CLIP NAME: {name}\n"
    assert pictures(opened(edl(tmp_path, text), None, footage, rate=rate_of(rate))) == list(range(24, 48))


def test_media_of_24_and_23976_in_one_list(footage: Path, tmp_path: Path) -> None:
    text = (
        "001  A  V  C  00:00:02:00 00:00:03:00 00:00:00:00 00:00:01:00\n* FROM CLIP NAME: a24.mov\n"
        "002  A  V  C  00:00:02:00 00:00:03:00 00:00:01:00 00:00:02:00\n* FROM CLIP NAME: a23976.mov\n"
    )
    path = edl(tmp_path, text)
    assert pictures(opened(path, "1", footage)) == list(range(48, 72))
    with pytest.raises(BadTimeline, match="not quite") as caught:
        opened(path, "2", footage)
    rate = Fraction(caught.value.remedy.partition("--rate ")[2])
    assert pictures(opened(path, "2", footage, rate=rate)) == list(range(48, 72))


def test_another_rate_than_the_media_is_refused(footage: Path, tmp_path: Path) -> None:
    """25 frames a second in the list and 50 in the file: the list adds up at 25 alone."""
    text = (
        "001  A  V  C  00:00:00:20 00:00:01:10 00:00:01:00 00:00:01:15\n* FROM CLIP NAME: a50.mov\n"
        "002  A  V  C  00:00:00:00 00:00:01:00 00:00:01:15 00:00:02:15\n* FROM CLIP NAME: a50.mov\n"
    )
    path = edl(tmp_path, text)
    with pytest.raises(BadTimeline, match=r"50 frames a second.*--rate 25") as caught:
        opened(path, "1", footage)
    rate = int(caught.value.remedy.partition("--rate ")[2].rstrip("."))
    with pytest.raises(BadTimeline, match="another frame rate"):
        opened(path, "1", footage, rate=rate)
    shutil.copy(footage / "a25.mov", tmp_path / "a50.mov")
    assert pictures(opened(path, "1", tmp_path, rate=rate)) == list(range(20, 35))


def test_a_rate_that_cannot_be(footage: Path, tmp_path: Path) -> None:
    with pytest.raises(BadTimeline, match="frame number 18"):
        opened(edl(tmp_path, edls.AVID), "1", footage, rate=12)


def test_media_of_two_rates_wants_a_choice(footage: Path, tmp_path: Path) -> None:
    text = (
        "001  A  V  C  00:00:01:00 00:00:02:00 00:00:00:00 00:00:01:00\n* FROM CLIP NAME: a24.mov\n"
        "002  B  V  C  00:00:01:00 00:00:02:00 00:00:01:00 00:00:02:00\n* FROM CLIP NAME: a25.mov\n"
    )
    path = edl(tmp_path, text)
    with pytest.raises(BadTimeline, match="differ.*--rate"):
        opened(path, "1", footage)
    assert pictures(opened(path, "1", footage, rate=24)) == list(range(24, 48))
    with pytest.raises(BadTimeline, match="another frame rate"):
        opened(path, "2", footage, rate=24)
    assert pictures(opened(path, "2", footage, rate=25)) == list(range(25, 50))


def test_without_its_media_the_clips_are_listed(tmp_path: Path) -> None:
    listed = list_clips(open_timeline(edl(tmp_path, edls.AVID)))
    assert [each.name for each in listed] == ["tc24", "a24"]
    assert all("--media" in each.problem.remedy for each in listed)


def test_channels_keys_and_what_overlaps(footage: Path, tmp_path: Path) -> None:
    text = (
        "001  A24  V2  C        00:00:00:00 00:00:01:00 01:00:00:12 01:00:01:12\n"
        "002  A24  V   C        00:00:01:00 00:00:02:00 01:00:00:00 01:00:01:00\n"
        "003  A24  V   C        00:00:02:00 00:00:03:00 01:00:00:12 01:00:01:12\n"
        "004  A24  V   K    020 00:00:03:00 00:00:03:12 01:00:02:00 01:00:02:12\n"
        "005  A24  NONE C       00:00:03:00 00:00:03:12 01:00:02:00 01:00:02:12\n"
    )
    source = opened(edl(tmp_path, text), "2", footage)
    assert [track.name for track in source.opened.timeline.tracks] == ["V1", "V1 (2)", "V2"]
    assert any("overlap" in each for each in source.opened.notices)
    assert [pictures(opened(tmp_path / "cut.edl", str(number), footage))[0] for number in (1, 2, 3)] == [24, 48, 0]


def test_lists_by_source_lie_in_record_order(footage: Path, tmp_path: Path) -> None:
    text = (
        "001  A24  V  C  00:00:00:00 00:00:01:00 01:00:01:00 01:00:02:00\n"
        "002  A24  V  C  00:00:02:00 00:00:03:00 01:00:00:00 01:00:01:00\n"
    )
    assert pictures(opened(edl(tmp_path, text), "1", footage)) == list(range(48, 72))


def test_channels_of_sound_and_picture(footage: Path, tmp_path: Path) -> None:
    for channels, track in (("VA1A2", "V1"), ("AA/V", "V1"), ("V2", "V2"), ("A2/V", "V1"), ("B", "V1"), ("V1A1", "V1")):
        text = f"001  A24  {channels}  C  00:00:01:00 00:00:02:00 01:00:00:00 01:00:01:00\n"
        source = opened(edl(tmp_path, text), None, footage)
        assert (pictures(source), source.shot.track_name) == (list(range(24, 48)), track)
    for channels in ("A", "AA", "A2", "NONE", "A1A2"):
        with pytest.raises(BadTimeline, match="no video edit"):
            opened(edl(tmp_path, text.replace("V1A1", channels)), None, footage)


def test_a_speed_that_is_not_marked(footage: Path, tmp_path: Path) -> None:
    text = (
        "001  A  V  C  00:00:01:00 00:00:02:00 01:00:00:00 01:00:01:00\n* FROM CLIP NAME: a24.mov\n"
        "002  A  V  C  00:00:02:00 00:00:04:00 01:00:01:00 01:00:02:00\n* FROM CLIP NAME: a24.mov\n"
    )
    assert pictures(opened(edl(tmp_path, text), "1", footage)) == list(range(24, 48))
    with pytest.raises(BadTimeline, match=r"speed change \(200 %\)"):
        opened(tmp_path / "cut.edl", "2", footage)


def test_past_midnight(tmp_path: Path) -> None:
    make_movie(tmp_path / "late.mov", 60, "24", "23:59:59:00")
    text = "001  X  V  C  23:59:59:12 00:00:00:12 01:00:00:00 01:00:01:00\n* FROM CLIP NAME: late.mov\n"
    assert pictures(opened(edl(tmp_path, text), None)) == list(range(12, 36))


def test_a_file_that_moved_is_found_by_the_clips_name(footage: Path, tmp_path: Path) -> None:
    text = (
        "001  AX  V  C  00:00:01:00 00:00:02:00 01:00:00:00 01:00:01:00\n"
        "* FROM CLIP NAME: a24.mov\n* SOURCE FILE: Z:\\old\\renamed.mov\n"
    )
    assert pictures(opened(edl(tmp_path, text), None, footage)) == list(range(24, 48))
    assert pictures(opened(edl(tmp_path, text.replace("renamed", "a24")), None, footage)) == list(range(24, 48))


def test_final_cut_reels_and_freeze_frames(footage: Path, tmp_path: Path) -> None:
    text = (
        "001  SHORT  V  C  00:00:01:00 00:00:02:00 01:00:00:00 01:00:01:00\n"
        "FINAL CUT PRO REEL: a24 REPLACED BY: SHORT\n"
        "002  A24    V  C  00:00:01:00 00:00:01:01 01:00:01:00 01:00:02:00\n* * FREEZE FRAME\n"
    )
    assert pictures(opened(edl(tmp_path, text), "1", footage)) == list(range(24, 48))
    with pytest.raises(BadTimeline, match="freeze frame"):
        opened(tmp_path / "cut.edl", "2", footage)


@pytest.mark.parametrize(
    "raw", ["", "TITLE: sound\n001  A  A  C  00:00:00:00 00:00:01:00 00:00:00:00 00:00:01:00\n", "\0\1"]
)
def test_what_is_no_edit_list_of_pictures(tmp_path: Path, raw: str) -> None:
    with pytest.raises(BadTimeline, match="no video edit"):
        opened(edl(tmp_path, raw), None)


def test_older_encodings_and_line_ends(footage: Path, tmp_path: Path) -> None:
    shutil.copy(footage / "a24.mov", tmp_path / "Straße.mov")
    text = "001  AX  V  C  00:00:01:00 00:00:02:00 01:00:00:00 01:00:01:00\r\n* FROM CLIP NAME: Straße.mov\r\n"
    for encoding in ("utf-8-sig", "cp1252", "utf-16"):
        (tmp_path / "cut.edl").write_bytes(text.encode(encoding))
        assert pictures(opened(tmp_path / "cut.edl", None)) == list(range(24, 48))
