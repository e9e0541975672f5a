"""The review's model, without any widget."""

from __future__ import annotations

import ast
from fractions import Fraction
from pathlib import Path

import pytest

from contract.take import Note
from plugin.panel.review.compare import ORIGINAL, Mode
from plugin.panel.review.follow_up import FollowUp, box_between, lineage
from plugin.panel.review.key_bindings import BINDINGS, KeyDispatcher

from .movies import number_of, review_take, slice_of, write_movie

ROOM = Path(__file__).parents[4] / "plugin" / "panel" / "review"


@pytest.fixture
def shot(tmp_path, model):
    path = write_movie(tmp_path / "clip.mov", 24)
    model.set_shot(slice_of(path, 24), Fraction(24), 86400)
    model.set_takes([review_take(path, name, number) for number, name in enumerate(("one", "two", "three"), 1)])
    return model


def test_widgets_import_models_only():
    widgets = [path for path in ROOM.rglob("*.py") if "QtWidgets" in path.read_text()]
    assert len(widgets) >= 8
    for path in widgets:
        for node in ast.walk(ast.parse(path.read_text())):
            named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            named += [node.module] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in named if name.split(".")[0] in ("bridge", "av", "numpy")], path


def test_models_import_no_widgets():
    models = [*ROOM.glob("*.py"), *(ROOM.parents[1] / "review_media").glob("*.py")]
    assert len(models) > 20
    assert not [path for path in models if "QtWidgets" in path.read_text()]


def test_the_first_take_is_under_review_against_the_original(shot):
    assert shot.current.id == "one" and shot.against is None
    assert (shot.playback.a, shot.playback.b) == (ORIGINAL, "take:one")


def test_takes_are_chosen_by_number_and_can_be_compared(shot):
    reported = []
    shot.currentChanged.connect(lambda: reported.append(shot.current.id))
    shot.pick_number(3)
    shot.pick_number(9)
    shot.pick_number(2, against=True)
    assert (shot.current.id, shot.against.id) == ("three", "two")
    assert shot.playback.a == "take:two"
    shot.pick_number(2)
    assert (shot.current.id, shot.against) == ("two", None)
    shot.compare_with("two")
    assert shot.against is None
    shot.pick_neighbour(-1)
    assert reported == ["three", "three", "two", "one"]


def test_a_new_take_does_not_change_the_reviewed_one(shot):
    shot.pick("two")
    shot.transport.seek(7)
    shot.set_takes([*shot.takes, review_take(shot.takes[0].composite, "four", 4)])
    assert shot.current.id == "two" and shot.transport.frame == 7
    shot.set_takes(shot.takes[:1])
    assert shot.current.id == "one"
    shot.set_takes([])
    assert shot.current is None and shot.add_note("nothing") is None


def test_holding_shows_the_other_side(qtbot, shot):
    qtbot.waitUntil(lambda: shot.playback.shown.frame == 0, timeout=5000)
    assert shot.playback.needed() == ("take:one",)
    shot.compare.hold(True)
    assert shot.playback.needed() == (ORIGINAL,)
    shot.compare.hold(False)
    shot.compare.set(original=True)
    assert shot.playback.needed() == (ORIGINAL,)
    shot.compare.hold(True)
    assert shot.playback.needed() == ("take:one",)


def test_notes_count_in_the_takes_own_frames(tmp_path, model):
    path = write_movie(tmp_path / "clip.mov", 24)
    model.set_shot(slice_of(path, 24), Fraction(24), 0)
    model.set_takes([review_take(path, offset=10, count=8)])
    model.transport.seek(12)
    note = model.add_note("dark", "light")
    assert (note.first, note.last) == (2, 2)
    model.transport.set_range(5, 30)
    assert [(note.first, note.last) for note in [model.add_note("all", whole_range=True)]] == [(0, 7)]
    model.go_to_note(note)
    assert model.transport.frame == 12
    assert model.add_note("   ") is None


def test_a_notes_range_loops(shot, clock):
    shot.go_to_note(Note(text="x", first=4, last=6), loop=True)
    assert shot.transport.playing and (shot.transport.first, shot.transport.last) == (4, 6)
    frames = []
    for _ in range(7):
        clock.pass_seconds(Fraction(1, 24))
        shot.transport.advance()
        frames.append(shot.transport.frame)
    assert frames == [5, 6, 4, 5, 6, 4, 5]


def test_up_and_down_go_from_note_to_note(shot):
    for frame in (3, 9, 15):
        shot.transport.seek(frame)
        shot.add_note("note")
    shot.transport.seek(9)
    shot.step_to_note(1)
    assert shot.transport.frame == 15
    shot.step_to_note(1)
    assert shot.transport.frame == 15
    shot.step_to_note(-1)
    assert shot.transport.frame == 9


def test_typed_positions(shot):
    assert shot.go_to("01:00:00:05") and shot.transport.frame == 5
    assert shot.go_to("17") and shot.transport.frame == 17
    assert not shot.go_to("here")
    assert shot.timecode(5) == "01:00:00:05"


def test_errors_are_reported_and_not_raised(qtbot, shot, tmp_path):
    reported = []
    shot.problemFound.connect(lambda *values: reported.append(values))
    (tmp_path / "file").write_text("in the way")
    assert not shot.export_csv(str(tmp_path / "file" / "notes.csv"))
    assert shot.export_csv(str(tmp_path / "notes.csv")) and shot.export_markers(str(tmp_path / "notes.otio"))
    assert len(reported) == 1 and reported[0][0]
    shot.set_takes([review_take(tmp_path / "gone.mov")])
    qtbot.waitUntil(lambda: len(reported) == 2, timeout=5000)
    assert "gone.mov does not exist" in reported[1][0] and reported[1][2]
    qtbot.waitUntil(lambda: shot.playback.shown.pictures.get("take:one", 1) is None, timeout=5000)


def test_status_follow_up_and_placing_are_requests(shot):
    reported = []
    shot.statusChanged.connect(lambda *values: reported.append(values))
    shot.followUpRequested.connect(lambda *values: reported.append(values))
    shot.placeRequested.connect(lambda *values: reported.append(values))
    shot.set_status("approved")
    shot.ask_place()
    wanted = FollowUp("add a bigger ball", region=(0.1, 0.2, 0.5, 0.6), skip=1)
    assert shot.ask_follow_up(wanted)
    assert not shot.ask_follow_up(FollowUp.of(shot.current))
    assert not shot.ask_follow_up(FollowUp("  "))
    assert reported == [("one", "approved"), ("one",), ("one", wanted)]
    assert wanted.levels(shot.current.take) == (700, 500)


def test_a_follow_up_keeps_at_least_one_iteration():
    take = review_take("a.mov")
    assert FollowUp("x", skip=9).levels(take.take) == (500,)
    assert FollowUp("x").levels(take.take) is None
    masked = FollowUp(take.take.instruction, mask=b"png", mask_frame=4)
    assert masked.problem(take) == ""


def test_boxes_are_in_fractions_of_the_frame():
    assert box_between((0.6, 0.9), (0.2, 0.1)) == (0.2, 0.1, 0.6, 0.9)
    assert box_between((-3, 0.5), (0.5, 7)) == (0.0, 0.5, 0.5, 1.0)
    assert box_between((0.5, 0.5), (0.505, 0.9)) is None


def test_lineage_ends_where_ancestors_are_unknown_or_circular():
    a, b, c = review_take("a", "a", parent="x"), review_take("b", "b", parent="a"), review_take("c", "c", parent="b")
    assert [take.id for take in lineage(c, {take.id: take for take in (a, b, c)})] == ["a", "b"]
    round_ = review_take("a", "a", parent="b")
    assert [take.id for take in lineage(b, {"a": round_, "b": b})] == ["a"]


def test_the_grade_and_view_stay_in_their_ranges(shot):
    shot.compare.set(wipe=7.0, exposure=99.0, gamma=0.0, zoom=1e9, centre=(-1.0, 2.0))
    view = shot.compare.view
    assert (view.wipe, view.exposure, view.gamma, view.zoom, view.centre) == (1, 6, 0.2, 32, (0, 1))
    for steps, gain in ((1, 16), (9, 64), (-1, 32), (-9, 1)):
        shot.compare.more_gain(steps)
        assert shot.compare.view.gain == gain


def test_zooming_keeps_the_point_under_the_pointer(shot):
    shot.compare.zoom_by(2, 0.5, at=(0.75, 0.25))
    x, y = shot.compare.view.centre
    assert shot.compare.view.zoom == 1
    # The point was 0.25 of the picture right of the middle at zoom 0.5; it must be as many pixels away at zoom 1.
    assert (0.75 - x) * 1.0 == pytest.approx((0.75 - 0.5) * 0.5)
    assert (0.25 - y) * 1.0 == pytest.approx((0.25 - 0.5) * 0.5)


def test_every_key_is_bound_once_and_does_something(shot):
    assert len({(each.key, each.modifier) for each in BINDINGS}) == len(BINDINGS)
    keys = KeyDispatcher(shot)
    for each in BINDINGS:
        assert keys.press(each.key.value, each.modifier)
        keys.release(each.key.value)
        assert each.text and each.name
    shot.transport.stop()


def test_k_with_l_steps(shot):
    from PyQt6.QtCore import Qt

    keys, none = KeyDispatcher(shot), Qt.KeyboardModifier.NoModifier
    shot.transport.seek(5)
    keys.press(Qt.Key.Key_K.value, none)
    keys.press(Qt.Key.Key_L.value, none)
    keys.press(Qt.Key.Key_L.value, none)
    keys.press(Qt.Key.Key_J.value, none)
    assert shot.transport.frame == 6 and not shot.transport.playing
    keys.release(Qt.Key.Key_K.value)
    keys.press(Qt.Key.Key_L.value, none)
    assert shot.transport.speed == 1


def test_the_sheet_shows_all_takes_of_one_frame(qtbot, shot):
    shot.compare.set(mode=Mode.SHEET)
    shot.transport.seek(13)
    qtbot.waitUntil(lambda: shot.playback.shown.frame == 13, timeout=5000)
    pictures = shot.playback.shown.pictures
    assert list(pictures) == [ORIGINAL, "take:one", "take:two", "take:three"]
    assert {number_of(each.pixels) for each in pictures.values()} == {13}


def test_a_small_cache_is_enough_to_play(qtbot, tmp_path, clock):
    from plugin.panel.review.model import ReviewModel

    path = write_movie(tmp_path / "clip.mov", 48)
    model = ReviewModel(cache_bytes=6 * 128 * 72 * 4, clock=clock)
    model.set_shot(slice_of(path, 48), Fraction(24), 0)
    model.set_takes([review_take(path)])
    model.compare.set(mode=Mode.WIPE)
    qtbot.waitUntil(lambda: model.playback.shown.frame == 0, timeout=5000)
    model.transport.play()
    for frame in range(1, 48):
        clock.now = 1_000_000_000 + int(Fraction(frame, 24) * 1_000_000_000) + 1_000
        model.transport.advance()
        qtbot.waitUntil(lambda frame=frame: model.playback.shown.frame == frame, timeout=5000)
        assert model.cache.bytes <= model.cache.limit
    assert model.playback.frames_shown == 47 and model.playback.late == 0
    model.close()


def test_slow_playback_skips_and_counts_frames(qtbot, shot, clock):
    qtbot.waitUntil(lambda: shot.playback.shown.frame == 0, timeout=5000)
    shot.transport.play()
    clock.pass_seconds(Fraction(10, 24))
    shot.transport.advance()
    qtbot.waitUntil(lambda: shot.playback.shown.frame == 10, timeout=5000)
    assert shot.playback.late + shot.playback.frames_shown == 10 and shot.playback.late > 0
    shot.transport.stop()


def test_the_change_is_measured_once_playback_stops(qtbot, shot):
    with qtbot.waitSignal(shot.playback.changeMeasured, timeout=5000):
        shot.transport.seek(11)
    assert shot.playback.change.anywhere == 0 and shot.playback.change_frame == 11


def test_a_page_is_written_in_the_background(qtbot, shot, tmp_path):
    steps = []
    shot.page_export.progressed.connect(lambda done, total: steps.append((done, total)))
    with qtbot.waitSignal(shot.page_export.written, timeout=20000) as reported:
        assert shot.page_export.write(str(tmp_path / "page"), "SH010")
        assert not shot.page_export.write(str(tmp_path / "page"), "SH010")
    assert Path(reported.args[0]).name == "index.html" and steps[-1] == (72, 72)
    assert len(list((tmp_path / "page").glob("*.mp4"))) == 3


def test_a_page_can_be_cancelled_and_bad_decisions_are_reported(qtbot, shot, tmp_path):
    reported = []
    shot.problemFound.connect(lambda *values: reported.append(values))
    with qtbot.waitSignal(shot.page_export.progressed, timeout=20000):
        shot.page_export.write(str(tmp_path / "page"), "SH010")
    shot.page_export.cancel()
    assert not shot.page_export.writing and not (tmp_path / "page" / "index.html").exists()
    assert shot.page_export.import_decisions(str(tmp_path / "gone.json")) is None
    assert len(reported) == 1 and "gone.json" in reported[0][0]
