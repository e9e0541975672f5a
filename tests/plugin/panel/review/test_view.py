"""The real widget: keys, mouse, narrow and scaled layouts."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QImage, QWheelEvent
from PyQt6.QtWidgets import QApplication, QComboBox, QDoubleSpinBox, QLabel, QToolButton, QWidget

from contract.take import Note
from plugin.panel.review.compare import Mode
from plugin.panel.review.widgets.compare_bar import CompareBar
from plugin.panel.review.widgets.scrub_bar import ScrubBar
from plugin.panel.review.widgets.take_strip import TakeStrip
from plugin.panel.review.widgets.transport_bar import TransportBar
from plugin.panel.review.widgets.view import ReviewView

from .movies import number_of, numbered, review_take, slice_of, write_movie

KEY, LEFT, RIGHT = Qt.Key, Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton


@pytest.fixture
def view(qtbot, tmp_path, model):
    """A view on a dark original with two takes, one light and one lighter, on its first frame."""
    grounds = {"original": 60, "one": 120, "two": 180}
    paths = {
        name: write_movie(tmp_path / f"{name}.mov", 24, picture=lambda *at, ground=ground: numbered(*at, ground=ground))
        for name, ground in grounds.items()
    }
    made = ReviewView(model)
    qtbot.addWidget(made)
    made.resize(1000, 640)
    model.set_shot(slice_of(paths["original"], 24), Fraction(24), 86400)
    model.set_takes([review_take(paths["one"], "one", 1), review_take(paths["two"], "two", 2, parent="one")])
    made.show()
    made.activateWindow()
    made.canvas.setFocus()
    qtbot.waitUntil(lambda: model.playback.shown.frame == 0, timeout=5000)
    return made


def seen(view) -> np.ndarray:
    """uint8 [h, w, 3] RGB of what is on the canvas."""
    QApplication.processEvents()
    image = view.canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    bits = image.constBits()
    bits.setsize(image.sizeInBytes())
    return np.frombuffer(bits, np.uint8).reshape(image.height(), image.width(), 4)[..., 2::-1].copy()


def ground(view, x: float, y: float = 0.25) -> int:
    """The grey level at a place of the picture, in parts of its size; above the bars by default."""
    rect = view.canvas.picture_rect()
    pixels = seen(view)
    return int(pixels[int(rect.top() + y * rect.height()), int(rect.left() + x * rect.width())].mean())


def is_near(value, expected):
    return abs(value - expected) <= 4


def wait_for(qtbot, view, *sources):
    qtbot.waitUntil(lambda: set(sources) <= set(view.model.playback.shown.pictures), timeout=5000)


def at(view, x: float, y: float = 0.25) -> QPoint:
    rect = view.canvas.picture_rect()
    return QPointF(rect.left() + x * rect.width(), rect.top() + y * rect.height()).toPoint()


def test_the_take_is_shown_and_a_held_key_shows_the_original(qtbot, view):
    assert is_near(ground(view, 0.5), 120)
    qtbot.keyPress(view.canvas, KEY.Key_A)
    wait_for(qtbot, view, "original")
    assert is_near(ground(view, 0.5), 60)
    qtbot.keyRelease(view.canvas, KEY.Key_A)
    wait_for(qtbot, view, "take:one")
    assert is_near(ground(view, 0.5), 120)


def test_the_right_button_shows_the_original(qtbot, view):
    qtbot.mousePress(view.canvas, RIGHT)
    wait_for(qtbot, view, "original")
    assert is_near(ground(view, 0.5), 60)
    qtbot.mouseRelease(view.canvas, RIGHT)
    wait_for(qtbot, view, "take:one")
    assert is_near(ground(view, 0.5), 120)


def test_number_keys_pick_takes(qtbot, view):
    qtbot.keyClick(view.canvas, KEY.Key_2)
    wait_for(qtbot, view, "take:two")
    assert is_near(ground(view, 0.5), 180)
    qtbot.keyClick(view.canvas, KEY.Key_1, Qt.KeyboardModifier.AltModifier)
    qtbot.keyClick(view.canvas, KEY.Key_W)
    wait_for(qtbot, view, "take:one", "take:two")
    assert is_near(ground(view, 0.25), 120) and is_near(ground(view, 0.75), 180)


def test_the_wipe_is_dragged(qtbot, view):
    qtbot.keyClick(view.canvas, KEY.Key_W)
    wait_for(qtbot, view, "original", "take:one")
    assert is_near(ground(view, 0.4), 60) and is_near(ground(view, 0.6), 120)
    qtbot.mousePress(view.canvas, LEFT, pos=at(view, 0.5))
    qtbot.mouseMove(view.canvas, at(view, 0.2))
    qtbot.mouseRelease(view.canvas, LEFT, pos=at(view, 0.2))
    assert abs(view.model.compare.view.wipe - 0.2) < 0.01
    assert is_near(ground(view, 0.1), 60) and is_near(ground(view, 0.4), 120)


def test_both_sides_of_the_wipe_show_the_same_frame(qtbot, view):
    qtbot.keyClick(view.canvas, KEY.Key_W)
    for _ in range(13):
        qtbot.keyClick(view.canvas, KEY.Key_Right)
    qtbot.waitUntil(lambda: view.model.playback.shown.frame == 13, timeout=5000)
    for wipe in (0.0, 1.0):
        view.model.compare.set(wipe=wipe)
        rect = view.canvas.picture_rect().toRect()
        part = seen(view)[rect.top() : rect.bottom(), rect.left() : rect.right()]
        assert number_of(np.dstack([part, part[..., :1]])) == 13


def test_exposure_keys_brighten_both_sides(qtbot, view):
    qtbot.keyClick(view.canvas, KEY.Key_S)
    wait_for(qtbot, view, "original", "take:one")
    for _ in range(4):
        qtbot.keyClick(view.canvas, KEY.Key_E)
    assert view.model.compare.view.exposure == 1.0
    first = view.canvas.picture_rect()
    pixels = seen(view)
    row, column = int(first.top() + first.height() / 4), int(first.left() + first.width() / 2)
    shift = int(view.canvas.width() / 2)
    assert is_near(int(pixels[row, column].mean()), 60 * 2 ** (1 / 2.4))
    assert is_near(int(pixels[row, column + shift].mean()), 120 * 2 ** (1 / 2.4))
    qtbot.keyClick(view.canvas, KEY.Key_R)
    assert view.model.compare.view.exposure == 0


def test_the_difference_is_seen_with_its_number(qtbot, view):
    qtbot.keyClick(view.canvas, KEY.Key_D)
    view.model.compare.set(gain=2)
    wait_for(qtbot, view, "original", "take:one")
    assert is_near(ground(view, 0.5), 120)
    bar = view.findChild(CompareBar)
    qtbot.waitUntil(lambda: "of 255" in bar.number_text()[0], timeout=5000)
    number = int(bar.number_text()[0].split(": ")[1].split(" ")[0])
    assert abs(number - 60 * 219 / 255) <= 2


def test_the_wheel_zooms_at_the_pointer_and_f_fits(qtbot, view):
    point, before = QPointF(at(view, 0.3, 0.3)), view.canvas.fitted()
    part = view.canvas.part_at(point)
    event = QWheelEvent(
        point, view.canvas.mapToGlobal(point), QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(view.canvas, event)
    assert view.model.compare.view.zoom == pytest.approx(before * 1.44)
    assert view.canvas.part_at(point) == pytest.approx(part)
    qtbot.mousePress(view.canvas, Qt.MouseButton.MiddleButton, pos=at(view, 0.5, 0.5))
    qtbot.mouseMove(view.canvas, at(view, 0.5, 0.5) + QPoint(40, 0))
    qtbot.mouseRelease(view.canvas, Qt.MouseButton.MiddleButton)
    assert view.canvas.part_at(point + QPointF(40, 0)) == pytest.approx(part)
    qtbot.keyClick(view.canvas, KEY.Key_F)
    assert view.model.compare.view.zoom is None


def test_a_click_in_the_sheet_picks_a_take(qtbot, view):
    qtbot.keyClick(view.canvas, KEY.Key_C)
    wait_for(qtbot, view, "original", "take:one", "take:two")
    cell = dict(view.canvas.cells())["take:two"]
    qtbot.mouseClick(view.canvas, LEFT, pos=cell.center().toPoint())
    assert view.model.current.id == "two"
    qtbot.mouseDClick(view.canvas, LEFT, pos=cell.center().toPoint())
    assert view.model.compare.view.mode is Mode.TAKE


def test_a_note_is_written_with_the_keyboard_alone(qtbot, view):
    qtbot.keyClick(view.canvas, KEY.Key_I)
    for _ in range(3):
        qtbot.keyClick(view.canvas, KEY.Key_Right)
    qtbot.keyClick(view.canvas, KEY.Key_O)
    qtbot.keyClick(view.canvas, KEY.Key_N)
    assert view.notes.line.hasFocus()
    qtbot.keyClicks(view.notes.line, "jJ lL 12 dark")
    qtbot.keyClick(view.notes.line, KEY.Key_Return)
    qtbot.keyClick(view.notes.line, KEY.Key_Escape)
    assert [(note.text, note.first, note.last) for note in view.model.notes.of("one")] == [("jJ lL 12 dark", 0, 3)]
    assert view.canvas.hasFocus() and view.model.transport.speed == 0
    assert view.notes.list.topLevelItemCount() == 1
    qtbot.keyClick(view.canvas, KEY.Key_A, Qt.KeyboardModifier.ShiftModifier)
    assert view.model.notes.status("one") == "approved" and view.model.notes.status("two") == "pending"


def test_a_click_on_a_note_goes_there(qtbot, view):
    view.model.transport.seek(9)
    note = view.model.add_note("here")
    view.model.transport.seek(0)
    item = view.notes.list.topLevelItem(0)
    rect = view.notes.list.visualItemRect(item)
    qtbot.mouseClick(view.notes.list.viewport(), LEFT, pos=rect.center())
    assert view.model.transport.frame == 9
    view.notes.list.setCurrentItem(item)
    view.notes.list.setFocus()
    qtbot.keyClick(view.notes.list, KEY.Key_Delete)
    assert note not in view.model.notes.of("one")


def test_the_follow_up_requests_a_change_and_a_box(qtbot, view):
    asked = []
    view.model.followUpRequested.connect(lambda take, values: asked.append((take, values)))
    view.show_follow_up(True)
    form = view.follow_up
    assert not form.ask.isEnabled()
    form.drawRequested.emit(True)
    qtbot.mousePress(view.canvas, LEFT, pos=at(view, 0.25, 0.25))
    qtbot.mouseMove(view.canvas, at(view, 0.75, 0.5))
    qtbot.mouseRelease(view.canvas, LEFT, pos=at(view, 0.75, 0.5))
    assert form.box == pytest.approx((0.25, 0.25, 0.75, 0.5), abs=0.01)
    assert not view.canvas.drawing_box
    form.instruction.setPlainText("add a bigger ball")
    form.iterations.setCurrentIndex(2)
    qtbot.mouseClick(form.ask, LEFT)
    ((take, values),) = asked
    assert take == "one" and values.levels(view.model.current.take) == (500,)
    assert values.region == pytest.approx((0.25, 0.25, 0.75, 0.5), abs=0.01) and form.box is None
    assert values.instruction == "add a bigger ball" and form.isHidden()


def test_scrubbing_goes_to_the_frame_under_the_pointer(qtbot, view):
    bar = view.findChild(ScrubBar)
    assert [bar.frame_at(bar.x_of(frame + 0.5)) for frame in range(24)] == list(range(24))
    qtbot.mouseClick(bar, LEFT, pos=QPoint(int(bar.x_of(17.5)), 8))
    assert view.model.transport.frame == 17


def test_a_typed_timecode_moves_the_playhead(qtbot, view):
    from PyQt6.QtWidgets import QLineEdit

    bar = view.findChild(TransportBar)
    line = bar.findChild(QLineEdit)
    assert line.text() == "01:00:00:00"
    line.setFocus()
    line.selectAll()
    qtbot.keyClicks(line, "01:00:00:15")
    qtbot.keyClick(line, KEY.Key_Return)
    assert view.model.transport.frame == 15
    assert view.canvas.hasFocus()


def test_placing_is_requested_and_approves_only_when_done(qtbot, view):
    placed = []
    view.model.placeRequested.connect(placed.append)
    qtbot.mouseClick(view.place_button, LEFT)
    assert placed == ["one"] and view.model.notes.status("one") == "pending"
    view.allow_placing(False)
    assert view.place_button.isHidden()


def test_a_problem_is_shown_as_text(qtbot, view, tmp_path):
    label = next(each for each in view.findChildren(QLabel) if each is view._problem)
    assert label.isHidden()
    view.model.set_takes([review_take(tmp_path / "gone.mov", "gone")])
    qtbot.waitUntil(label.isVisible, timeout=5000)
    assert "gone.mov does not exist" in label.text() and "Traceback" not in label.text()


def test_the_list_of_keys_is_complete(qtbot, view):
    from PyQt6.QtWidgets import QTreeWidget

    from plugin.panel.review.key_bindings import BINDINGS

    dialog = view.show_keys()
    tree = dialog.findChild(QTreeWidget)
    assert tree.topLevelItemCount() == len(BINDINGS) + 3
    dialog.close()


@pytest.mark.parametrize("width", [380, 640, 1000, 1800])
def test_nothing_is_cut_off_at_any_width(qtbot, view, width):
    view.model.notes.load("one", [Note(text="a long note " * 9, first=0, last=9, category="placement")], "retake")
    view.model.notes.notesChanged.emit("one", ())
    view.model.compare.set(mode=Mode.DIFFERENCE)
    view.resize(width, 700)
    QApplication.processEvents()
    assert view.width() == width
    for kind in (QToolButton, QComboBox, QDoubleSpinBox):
        for each in view.findChildren(kind):
            if each.isVisible() and not each.visibleRegion().isEmpty():
                place = each.mapTo(view, QPoint(0, 0))
                assert place.x() >= 0 and place.x() + each.width() <= width, each.toolTip()
                assert each.width() >= each.minimumSizeHint().width(), each.toolTip()
    assert view.canvas.height() >= 120
    cards = view.findChild(TakeStrip).findChildren(QWidget, options=Qt.FindChildOption.FindChildrenRecursively)
    assert cards


def test_an_empty_view_shows_a_hint(qtbot, clock):
    from plugin.panel.review.model import ReviewModel

    model = ReviewModel(cache_bytes=1 << 20, clock=clock)
    view = ReviewView(model)
    qtbot.addWidget(view)
    view.show()
    assert not view.place_button.isEnabled() and not view.notes.line.isEnabled()
    for key in (KEY.Key_Space, KEY.Key_L, KEY.Key_W, KEY.Key_D, KEY.Key_C, KEY.Key_1, KEY.Key_Down, KEY.Key_N):
        qtbot.keyClick(view.canvas, key)
    assert seen(view).any()
    model.close()


def test_the_matte_is_edited_with_a_brush(qtbot, view):
    def plain(number, width, height):
        picture = np.zeros((height, width, 3), np.uint8)
        picture[:, : width // 4] = 255
        return picture

    path = write_movie(view.model.takes[0].composite.replace("one", "matte"), 24, picture=plain)
    view.model.set_takes([review_take(view.model.takes[0].composite, "one", 1, matte=str(path))])
    asked = []
    view.model.followUpRequested.connect(lambda take, values: asked.append(values))
    view.model.transport.seek(5)
    view.show_follow_up(True)
    form = view.follow_up
    form.paintRequested.emit(True)
    qtbot.waitUntil(lambda: form.matte.picture() is not None and form.matte.frame == 5, timeout=5000)
    assert form.matte.picture().pixels.mean() == pytest.approx(255 / 4, abs=3) and form.matte.png() is None
    qtbot.mousePress(view.canvas, LEFT, pos=at(view, 0.6, 0.5))
    qtbot.mouseMove(view.canvas, at(view, 0.8, 0.5))
    qtbot.mouseRelease(view.canvas, LEFT, pos=at(view, 0.8, 0.5))
    qtbot.mousePress(view.canvas, LEFT, Qt.KeyboardModifier.ShiftModifier, at(view, 0.1, 0.5))
    qtbot.mouseRelease(view.canvas, LEFT, pos=at(view, 0.1, 0.5))
    pixels = form.matte.picture().pixels
    height, width = pixels.shape
    assert pixels[height // 2, int(width * 0.7)] == 255 and pixels[height // 2, int(width * 0.1)] == 0
    assert pixels[height // 4, int(width * 0.7)] < 20 and pixels[height // 4, int(width * 0.1)] > 235
    tinted = seen(view)[int(at(view, 0.7, 0.5).y()), int(at(view, 0.7, 0.5).x())].astype(int)
    assert tinted[0] - tinted[2] > 50
    qtbot.mouseClick(form.ask, LEFT)
    image = QImage.fromData(asked[0].mask)
    assert asked[0].mask_frame == 5 and (image.width(), image.height()) == (width, height)
    view.show_follow_up(True)
    assert form.matte.png() is None and not form.ask.isEnabled()


def test_escape_leaves_the_line_before_it_leaves_the_review(qtbot, view):
    from PyQt6.QtGui import QKeySequence, QShortcut

    left = []
    shortcut = QShortcut(QKeySequence(Qt.Key.Key_Escape), view, lambda: left.append(True))
    qtbot.keyClick(view.canvas, KEY.Key_N)
    qtbot.keyClick(view.notes.line, KEY.Key_Escape)
    assert view.canvas.hasFocus() and left == []
    qtbot.keyClick(view.canvas, KEY.Key_Escape)
    assert left == [True]
    shortcut.deleteLater()


@pytest.mark.parametrize("width", [380, 1000])
def test_the_follow_up_form_has_room(qtbot, view, width):
    view.resize(width, 760)
    view.show_follow_up(True)
    QApplication.processEvents()
    form = view.follow_up
    assert form.height() >= form.minimumSizeHint().height()
    assert view.notes.isVisible() == (width == 1000)
    view.show_follow_up(False)
    assert view.notes.isVisible()
