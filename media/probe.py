"""What a clip is: size, rate, length, colour, timecode, sound."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from contract.timecode import frame_of_timecode, is_drop_frame
from media.colour import ColourTags, tags_of
from media.errors import DamagedMedia, EmptyMedia, MissingMedia, NoPicture, NotMedia, UnreadableMedia
from media.pixels import layout, working_format
from media.sequences import FrameFiles, find_sequence, is_sequence
from media.timing import Grid, timing_of

# Reading every packet of a file larger than this takes too long; its index answers when it has a constant step.
_SCAN_LIMIT = 4 << 30


@dataclass(frozen=True)
class MediaInfo:
    """A clip as an editor sees it.

    `width` x `height` are display pixels: upright and square. `coded_width` x `coded_height` are the stored picture,
    `pixel_aspect` its pixels' width over height, `rotation` the counter-clockwise quarter turns in degrees
    (0, 90, 180, 270) that stand it upright. `rate` is frames a second, exact; `frame_count` counts pictures on the
    constant-rate presentation grid, edit lists honoured. `pix_fmt` is the file's own pixel format, `working_format`
    the one that its planes are handed out in (same code values). `colour` holds the tags as found.
    `start_timecode` is in frames, None without one; `container_start` is the time in seconds of the file's first
    sample of any kind. `notes` are sentences about what is done with oddities.
    """

    path: str
    kind: str
    width: int
    height: int
    coded_width: int
    coded_height: int
    pixel_aspect: Fraction
    rotation: int
    rate: Fraction
    frame_count: int
    variable_rate: bool
    bit_depth: int
    pix_fmt: str
    working_format: str
    colour: ColourTags
    start_timecode: int | None
    drop_frame: bool
    has_audio: bool
    audio_codec: str | None
    hdr: bool
    codec: str
    grid: Grid | None = None
    container_start: Fraction | None = None
    files: FrameFiles | None = None
    notes: tuple[str, ...] = ()

    @property
    def upright_width(self) -> int:
        """Width of the stored picture stood upright, pixel aspect not applied."""
        return self.coded_height if self.rotation % 180 else self.coded_width

    @property
    def upright_height(self) -> int:
        """Height of the stored picture stood upright, pixel aspect not applied."""
        return self.coded_width if self.rotation % 180 else self.coded_height

    @property
    def duration(self) -> Fraction:
        """Seconds from the first picture's start to the last one's end."""
        return self.frame_count / self.rate


def probe(path: str | os.PathLike[str], rate: Fraction | None = None) -> MediaInfo:
    """Look at a movie, a folder with one image sequence, a pattern (%04d, ####, [1001-1100]) or a still.

    `rate` sets a sequence's rate (default 24) or lays a movie on that grid. Raises a subclass of BadMedia.
    """
    # Absolute: a job may run in another folder, and ffmpeg takes a colon in a bare name for a protocol.
    name = os.path.abspath(path)
    if is_sequence(name):
        return _probe_sequence(name, rate or Fraction(24))
    return _probe_movie(_checked(name), rate)


def _checked(name: str) -> str:
    if not os.path.exists(name):
        raise MissingMedia(
            f"The file {name} does not exist.", remedy="Relink the clip in your timeline, then try again."
        )
    if not os.access(name, os.R_OK):
        raise UnreadableMedia(f"The file {name} may not be read.", remedy="Check its permissions.")
    if os.path.getsize(name) == 0:
        raise EmptyMedia(f"The file {name} has no bytes.", "The copy or the recording failed.", "Copy it again.")
    return name


def open_media(name: str, **options: object) -> av.container.InputContainer:
    """Open a file for reading. Raises MissingMedia, UnreadableMedia, EmptyMedia, DamagedMedia or NotMedia."""
    _checked(name)
    try:
        return av.open(name, metadata_errors="replace", **options)
    except (av.error.InvalidDataError, av.error.EOFError, av.error.ArgumentError) as error:
        if _looks_like_movie(name):
            raise _damaged(name, "It was probably cut off while it was recorded or copied.") from error
        raise NotMedia(
            f"The file {name} is no movie or picture that can be read.", str(error), "Choose a video clip."
        ) from error
    except av.error.FFmpegError as error:
        raise NotMedia(f"The file {name} cannot be opened.", str(error), "Choose a video clip.") from error


def _looks_like_movie(name: str) -> bool:
    with open(name, "rb") as file:
        start = file.read(12)
    known = (b"\x1aE\xdf\xa3", b"\x89PNG", b"RIFF", b"\xff\xd8\xff", b"v/1\x01", b"SDPX", b"II*\0", b"MM\0*")
    return start[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free") or start.startswith(known)


def _damaged(name: str, why: str) -> DamagedMedia:
    return DamagedMedia(f"The file {name} is damaged.", why, "Copy it again from the card or render it again.")


def first_frame(container: av.container.InputContainer, name: str) -> av.VideoFrame:
    """Decode the first picture of an open file. Raises DamagedMedia or EmptyMedia."""
    try:
        frame = next(container.decode(container.streams.video[0]), None)
    except av.error.FFmpegError as error:
        raise _damaged(name, f"Its first picture cannot be decoded ({error}).") from error
    if frame is None:
        raise EmptyMedia(f"The file {name} has a video track without pictures.", remedy="Choose another clip.")
    return frame


def _probe_movie(name: str, rate: Fraction | None) -> MediaInfo:
    with open_media(name) as container:
        streams = [each for each in container.streams.video if not each.disposition & each.disposition.attached_pic]
        if not streams:
            raise NoPicture(f"The file {name} has no video.", "It holds only sound or data.", "Choose a video clip.")
        stream = streams[0]
        if stream.codec_context is None:
            raise NotMedia(f"The video of {name} is of an unknown codec.", remedy="Convert it first.")
        _refuse_cut_off(name, stream)
        frame = first_frame(container, name)
        timecode = _timecode(container)
        audio = container.streams.audio
        facts = _picture_facts(frame, stream)
        ticks, hold = _timestamps(name)
        timing = timing_of(ticks, hold, stream.time_base, stream.guessed_rate, rate)
        start = frame_of_timecode(timecode, timing.grid.rate) if timecode else None
        return MediaInfo(
            path=name,
            kind="movie",
            rate=timing.grid.rate,
            frame_count=timing.frame_count,
            variable_rate=timing.variable_rate,
            start_timecode=start,
            drop_frame=start is not None and is_drop_frame(timecode or ""),
            has_audio=bool(audio),
            audio_codec=audio[0].codec_context.name if audio and audio[0].codec_context else None,
            grid=timing.grid,
            container_start=None if container.start_time is None else Fraction(container.start_time, av.time_base),
            **facts,
        )


def _probe_sequence(name: str, rate: Fraction) -> MediaInfo:
    files = find_sequence(name)
    first = str(files.file(0))
    with open_media(first) as container:
        if not container.streams.video:
            raise NoPicture(f"The file {first} has no picture.", remedy="Choose an image sequence.")
        facts = _picture_facts(first_frame(container, first), container.streams.video[0])
    return MediaInfo(
        path=files.pattern,
        kind="sequence",
        rate=rate,
        frame_count=files.count,
        variable_rate=False,
        start_timecode=None,
        drop_frame=False,
        has_audio=False,
        audio_codec=None,
        files=files,
        **facts,
    )


def _picture_facts(frame: av.VideoFrame, stream: av.VideoStream) -> dict:
    aspect = stream.sample_aspect_ratio or Fraction(1)
    if not Fraction(1, 8) < aspect < 8:
        aspect = Fraction(1)
    rotation = round(frame.rotation / 90) * 90 % 360
    form = layout(working_format(frame.format.name))
    colour = tags_of(frame, stream.codec_context.name, form)
    square = (max(1, round(frame.width * aspect)), frame.height)
    notes = []
    if colour.hdr:
        notes.append(
            f"This clip is HDR ({colour.transfer_name}). Its code values are used as they are, without tone mapping: "
            "the model sees a flatter picture, and layer and composite keep the clip's own HDR tags."
        )
    if frame.interlaced_frame:
        notes.append(
            "This clip is interlaced. Its two fields are worked on as one picture; deinterlace it for best results."
        )
    if frame.rotation % 90:
        notes.append(f"The clip's rotation of {frame.rotation} degrees was taken as {rotation}.")
    return {
        "width": square[rotation % 180 != 0],
        "height": square[rotation % 180 == 0],
        "coded_width": frame.width,
        "coded_height": frame.height,
        "pixel_aspect": aspect,
        "rotation": rotation,
        "bit_depth": form.depth,
        "pix_fmt": frame.format.name,
        "working_format": form.name,
        "colour": colour,
        "hdr": colour.hdr,
        "codec": stream.codec_context.name,
        "notes": tuple(notes),
    }


def _timecode(container: av.container.InputContainer) -> str | None:
    for metadata in (*(stream.metadata for stream in container.streams), container.metadata):
        for key, value in metadata.items():
            if key.lower() == "timecode":
                return value
    return None


def _refuse_cut_off(name: str, stream: av.VideoStream) -> None:
    """An index that points behind the end of the file tells of a copy that was cut off."""
    entries = stream.index_entries
    size = Path(name).stat().st_size
    if len(entries) and "mp4" in stream.container.format.name:
        last = max(entries[-1].pos + entries[-1].size, entries[len(entries) // 2].pos)
        if last > size:
            raise _damaged(name, "It is shorter than its own index says: the copy was cut off.")


def _timestamps(name: str) -> tuple[list[int], int | None]:
    """Presentation timestamps of all shown pictures and the last one's duration, without decoding.

    The container is opened afresh: demuxing is cheap, but an open decoder has consumed packets.
    """
    with open_media(name) as container:
        stream = next(s for s in container.streams.video if not s.disposition & s.disposition.attached_pic)
        if Path(name).stat().st_size > _SCAN_LIMIT:
            entries = [entry.timestamp for entry in stream.index_entries if not entry.is_discard]
            steps = {later - earlier for earlier, later in zip(entries, entries[1:], strict=False)}
            if len(steps) == 1 and "mp4" in container.format.name:
                start = stream.start_time or 0
                return [start + entry - entries[0] for entry in entries], steps.pop()
        shown, durations = [], {}
        try:
            for packet in container.demux(stream):
                if packet.size and not packet.is_discard:
                    stamp = packet.pts if packet.pts is not None else packet.dts
                    if stamp is not None:
                        shown.append(stamp)
                        durations[stamp] = packet.duration
        except av.error.FFmpegError as error:
            raise _damaged(name, str(error)) from error
    if not shown:
        raise EmptyMedia(f"The file {name} has a video track without pictures.", remedy="Choose another clip.")
    return shown, durations[max(shown)]
