from __future__ import annotations

import json
from fractions import Fraction

import av
import pytest

from contract.take import Note
from plugin.review_media.slices import Reviewed
from plugin.review_media.sound import read_sound
from plugin.review_page.decisions import read_decisions
from plugin.review_page.errors import BadDecisions, PageFailed
from plugin.review_page.movies import GAP
from plugin.review_page.write import page_text, write_page
from tests.plugin.panel.review.movies import HEIGHT, WIDTH, number_of, review_take, slice_of, write_movie

SAID = {
    "format": "dynvfx-review", "schema": 1, "review": "abc", "shot": "SH010", "reviewer": "Bo", "saved": "2026-01-01",
    "takes": [{"id": "one", "status": "retake", "notes": [{"text": "sky", "first": 2, "last": 4, "author": "Bo"}]}],
}  # fmt: skip


def saved(tmp_path, **changes):
    path = tmp_path / "shot.decisions.json"
    path.write_text(json.dumps({**SAID, **changes}))
    return path


def test_decisions_are_read(tmp_path):
    found = read_decisions(saved(tmp_path, later="unknown"))
    assert (found.reviewer, found.takes[0].id, found.takes[0].status) == ("Bo", "one", "retake")
    assert found.takes[0].notes == (Note(text="sky", first=2, last=4, author="Bo"),)


def with_note(first, last):
    return {"takes": [{"id": "one", "status": "retake", "notes": [{"text": "x", "first": first, "last": last}]}]}


@pytest.mark.parametrize(
    "changes, why",
    [
        ({"format": "other"}, "format"),
        ({"takes": [{"id": "one", "status": "perfect"}]}, "status"),
        ({"takes": [{"status": "approved"}]}, "id"),
        (
            {"takes": [{"id": "one", "status": "retake", "notes": [{"text": "x", "first": 5, "last": 2}]}]},
            "frames 5 to 2",
        ),
        ({"takes": [{"id": "one", "status": "retake", "notes": [{"text": "x", "first": -1, "last": 2}]}]}, "frames -1"),
        ({"schema": 99}, "schema is 99"),
    ],
)
def test_files_that_are_no_decisions_say_why(tmp_path, changes, why):
    with pytest.raises(BadDecisions) as reply:
        read_decisions(saved(tmp_path, **changes))
    assert why in reply.value.why and reply.value.remedy


def test_damaged_and_missing_files(tmp_path):
    (tmp_path / "cut.json").write_text('{"format": "dynvfx-rev')
    (tmp_path / "list.json").write_text("[]")
    for name in ("cut.json", "list.json", "gone.json"):
        with pytest.raises(BadDecisions):
            read_decisions(tmp_path / name)


def reviewed(tmp_path, **values):
    take = review_take(write_movie(tmp_path / "take.mov", 12), "id/one", 1, outside_change=0.0, **values)
    return [Reviewed(take, "pending", (Note(text="</script><b>", first=1, last=2, category="look"),))]


def test_the_page_holds_everything_but_the_movies(tmp_path):
    text = page_text("A </script> shot", Fraction(30000, 1001), 107892, None, 16 / 9, [{"id": "x", "label": "<b>"}])
    data = text.split('id="review">')[1].split("</script>")[0]
    values = json.loads(data)
    assert values["shot"] == "A </script> shot" and values["drop_frame"] and values["rate"] == [30000, 1001]
    assert values["file_name"] == "A __script_ shot.decisions.json"
    assert "http:" not in text and "https:" not in text


def test_both_pictures_of_a_pair_are_of_the_same_frame(tmp_path):
    original = slice_of(write_movie(tmp_path / "original.mov", 30, tone=True), 30, first=5)
    page = write_page(
        tmp_path / "page", "SH010", slice_of(original.path, 20, first=5), reviewed(tmp_path, offset=3, count=12)
    )
    (movie,) = (tmp_path / "page").glob("*.mp4")
    assert page.name == "index.html" and movie.name == "take_01_idone.mp4"
    with av.open(str(movie)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (WIDTH, 2 * HEIGHT + GAP)
        assert stream.codec_context.name == "h264" and stream.codec_context.pix_fmt == "yuv420p"
        pictures = [frame.to_ndarray(format="bgra") for frame in container.decode(stream)]
    assert [number_of(each[:HEIGHT]) for each in pictures] == list(range(8, 20))
    assert [number_of(each[HEIGHT + GAP :]) for each in pictures] == list(range(12))
    received = read_sound(slice_of(movie, 12))
    assert received is not None and abs(received).max() > 1000


def test_a_cancelled_page_is_not_there(tmp_path):
    frames = []
    original = slice_of(write_movie(tmp_path / "original.mov", 12), 12)
    found = write_page(
        tmp_path / "page",
        "SH010",
        original,
        reviewed(tmp_path),
        on_progress=lambda done, total: frames.append((done, total)),
        cancelled=lambda: len(frames) >= 4,
    )
    assert found is None and frames[-1] == (4, 12)
    assert list((tmp_path / "page").iterdir()) == []


def test_a_page_that_cannot_be_written_is_an_error(tmp_path):
    original = slice_of(write_movie(tmp_path / "original.mov", 12), 12)
    with pytest.raises(PageFailed):
        write_page(tmp_path / "page", "SH010", original, [])
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PageFailed):
        write_page(tmp_path / "file" / "page", "SH010", original, reviewed(tmp_path))
