from __future__ import annotations

import csv
import io
from fractions import Fraction

import opentimelineio as otio
import pytest

from contract.take import Note
from plugin.panel.review.note_export import COLUMNS, notes_csv, write_csv, write_markers
from plugin.panel.review.notes import Notes
from plugin.review_media.slices import Reviewed, take_in_folder

from .movies import record, review_take, slice_of

RATE = Fraction(30000, 1001)


@pytest.fixture
def notes(qapp):
    made = Notes()
    made.load("one", [Note(text="old", first=9, last=9)], "pending")
    made.author = "Ada"
    return made


def test_a_note_is_kept_in_order_and_reported(notes):
    reported = []
    notes.noteAdded.connect(lambda take, note: reported.append((take, note.text)))
    notes.notesChanged.connect(lambda take, all_: reported.append((take, [each.text for each in all_])))
    note = notes.add("one", "  too dark ", 7, 3, "light")
    assert (note.text, note.first, note.last, note.author, note.category) == ("too dark", 3, 7, "Ada", "light")
    assert note.created.endswith("+00:00")
    assert reported == [("one", "too dark"), ("one", ["too dark", "old"])]


def test_notes_are_changed_and_removed_one_by_one(notes):
    first, second = notes.add("one", "same", 1, 1), notes.add("one", "same", 1, 1)
    notes.change("one", first, text="other")
    assert sorted(each.text for each in notes.of("one")) == ["old", "other", "same"]
    notes.remove("one", second)
    assert sorted(each.text for each in notes.of("one")) == ["old", "other"]
    assert notes.of("two") == ()


def test_a_decision_is_about_one_take(notes):
    reported = []
    notes.load("two", [], "approved")
    notes.statusChanged.connect(lambda *values: reported.append(values))
    notes.set_status("one", "rejected")
    notes.set_status("one", "rejected")
    assert reported == [("one", "rejected")]
    assert notes.status("two") == "approved" and notes.status("three") == "pending"


def test_imported_decisions_are_merged_once(notes):
    notes_of_bo = [Note(text="sky", first=2, last=4, author="Bo", created="2026-01-01T00:00:00+00:00")]
    assert notes.merge("one", notes_of_bo, "retake") == 1
    assert notes.merge("one", notes_of_bo, None) == 0
    assert [each.text for each in notes.of("one")] == ["sky", "old"]
    assert notes.status("one") == "retake"


def reviewed():
    takes = review_take("/shots/a.mov", "one", offset=10, count=20), review_take("/shots/b c.mov", "two", 2)
    notes = (
        Note(text='too "dark",\nsky', first=0, last=4, category="light", author="Ada"),
        Note(text="ok", first=9, last=9),
    )
    return [Reviewed(takes[0], "retake", notes), Reviewed(takes[1], "approved", ())]


def test_the_table_has_a_line_for_every_note_and_every_take_without_notes(tmp_path):
    rows = list(csv.DictReader(io.StringIO(notes_csv(reviewed(), RATE, 107892))))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["take"], row["status"], row["first frame"], row["last frame"]) for row in rows] == [
        ("take 01", "retake", "0", "4"), ("take 01", "retake", "9", "9"), ("take 02", "approved", "", "")]  # fmt: skip
    assert rows[0]["timecode in"] == "01:00:00;10" and rows[0]["timecode out"] == "01:00:00;14"
    assert rows[0]["note"] == 'too "dark",\nsky' and rows[0]["category"] == "light" and rows[0]["author"] == "Ada"
    path = tmp_path / "notes.csv"
    write_csv(path, reviewed(), RATE, 107892)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")


def test_markers_are_at_the_notes(tmp_path):
    path = tmp_path / "notes.otio"
    write_markers(path, slice_of("/shots/o.mov", 48, RATE), reviewed(), RATE, 107892)
    timeline = otio.adapters.read_from_file(str(path))
    assert [track.name for track in timeline.tracks] == ["Original", "take 01", "take 02"]
    clip = timeline.tracks[1].find_clips()[0]
    assert clip.range_in_parent().start_time.value == 10
    first, second = clip.markers
    assert (first.marked_range.start_time.value, first.marked_range.duration.value) == (107902, 5)
    assert (second.marked_range.start_time.value, second.marked_range.duration.value) == (107911, 1)
    assert clip.source_range.start_time.value == 107902 and clip.source_range.duration.value == 20
    assert (first.color, first.comment, first.name) == ("YELLOW", 'too "dark",\nsky', 'too "dark",')
    assert first.metadata["dynvfx"]["author"] == "Ada" and clip.metadata["dynvfx"]["status"] == "retake"
    assert timeline.tracks[2].find_clips()[0].media_reference.target_url == "file:///shots/b%20c.mov"


def test_a_takes_files_are_found_by_their_roles(tmp_path):
    for name in ("composite.mov", "layer.mov", "matte.mov", "preview.mp4"):
        (tmp_path / name).write_bytes(b"x")
    found = take_in_folder(record("one"), tmp_path, 3, offset=5)
    assert found.composite == str(tmp_path / "composite.mov") and found.matte == str(tmp_path / "matte.mov")
    assert (found.number, found.offset, found.count, found.label) == (3, 5, 12, "one")
    (tmp_path / "layer").mkdir()
    (tmp_path / "layer" / "layer.000101.png").write_bytes(b"x")
    images = {"layer": "layer/layer.%06d.png", "first_number": 101}
    found = take_in_folder(record("one", **images), tmp_path, 1)
    assert found.layer.count == 12 and found.layer.image(11).endswith("layer.000112.png")
    (tmp_path / "composite.mov").unlink()
    assert take_in_folder(record("one", **images), tmp_path, 1).composite == str(tmp_path / "preview.mp4")


def test_an_older_reply_removes_nothing(notes):
    notes.add("one", "new", 1, 1)
    notes.set_status("one", "approved")
    notes.load("one", [Note(text="old", first=9, last=9)], "pending")
    assert [each.text for each in notes.of("one")] == ["new", "old"] and notes.status("one") == "approved"
    notes.load("one", [Note(text="theirs", first=0, last=0)], "retake")
    assert [each.text for each in notes.of("one")] == ["theirs"] and notes.status("one") == "retake"
