from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from plugin.panel.review.model import ReviewModel
from plugin.panel.review.widgets import overlay
from plugin.panel.review.widgets.view import ReviewView
from plugin.review_media.slice_reader import SliceReader
from plugin.review_media.tone import display_table
from tests.plugin.panel.review.movies import slice_of


def write_hdr(path: Path, transfer: int, code: int, count: int = 6) -> Path:
    """Ten-bit pictures of one grey code value, tagged BT.2020 with a transfer."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"qp": "0", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 128, 72, "yuv420p10le"
        stream.codec_context.color_trc, stream.codec_context.color_primaries = transfer, 9
        stream.codec_context.colorspace, stream.codec_context.color_range = 9, 1
        for number in range(count):
            planes = np.full((108, 128), 512, np.uint16)
            planes[:72] = 64 + round(code * 876 / 255)
            frame = av.VideoFrame.from_ndarray(planes, "yuv420p10le")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_only_hdr_is_tone_mapped() -> None:
    assert display_table(1) is None and display_table(2) is None
    for transfer in (16, 18):
        table = display_table(transfer)
        assert table[0] == 0 and table[255] == 255 and list(table) == sorted(table)


@pytest.mark.parametrize(("transfer", "white", "name"), [(16, 148, "PQ"), (18, 191, "HLG")])
def test_reference_white_is_three_quarters(tmp_path: Path, transfer: int, white: int, name: str) -> None:
    """203 cd/m2 are 58 % of PQ's and 75 % of HLG's code values (BT.2408)."""
    assert display_table(transfer)[white] == pytest.approx(0.76 * 255, abs=3)
    reader = SliceReader(slice_of(write_hdr(tmp_path / "hdr.mov", transfer, white), 6))
    picture = reader.picture(2)
    reader.close()
    assert picture.hdr == name and picture.pixels[30, 30, :3] == pytest.approx(0.76 * 255, abs=4)


def test_the_review_shows_the_tone_mapping(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ReviewModel()
    view = ReviewView(model)
    qtbot.addWidget(view)
    view.resize(700, 500)
    view.show()
    texts: list[str] = []
    drawn = overlay._chip
    spy = lambda painter, text, *more, **how: (texts.append(text), drawn(painter, text, *more, **how))  # noqa: E731
    monkeypatch.setattr(overlay, "_chip", spy)
    model.set_shot(slice_of(write_hdr(tmp_path / "hdr.mov", 16, 148), 6), Fraction(24), 0)
    qtbot.waitUntil(lambda: bool(model.playback.shown.pictures), timeout=5000)
    QApplication.processEvents()
    view.canvas.repaint()
    assert "PQ tone-mapped for this screen" in texts
    model.close()
