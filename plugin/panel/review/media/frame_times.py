"""Which picture of a file is shown at a frame: exact, for constant and for variable rates."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

import av

from contract.errors import BadMedia

# Reading every packet of a file larger than this takes too long; its index answers when it has a constant step.
_SCAN_LIMIT = 1 << 30


@dataclass(frozen=True)
class FrameTimes:
    """Presentation timestamps of a movie's pictures and the frames on which they stand.

    `stamps` are the timestamps that are shown, ascending, in ticks of `time_base` seconds; `places` their frames on
    the grid of `rate` frames a second, of which frame 0 begins at `origin`, the first picture. A picture holds until
    the next one is due; of several pictures within one frame the last is shown.
    """

    time_base: Fraction
    rate: Fraction
    origin: int
    stamps: tuple[int, ...]
    places: tuple[int, ...]

    @classmethod
    def lay(cls, ticks: Sequence[int], time_base: Fraction, rate: Fraction) -> FrameTimes:
        """Lay timestamps, in any order, on the grid. `ticks` must not be empty."""
        times = sorted(set(ticks))
        step = time_base * rate
        shown: dict[int, int] = {}
        for time in times:
            # Half a frame more, so that ticks that a container rounded still land on their frame.
            shown[floor((time - times[0]) * step + Fraction(1, 2))] = time
        return cls(time_base, rate, times[0], tuple(shown.values()), tuple(shown))

    def picture(self, frame: int) -> int:
        """Index into `stamps` of the picture that is shown at a frame."""
        return max(0, bisect_right(self.places, frame) - 1)

    @property
    def last_place(self) -> int:
        """The frame on which the last picture appears."""
        return self.places[-1]

    @property
    def variable(self) -> bool:
        """True where pictures hold for more than one frame."""
        return self.last_place != len(self.places) - 1

    @property
    def start(self) -> Fraction:
        """Seconds of the first picture on the file's own clock."""
        return self.origin * self.time_base


def read_frame_times(path: str, rate: Fraction) -> FrameTimes:
    """Read a movie's timestamps without decoding it; edit lists are honoured. Raises BadMedia."""
    with open_movie(path) as container:
        stream = video_of(container, path)
        ticks = _from_index(container, stream, path) or _from_packets(container, stream, path)
        time_base = stream.time_base
    if not ticks or time_base is None:
        raise BadMedia(f"{path} has no pictures.", "Its video track is empty.", "Choose another clip.")
    return FrameTimes.lay(ticks, time_base, rate)


def open_movie(path: str) -> av.container.InputContainer:
    """Open a movie or an image. Raises BadMedia."""
    try:
        return av.open(path, metadata_errors="replace")
    except FileNotFoundError as error:
        raise BadMedia(f"{path} does not exist.", "It was moved or deleted.", "Relink the clip.") from error
    except (OSError, av.error.FFmpegError) as error:
        raise BadMedia(f"{path} cannot be opened.", str(error), "Check the file, or copy it again.") from error


def video_of(container: av.container.InputContainer, path: str) -> av.VideoStream:
    """The movie's picture track, cover art left out. Raises BadMedia when there is none that can be decoded."""
    for stream in container.streams.video:
        if not stream.disposition & stream.disposition.attached_pic and stream.codec_context is not None:
            return stream
    raise BadMedia(f"{path} has no video.", "It holds only sound or data.", "Choose a video clip.")


def _from_index(container: av.container.InputContainer, stream: av.VideoStream, path: str) -> list[int]:
    if os.path.getsize(path) <= _SCAN_LIMIT or "mp4" not in container.format.name:
        return []
    entries = [entry.timestamp for entry in stream.index_entries if not entry.is_discard]
    steps = {later - earlier for earlier, later in zip(entries, entries[1:], strict=False)}
    start = stream.start_time or 0
    return [start + entry - entries[0] for entry in entries] if len(steps) == 1 else []


def _from_packets(container: av.container.InputContainer, stream: av.VideoStream, path: str) -> list[int]:
    found = []
    try:
        for packet in container.demux(stream):
            if packet.size and not packet.is_discard:
                stamp = packet.pts if packet.pts is not None else packet.dts
                if stamp is not None:
                    found.append(stamp)
    except av.error.FFmpegError as error:
        raise BadMedia(f"{path} is damaged.", str(error), "Copy it again.") from error
    return found
