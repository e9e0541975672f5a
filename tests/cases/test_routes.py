"""Media that a timeline does not name, and timelines that are no OpenTimelineIO: which frames are found."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest

from backend.jobs.sources import Source, open_source
from bridge.editorial.clip_list import list_clips
from bridge.editorial.shot_bundle import TIMELINE, pack_shot
from bridge.editorial.timeline import open_timeline
from bridge.editorial.timeline_choice import SeveralTimelines
from contract.errors import BadTimeline
from plugin.cli.main import main
from tests.cases.footage import case_file, make_sequence
from tests.cases.test_timelines import pictures


def opened(path: Path, clip: str | None = None, *media: Path, **choice: object) -> Source:
    return open_source(str(path), clip, unpacked=path.parent / "unpacked", media_folders=media, **choice)


@pytest.fixture
def edl_no_media(footage: Path, tmp_path: Path) -> Path:
    return case_file("edl-no-media", footage, tmp_path)


def test_edl_no_media(edl_no_media: Path, footage: Path) -> None:
    source = opened(edl_no_media, None, footage)
    assert (Path(source.info.path).name, pictures(source)) == ("a24.mov", list(range(10, 40)))


def test_edl_no_media_says_what_to_name_and_that_works(edl_no_media: Path, footage: Path) -> None:
    with pytest.raises(BadTimeline) as caught:
        opened(edl_no_media)
    assert '"a24.mov" or "A24"' in caught.value.why and "--media" in caught.value.remedy
    with pytest.raises(BadTimeline) as caught:
        opened(edl_no_media, None, footage / "seq")
    assert str(footage / "seq") in caught.value.why
    assert pictures(opened(edl_no_media, None, footage)) == list(range(10, 40))


def test_edl_no_media_beside_the_timeline(edl_no_media: Path, footage: Path) -> None:
    shutil.copy(footage / "a24.mov", edl_no_media.parent)
    assert pictures(opened(edl_no_media)) == list(range(10, 40))


def test_edl_no_media_by_the_reel(edl_no_media: Path, footage: Path) -> None:
    edl_no_media.write_text(edl_no_media.read_text("utf-8").replace('"a24.mov"', '"shot seven"'))
    assert pictures(opened(edl_no_media, None, footage)) == list(range(10, 40))


def test_edl_no_media_of_two_cards(edl_no_media: Path, footage: Path, tmp_path: Path) -> None:
    for card, name in (("card 1", "a24.mov"), ("card 2", "a25.mov")):
        (tmp_path / card).mkdir()
        shutil.copy(footage / name, tmp_path / card / "a24.mov")
    with pytest.raises(BadTimeline) as caught:
        opened(edl_no_media, None, tmp_path)
    chosen = shlex.quote(str(tmp_path / "card 1" / "a24.mov")).strip("'")
    assert f"--media {chosen}" in caught.value.remedy
    assert opened(edl_no_media, None, tmp_path, Path(chosen)).info.path == chosen


@pytest.fixture
def sequence_by_first_file(footage: Path, tmp_path: Path) -> Path:
    return case_file("sequence-by-first-file", footage, tmp_path)


def test_sequence_by_first_file(sequence_by_first_file: Path, footage: Path) -> None:
    """Timecode 01:00:00:00 of a sequence that is numbered from 1000: which picture that is, is not known."""
    with pytest.raises(BadTimeline) as caught:
        opened(sequence_by_first_file, None, footage / "seq")
    problem = caught.value
    assert "still" not in problem.what and "1000 to 1100" in problem.why
    command = shlex.split(problem.remedy.partition("dynvfx ")[2])
    part = tuple(map(int, command[-1].split("-")))
    assert pictures(opened(Path(command[1]), None, part=part)) == list(range(40))


def test_sequence_by_first_file_that_counts_in_its_numbers(sequence_by_first_file: Path, footage: Path) -> None:
    sequence_by_first_file.write_text(sequence_by_first_file.read_text("utf-8").replace("86400", "1010"))
    assert pictures(opened(sequence_by_first_file, None, footage / "seq")) == list(range(10, 50))


def test_sequence_by_first_file_of_just_its_length(sequence_by_first_file: Path, tmp_path: Path) -> None:
    make_sequence(tmp_path / "plates", "output.", 1000, 40)
    assert pictures(opened(sequence_by_first_file, None, tmp_path / "plates")) == list(range(40))


def test_sequence_by_first_file_on_another_machine(sequence_by_first_file: Path, footage: Path, tmp_path: Path) -> None:
    """What travels says how the sequence is counted, which the timeline did not."""
    make_sequence(tmp_path / "plates", "output.", 1000, 40)
    numbered = sequence_by_first_file.with_name("numbered.otio")
    numbered.write_text(sequence_by_first_file.read_text("utf-8").replace("86400", "1010"))
    for path, media, wanted in (
        (sequence_by_first_file, tmp_path / "plates", range(40)),
        (numbered, footage / "seq", range(10, 50)),
    ):
        source = opened(path, None, media)
        bundle = pack_shot(source.opened, source.shot, source.info.sequence.count)
        there = tmp_path / path.stem
        for name, file in bundle.files:
            (there / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, there / name)
        (there / TIMELINE).write_bytes(bundle.timeline)
        assert pictures(opened(there / TIMELINE)) == list(wanted)


def test_sequence_by_first_file_with_numbered_photographs(sequence_by_first_file: Path, footage: Path) -> None:
    """A held photograph has numbered neighbours too: counted from 0, its frames are not the folder's pictures."""
    sequence_by_first_file.write_text(sequence_by_first_file.read_text("utf-8").replace("86400", "0"))
    with pytest.raises(BadTimeline, match="Which pictures"):
        opened(sequence_by_first_file, None, footage / "seq")


def test_names(footage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    """Each clip of names/cut.otio is usable by its number, and by its name as the list prints it."""
    monkeypatch.setenv("DYNVFX_STATE", str(tmp_path / "state"))
    path = case_file("names", footage, tmp_path)
    listed = list_clips(open_timeline(path))
    assert [pictures(opened(path, str(each.index)))[0] for each in listed] == [10, 40, 60, 70, 80]
    assert main(["clips", str(path)]) == 0
    printed = capsys.readouterr().out
    assert printed.count("\n") == len(listed) + 1
    assert all(each.isprintable() or each in "\n\u200d" for each in printed)
    for each in listed:
        if each.name.strip() and not each.name.isdecimal():
            assert opened(path, each.name).shot.index == each.index


@pytest.fixture
def two_timelines(footage: Path, tmp_path: Path) -> Path:
    return case_file("two-timelines", footage, tmp_path)


def test_two_timelines(two_timelines: Path) -> None:
    with pytest.raises(SeveralTimelines) as caught:
        opened(two_timelines)
    assert caught.value.names == ("reel 1", "reel 2")
    choice = shlex.split(caught.value.remedy.partition("example ")[2])
    assert choice == ["--timeline", "reel 1"]
    assert pictures(opened(two_timelines, timeline=choice[1])) == list(range(10, 40))
    for name in ("reel 2", "Reel 2", "2"):
        assert pictures(opened(two_timelines, timeline=name)) == list(range(50, 80))


def test_two_timelines_of_one_name_and_odd_ones(two_timelines: Path) -> None:
    text = two_timelines.read_text("utf-8")
    two_timelines.write_text(text.replace("reel 2", "reel 1"))
    with pytest.raises(SeveralTimelines) as caught:
        opened(two_timelines)
    assert caught.value.remedy.endswith("--timeline 1")
    with pytest.raises(SeveralTimelines, match='holds 2 timelines called "reel 1"'):
        opened(two_timelines, timeline="reel 1")
    assert pictures(opened(two_timelines, timeline="2")) == list(range(50, 80))
    two_timelines.write_text(text.replace('"reel 2"', json.dumps("a\x1b[31m\u202e\nb")))
    with pytest.raises(SeveralTimelines) as caught:
        opened(two_timelines)
    name = caught.value.names[1]
    assert name.isprintable() and pictures(opened(two_timelines, timeline=name)) == list(range(50, 80))


@pytest.mark.parametrize(
    "name", ["take #3.[1000-1059].png", "cut[1-2]_.[1000-1059].png", "{:04d}.1000.png", "100%d_.1000.png"]
)
def test_marks_of_patterns_in_names(name: str, tmp_path: Path) -> None:
    prefix = name.replace("[1000-1059].png", "").replace("1000.png", "")
    make_sequence(tmp_path, prefix, 1000, 60)
    time = {"OTIO_SCHEMA": "RationalTime.1", "rate": 24.0}
    shown = {"OTIO_SCHEMA": "TimeRange.1", "start_time": time | {"value": 1010}, "duration": time | {"value": 20}}
    whole = {"OTIO_SCHEMA": "TimeRange.1", "start_time": time | {"value": 1000}, "duration": time | {"value": 60}}
    media = {"OTIO_SCHEMA": "ExternalReference.1", "target_url": str(tmp_path / name), "available_range": whole}
    clip = {"OTIO_SCHEMA": "Clip.1", "name": "s", "source_range": shown, "media_reference": media}
    track = {"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": [clip]}
    tracks = {"OTIO_SCHEMA": "Stack.1", "children": [track]}
    path = tmp_path / "cut.otio"
    path.write_text(json.dumps({"OTIO_SCHEMA": "Timeline.1", "name": "t", "tracks": tracks}))
    assert pictures(opened(path)) == list(range(10, 30))
