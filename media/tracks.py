"""Which of a file's picture tracks is the clip."""

from __future__ import annotations

import re
from fractions import Fraction

import av
from av.stream import Disposition

from media.errors import NoPicture, NotMedia, UnsupportedPixels

_NO_CLIP = Disposition.attached_pic | Disposition.timed_thumbnails


def picture_track(container: av.container.InputContainer, path: str) -> av.VideoStream:
    """The track that players show: one that is switched on, with several pictures, the largest, the first.

    Cover art and thumbnails are no tracks of their own. Raises NoPicture, UnsupportedPixels for a photograph in tiles,
    or NotMedia when no decoder is known for the track.
    """
    tracks = _clips(container)
    if not tracks:
        raise NoPicture(
            f"The file {path} has no video.",
            "It holds only sound or data, or its beginning is lost.",
            "Choose a video clip.",
        )
    whole = [track for track in tracks if not track.disposition & Disposition.dependent]
    if not whole:
        raise UnsupportedPixels(
            f"{path} is a photograph that is stored in {len(tracks)} tiles.",
            "Each tile is only a part of the picture.",
            "Convert it to TIFF or PNG.",
        )
    chosen = max(whole, key=_rank)  # of equals the first
    if chosen.codec_context is None:
        raise NotMedia(f"The video of {path} is of an unknown codec.", remedy="Convert it first.")
    return chosen


def track_notes(container: av.container.InputContainer, chosen: av.VideoStream) -> tuple[str, ...]:
    """A note where the choice of a track may not be the artist's."""
    tracks = _clips(container)
    if len(tracks) < 2:
        return ()
    place = 1 + [track.index for track in tracks].index(chosen.index)
    size = f"{chosen.codec_context.width}x{chosen.codec_context.height}"
    return (f"This file has {len(tracks)} picture tracks. Number {place} ({size}) is used, as in players.",)


def frames_said(
    container: av.container.InputContainer, track: av.VideoStream, rate: Fraction, start: Fraction
) -> int | None:
    """The track's length in frames by the header of the file; None where the header does not say it by itself.

    `start` are the seconds of the first picture on the file's clock, from whose zero a header counts.
    """
    if container.format.name == "avi":
        return track.frames or None
    if "matroska" not in container.format.name:
        return None
    said = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)\0*", track.metadata.get("DURATION", ""))
    if said:
        return round((int(said[1]) * 3600 + int(said[2]) * 60 + Fraction(said[3]) - start) * rate)
    if len(container.streams) == 1 and container.duration:
        return round((Fraction(container.duration, av.time_base) - start) * rate)
    return None


def _clips(container: av.container.InputContainer) -> list[av.VideoStream]:
    return [track for track in container.streams.video if not track.disposition & _NO_CLIP]


def _rank(track: av.VideoStream) -> tuple[bool, bool, bool, int]:
    codec = track.codec_context
    area = codec.width * codec.height if codec is not None else 0
    is_on = bool(track.disposition & Disposition.default)
    return not track.disposition & Disposition.still_image, is_on, track.frames != 1, area
