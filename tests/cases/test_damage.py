"""Damaged clips: a range that holds the damage is refused, and one without it has the right pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from contract.errors import BadMedia
from media.errors import DamagedMedia, MissingFrames
from media.probe import MediaInfo, probe
from media.read import read_frames
from media.reader import FrameReader
from tests.cases import clips
from tests.cases.clips import check_clip, encode, numbers_of, overwritten, packets_of, places_of, repacked
from tests.media.clips import number_of, run_tool

TS = 188


def damaged_of(info: MediaInfo, expected: Sequence[int]) -> list[int]:
    """The frames that are refused, one by one and from the beginning; all others show what is expected.

    expected: for each frame, -1 where it does not matter
    """
    lost = []
    for frame in range(info.frame_count):
        try:
            (shown,) = numbers_of(info, frame, 1)
        except DamagedMedia:
            lost.append(frame)
        else:
            assert shown == expected[frame], f"frame {frame} shows {shown}"
    _check_runs(info, lost, expected)
    _check_reader(info, lost, expected)
    return lost


def _check_runs(info: MediaInfo, lost: list[int], expected: Sequence[int]) -> None:
    """What the remedy says: parts without the damaged frames can be read, and no range with one of them."""
    edges = [-1, *lost, info.frame_count]
    for before, after in zip(edges, edges[1:], strict=False):
        if after - before > 1:
            assert numbers_of(info, before + 1, after - before - 1) == list(expected[before + 1 : after])
    if lost:
        shown: list[int] = []
        with pytest.raises(DamagedMedia):
            shown.extend(number_of(frame.rgb()) for frame in read_frames(info, 0, info.frame_count))
        with pytest.raises(DamagedMedia, match="choose a part of the clip without"):
            list(read_frames(info, lost[0], 1))


def _check_reader(info: MediaInfo, lost: list[int], expected: Sequence[int]) -> None:
    reader = FrameReader(info.path, info.rate)
    for frame in [*range(info.frame_count), *range(info.frame_count - 1, -1, -5)]:
        if frame in lost:
            with pytest.raises(DamagedMedia):
                reader.frame(frame)
        else:
            assert number_of(reader.frame(frame).to_ndarray(format="rgb24")) == expected[frame]
    reader.close()


def zeroed(path: Path, number: int) -> Path:
    """Zeros in the middle of a packet, as a card or a network that loses bytes leaves them."""
    packet, data = packets_of(path)[number], path.read_bytes()
    third = len(packet) // 3
    # A piece that is found once: packets of transport streams lie in pieces.
    first = next(at for at in range(third, len(packet) - 12) if data.count(packet[at : at + 12]) == 1)
    return overwritten(path, data.find(packet[first : first + 12]), bytes(min(max(12, third), len(packet) - first - 2)))


# Pictures that cannot be decoded


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (clips.PRORES, "a.mov"),
        (("-c:v", "png"), "a.mov"),
        (("-c:v", "ffv1", "-level", 3, "-slicecrc", 1), "a.mkv"),
        (("-c:v", "cfhd", "-pix_fmt", "yuv422p10le"), "a.mov"),
    ],
    ids=["prores", "png", "ffv1", "cineform"],
)
def test_damaged_held_in_a_picture_by_itself(tmp_path: Path, options: tuple, name: str) -> None:
    movie = encode(tmp_path / name, 20, *options)
    info = probe(zeroed(movie, 8))
    lost = damaged_of(info, range(20))
    assert lost == ([8] if info.codec != "ffv1" else [8, 9, 10, 11])  # up to the next key picture


def test_damaged_held_prores_200_zero_bytes(tmp_path: Path) -> None:
    """Zeros that reach from one picture into the next."""
    movie = encode(tmp_path / "pr.mov", 20, *clips.PRORES)
    at, _ = places_of(movie)[10]
    assert damaged_of(probe(overwritten(movie, at - 100, bytes(200))), range(20)) in ([9, 10], [10])


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (clips.REORDERED, "a.mp4"),
        (clips.REORDERED, "a.mkv"),
        (clips.OPEN_GOP, "a.mov"),
        (clips.REORDERED, "a.avi"),
        (clips.MPEG2, "a.mpg"),
        (clips.MPEG2, "a.ts"),
        (clips.MPEG4, "a.avi"),
        (clips.HEVC_REORDERED, "a.mp4"),
    ],
    ids=["mp4", "mkv", "open", "avi", "mpg", "ts", "xvid", "hevc"],
)
@pytest.mark.parametrize("number", [12, 17], ids=["", "between"])
def test_damaged_held_in_a_group(tmp_path: Path, options: tuple, name: str, number: int) -> None:
    """Neither the damaged picture nor one that was predicted from it is shown; other groups are whole."""
    movie = encode(tmp_path / name, 40, *options)
    info = probe(zeroed(movie, number))
    lost = damaged_of(info, range(40))
    assert lost
    assert all(4 <= frame < 30 for frame in lost)


@pytest.mark.parametrize("name", ["a.mov", "a.avi"])
def test_damaged_held_half_a_jpeg(tmp_path: Path, name: str) -> None:
    movie = encode(tmp_path / name, 20, *clips.MJPEG)
    packets = packets_of(movie)
    packets[9] = packets[9][: len(packets[9]) // 2]
    path = clips.with_packets(movie, tmp_path / f"half_{name}", packets, range(20))
    assert damaged_of(probe(path), range(20)) == [9]


def test_damaged_held_half_a_still(tmp_path: Path) -> None:
    for number in range(3):
        run_tool("-i", encode(tmp_path / "a.avi", 1, *clips.MJPEG, first=number), tmp_path / f"p.{number}.jpg")
    still = tmp_path / "p.1.jpg"
    still.write_bytes(still.read_bytes()[: still.stat().st_size // 2])
    with pytest.raises(DamagedMedia):
        list(read_frames(probe(tmp_path / "p.%d.jpg"), 0, 3))


def test_damaged_held_in_a_png_still(tmp_path: Path) -> None:
    run_tool("-i", encode(tmp_path / "a.mov", 3, "-c:v", "png"), tmp_path / "p.%d.png")
    still = tmp_path / "p.2.png"
    data = bytearray(still.read_bytes())
    data[len(data) // 2] ^= 255
    still.write_bytes(data)
    info = probe(tmp_path / "p.%d.png")
    assert len(list(read_frames(info, 0, 1))) == len(list(read_frames(info, 2, 1))) == 1
    with pytest.raises(DamagedMedia):
        list(read_frames(info, 0, 3))


def test_damaged_held_where_a_chunk_of_avi_is_lost(tmp_path: Path) -> None:
    """Zeros over a chunk's header: the chunk is not found, and none behind it moves."""
    movie = encode(tmp_path / "a.avi", 40, *clips.MPEG4)
    at, size = places_of(movie)[17]
    lost = damaged_of(probe(overwritten(movie, at - 8, bytes(size // 2 + 8))), range(40))
    assert lost
    assert all(10 <= frame < 25 for frame in lost)


# Transport streams that lost packets


def lossy(path: Path, first: int, count: int) -> Path:
    """The stream without `count` packets of 188 bytes from packet `first` on."""
    data = path.read_bytes()
    copy = path.with_stem(f"lost{count}")
    copy.write_bytes(data[: first * TS] + data[(first + count) * TS :])
    return copy


@pytest.mark.parametrize("count", [5, 15, 31])
@pytest.mark.parametrize("options", [clips.REORDERED, clips.MPEG2], ids=["h264", "mpeg2"])
def test_damaged_held_ts_15_packets_lost(tmp_path: Path, options: tuple, count: int) -> None:
    movie = encode(tmp_path / "a.ts", 60, *options, size=(160, 96))
    places = [at for at, _ in places_of(movie)]
    info = probe(lossy(movie, places[29] // TS + 1, count))
    assert info.rate == 25
    lost = damaged_of(info, range(info.frame_count))
    assert lost
    assert all(20 <= frame < 48 for frame in lost)


def test_damaged_held_ts_mid_gop(tmp_path: Path) -> None:
    """The pictures before the first key picture are refused, and all others are right."""
    movie = encode(tmp_path / "a.ts", 60, *clips.REORDERED)
    places = [at for at, _ in places_of(movie)]
    data = movie.read_bytes()
    path = tmp_path / "cut.ts"
    path.write_bytes(data[: 3 * TS] + data[places[15] // TS * TS :])
    info = probe(path)
    first = 60 - info.frame_count
    assert 12 < first <= 18
    lost = damaged_of(info, range(first, 60))
    assert lost == list(range(24 - first))


def test_damaged_held_where_the_second_recording_begins_openly(tmp_path: Path) -> None:
    """Of a join only what refers to the missing group is refused, and nothing before it."""
    first = encode(tmp_path / "1.ts", 30, *clips.REORDERED)
    second = encode(tmp_path / "2.ts", 48, *clips.OPEN_GOP, first=30)
    key = clips.keys_of(second)[1]
    data = second.read_bytes()
    path = tmp_path / "joined.ts"
    path.write_bytes(first.read_bytes() + data[: 3 * TS] + data[places_of(second)[key][0] // TS * TS :])
    info = probe(path)
    missing = 78 - info.frame_count
    lost = damaged_of(info, [*range(30), *range(30 + missing, 78)])
    assert all(30 <= frame < 34 for frame in lost)


# Clips cut where no decoding can begin


@pytest.mark.parametrize("ending", ["mp4", "mkv", "mov"])
def test_seek_eperm(tmp_path: Path, ending: str) -> None:
    movie = encode(tmp_path / "og.mkv", 60, *clips.OPEN_GOP)
    info = probe(clips.cut_before_key(movie, tmp_path / f"first_not_sync.{ending}", clips.keys_of(movie)[1] + 1))
    numbers = [12 + frame for frame in range(info.frame_count)]
    shift = info.frame_count - 48
    lost = damaged_of(info, [number - shift for number in numbers])
    assert lost
    assert lost[-1] < 16
    assert numbers_of(info, 20, 20) == [32 - shift + frame for frame in range(20)]


@pytest.mark.parametrize("options", [clips.MPEG2, clips.HEVC_REORDERED], ids=["mpeg2", "hevc"])
def test_seek_eperm_of_other_codecs(tmp_path: Path, options: tuple) -> None:
    movie = encode(tmp_path / "a.mkv", 60, *options)
    path = clips.cut_before_key(movie, tmp_path / "cut.mkv", clips.keys_of(movie)[1] + 2)
    info = probe(path)
    whole = numbers_of(info, info.frame_count - 10, 10)
    assert whole == list(range(50, 60))
    lost = damaged_of(info, range(60 - info.frame_count, 60))
    assert all(frame < 16 for frame in lost)


# Other settings, and files that end too early


def test_midstream_format(tmp_path: Path) -> None:
    """Refused where the pixel format changes, as a sequence would be; each part is read."""
    deep = (*clips.REORDERED, "-pix_fmt", "yuv422p10le", "-output_ts_offset", 1.2)
    _check_change(tmp_path, encode(tmp_path / "2.ts", 30, *deep, first=30), "pixel format")


def test_midstream_format_of_another_size(tmp_path: Path) -> None:
    larger = encode(tmp_path / "2.ts", 30, *clips.REORDERED, "-output_ts_offset", 1.2, first=30, size=(128, 64))
    _check_change(tmp_path, larger, "size")


def _check_change(folder: Path, second: Path, kept: str) -> None:
    first = encode(folder / "1.ts", 30, *clips.REORDERED)
    path = folder / "change.ts"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    info = probe(path)
    assert info.frame_count == 60
    assert numbers_of(info, 5, 20) == list(range(5, 25))
    for start, count in ((20, 20), (40, 5)):
        with pytest.raises(MissingFrames, match=f"must keep its {kept}"):
            list(read_frames(info, start, count))


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (clips.REORDERED, "a.mp4"),
        (clips.REORDERED, "a.mkv"),
        (clips.REORDERED, "a.ts"),
        (clips.MJPEG, "a.avi"),
        (clips.PRORES, "a.mov"),
        (clips.MPEG4, "a.avi"),
        (clips.REORDERED, "a.avi"),
    ],
    ids=["mp4", "mkv", "ts", "mjpeg", "prores", "xvid", "avi"],
)
@pytest.mark.parametrize("kept", [0.5, 0.93])
def test_files_that_were_cut_off(tmp_path: Path, options: tuple, name: str, kept: float) -> None:
    """What is left is right, or the file is refused: no picture is another one."""
    movie = encode(tmp_path / name, 40, *options)
    path = tmp_path / f"cut_{name}"
    path.write_bytes(movie.read_bytes()[: int(movie.stat().st_size * kept)])
    try:
        info = probe(path)
    except BadMedia:
        return
    assert info.frame_count <= 41
    damaged_of(info, range(41))


def test_fragments_of_which_the_last_is_cut_off(tmp_path: Path) -> None:
    movie = encode(tmp_path / "a.mp4", 48, *clips.REORDERED, "-movflags", "frag_keyframe+empty_moov+default_base_moof")
    check_clip(movie, range(48), 25)
    path = tmp_path / "cut.mp4"
    path.write_bytes(movie.read_bytes()[: int(movie.stat().st_size * 0.8)])
    info = probe(path)
    assert info.frame_count >= 36
    assert all(frame >= 30 for frame in damaged_of(info, range(48)))


def test_packets_that_are_left_out(tmp_path: Path) -> None:
    """Between pictures whose times are known one is missing: what refers to it is not shown."""
    movie = encode(tmp_path / "a.mp4", 48, *clips.REORDERED, "-refs", 1)
    path = repacked(movie, tmp_path / "b.mkv", lambda number, _: number != 13)
    info = probe(path)
    lost = damaged_of(info, range(48))
    assert lost
    assert all(12 <= frame < 24 for frame in lost)
