"""Open movies and pictures."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from fractions import Fraction

import av

from contract.frame_runs import FrameRun, runs_text
from media.errors import DamagedMedia, EmptyMedia, MissingMedia, NotMedia, UnreadableMedia
from media.file_checks.exr import check_exr, read_exr_header
from media.file_checks.webp import check_webp
from media.file_checks.whole_pictures import is_cut_off
from media.tracks import picture_track


def open_media(path: str, options: dict[str, str] | None = None) -> av.container.InputContainer:
    """Open a movie or a picture, with `options` of its demuxer.

    Raises MissingMedia, UnreadableMedia, EmptyMedia, DamagedMedia or NotMedia.
    """
    _check(path)
    try:
        return av.open(path, metadata_errors="replace", options=options or {})
    except (av.error.InvalidDataError, av.error.EOFError, av.error.ArgumentError) as error:
        if _looks_like_media(path):
            raise damaged(path, "It was probably cut off while it was recorded or copied.") from error
        raise NotMedia(
            f"The file {path} cannot be opened: it is not a movie or picture that can be read.",
            str(error),
            "Choose a video clip.",
        ) from error
    except (OSError, av.error.FFmpegError) as error:
        if isinstance(error, av.error.OSError) and error.errno == errno.EIO and _looks_like_media(path):
            raise damaged(path, "It was probably cut off while it was recorded or copied.") from error
        raise NotMedia(f"The file {path} cannot be opened.", str(error), "Choose a video clip.") from error


def video_stream(container: av.container.InputContainer, path: str) -> av.VideoStream:
    """The picture track that players show. Raises NoPicture, NotMedia or UnsupportedPixels."""
    return picture_track(container, path)


def time_base_of(stream: av.VideoStream) -> Fraction:
    """Seconds of one tick of an open stream's times."""
    assert stream.time_base is not None, "an open video stream has a time base"
    return stream.time_base


def header_rates(stream: av.VideoStream) -> list[Fraction]:
    """What the container and the codec say, the container's mean first."""
    said = (stream.guessed_rate, stream.average_rate, stream.base_rate, stream.codec_context.framerate)
    return [rate for rate in said if rate]


def pixel_aspect(stream: av.VideoStream, path: str) -> Fraction:
    """A stored pixel's width over its height; 1 where the file says nothing that can be meant."""
    header = read_exr_header(path)  # the decoder rounds what EXR says
    exact = header.pixel_aspect if header is not None else None
    aspect = exact or stream.sample_aspect_ratio or Fraction(1)
    return aspect if Fraction(1, 8) < aspect < 8 else Fraction(1)


def first_frame(container: av.container.InputContainer, path: str) -> av.VideoFrame:
    """Decode the first picture of an open file. Raises DamagedMedia, EmptyMedia, NoPicture or NotMedia."""
    try:
        frame = next(container.decode(video_stream(container, path)), None)
    except av.error.FFmpegError as error:
        check_exr(path)
        check_webp(path)
        raise damaged(path, f"Its first picture cannot be decoded ({error}).") from error
    if frame is None:
        raise EmptyMedia(f"The file {path} has a video track without pictures.", remedy="Choose another clip.")
    return frame


def read_image(path: str) -> av.VideoFrame:
    """Decode a picture file. Raises a subclass of BadMedia."""
    with open_media(path) as container:
        if is_cut_off(path):
            raise damaged(path, "It ends too early: it was cut off while it was written or copied.")
        return first_frame(container, path)


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


def damaged_frames(path: str, runs: Sequence[FrameRun], headless: bool = False) -> DamagedMedia:
    """The error for frames that are lost or damaged; `headless`: the key picture before them is not in the file."""
    text = runs_text(runs)
    several = text.startswith("frames")
    if headless:
        why = "The file begins behind a key picture: its first pictures were predicted from what is not in it."
    elif several:
        why = "They cannot be decoded, or depend on a picture that is lost."
    else:
        why = "It cannot be decoded, or depends on a picture that is lost."
    return DamagedMedia(
        f"{text.capitalize()} of {path} {'are' if several else 'is'} damaged.",
        why,
        f"Copy the file again, or choose a part of the clip without {'these frames' if several else 'this frame'}.",
    )


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
