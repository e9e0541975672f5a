"""Open movies and pictures, and their timestamps without decoding."""

from __future__ import annotations

import os
from fractions import Fraction

import av

from media.errors import DamagedMedia, EmptyMedia, MissingMedia, NoPicture, NotMedia, UnreadableMedia

# Reading every packet of a file larger than this takes too long; its index answers when it has a constant step.
_SCAN_LIMIT = 1 << 30


def open_media(path: str) -> av.container.InputContainer:
    """Open a movie or a picture. Raises MissingMedia, UnreadableMedia, EmptyMedia, DamagedMedia or NotMedia."""
    _check(path)
    try:
        return av.open(path, metadata_errors="replace")
    except (av.error.InvalidDataError, av.error.EOFError, av.error.ArgumentError) as error:
        if _looks_like_media(path):
            raise damaged(path, "It was probably cut off while it was recorded or copied.") from error
        raise NotMedia(
            f"The file {path} cannot be opened: it is not a movie or picture that can be read.",
            str(error),
            "Choose a video clip.",
        ) from error
    except (OSError, av.error.FFmpegError) as error:
        raise NotMedia(f"The file {path} cannot be opened.", str(error), "Choose a video clip.") from error


def video_stream(container: av.container.InputContainer, path: str) -> av.VideoStream:
    """The picture track, cover art left out. Raises NoPicture, or NotMedia when no decoder is known for it."""
    for stream in container.streams.video:
        if not stream.disposition & stream.disposition.attached_pic:
            if stream.codec_context is None:
                raise NotMedia(f"The video of {path} is of an unknown codec.", remedy="Convert it first.")
            return stream
    raise NoPicture(f"The file {path} has no video.", "It holds only sound or data.", "Choose a video clip.")


def pixel_aspect(stream: av.VideoStream) -> Fraction:
    """A stored pixel's width over its height; 1 where the file says nothing that can be meant."""
    aspect = stream.sample_aspect_ratio or Fraction(1)
    return aspect if Fraction(1, 8) < aspect < 8 else Fraction(1)


def first_frame(container: av.container.InputContainer, path: str) -> av.VideoFrame:
    """Decode the first picture of an open file. Raises DamagedMedia, EmptyMedia, NoPicture or NotMedia."""
    try:
        frame = next(container.decode(video_stream(container, path)), None)
    except av.error.FFmpegError as error:
        raise damaged(path, f"Its first picture cannot be decoded ({error}).") from error
    if frame is None:
        raise EmptyMedia(f"The file {path} has a video track without pictures.", remedy="Choose another clip.")
    return frame


def read_image(path: str) -> av.VideoFrame:
    """Decode a picture file. Raises a subclass of BadMedia."""
    with open_media(path) as container:
        return first_frame(container, path)


def read_stamps(path: str) -> tuple[list[int], int | None]:
    """Presentation timestamps of all shown pictures in ticks, in any order, and the last one's duration.

    Nothing is decoded; edit lists are honoured. Raises a subclass of BadMedia.
    """
    # The container is opened afresh: demuxing is cheap, but an open decoder has consumed packets.
    with open_media(path) as container:
        stream = video_stream(container, path)
        stamps, duration = _from_index(container, stream, path) or _from_packets(container, stream, path)
    if not stamps:
        raise EmptyMedia(f"The file {path} has a video track without pictures.", remedy="Choose another clip.")
    return stamps, duration


def _from_index(
    container: av.container.InputContainer, stream: av.VideoStream, path: str
) -> tuple[list[int], int] | None:
    """Timestamps from a large file's index, which counts in decoding order: only a constant step says the times."""
    if os.path.getsize(path) <= _SCAN_LIMIT or "mp4" not in container.format.name:
        return None
    entries = [entry.timestamp for entry in stream.index_entries if not entry.is_discard]
    steps = {later - earlier for earlier, later in zip(entries, entries[1:], strict=False)}
    if len(steps) != 1:
        return None
    start = stream.start_time or 0
    return [start + entry - entries[0] for entry in entries], steps.pop()


def _from_packets(
    container: av.container.InputContainer, stream: av.VideoStream, path: str
) -> tuple[list[int], int | None]:
    durations: dict[int, int | None] = {}
    stamps = []
    try:
        for packet in container.demux(stream):
            stamp = packet.pts if packet.pts is not None else packet.dts
            if packet.size and not packet.is_discard and stamp is not None:
                stamps.append(stamp)
                durations[stamp] = packet.duration
    except av.error.FFmpegError as error:
        raise damaged(path, str(error)) from error
    return stamps, durations[max(stamps)] if stamps else None


def check_complete(path: str, stream: av.VideoStream) -> None:
    """Raises DamagedMedia when the index points behind the end of the file: the copy was cut off."""
    entries = stream.index_entries
    if len(entries) and "mp4" in stream.container.format.name:
        last = max(entries[-1].pos + entries[-1].size, entries[len(entries) // 2].pos)
        if last > os.path.getsize(path):
            raise damaged(path, "It is shorter than its own index says: the copy was cut off.")


def damaged(path: str, why: str) -> DamagedMedia:
    """The error for a file that cannot be decoded."""
    return DamagedMedia(f"The file {path} is damaged.", why, "Copy it again from the card or render it again.")


def _check(path: str) -> None:
    if not os.path.exists(path):
        raise MissingMedia(
            f"The file {path} does not exist.", remedy="Relink the clip in your timeline, then try again."
        )
    if not os.access(path, os.R_OK):
        raise UnreadableMedia(f"The file {path} may not be read.", remedy="Check its permissions.")
    if os.path.getsize(path) == 0:
        raise EmptyMedia(f"The file {path} has no bytes.", "The copy or the recording failed.", "Copy it again.")


def _looks_like_media(path: str) -> bool:
    with open(path, "rb") as file:
        start = file.read(12)
    known = (b"\x1aE\xdf\xa3", b"\x89PNG", b"RIFF", b"\xff\xd8\xff", b"v/1\x01", b"SDPX", b"II*\0", b"MM\0*")
    return start[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free") or start.startswith(known)
