"""Names from files and other programs cannot disturb a terminal or a line of text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.printable import one_line, printable_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("street", "street"),
        ("Straße 7, 東京", "Straße 7, 東京"),
        ("👩\u200d🚒 rescue", "👩\u200d🚒 rescue"),
        ("two\nlines\tand a tab", r"two\nlines\tand a tab"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("\x9b2J", r"\x9b2J"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("a\u2028b\u2066c", r"a\u2028b\u2066c"),
        ("file \udcff.mov", r"file \udcff.mov"),
        ('"quoted" \\ back', '"quoted" \\ back'),
    ],
)
def test_what_would_disturb_a_line_is_escaped(text: str, shown: str) -> None:
    assert one_line(text) == shown


@given(st.text())
def test_any_text_becomes_one_harmless_line(text: str) -> None:
    line = one_line(text)
    assert not any(unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") for each in line)
    assert line.encode("utf-8").decode("utf-8") == line == one_line(line)


def test_laid_out_texts_keep_their_lines() -> None:
    assert printable_lines("first\nsecond \x1b[2J") == "first\nsecond \\x1b[2J"
