"""A clip's pictures in a row, as planes of code values: what is worked on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import av
import numpy as np

from media.colour import ColourTags
from media.decoding.movie_decoder import DecodedPicture, MovieDecoder, is_lost
from media.decoding.packets import PacketIndex
from media.errors import BadRange, MissingFrames
from media.movies import damaged_frames, read_image
from media.orientation import Orientation, orientation_of
from media.pixels import PixelLayout, layout, planes_of
from media.probe import MediaInfo
from media.rgb import rgb_of
from media.timing import FrameTimes


@dataclass(frozen=True)
class SourceFrame:
    """One picture of the clip.

    `index` counts on the presentation grid; `planes` are the stored code values (see PixelLayout), as they are stored;
    `orientation` is what makes the picture upright.
    """

    index: int
    planes: list[np.ndarray]
    form: PixelLayout
    tags: ColourTags
    orientation: Orientation

    def rgb(self) -> np.ndarray:
        """Upright display RGB [H, W, 3]: uint8 for 8-bit clips, uint16 (full scale) for deeper ones."""
        picture = rgb_of(self.planes, self.form, self.tags)
        peak, kind = (255, np.uint8) if self.form.depth <= 8 else (65535, np.uint16)
        code = (np.clip(picture, 0, 1) * peak + 0.5).astype(kind)
        return np.ascontiguousarray(self.orientation.upright(code))


def check_range(info: MediaInfo, start: int, count: int) -> None:
    """Raises BadRange when the clip does not have frames start .. start + count - 1."""
    if start < 0 or count < 1 or start + count > info.frame_count:
        raise BadRange(
            f"Frames {start} to {start + count - 1} were asked for.",
            f"{info.path} has frames 0 to {info.frame_count - 1}.",
            "Choose a range inside the clip.",
        )


def read_frames(info: MediaInfo, start: int, count: int) -> Iterator[SourceFrame]:
    """Yield `count` pictures from grid index `start`.

    Variable-rate clips repeat a picture until the next one is due. Raises BadRange, DamagedMedia, MissingFrames.
    """
    check_range(info, start, count)
    if info.sequence is not None:
        return _read_sequence(info, start, count)
    assert info.times is not None, "a movie that was probed has its times"
    assert info.packets is not None, "a movie that was probed has its packets"
    return _read_movie(info, info.times, info.packets, start, count)


def check_picture(info: MediaInfo, index: int, frame: av.VideoFrame) -> None:
    """Raises MissingFrames for a picture of another size, pixel format or orientation than the clip's first one."""
    where = f"Frame {index} of {info.path}" if info.sequence is None else info.sequence.image(index)
    if (frame.width, frame.height) != (info.coded_width, info.coded_height):
        raise MissingFrames(
            f"{where} is {frame.width}x{frame.height}, not {info.coded_width}x{info.coded_height}.",
            "A clip must keep its size.",
            "Render the clip to one size first.",
        )
    if frame.format.name != info.pix_fmt:
        raise MissingFrames(
            f"{where} is {frame.format.name}, the clip's first picture is {info.pix_fmt}.",
            "A clip must keep its pixel format.",
            "Render the clip with one setting first.",
        )
    if info.sequence is not None and orientation_of(frame) != info.orientation:
        raise MissingFrames(
            f"{where} is turned in another way than the sequence's first picture.",
            "A sequence must keep its orientation.",
            "Render the sequence with one setting.",
        )


def read_image_of(info: MediaInfo, index: int) -> av.VideoFrame:
    """The decoded picture of a sequence. Raises a subclass of BadMedia."""
    assert info.sequence is not None, "it is asked of sequences alone"
    return read_image(info.sequence.image(index))


def _wrap(info: MediaInfo, index: int, frame: av.VideoFrame) -> SourceFrame:
    check_picture(info, index, frame)
    form = layout(info.working_format)
    return SourceFrame(index, planes_of(frame, form.name), form, info.colour, info.orientation)


def _read_sequence(info: MediaInfo, start: int, count: int) -> Iterator[SourceFrame]:
    for index in range(start, start + count):
        yield _wrap(info, index, read_image_of(info, index))


def _read_movie(
    info: MediaInfo, times: FrameTimes, packets: PacketIndex, start: int, count: int
) -> Iterator[SourceFrame]:
    decoder = MovieDecoder(info.path, packets)
    try:
        pictures = decoder.pictures_from(times.picture_at(start))
        held: SourceFrame | None = None
        shown = -1
        for index in range(start, start + count):
            wanted = times.picture_at(index)
            if is_lost(packets, times, index):
                raise damaged_frames(info.path, [(index, index)])
            if held is None or shown != wanted:
                held, shown = _wrap(info, index, _picture(info, pictures, wanted, index)), wanted
            yield SourceFrame(index, held.planes, held.form, held.tags, held.orientation)
    finally:
        decoder.close()


def _picture(info: MediaInfo, pictures: Iterator[DecodedPicture], wanted: int, index: int) -> av.VideoFrame:
    """The picture with that ordinal, whole. Raises DamagedMedia: no neighbour stands in for a lost one."""
    for picture in pictures:
        if picture.ordinal == wanted and picture.whole:
            return picture.frame
        if picture.ordinal >= wanted:
            break
    raise damaged_frames(info.path, [(index, index)])
