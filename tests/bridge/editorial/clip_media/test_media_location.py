from pathlib import Path

import opentimelineio as otio
import pytest

from bridge.editorial.clip_media import media_location
from bridge.editorial.clip_media.media_location import MediaLocation, is_relative, url_like
from bridge.editorial.clip_media.media_search import MediaSearch
from contract.errors import BadTimeline
from contract.image_sequence import ImageSequence
from tests.bridge.editorial import exported as ex


def find_media(media: otio.core.MediaReference | None, base: Path, folders: tuple[Path, ...] = ()) -> MediaLocation:
    clip = otio.schema.Clip("", media, ex.frames(0, 10))
    return media_location.find_media(clip, base, MediaSearch(folders))


def reference(url: str, images: int = 100) -> otio.schema.ExternalReference:
    return otio.schema.ExternalReference(url, ex.frames(0, images))


@pytest.mark.parametrize("name", ["a.mov", "a b.mov", "a%20b.mov", "50%.mov", "ä ß #1?.mov", "a;b&c=d.mov", "a[1].mov"])
def test_every_spelling_of_an_existing_file(tmp_path: Path, name: str) -> None:
    media = ex.footage(tmp_path / "mé dia", name)
    encoded = url_like("file:", media)
    spellings = [media, encoded, encoded.replace("file:///", "file://localhost/"), "file://" + media]
    spellings += [encoded.replace("file:///", "file:/"), f"mé dia/{name}", f"mé dia\\{name}", f"./mé dia/{name}"]
    assert {find_media(reference(url), tmp_path).path for url in spellings} == {media}


def test_windows_paths_are_looked_for_in_the_media_folders(tmp_path: Path) -> None:
    near = ex.footage(tmp_path, "a.mov")
    exact = ex.footage(tmp_path, "day 1/a.mov")
    for url in (r"F:\Art\day 1\a.mov", "file:///F:/Art/day%201/a.mov", "file://localhost/F%3a/Art/day%201/a.mov"):
        with pytest.raises(BadTimeline, match=r"offline: F:.Art.day 1.a\.mov"):
            find_media(reference(url), tmp_path)
        assert find_media(reference(url), tmp_path, [tmp_path]).path == exact
    assert find_media(reference(r"\\server\share\day 2\a.mov"), tmp_path, [tmp_path]).path == near
    assert find_media(reference("file://server/share/a.mov"), tmp_path, [tmp_path]).path == near


def test_media_that_was_offline_in_resolve(tmp_path: Path) -> None:
    noted = {"Resolve_OTIO": {"Media Url": "/Volumes/raid/day 1/a.mov"}}
    missing = otio.schema.MissingReference("a.mov", ex.frames(0, 500), metadata=noted)
    with pytest.raises(BadTimeline, match=r"offline: /Volumes/raid/day 1/a\.mov"):
        find_media(missing, tmp_path)
    media = ex.footage(tmp_path, "day 1/a.mov")
    assert find_media(missing, tmp_path, [tmp_path]).path == media
    for odd in ({"Resolve_OTIO": 5}, {"Resolve_OTIO": {"Media Url": 5}}, {"Resolve_OTIO": {}}):
        with pytest.raises(BadTimeline, match="no media"):
            find_media(otio.schema.MissingReference(metadata=odd), tmp_path)


def test_offline_names_path_and_folders(tmp_path: Path) -> None:
    with pytest.raises(BadTimeline) as caught:
        find_media(reference("file:///gone/x.mov"), tmp_path, [tmp_path / "more"])
    assert "/gone/x.mov" in caught.value.what and "more" in caught.value.why and "Relink" in caught.value.remedy


@pytest.mark.parametrize(
    ("media", "what"),
    [
        (None, "no media"),
        (otio.schema.MissingReference(), "no media"),
        (otio.schema.ExternalReference(""), "no media"),
        (otio.schema.GeneratorReference("bars", "SMPTEBars"), "generator"),
        (otio.schema.ExternalReference("https://example.org/x.mov"), "not a file"),
        (otio.schema.ExternalReference("s3://bucket/x.mov"), "not a file"),
    ],
)
def test_what_is_no_footage(tmp_path: Path, media: otio.core.MediaReference | None, what: str) -> None:
    with pytest.raises(BadTimeline, match=what):
        find_media(media, tmp_path)


def images(folder: Path, first: int, last: int, padding: int = 4) -> None:
    for number in range(first, last + 1):
        ex.footage(folder, f"n.{number:0{padding}d}.exr")


@pytest.mark.parametrize("name", ["n.[1001-1006].exr", "n.%04d.exr", "n.####.exr", "n.1001.exr"])
def test_names_of_sequences(tmp_path: Path, name: str) -> None:
    images(tmp_path, 1001, 1006)
    found = find_media(reference(name, 6), tmp_path)
    assert found.sequence == ImageSequence(str(tmp_path), "n.", ".exr", 1001, 1, 4, 6)
    assert found.path == found.sequence.image(0) == str(tmp_path / "n.1001.exr")
    assert found.sequence.image(5) == str(tmp_path / "n.1006.exr")


@pytest.mark.parametrize(
    ("name", "sequence"),
    [
        ("take #3.[1000-1002].exr", ("take #3.", 1000, 4)),
        ("cut[1-2]_[0001-0003].exr", ("cut[1-2]_", 1, 4)),
        ("cut[1-2]_####.exr", ("cut[1-2]_", 1, 4)),
        ("50%d.%04d.exr", ("50%d.", 1, 4)),
        ("n.[-0002-0000].exr", ("n.", -2, 4)),
    ],
)
def test_marks_in_a_name_are_no_pattern(tmp_path: Path, name: str, sequence: tuple[str, int, int]) -> None:
    prefix, first, padding = sequence
    found = ImageSequence(str(tmp_path), prefix, ".exr", first, 1, padding, 3)
    for image in found.images():
        ex.footage(Path(image).parent, Path(image).name)
    assert find_media(reference(name, 3), tmp_path).sequence == found


def test_image_sequence_reference(tmp_path: Path) -> None:
    images(tmp_path / "s q", 8, 14, 3)
    sequence = otio.schema.ImageSequenceReference("s%20q/", "n.", ".exr", 8, 2, 24, 3, available_range=ex.frames(0, 7))
    found = find_media(sequence, tmp_path)
    assert found.path.endswith("n.008.exr") and found.sequence.image(3).endswith("n.014.exr")
    moved = otio.schema.ImageSequenceReference("Z:\\x\\s q\\", "n.", ".exr", 8, 2, 24, 3)
    assert find_media(moved, tmp_path, [tmp_path]).path == found.path
    absent = otio.schema.ImageSequenceReference("s q", "n.", ".exr", 1, 1, 24, 3)
    with pytest.raises(BadTimeline, match=r"n\.001\.exr"):
        find_media(absent, tmp_path)


def test_stills_are_refused_even_with_numbered_neighbours(tmp_path: Path) -> None:
    images(tmp_path, 1, 3)
    ex.footage(tmp_path, "photo.JPG")
    for media in (reference("n.0001.exr", 1), reference("n.0001.exr", 50), reference("photo.JPG")):
        with pytest.raises(BadTimeline, match="still"):
            find_media(media, tmp_path)


def test_a_pattern_without_images_is_offline(tmp_path: Path) -> None:
    for url in ("n.[1-5].exr", "n.%04d.exr", "gone/n.####.exr"):
        with pytest.raises(BadTimeline, match="offline"):
            find_media(reference(url), tmp_path)


def test_urls_take_after_the_example() -> None:
    assert url_like("/x/y.mov", "/a b/c.mov") == "/a b/c.mov"
    assert url_like("C:\\x\\y.mov", "/a b/c.mov") == "/a b/c.mov"
    assert url_like("file://localhost/x", "/a b/c.mov") == "file://localhost/a%20b/c.mov"
    assert url_like("file:///x", "/a b/ü.mov") == "file:///a%20b/%C3%BC.mov"
    assert url_like("", "/a b/ü.mov") == url_like("media/x.mov", "/a b/ü.mov") == "/a b/ü.mov"
    assert is_relative("media/x.mov") and is_relative("..\\x.mov")
    assert not any(map(is_relative, ["/x", "C:\\x", "\\\\s\\x", "file:///x", "http://x/y", ""]))
