"""The page in a real browser: playback, wipe, storing and saving decisions, which the panel reads back."""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from contract.take import Note
from plugin.panel.review.model import ReviewModel
from plugin.review_media.slices import Reviewed
from plugin.review_page.write import write_page
from tests.plugin.panel.review.movies import number_of, numbered, review_take, slice_of, write_movie

pytestmark = pytest.mark.slow
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
COUNT = 40


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        # Without a sandbox of its own it also runs as root, as CI does.
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--mute-audio"])
        yield started
        started.close()


def make(folder: Path, rate: Fraction, takes: int = 1) -> tuple[Path, list[Reviewed], Path]:
    folder.mkdir()
    size = (320, 180)
    original = write_movie(folder / "original.mov", COUNT, rate, size=size)
    light = lambda *at: numbered(*at, ground=150)  # noqa: E731
    path = write_movie(folder / "take.mov", COUNT, rate, size=size, picture=light, tone=False)
    shown = [review_take(path, f"take{number}", number, count=COUNT) for number in range(1, takes + 1)]
    reviewed = [Reviewed(each, "pending", (Note(text="from the panel", first=3, last=3),)) for each in shown]
    page = write_page(folder / "page", "SH010", slice_of(original, COUNT, rate), reviewed, start_timecode=86400)
    assert page is not None
    return page, reviewed, original


@pytest.fixture
def page(browser, tmp_path) -> Iterator[Page]:
    made, _, _ = make(tmp_path / "made", Fraction(24), takes=2)
    opened = browser.new_page(viewport={"width": 1100, "height": 760})
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda changes: errors.append(changes.text) if changes.type == "error" else None)
    load(opened, made)
    yield opened
    opened.close()
    assert errors == []


def until(page: Page, expression: str) -> None:
    """Wait in Python: the page's content security policy forbids Playwright's own waiting."""
    ends = time.monotonic() + 20
    while not page.evaluate(expression):
        assert time.monotonic() < ends, expression
        page.wait_for_timeout(20)


def load(page: Page, path: Path) -> None:
    page.goto(path.as_uri())
    until(page, "canvas.dataset.frame !== undefined && seeking === null")


def canvas(page: Page) -> np.ndarray:
    """The picture on the screen: uint8 [h, w, 4]."""
    data = page.locator("#canvas").screenshot()
    picture = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))
    return picture


def go(page: Page, frame: int) -> None:
    page.evaluate(f"go({frame})")
    until(page, f"seeking === null && canvas.dataset.frame === '{frame}'")


def level(picture: np.ndarray, x: float) -> int:
    """The grey value in the upper half at `x`, a fraction of the width; clear of the page's text."""
    return int(picture[int(picture.shape[0] * 0.35), int(picture.shape[1] * x), :3].mean())


@pytest.mark.parametrize(
    "rate", [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001)], ids=["23.976", "25", "29.97"]
)
def test_every_frame_is_the_one_that_the_page_names(browser, tmp_path, rate):
    made, _, _ = make(tmp_path / "made", rate)
    page = browser.new_page(viewport={"width": 1100, "height": 760})
    load(page, made)
    for frame in (0, 1, 2, COUNT - 1, 17, 16):
        go(page, frame)
        for wipe in (0, 1):
            page.evaluate(f"view.wipe = {wipe}; draw()")
            assert number_of(canvas(page)) == frame
    for _ in range(3):
        page.keyboard.press("ArrowRight")
        until(page, "seeking === null")
    assert page.evaluate("view.frame") == 19 and number_of(canvas(page)) == 19
    page.close()


def test_it_plays_and_loops_between_in_and_out(page):
    page.keyboard.press(" ")
    until(page, "view.frame >= 8")
    page.keyboard.press(" ")
    assert page.evaluate("video.paused")
    page.wait_for_timeout(200)  # the browser may still show a picture that was on its way
    stopped = page.evaluate("view.frame")
    page.wait_for_timeout(200)
    assert page.evaluate("view.frame") == stopped
    page.evaluate("range(10, 14); window.seen = []; setInterval(() => seen.push(view.frame), 10); go(12); play()")
    until(page, "seen.filter((frame, k) => k && frame < seen[k - 1]).length >= 2")
    assert page.evaluate("Math.min(...seen.slice(20)) >= 10 && Math.max(...seen) <= 15")


def test_the_wipe_is_dragged_and_modes_show_both_sides(page):
    box = page.locator("#canvas").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] / 3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 3, steps=3)
    page.mouse.up()
    assert page.evaluate("view.wipe") == pytest.approx(0.25, abs=0.01)
    picture = canvas(page)
    assert abs(level(picture, 0.2) - 60) < 8 and abs(level(picture, 0.3) - 150) < 8
    page.keyboard.press("s")
    picture = canvas(page)
    assert abs(level(picture, 0.3) - 60) < 8 and abs(level(picture, 0.8) - 150) < 8
    page.keyboard.press("t")
    assert abs(level(canvas(page), 0.5) - 150) < 8
    page.keyboard.down("a")
    assert abs(level(canvas(page), 0.5) - 60) < 8
    page.keyboard.up("a")
    assert abs(level(canvas(page), 0.5) - 150) < 8
    page.keyboard.press("d")
    page.evaluate("view.gain = 2; draw()")
    assert abs(level(canvas(page), 0.5) - 180) < 16
    page.keyboard.press("w")
    page.evaluate("view.wipe = 0.5; view.exposure = 1; draw()")
    picture = canvas(page)
    assert abs(level(picture, 0.3) - 60 * 2 ** (1 / 2.4)) < 10 and abs(level(picture, 0.7) - 150 * 2 ** (1 / 2.4)) < 10


def test_decisions_are_kept_saved_and_read_by_the_panel(page, tmp_path, qtbot):
    page.fill("#reviewer", "Bo")
    page.click('[data-decide="approved"]')
    go(page, 7)
    page.keyboard.press("n")
    page.keyboard.type("too dark <b>here</b>")
    page.select_option("#category", "light")
    page.click('#write button[type="submit"]')
    page.keyboard.press("2")
    until(page, "current().number === 2 && seeking === null")
    page.click('[data-decide="retake"]')
    page.reload()
    until(page, "canvas.dataset.frame !== undefined")
    assert page.locator("#notes li").count() == 2
    assert "too dark <b>here</b>" in page.locator("#notes").inner_text()
    assert page.input_value("#reviewer") == "Bo"
    with page.expect_download() as waiting:
        page.click("#export")
    assert waiting.value.suggested_filename == "SH010.decisions.json"
    saved = tmp_path / "SH010.decisions.json"
    waiting.value.save_as(saved)

    model = ReviewModel(cache_bytes=4 << 20)
    made = tmp_path / "made"
    model.set_shot(slice_of(made / "original.mov", COUNT), Fraction(24), 86400)
    notes = [Note(text="from the panel", first=3, last=3)]
    model.set_takes([review_take(made / "take.mov", f"take{n}", n, notes=list(notes)) for n in (1, 2, 3)])
    reply = []
    model.statusChanged.connect(lambda *changes: reply.append(changes))
    brought = model.page_export.import_decisions(str(saved))
    assert (brought.reviewer, brought.takes, brought.notes, brought.unknown) == ("Bo", 2, 1, 0)
    assert reply == [("take1", "approved"), ("take2", "retake")]
    assert model.notes.status("take3") == "pending"
    first, second = model.notes.of("take1")
    assert (first.text, second.text, second.first, second.category) == (
        "from the panel", "too dark <b>here</b>", 7, "light")  # fmt: skip
    assert second.author == "Bo" and second.created.endswith("+00:00")
    assert model.page_export.import_decisions(str(saved)).notes == 0
    model.close()


def test_a_movie_that_is_missing_is_reported(browser, tmp_path):
    made, _, _ = make(tmp_path / "made", Fraction(24))
    next(made.parent.glob("*.mp4")).unlink()
    page = browser.new_page()
    page.goto(made.as_uri())
    page.wait_for_selector("#trouble:not([hidden])")
    assert "Keep it in the same folder" in page.inner_text("#trouble")
    page.close()


@pytest.mark.parametrize("width", [380, 760, 1600])
def test_nothing_is_cut_off_at_any_width(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("#play", "#export", '[data-decide="retake"]', "#text", "#canvas"):
        box = page.locator(name).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= 801, name
