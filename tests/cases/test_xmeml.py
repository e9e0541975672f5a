"""Final Cut Pro 7 XML: frames and places as Premiere Pro and DaVinci Resolve write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.editorial.clip_list import list_clips
from bridge.editorial.timeline_choice import SeveralTimelines
from contract.errors import BadTimeline
from tests.cases import xmeml
from tests.cases.test_edl import opened
from tests.cases.test_timelines import pictures


def test_premiere(footage: Path, tmp_path: Path) -> None:
    """Files by localhost URLs, the second use of a file by its id alone, a clip from behind a hole."""
    a24 = xmeml.file(footage, "a24.mov", 100, host="localhost")
    first = xmeml.item("one", 0, 20, 10, 30, a24)
    second = xmeml.item("two", 30, 54, 40, 64, '<file id="a24.mov"/>')
    path = xmeml.write(tmp_path / "cut.xml", xmeml.sequence("Sequence 01", first + second, start=0))
    source = opened(path, "two")
    assert pictures(source) == list(range(40, 64))
    assert (source.shot.record_start, source.shot.record_frames, source.opened.timeline.name) == (30, 24, "Sequence 01")
    assert pictures(opened(path, "one")) == list(range(10, 30))


def test_resolve(footage: Path, tmp_path: Path) -> None:
    """Media with timecode, a start of one hour, two tracks, the upper one seen above the lower."""
    tc24 = xmeml.file(footage, "tc24.mov", 100, start=86400)
    below = xmeml.item("tc24.mov", 0, 48, 5, 53, tc24)
    above = xmeml.item("a25.mov", 12, 24, 50, 62, xmeml.file(footage, "a24.mov", 100))
    path = xmeml.write(tmp_path / "cut.xml", xmeml.sequence("Timeline 1", below, above))
    source = opened(path, "tc24.mov")
    assert pictures(source) == list(range(5, 53)) and source.shot.record_timecodes[0] == "01:00:00:00"
    upper = opened(path, "a25.mov")
    assert (pictures(upper), upper.shot.track_number, upper.shot.record_start) == (list(range(50, 62)), 2, 12)


@pytest.mark.parametrize(("alignment", "cut"), [("center", 24), ("start", 20), ("start-black", 20), ("end", 28)])
def test_transitions(footage: Path, tmp_path: Path, alignment: str, cut: int) -> None:
    """-1 for what lies in the transition; in and out reach over all of it."""
    a24 = xmeml.file(footage, "a24.mov", 100)
    one = xmeml.item("one", 0, -1, 10, 38, a24)
    two = xmeml.item("two", -1, 48, 50, 78, '<file id="a24.mov"/>')
    track = one + xmeml.dissolve(20, 28, alignment) + two
    path = xmeml.write(tmp_path / "cut.xml", xmeml.sequence("s", track))
    first, second = opened(path, "one"), opened(path, "two")
    assert pictures(first) == list(range(10, 10 + cut))
    assert pictures(second) == list(range(50 + cut - 20, 78)) and second.shot.record_start == cut
    assert (first.shot.dissolves, second.shot.dissolves) == ((0, 28 - cut), (cut - 20, 0))


def test_ntsc_rates(footage: Path, tmp_path: Path) -> None:
    media = xmeml.file(footage, "tc23976.mov", 100, 24, True, start=880_000)
    text = xmeml.sequence("s", xmeml.item("x", 7, 31, 20, 44, media).replace("FALSE", "TRUE", 1), ntsc=True)
    assert pictures(opened(xmeml.write(tmp_path / "cut.xml", text), None)) == list(range(20, 44))


def test_drop_frame_timecode_as_text(footage: Path, tmp_path: Path) -> None:
    media = xmeml.file(footage, "tc2997df.mov", 120, 30, True, start=107892)
    clip = xmeml.item("x", 0, 30, 10, 40, media, 30).replace("FALSE", "TRUE", 1)
    for text in ("<string>01;00;00;00</string>", "<string>01:00:00:00</string>", "<frame>107892</frame>"):
        written = xmeml.sequence("s", clip.replace("<frame>107892</frame>", text), base=30, ntsc=True, start=0)
        source = opened(xmeml.write(tmp_path / "cut.xml", written), None)
        assert pictures(source) == list(range(10, 40)) and source.shot.media_start == 107892


def test_a_clip_of_another_rate_is_read_by_time(footage: Path, tmp_path: Path) -> None:
    """50p in a sequence of 25: in and out in the sequence's frames."""
    media = xmeml.file(footage, "a50.mov", 120, 50)
    path = xmeml.write(tmp_path / "cut.xml", xmeml.sequence("s", xmeml.item("x", 0, 15, 20, 35, media, 25), base=25))
    assert pictures(opened(path, None)) == list(range(40, 70))


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (xmeml.speed("200"), r"200 %"),
        (xmeml.speed("100", reverse=True), "backwards"),
        (xmeml.speed("0"), "freeze"),
        (xmeml.speed("100", variable=True), "variable"),
        ("<enabled>FALSE</enabled>", "disabled"),
    ],
)
def test_what_is_not_shown_as_it_is(footage: Path, tmp_path: Path, more: str, what: str) -> None:
    clip = xmeml.item("x", 0, 20, 10, 30, xmeml.file(footage, "a24.mov", 100), more=more)
    path = xmeml.write(tmp_path / "cut.xml", xmeml.sequence("s", clip))
    with pytest.raises(BadTimeline, match=what):
        opened(path, None)
    plain = xmeml.write(tmp_path / "cut.xml", xmeml.sequence("s", clip.replace(more, xmeml.speed("100"))))
    assert pictures(opened(plain, None)) == list(range(10, 30))


def test_a_speed_without_a_filter(footage: Path, tmp_path: Path) -> None:
    clip = xmeml.item("x", 0, 20, 10, 50, xmeml.file(footage, "a24.mov", 100))
    with pytest.raises(BadTimeline, match=r"speed change \(200 %\)"):
        opened(xmeml.write(tmp_path / "cut.xml", xmeml.sequence("s", clip)), None)


def test_nested_sequences(footage: Path, tmp_path: Path) -> None:
    inner = xmeml.sequence("inner", xmeml.item("deep", 0, 60, 20, 80, xmeml.file(footage, "a24.mov", 100)))
    outer = xmeml.sequence("outer", xmeml.item("nest", 100, 130, 10, 40, inner))
    source = opened(xmeml.write(tmp_path / "cut.xml", outer), None)
    assert source.shot.nested and source.shot.record_start in (90, 100)
    assert set(pictures(source)) >= set(range(30, 60))


def test_several_sequences_in_bins(footage: Path, tmp_path: Path) -> None:
    one = xmeml.sequence("one", xmeml.item("x", 0, 20, 10, 30, xmeml.file(footage, "a24.mov", 100)))
    two = xmeml.sequence("two", xmeml.item("x", 0, 20, 40, 60, '<file id="a24.mov"/>'))
    path = xmeml.write(tmp_path / "cut.xml", f"<project><children><bin>{one}</bin>{two}</children></project>")
    with pytest.raises(SeveralTimelines) as caught:
        opened(path, None)
    assert caught.value.names == ("one", "two")
    assert pictures(opened(path, None, timeline="two")) == list(range(40, 60))


def test_generators_and_offline_media(footage: Path, tmp_path: Path) -> None:
    title = "<generatoritem><name>Text</name><start>0</start><end>20</end><in>0</in><out>20</out></generatoritem>"
    gone = xmeml.item("x", 20, 40, 10, 30, xmeml.file(Path("/gone/day 1"), "a24.mov", 100))
    path = xmeml.write(tmp_path / "cut.xml", xmeml.sequence("s", title + gone))
    assert "generator (Text)" in list_clips(opened(path, "x", footage).opened)[0].problem.what
    with pytest.raises(BadTimeline, match=r"offline: /gone/day 1/a24\.mov"):
        opened(path, "x")
    assert pictures(opened(path, "x", footage)) == list(range(10, 30))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("<xmeml><bin/></xmeml>", "no sequence"),
        ("<xmeml><sequence>", "damaged"),
        ("<html/>", "another kind"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><xmeml/>', "entities"),
        ("", "damaged"),
    ],
)
def test_what_is_no_such_xml(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "cut.xml").write_text(text)
    with pytest.raises(BadTimeline, match=what):
        opened(tmp_path / "cut.xml", None)
