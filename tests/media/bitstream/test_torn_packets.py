"""Packets that lost bytes without their decoder's notice, and those that only look so."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from media.bitstream.torn_packets import TornPackets, is_png_torn
from tests.cases import clips

FFV1 = ("-c:v", "ffv1", "-level", 3)


def verdicts(path: Path, *changed: bytes) -> list[bool]:
    """Of all packets of a clip, then of others as if they were its own."""
    packets = clips.packets_of(path)
    with av.open(str(path)) as container:
        torn = TornPackets(container.streams.video[0], marks_ends=True)
        return [torn.is_torn(packet) for packet in (*packets, *changed)]


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (clips.REORDERED, "a.mp4"),
        (clips.REORDERED, "a.ts"),
        (clips.HEVC_REORDERED, "a.mp4"),
        (clips.MJPEG, "a.mov"),
        (("-c:v", "png"), "a.mov"),
        ((*FFV1, "-slicecrc", 1), "a.mkv"),
        ((*FFV1, "-slicecrc", 0), "a.mkv"),
    ],
    ids=["mp4", "ts", "hevc", "mjpeg", "png", "ffv1", "ffv1-unchecked"],
)
def test_whole_packets_are_whole(tmp_path: Path, options: tuple, name: str) -> None:
    assert not any(verdicts(clips.encode(tmp_path / name, 20, *options)))


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (clips.REORDERED, "a.mp4"),
        (clips.REORDERED, "a.ts"),
        (clips.HEVC_REORDERED, "a.mp4"),
        (("-c:v", "png"), "a.mov"),
        ((*FFV1, "-slicecrc", 1), "a.mkv"),
    ],
    ids=["mp4", "ts", "hevc", "png", "ffv1"],
)
def test_zeros_are_noticed(tmp_path: Path, options: tuple, name: str) -> None:
    movie = clips.encode(tmp_path / name, 4, *options)
    packet = clips.packets_of(movie)[0]
    at = len(packet) * 4 // 5  # behind the words of the encoder about itself
    assert verdicts(movie, packet[:at] + bytes(16) + packet[at + 16 :])[-1]


@pytest.mark.parametrize("options", [clips.MJPEG, ("-c:v", "png"), clips.REORDERED], ids=["mjpeg", "png", "h264"])
def test_halves_are_noticed(tmp_path: Path, options: tuple) -> None:
    movie = clips.encode(tmp_path / "a.mov", 4, *options)
    packet = clips.packets_of(movie)[0]
    assert verdicts(movie, packet[: len(packet) // 2])[-1]


def test_png_without_an_end(tmp_path: Path) -> None:
    packet = clips.packets_of(clips.encode(tmp_path / "a.mov", 1, "-c:v", "png"))[0]
    assert not is_png_torn(packet)
    assert not is_png_torn(packet + bytes(100))
    assert is_png_torn(packet[:-12])
