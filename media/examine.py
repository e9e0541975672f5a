"""Every picture of a range, decoded once: whether each frame has its own, whole, in one format."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

import av

from contract.frame_runs import runs_of
from media.decoding.movie_decoder import MovieDecoder, is_lost
from media.decoding.packets import PacketIndex
from media.movies import damaged_frames
from media.probe import MediaInfo
from media.read import check_picture, check_range, read_image_of
from media.timing import FrameTimes

_Tags = tuple[int, int, int, int]


@dataclass(frozen=True)
class Examined:
    """What a range is like; frames count from the clip's first.

    held: frames that show the picture before them again
    unseen: pictures that are not shown, since another one is due on the same frame
    retagged: the first frame whose colour tags differ from those of the clip's first picture, None without any
    """

    held: tuple[int, ...]
    unseen: int
    retagged: int | None


See = Callable[[int, av.VideoFrame], object]
"""Gets each picture that is shown, with the first frame of the range on which it is."""


def examine(
    info: MediaInfo, start: int, count: int, zero: int = 0, see: See = lambda index, frame: None
) -> Generator[int, None, Examined]:
    """Yields the number of frames done, rising to `count`; returns what was found.

    `zero` is the frame that a person who sees a part of the file counts as 0. Raises BadRange; MissingFrames where
    size, pixel format or orientation change; DamagedMedia with all damaged frames of the range.
    """
    check_range(info, start, count)
    if info.sequence is not None:
        return (yield from _examine_sequence(info, start, count, see))
    assert info.times is not None and info.packets is not None, "a movie that was probed has both"
    return (yield from _examine_movie(info, info.times, info.packets, start, count, zero, see))


def _examine_sequence(info: MediaInfo, start: int, count: int, see: See) -> Generator[int, None, Examined]:
    tags, retagged = None, None
    for index in range(start, start + count):
        frame = read_image_of(info, index)
        check_picture(info, index, frame)
        tags = tags or _tags(frame)
        if retagged is None and _tags(frame) != tags:
            retagged = index
        see(index, frame)
        yield index + 1 - start
    return Examined((), 0, retagged)


def _examine_movie(
    info: MediaInfo, times: FrameTimes, packets: PacketIndex, start: int, count: int, zero: int, see: See
) -> Generator[int, None, Examined]:
    wanted = [times.picture_at(frame) for frame in range(start, start + count)]
    shown, whole = frozenset(wanted), set[int]()
    tags, retagged, done = None, None, 0
    decoder = MovieDecoder(info.path, packets)
    try:
        for picture in decoder.pictures_from(wanted[0]):
            if picture.ordinal > wanted[-1]:
                break
            index = max(start, times.frames[picture.ordinal])
            check_picture(info, index, picture.frame)
            if picture.whole and picture.ordinal in shown:
                whole.add(picture.ordinal)
                see(index, picture.frame)
            tags = tags or _tags(picture.frame)
            if retagged is None and _tags(picture.frame) != tags:
                retagged = index
            if picture.ordinal >= wanted[0] and index - start > done:
                done = index - start
                yield done
            if picture.ordinal == wanted[-1]:
                break
    finally:
        decoder.close()
    placed = enumerate(wanted, start)
    lost = [frame for frame, ordinal in placed if ordinal not in whole or is_lost(packets, times, frame)]
    if lost:
        raise damaged_frames(
            info.path, runs_of([frame - zero for frame in lost]), headless=_is_headless(packets, times, lost[0])
        )
    yield count
    held = tuple(start + place for place in range(1, count) if wanted[place] == wanted[place - 1])
    return Examined(held, wanted[-1] + 1 - wanted[0] - len(shown), retagged)


def _is_headless(packets: PacketIndex, times: FrameTimes, first_lost: int) -> bool:
    """Whether the loss is that the file begins between two key pictures."""
    return bool(packets.keys) and packets.keys[0] > 0 and times.picture_at(first_lost) < packets.keys[0]


def _tags(frame: av.VideoFrame) -> _Tags:
    return int(frame.color_primaries), int(frame.color_trc), int(frame.colorspace), int(frame.color_range)
