"""Media that a timeline does not name, and timelines that are no OpenTimelineIO: which frames are found."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest

from backend.jobs.sources import Source, open_source
from contract.errors import BadTimeline
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


def test_sequence_by_first_file_with_numbered_photographs(sequence_by_first_file: Path, footage: Path) -> None:
    """A held photograph has numbered neighbours too: counted from 0, its frames are not the folder's pictures."""
    sequence_by_first_file.write_text(sequence_by_first_file.read_text("utf-8").replace("86400", "0"))
    with pytest.raises(BadTimeline, match="Which pictures"):
        opened(sequence_by_first_file, None, footage / "seq")


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
