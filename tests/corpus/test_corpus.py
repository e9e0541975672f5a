"""The command that tries a folder, on a folder of four files."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

import tests.corpus.clips
from bridge.editorial.placement import write_timeline
from bridge.editorial.timeline import timeline_for_media
from tests.corpus.__main__ import main
from tests.media.clips import make_movie, make_sequence


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One of each: right, repaired, refused; an image sequence; a timeline."""
    made = tmp_path / "corpus"
    made.mkdir()
    movie = make_movie(made / "right.mov", 12, 24)
    make_movie(made / "held.mp4", 10, 24, durations=[3 if number == 4 else 1 for number in range(10)])
    (made / "text.mov").write_text("no movie")
    (made / "notes.txt").write_text("left out")
    make_sequence(made / "shot", count=4)
    opened = timeline_for_media(str(movie), Fraction(24), 12)
    write_timeline(opened.timeline, made / "cut.otio")
    return made


def test_every_file_has_its_line_and_the_report_can_be_sent(folder: Path, capsys: pytest.CaptureFixture):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    report = folder.parent / "report.json"
    assert main([str(folder), "--report", str(report)]) == 0
    text = report.read_text(encoding="utf-8")
    found = {each["name"]: each for each in json.loads(text)["files"]}
    assert {name: each["outcome"] for name, each in found.items()} == {
        "right.mov": "right",
        "held.mp4": "repaired",
        "text.mov": "refused",
        "shot": "right",
        "cut.otio": "right",
    }
    assert "Frames 5 to 6 repeat the picture before" in found["held.mp4"]["text"]
    assert found["text.mov"]["text"].startswith("not_media: ")
    assert found["cut.otio"]["facts"]["clips"] == "1 of 1 clips"
    assert str(folder) not in text, "the report tells where the files are"
    assert "3 right, 1 repaired, 1 refused, 0 wrong of 5." in capsys.readouterr().out
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_wrong_picture_ends_with_1(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    original = tests.corpus.clips.read_frames

    def swapped(info, start, count):
        frames = list(original(info, start, count))
        if info.path.endswith("right.mov") and len(frames) > 1:
            frames[0], frames[1] = frames[1], frames[0]
        return iter(frames)

    monkeypatch.setattr(tests.corpus.clips, "read_frames", swapped)
    assert main([str(folder), "--report", str(folder.parent / "report.json")]) == 1
    out = capsys.readouterr().out
    assert "wrong     movie     right.mov: 2 of 12 frames are not as ffmpeg decodes them, first [0, 1]" in out


def test_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture):
    assert main([str(tmp_path / "nowhere")]) == 2
    assert "is not a folder" in capsys.readouterr().err
