"""Movies whose times, packets or bytes are not what they should be, made on the spot with numbered pictures."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av

from backend.delivery.ffmpeg import ffmpeg_program
from media.probe import MediaInfo, probe
from media.read import read_frames
from media.reader import FrameReader
from tests.media.clips import number_of, numbered

SIZE = (96, 64)
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "12", "-pix_fmt", "yuv420p")
REORDERED = (*H264, "-bf", "3", "-b_strategy", "0", "-g", "12", "-sc_threshold", "0")
OPEN_GOP = (*H264, "-x264-params", "open-gop=1:keyint=12:min-keyint=12:scenecut=0:bframes=3")
HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-x265-params")
HEVC_REORDERED = (*HEVC, "log-level=none:keyint=12:bframes=3:crf=12")
MPEG4 = ("-c:v", "mpeg4", "-q:v", "2", "-bf", "2", "-g", "12")
MPEG2 = ("-c:v", "mpeg2video", "-q:v", "2", "-bf", "2", "-g", "12")
MJPEG = ("-c:v", "mjpeg", "-q:v", "2")
PRORES = ("-c:v", "prores_ks", "-pix_fmt", "yuv422p10le")

Change = Callable[[int, av.Packet], object]


def encode(path: Path, count: int, *options: object, rate: object = 25, first: int = 0, size: tuple = SIZE) -> Path:
    """Pictures `first` to `first + count - 1` through the ffmpeg program with `options` of its output."""
    command = [ffmpeg_program(), "-hide_banner", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{size[0]}x{size[1]}", "-framerate", str(rate), "-i", "pipe:", *map(str, options), str(path)]
    pictures = b"".join(numbered(first + number, *size).tobytes() for number in range(count))
    subprocess.run(command, input=pictures, check=True)
    return path


def without(*dropped: int) -> tuple[str, ...]:
    """Options that leave pictures out and keep the others' times."""
    chosen = "+".join(f"eq(n,{number})" for number in dropped)
    return ("-vf", f"select='not({chosen})'", "-fps_mode", "vfr")


def held(count: int, *dropped: int) -> list[int]:
    """What a clip of `count` pictures shows when some were dropped: the one before."""
    shown: list[int] = []
    for number in range(count):
        shown.append(shown[-1] if number in dropped else number)
    return shown


def repacked(source: Path, target: Path, change: Change | None = None, **options: str) -> Path:
    """Copy the picture track's packets. `change` gets number and packet in decoding order; where it answers False, the
    packet is left out. `options` are those of the container."""
    with av.open(str(source)) as old, av.open(str(target), "w", options=options) as new:
        track = old.streams.video[0]
        copy = new.add_stream_from_template(track)
        for number, packet in enumerate(packet for packet in old.demux(track) if packet.size):
            if change is None or change(number, packet) is not False:
                packet.stream = copy
                new.mux(packet)
    return target


def with_packets(source: Path, target: Path, packets: Sequence[bytes], keys: Sequence[int]) -> Path:
    """A file of these packets, one a tick of `source`'s rate; `keys` are the places of key pictures."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        track = old.streams.video[0]
        copy = new.add_stream_from_template(track)
        for number, data in enumerate(packets):
            packet = av.Packet(data)
            packet.pts = packet.dts = number
            packet.time_base, packet.stream, packet.is_keyframe = 1 / track.average_rate, copy, number in keys
            new.mux(packet)
    return target


def packets_of(path: Path) -> list[bytes]:
    """The bytes of the picture track's packets in decoding order."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.video[0]) if packet.size]


def places_of(path: Path) -> list[tuple[int, int]]:
    """Where each packet of the picture track lies: first byte and length."""
    with av.open(str(path)) as container:
        found = [(packet.pos, packet.size) for packet in container.demux(container.streams.video[0]) if packet.size]
    assert all(place is not None for place, _ in found)
    return [(place or 0, size) for place, size in found]


def overwritten(path: Path, at: int, data: bytes) -> Path:
    """A copy of a file beside it, some bytes of which are others."""
    copy = path.with_stem(path.stem + "_damaged")
    old = path.read_bytes()
    copy.write_bytes(old[:at] + data + old[at + len(data) :])
    return copy


def numbers(path: Path, start: int = 0, count: int | None = None, rate: Fraction | None = None) -> list[int]:
    """The numbers of the pictures that the product reads."""
    info = probe(path, rate)
    return numbers_of(info, start, info.frame_count - start if count is None else count)


def numbers_of(info: MediaInfo, start: int, count: int) -> list[int]:
    """The numbers of a part's pictures."""
    frames = list(read_frames(info, start, count))
    assert [frame.index for frame in frames] == list(range(start, start + count))
    return [number_of(frame.rgb()) for frame in frames]


def check_clip(path: Path, expected: Sequence[int], rate: Fraction | int | None = None) -> MediaInfo:
    """Every way of reading a clip shows these pictures: in a row, from anywhere, and one by one in random order."""
    info = probe(path)
    assert (info.frame_count, info.rate) == (len(expected), info.rate if rate is None else rate)
    assert numbers_of(info, 0, info.frame_count) == list(expected)
    chance = random.Random(0)
    last = info.frame_count - 1
    for start in {*chance.sample(range(info.frame_count), min(5, info.frame_count)), last}:
        count = min(2, info.frame_count - start)
        assert numbers_of(info, start, count) == list(expected[start : start + count]), f"from frame {start}"
    reader = FrameReader(info.path, info.rate)
    try:
        for frame in [*(chance.randrange(info.frame_count) for _ in range(12)), last, 0]:
            assert number_of(reader.frame(frame).to_ndarray(format="rgb24")) == expected[frame], f"frame {frame}"
    finally:
        reader.close()
    return info


NOT_CODED = b"\0\0\1\xb6\x50\x40"
"""An MPEG-4 VOP of the kind P that is not coded, where time counts in 25 parts of a second."""


def keys_of(path: Path) -> list[int]:
    """Numbers of the packets at which decoding can begin."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(container.streams.video[0]) if packet.size]
    return [number for number, packet in enumerate(packets) if packet.is_keyframe]


def _kind(packet: bytes) -> int:
    """Of an MPEG-4 picture: 0 I, 1 P, 2 B."""
    return packet[packet.find(b"\0\0\1\xb6") + 4] >> 6


def mpeg4_order(packets: Sequence[bytes]) -> list[int]:
    """Numbers of MPEG-4 packets in the order in which they are shown."""
    shown: list[int] = []
    waiting: list[int] = []
    for number, packet in enumerate(packets):
        shown += [number] if _kind(packet) == 2 else waiting
        waiting = waiting if _kind(packet) == 2 else [number]
    return shown + waiting


def packed_bitstream(packets: Sequence[bytes]) -> tuple[list[bytes], list[int]]:
    """(packets, numbers of the keys) as DivX and XviD pack them: a picture and the B picture behind it in one packet,
    and a placeholder where the packet of that one would be."""
    packed: list[bytes] = []
    number = 0
    while number < len(packets):
        together = number + 1 < len(packets) and _kind(packets[number]) != 2 and _kind(packets[number + 1]) == 2
        if not together:
            packed.append(packets[number])
            number += 1
            continue
        packed.append(packets[number] + packets[number + 1])
        number += 2
        while number < len(packets) and _kind(packets[number]) == 2:
            packed.append(packets[number])
            number += 1
        packed.append(NOT_CODED)
    keys = [number for number, packet in enumerate(packed) if _kind(packet) == 0]
    at = packed[0].find(b"\0\0\1\xb6")
    packed[0] = packed[0][:at] + b"\0\0\1\xb2DivX503b1393p\0" + packed[0][at:]
    return packed, keys


def cut_before_key(source: Path, target: Path, first: int) -> Path:
    """The packets from number `first` on, with times from 0 on."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        track = old.streams.video[0]
        copy = new.add_stream_from_template(track)
        packets = [packet for packet in old.demux(track) if packet.size][first:]
        known = [packet.dts for packet in packets if packet.dts is not None]
        for packet in packets:
            packet.dts = None if packet.dts is None else packet.dts - known[0]
            packet.pts = None if packet.pts is None else packet.pts - known[0]
            packet.stream = copy
            new.mux(packet)
    return target
