"""Pictures as the ffmpeg program decodes them: a second opinion on what our own reader, another library, has read."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Generator, Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np

from backend.delivery.ffmpeg import NO_WINDOW, ffmpeg_program
from contract.image_sequence import ImageSequence
from media.decoding.packets import PacketIndex
from media.pixels import PixelLayout, layout
from media.probe import MediaInfo
from media.sequences import IMAGE_SUFFIXES
from media.timing import FrameTimes

Planes = list[np.ndarray]
_TIME_BASE = re.compile(rb"config in time_base: (\d+)/(\d+)")
_PICTURE = re.compile(rb"\] n: *\d+ pts: *(-?\d+|NOPTS)")
_COMPLAINT = re.compile(rb"^\[(?!rawvideo|[ao]?vost|out)[\w#:/]+ @ \w+\] (?:\[[^\]]+\] )?\[(?:error|fatal)\] (.*)$")
# These store no times of showing: versions of ffmpeg make up other ones.
_WITHOUT_TIMES = ("avi", "h264", "hevc", "mpegvideo", "m4v", "obu", "dv")
# Decoding begins this many key pictures before the range, so that everything in it has what it was predicted from.
_KEYS_BEFORE = 2
_SECONDS_BEFORE = 10


class Complaints:
    """What the program says is wrong with the pictures of a range; what it says of earlier pictures does not count."""

    def __init__(self) -> None:
        self._said: list[tuple[int, str]] = []
        self._first = 0

    def restart(self) -> None:
        """Decoding begins anew."""
        self._said, self._first = [], 0

    def begin(self, number: int) -> None:
        """The range begins with picture `number` of those that come."""
        self._first = number

    def add(self, number: int, text: str) -> None:
        """After `number` pictures."""
        self._said.append((number, text))

    @property
    def texts(self) -> list[str]:
        """Each sentence once."""
        return list(dict.fromkeys(text for number, text in self._said if number >= self._first - 1))


def clip_pictures(
    info: MediaInfo, start: int, count: int, complaints: Complaints | None = None
) -> Generator[Planes, None, None]:
    """The planes of frames start .. start + count - 1 of a clip, stored as they are; fewer when some are not there.

    Which frame shows which picture is the clip's own timing. Which picture is which, the program says by itself: by the
    time that it gives a picture, or by counting from the first one where the file's times do not say it.
    """
    complaints = complaints or Complaints()
    if info.sequence is not None:
        yield from _sequence_pictures(info.sequence, info, start, count, complaints)
        return
    assert info.times is not None and info.packets is not None, "a movie that was probed has its times"
    ordinals = [info.times.picture_at(frame) for frame in range(start, start + count)]
    found = _movie_pictures(info, info.times, info.packets, ordinals[0], complaints)
    ordinal, planes = next(found, (-1, []))
    passed = 0
    for wanted in ordinals:
        while planes and ordinal < wanted:
            ordinal, planes = next(found, (-1, []))
            passed += 1
            if wanted == ordinals[0]:
                complaints.begin(passed)
        if ordinal != wanted:
            return
        yield planes


def composite_pictures(path: Path, info: MediaInfo, first: int) -> Generator[Planes, None, None]:
    """The planes of a composite at `path`, a movie or numbered EXR's pattern, in its clip's stored orientation."""
    form, size = layout(info.working_format), (info.coded_width, info.coded_height)
    if form.depth < 32:
        yield from (planes for _, planes in _decode(["-i", str(path)], form.name, size))
        return
    sequence = ImageSequence.from_pattern(str(path), first, 0)
    upright = (info.upright_width, info.upright_height)
    for _, planes in _decode(_numbered(sequence, 0), form.name, upright):
        yield [info.orientation.stored(plane) for plane in planes]


def _sequence_pictures(
    sequence: ImageSequence, info: MediaInfo, start: int, count: int, complaints: Complaints
) -> Iterator[Planes]:
    size = (info.coded_width, info.coded_height)
    if sequence.step == 1:
        found = _decode(_numbered(sequence, start), _raw_format(info), size, complaints)
        yield from (planes for _, planes in islice(found, count))
        return
    for index in range(start, start + count):
        found = _decode(_picture_file(sequence.image(index)), _raw_format(info), size, complaints)
        yield from (planes for _, planes in found)


def _movie_pictures(
    info: MediaInfo, times: FrameTimes, packets: PacketIndex, ordinal: int, complaints: Complaints
) -> Iterator[tuple[int, Planes]]:
    """(ordinal, planes) of the pictures from `ordinal`, or from one before it, on."""
    source = ["-i", info.path]
    if Path(info.path).suffix.lower() in IMAGE_SUFFIXES:
        source = _picture_file(info.path)
    elif packets.ignore_edits:
        source = ["-ignore_editlist", "1", *source]
    source += ["-map", f"0:{info.track}"]
    size = (info.coded_width, info.coded_height)
    if (
        packets.stamps != packets.seeks or info.container in _WITHOUT_TIMES
    ):  # the times were repaired: the program gives others
        counted = _decode(source, _raw_format(info), size, complaints, skipped=ordinal)
        yield from ((ordinal + place, planes) for place, (_, planes) in enumerate(counted))
        return
    for seek in _seeks(times, packets, ordinal):
        begun = False
        for time, planes in _decode([*seek, *source], _raw_format(info), size, complaints):
            number = None if time is None else _ordinal_at(times, time)
            if number is None:
                continue
            if seek and not begun and number > ordinal:
                break  # the seek landed behind the picture
            begun = True
            yield number, planes
        if begun:
            return


def _seeks(times: FrameTimes, packets: PacketIndex, ordinal: int) -> Iterator[list[str]]:
    """Options that go to well before a picture, then none: from the beginning."""
    wanted = times.stamps[ordinal]
    keys = sorted(packets.stamps[key] for key in packets.keys)
    before = bisect_right(keys, wanted) - _KEYS_BEFORE
    place = times.start
    if keys and before > 0:
        place = keys[before] * times.time_base
    elif not keys:
        place = wanted * times.time_base - _SECONDS_BEFORE
    if place > times.start:
        yield ["-seek_timestamp", "1", "-noaccurate_seek", "-ss", f"{float(place):.6f}"]
    yield []


def _ordinal_at(times: FrameTimes, time: Fraction) -> int | None:
    stamp = time / times.time_base
    place = bisect_left(times.stamps, stamp)
    return place if place < len(times.stamps) and times.stamps[place] == stamp else None


def _numbered(sequence: ImageSequence, index: int) -> list[str]:
    """Input options for a sequence from picture `index` on; percent signs in its names are no pattern."""
    number = f"%0{sequence.padding}d" if sequence.padding > 1 else "%d"
    folder, prefix, suffix = (part.replace("%", "%%") for part in (sequence.folder, sequence.prefix, sequence.suffix))
    pattern = os.path.join(folder, f"{prefix}{number}{suffix}")
    return ["-f", "image2", "-pattern_type", "sequence", "-start_number", str(sequence.first + index), "-i", pattern]


def _picture_file(path: str) -> list[str]:
    return ["-f", "image2", "-pattern_type", "none", "-i", path]


def _raw_format(info: MediaInfo) -> str:
    """The program's conversion of half floats goes through integers: they are taken as they are."""
    return info.pix_fmt if "f16" in info.pix_fmt else info.working_format


def _decode(
    source: list[str], pix_fmt: str, size: tuple[int, int], complaints: Complaints | None = None, skipped: int = 0
) -> Iterator[tuple[Fraction | None, Planes]]:
    """(time in seconds on the file's own clock, planes) of the pictures of `source`, its input options and what to map.

    The first `skipped` ones are decoded and left out.
    """
    chosen = f"select=gte(n\\,{skipped}),showinfo=checksum=0"
    command = [ffmpeg_program(), "-hide_banner", "-nostdin", "-nostats", "-v", "level+info", "-noautorotate", "-copyts"]
    command += [*source, "-an", "-sn", "-dn", "-fps_mode", "passthrough", "-vf", chosen]
    command += ["-pix_fmt", pix_fmt, "-f", "rawvideo", "pipe:1"]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, creationflags=NO_WINDOW
    )
    assert process.stdout is not None and process.stderr is not None, "both are pipes"
    times = _Times(process.stderr, complaints or Complaints())
    form = _RawForm(pix_fmt, size)
    try:
        while len(data := process.stdout.read(form.bytes)) == form.bytes:
            yield times.next(), form.planes(data)
    finally:
        if process.poll() is None:
            process.kill()
        process.stdout.close()
        process.wait()
        times.join()


class _Times:
    """The times that the program reports of its pictures, read along with them."""

    def __init__(self, errors: IO[bytes], complaints: Complaints) -> None:
        self._errors, self._complaints = errors, complaints
        complaints.restart()
        self._found: queue.SimpleQueue[Fraction | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def next(self) -> Fraction | None:
        """The next picture's time; None where it has none."""
        return self._found.get()

    def join(self) -> None:
        """Wait for the end of the reports."""
        self._thread.join()
        self._errors.close()

    def _listen(self) -> None:
        tick, pictures = Fraction(1), 0
        for line in self._errors:
            if base := _TIME_BASE.search(line):
                tick = Fraction(int(base[1]), int(base[2]))
            elif picture := _PICTURE.search(line):
                self._found.put(None if picture[1] == b"NOPTS" else int(picture[1]) * tick)
                pictures += 1
            elif complaint := _COMPLAINT.search(line):
                self._complaints.add(pictures, complaint[1].decode("utf-8", "replace").strip())
        self._found.put(None)


class _RawForm:
    """How raw pictures of a pixel format lie one after another."""

    def __init__(self, pix_fmt: str, size: tuple[int, int]) -> None:
        self._half = "f16" in pix_fmt
        self.form: PixelLayout = layout(pix_fmt.replace("f16", "f32"))
        self._kind = np.dtype("<f2") if self._half else self.form.dtype
        channels = 3 + self.form.alpha
        shapes = self.form.plane_sizes(*size)
        self._shapes = [(*shape, channels) if self.form.packed else shape for shape in shapes]
        self.bytes = sum(int(np.prod(shape)) for shape in self._shapes) * self._kind.itemsize

    def planes(self, data: bytes) -> Planes:
        """The planes as the reader gives them."""
        found, begin = [], 0
        for shape in self._shapes:
            count = int(np.prod(shape))
            plane = np.frombuffer(data, self._kind, count, begin).reshape(shape)
            found.append(plane.astype(self.form.dtype) if self._half else plane)
            begin += count * self._kind.itemsize
        return found
