"""A clip's pictures in a row, as planes of code values: what is worked on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import av
import numpy as np

from contract.image_sequence import ImageSequence
from media.colour import ColourTags
from media.errors import BadRange, DamagedMedia, MissingFrames
from media.movies import open_media, read_image, video_stream
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
        return _read_sequence(info, info.sequence, start, count)
    assert info.times is not None, "a movie that was probed has its times"
    return _read_movie(info, info.times, start, count)


def _wrap(info: MediaInfo, index: int, frame: av.VideoFrame) -> SourceFrame:
    if (frame.width, frame.height) != (info.coded_width, info.coded_height):
        raise MissingFrames(
            f"Frame {index} of {info.path} is {frame.width}x{frame.height}, "
            f"not {info.coded_width}x{info.coded_height}.",
            "A clip must keep its size.",
            "Render the clip to one size first.",
        )
    form = layout(info.working_format)
    return SourceFrame(index, planes_of(frame, form.name), form, info.colour, info.orientation)


def _read_sequence(info: MediaInfo, sequence: ImageSequence, start: int, count: int) -> Iterator[SourceFrame]:
    for index in range(start, start + count):
        path = sequence.image(index)
        frame = read_image(path)
        if frame.format.name != info.pix_fmt:
            raise MissingFrames(
                f"{path} is {frame.format.name}, the sequence's first frame is {info.pix_fmt}.",
                "A sequence must keep its pixel format.",
                "Render the sequence with one setting.",
            )
        if orientation_of(frame) != info.orientation:
            raise MissingFrames(
                f"{path} is turned in another way than the sequence's first picture.",
                "A sequence must keep its orientation.",
                "Render the sequence with one setting.",
            )
        yield _wrap(info, index, frame)


def _read_movie(info: MediaInfo, times: FrameTimes, start: int, count: int) -> Iterator[SourceFrame]:
    wanted, end = start, start + count
    held: av.VideoFrame | None = None
    for place, frame in _placed_frames(info.path, times, start):
        if place > wanted and held is not None:
            source = _wrap(info, wanted, held)
            while wanted < min(place, end):
                yield SourceFrame(wanted, source.planes, source.form, source.tags, source.orientation)
                wanted += 1
        if wanted >= end:
            return
        held = frame
    if held is None:
        raise DamagedMedia(
            f"No picture of {info.path} could be decoded from frame {start} on.", remedy="Copy it again."
        )
    # Past the last decoded picture only its own hold may follow; anything else was lost in the file.
    last = times.last_frame if held.pts is None else times.frame_at(held.pts)
    if wanted < end and wanted > last + 1 and not info.variable_rate:
        raise DamagedMedia(
            f"{info.path} ends at frame {last}, {info.frame_count} frames were announced.", remedy="Copy it again."
        )
    source = _wrap(info, wanted, held)
    for index in range(wanted, end):
        yield SourceFrame(index, source.planes, source.form, source.tags, source.orientation)


def _placed_frames(path: str, times: FrameTimes, start: int) -> Iterator[tuple[int, av.VideoFrame]]:
    """(grid index, frame) in presentation order, beginning at or before `start`."""
    for rewind in (True, False) if start else (False,):
        with open_media(path) as container:
            stream = video_stream(container, path)
            stream.thread_type = "AUTO"
            if rewind:
                container.seek(times.ticks_at(start), stream=stream, backward=True)
            pending: tuple[int, av.VideoFrame] | None = None
            reached = False
            try:
                for frame in container.decode(stream):
                    if frame.pts is None or frame.is_corrupt:
                        continue
                    place = times.frame_at(frame.pts)
                    if rewind and not reached and place > start and pending is None:
                        break
                    reached = True
                    if pending is not None and place > pending[0]:
                        yield pending
                    pending = (place, frame)
            except av.error.FFmpegError as error:
                raise DamagedMedia(
                    f"{path} cannot be decoded near frame {pending[0] + 1 if pending else start}.",
                    str(error),
                    "Copy it again, or choose a range before the damage.",
                ) from error
            if reached:
                if pending is not None:
                    yield pending
                return
