"""Sentences about what is odd in a clip's pictures, and what is done with it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from contract.image_sequence import ImageSequence
from media.colour import ColourTags
from media.fields import FieldOrder
from media.orientation import Orientation


def picture_notes(fields: FieldOrder, colour: ColourTags, orientation: Orientation, yuv: bool) -> Iterator[str]:
    """About the pictures of any clip; `yuv`: they are stored as luma and chroma."""
    if colour.hdr:
        yield (
            f"This clip is HDR ({colour.transfer_name}). Its code values are used as they are, without tone mapping: "
            "the model sees a flatter picture, and layer and composite keep the clip's own HDR tags."
        )
    if yuv and colour.matrix == 10:
        yield (
            "This clip is tagged as BT.2020 with constant luminance. New content is converted as for the usual BT.2020 "
            "matrix, so its colours may differ slightly; everything else keeps its values and tags."
        )
    if yuv and colour.matrix == 0:
        yield (
            "This clip is stored as luma and chroma, but is tagged as RGB. It was read with the matrix that is usual "
            "for its size; the tag is kept."
        )
    if fields != "progressive":
        yield "This clip is interlaced. Its two fields are worked on as one picture; deinterlace it for best results."
    if orientation.mirrored:
        yield (
            "This clip is stored mirrored, and its file says so. Layer and composite stand as players show the clip; "
            "an application that leaves the mirroring out shows the clip, but not the layer, the other way round."
        )
    if abs(orientation.tilt) > 0.5:
        turn, kept = 90 * orientation.turns + orientation.tilt, 90 * orientation.turns
        yield f"The clip is to be shown turned by {turn:.0f} degrees. Only quarter turns are kept: {kept} degrees."


def lost_end_notes(said: int | None, frames: int, rate: Fraction) -> tuple[str, ...]:
    """About a movie of `frames` frames whose header speaks of `said`."""
    if said is None or said - frames <= 2 + rate / 8:
        return ()
    return (
        f"The file's header speaks of {said} frames, and {frames} were found: the file was cut off, or is damaged "
        "behind them.",
    )


def sequence_notes(sequence: ImageSequence) -> tuple[str, ...]:
    """About the numbers of an image sequence's pictures."""
    last = sequence.first + (sequence.count - 1) * sequence.step
    if last < 0:
        dashed = f"{sequence.prefix}-{'#' * sequence.padding}{sequence.suffix}"
        return (
            f"The pictures' numbers are read as negative, from {sequence.first} up to {last}. If the minus is a dash "
            f"and they count from {-last} up, name them by the pattern {dashed}.",
        )
    if sequence.first >= 0 and sequence.prefix.endswith("-") and sequence.prefix[-2:-1] in ("", *"._ -"):
        return (f"The minus before the pictures' numbers is read as a dash: they count from {sequence.first} up.",)
    return ()
