"""What a clip is: size, rate, length, colour, timecode, sound."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

import av
from msgspec import structs

from contract.image_sequence import ImageSequence
from contract.timecode import frame_of_timecode, is_drop_frame
from media.colour import ColourTags, tags_of
from media.decoding.packets import PacketIndex, index_packets
from media.fields import FieldOrder, field_order_of
from media.file_checks.encryption import check_encryption
from media.file_checks.exr import check_exr
from media.movies import check_complete, first_frame, header_rates, open_media, pixel_aspect, video_stream
from media.notes import lost_end_notes, picture_notes, sequence_notes
from media.orientation import Orientation, orientation_of
from media.pixels import layout, working_format
from media.sequences import check_sequence, find_sequence, is_sequence, is_unnumbered_picture
from media.timing import FrameTimes, measure_timing
from media.tracks import frames_said, track_notes


@dataclass(frozen=True)
class MediaInfo:
    """A clip as an editor sees it.

    path: absolute; a sequence's as a printf pattern
    container: what ffmpeg calls the file's format, "" for a sequence
    track: the picture track's number among all of the file's tracks
    width, height: display pixels, upright and square
    coded_width, coded_height: the stored picture
    pixel_aspect: a stored pixel's width over its height
    orientation: how the stored picture is turned and mirrored for showing
    rate: frames a second, exact
    frame_count: frames on the constant-rate presentation grid, edit lists honoured
    bit_depth: bits of a sample, 32 for float
    pix_fmt: the file's own pixel format; `working_format` is the one that its planes are read in (same code values)
    colour: the tags as found
    field_order: which field of an interlaced clip is shown first
    start_timecode: frame number of the first frame, None without timecode
    times: the frame of every picture, None for a sequence
    packets: where the pictures are in the file, None for a sequence
    container_start: seconds of the file's first sample of any kind
    notes: sentences about oddities of the clip and what is done with them
    """

    path: str
    kind: Literal["movie", "sequence"]
    container: str
    track: int
    width: int
    height: int
    coded_width: int
    coded_height: int
    pixel_aspect: Fraction
    orientation: Orientation
    rate: Fraction
    frame_count: int
    variable_rate: bool
    bit_depth: int
    pix_fmt: str
    working_format: str
    colour: ColourTags
    field_order: FieldOrder
    start_timecode: int | None
    drop_frame: bool
    has_audio: bool
    audio_codec: str | None
    codec: str
    times: FrameTimes | None = field(default=None, repr=False)
    packets: PacketIndex | None = field(default=None, repr=False)
    container_start: Fraction | None = None
    sequence: ImageSequence | None = None
    notes: tuple[str, ...] = ()

    @property
    def hdr(self) -> bool:
        """Whether the clip's transfer is PQ or HLG."""
        return self.colour.hdr

    @property
    def upright_width(self) -> int:
        """Width of the stored picture stood upright, pixel aspect not applied."""
        return self.coded_height if self.orientation.sideways else self.coded_width

    @property
    def upright_height(self) -> int:
        """Height of the stored picture stood upright, pixel aspect not applied."""
        return self.coded_width if self.orientation.sideways else self.coded_height

    @property
    def duration(self) -> Fraction:
        """Seconds from the first picture's start to the last one's end."""
        return self.frame_count / self.rate


def probe(media: str | os.PathLike[str] | ImageSequence, rate: Fraction | None = None) -> MediaInfo:
    """Look at a movie, a folder with one image sequence, a pattern (%04d, ####, [1001-1100]) or a single picture.

    A sequence that is known already is given as it is: its names are no patterns.
    `rate` sets a sequence's rate (default 24) or lays a movie on that grid. Raises a subclass of BadMedia.
    """
    if isinstance(media, ImageSequence):
        whole = structs.replace(media, folder=os.path.abspath(media.folder))
        return _probe_sequence(check_sequence(whole), rate or Fraction(24))
    # Absolute: a job may run in another folder, and ffmpeg takes a colon in a bare name for a protocol.
    name = os.path.abspath(media)
    if is_sequence(name) and not is_unnumbered_picture(name):
        return _probe_sequence(find_sequence(name), rate or Fraction(24))
    return _probe_movie(name, rate)


def _probe_movie(path: str, rate: Fraction | None) -> MediaInfo:
    with open_media(path) as container:
        stream = video_stream(container, path)
        check_complete(path, stream)
        if "mp4" in container.format.name:
            check_encryption(path)
        kind_notes = (*check_exr(path), *track_notes(container, stream))
        frame = first_frame(container, path)
        index = index_packets(path)
        timing = measure_timing(index.stamps, index.last_duration, index.time_base, header_rates(stream), rate)
        said = frames_said(container, stream, timing.times.rate, timing.times.start)
        end_notes = lost_end_notes(said, timing.frame_count, timing.times.rate)
        sound = next(iter(container.streams.audio), None)
        timecode = _timecode(container)
        return _facts(
            frame,
            stream,
            path,
            path=path,
            kind="movie",
            container=container.format.name,
            rate=timing.times.rate,
            frame_count=timing.frame_count,
            variable_rate=timing.variable_rate,
            start_timecode=frame_of_timecode(timecode, timing.times.rate) if timecode else None,
            drop_frame=timecode is not None and is_drop_frame(timecode),
            has_audio=sound is not None,
            audio_codec=sound.codec_context.name if sound is not None and sound.codec_context else None,
            times=timing.times,
            packets=index,
            clip_notes=(*kind_notes, *index.notes, *timing.notes, *end_notes),
            container_start=None if container.start_time is None else Fraction(container.start_time, av.time_base),
        )


def _probe_sequence(sequence: ImageSequence, rate: Fraction) -> MediaInfo:
    first = sequence.image(0)
    kind_notes = check_exr(first)
    with open_media(first) as container:
        return _facts(
            first_frame(container, first),
            video_stream(container, first),
            first,
            path=sequence.pattern,
            kind="sequence",
            container="",
            rate=rate,
            frame_count=sequence.count,
            variable_rate=False,
            start_timecode=None,
            drop_frame=False,
            has_audio=False,
            audio_codec=None,
            sequence=sequence,
            clip_notes=(*kind_notes, *sequence_notes(sequence)),
        )


def _facts(
    frame: av.VideoFrame, stream: av.VideoStream, image: str, clip_notes: tuple[str, ...] = (), **known: Any
) -> MediaInfo:
    """What the first picture, in the file `image`, says, with what is `known` of the clip."""
    aspect = pixel_aspect(stream, image)
    orientation = orientation_of(frame)
    form = layout(working_format(frame.format.name))
    colour = tags_of(frame, stream.codec_context.name, form)
    fields = field_order_of(frame, stream)
    square = (max(1, round(frame.width * aspect)), frame.height)
    return MediaInfo(
        track=stream.index,
        width=square[orientation.sideways],
        height=square[not orientation.sideways],
        coded_width=frame.width,
        coded_height=frame.height,
        pixel_aspect=aspect,
        orientation=orientation,
        bit_depth=form.depth,
        pix_fmt=frame.format.name,
        working_format=form.name,
        colour=colour,
        field_order=fields,
        codec=stream.codec_context.name,
        notes=(*picture_notes(fields, colour, orientation, form.family == "yuv"), *clip_notes),
        **known,
    )


def _timecode(container: av.container.InputContainer) -> str | None:
    for metadata in (*(stream.metadata for stream in container.streams), container.metadata):
        for key, value in metadata.items():
            if key.lower() == "timecode":
                return value
    return None
