import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.files.errors import BadName
from bridge.files.relative_paths import check_distinct, checked_parts, safe_name

REFUSED = [
    "",
    ".",
    "..",
    "/etc/passwd",
    "../clip.mov",
    "plate/../../clip.mov",
    "plate//clip.mov",
    "plate/",
    "./clip.mov",
    "C:/clip.mov",
    "C:clip.mov",
    "\\\\server\\share\\clip.mov",
    "..\\clip.mov",
    "clip.mov:stream",
    "NUL",
    "plate/con.mov",
    "aux",
    "COM1.exr",
    "lpt9",
    "clip.mov ",
    "clip.",
    "a\0b",
    "a\nb",
    "what?.mov",
    "*.mov",
    "\ud800.mov",
    "a" * 256,
    "ä" * 128,
    "/".join("a" * 17),
    "/".join(["a" * 250] * 5),
]


@pytest.mark.parametrize("text", REFUSED)
def test_refused_names(text: str) -> None:
    with pytest.raises(BadName) as caught:
        checked_parts(text)
    assert caught.value.kind == "bad_name" and caught.value.why and caught.value.remedy


def test_plain_names_of_any_language_are_taken() -> None:
    assert checked_parts("plate/größe 100 %/クリップ.0001.exr") == ("plate", "größe 100 %", "クリップ.0001.exr")
    assert checked_parts(".hidden/console.mov") == (".hidden", "console.mov")


@pytest.mark.parametrize(
    "texts",
    [
        ("clip.mov", "clip.mov"),
        ("clip.mov", "CLIP.MOV"),
        ("plate/é.exr", "plate/e\u0301.exr"),
        ("plate", "plate/1.exr"),
        ("plate/1.exr", "Plate"),
        ("a/b", "a/B/c"),
    ],
)
def test_names_that_are_one_file_on_some_disk_are_refused(texts: tuple[str, str]) -> None:
    with pytest.raises(BadName):
        check_distinct(texts)


def test_different_names_are_distinct() -> None:
    check_distinct(["plate/1.exr", "plate/2.exr", "plate2", "clip.mov"])


@given(st.text(max_size=300))
def test_safe_names_are_accepted(text: str) -> None:
    assert checked_parts(safe_name(text)) == (safe_name(text),)


@given(st.sampled_from([text for text in REFUSED if text]))
def test_safe_names_of_refused_ones_are_accepted(text: str) -> None:
    assert checked_parts(safe_name(text)) == (safe_name(text),)


def test_a_safe_name_stays_what_it_was_where_it_can() -> None:
    assert safe_name("shot 010 v2.mov") == "shot 010 v2.mov"
    assert safe_name("10:22.mov") == "10_22.mov"
    assert safe_name("é" * 200 + ".mov").endswith("é.mov")
