"""What an OpenEXR file says of itself, and which kinds of it are no picture that can be worked on."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO

import numpy as np

from media.errors import UnsupportedPixels

_MAGIC = b"v/1\x01"
_DEEP, _SEVERAL_PARTS = 0x800, 0x1000
_LONGEST_HEADER = 1 << 22
_COLOURS = frozenset("RGBAY")
_UINT = 0
_LAST_COMPRESSION = 9  # DWAB
_NAMED = 6


@dataclass(frozen=True)
class ExrHeader:
    """The first part of a file: `channels` by name with their pixel type (0 uint, 1 half, 2 float).

    `compression`: its number; `pixel_aspect`: a pixel's width over its height, exact; None where it makes no sense.
    """

    channels: dict[str, int]
    compression: int
    deep: bool
    several_parts: bool
    pixel_aspect: Fraction | None

    @property
    def layers(self) -> list[str]:
        """Names of the layers beside the plain picture, each once."""
        return sorted({name.rpartition(".")[0] for name in self.channels if "." in name})


def read_exr_header(path: str) -> ExrHeader | None:
    """The header; None when the file is no OpenEXR, or is cut off within it."""
    with open(path, "rb") as file:
        start = file.read(8)
        if len(start) < 8 or not start.startswith(_MAGIC):
            return None
        flags = struct.unpack("<i", start[4:])[0]
        try:
            attributes = dict(_attributes(file))
            channels, compression = _channels(attributes[b"channels"]), attributes[b"compression"][0]
        except (KeyError, IndexError, ValueError, EOFError, struct.error):
            return None
    aspect = attributes.get(b"pixelAspectRatio", b"")
    exact = _simplest(struct.unpack("<f", aspect)[0]) if len(aspect) == 4 else None
    return ExrHeader(channels, compression, bool(flags & _DEEP), bool(flags & _SEVERAL_PARTS), exact)


def check_exr(path: str) -> tuple[str, ...]:
    """Notes about an OpenEXR picture, none about any other file.

    Raises UnsupportedPixels for what holds something other than one plain picture, with what it is and what to do.
    """
    header = read_exr_header(path)
    if header is None:
        return ()
    plain = {name.upper(): kind for name, kind in header.channels.items() if name.upper() in _COLOURS}
    refusal = _kind_of_file(header) or _kind_of_picture(header, plain)
    if refusal is not None:
        what, why, remedy = refusal
        raise UnsupportedPixels(f"{path} {what}.", why, remedy)
    if header.layers:
        layers = _listed(header.layers)
        return (f"The EXR files also hold the layers {layers}: the composite has the plain picture alone.",)
    if header.several_parts:
        return ("The EXR files hold several pictures: the first is used, and the composite has it alone.",)
    return ()


def _kind_of_file(header: ExrHeader) -> tuple[str, str, str] | None:
    """(what, why, remedy) for a file that holds no picture as others do."""
    if header.deep:
        return (
            "is a deep EXR: it holds many samples for each pixel, and no picture",
            "Deep data has to be flattened before it can be seen.",
            "Flatten it in your compositing program and write a plain RGB EXR.",
        )
    if {"RY", "BY"} & header.channels.keys():
        return (
            f"is a luminance-chroma EXR (channels {', '.join(sorted(header.channels))})",
            "Its colours are stored at half the size, in a form that cannot be written back exactly.",
            "Open it in your compositing program and write it as an RGB EXR.",
        )
    if header.compression > _LAST_COMPRESSION:
        return (
            f"is compressed by a method that is not known here (number {header.compression})",
            "It is newer than the decoder.",
            "Write it with ZIP, PIZ or no compression.",
        )
    return None


def _kind_of_picture(header: ExrHeader, plain: dict[str, int]) -> tuple[str, str, str] | None:
    """(what, why, remedy) for a file whose `plain` channels make no picture."""
    if "Y" not in plain and not plain.keys() >= {"R", "G", "B"}:
        held = (
            f"the layers {_listed(header.layers)}" if header.layers else f"the channels {_listed([*header.channels])}"
        )
        return (
            f"holds {held}, and no plain picture (R, G, B or Y)",
            "Which of them is meant is not known, and the others would be lost.",
            "Write the one that you want as a plain RGB EXR: in Blender choose OpenEXR instead of OpenEXR MultiLayer, "
            "in Nuke set the Write node's channels to rgba.",
        )
    if _UINT in plain.values():
        return (
            "has pixels that are whole numbers of 32 bits",
            "Such files hold identifiers rather than colours, and their values could not be kept exactly.",
            "Write the picture with half or full float values.",
        )
    if len(set(plain.values())) > 1:
        return (
            "has half float values in some channels and full float values in others",
            "The decoder reads pictures whose channels are alike.",
            "Write all channels with half or all with full float values.",
        )
    return None


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(sorted(names)[:_NAMED]) + more


def _attributes(file: BinaryIO) -> list[tuple[bytes, bytes]]:
    found = []
    while name := _word(file):
        _word(file)  # its type
        size = struct.unpack("<i", file.read(4))[0]
        if not 0 <= size <= _LONGEST_HEADER or file.tell() > _LONGEST_HEADER:
            raise EOFError
        found.append((name, file.read(size)))
    return found


def _word(file: BinaryIO) -> bytes:
    word = b""
    while (letter := file.read(1)) != b"\0":
        if not letter or len(word) > 255:
            raise EOFError
        word += letter
    return word


def _channels(data: bytes) -> dict[str, int]:
    found, begin = {}, 0
    while data[begin : begin + 1] not in (b"\0", b""):
        end = data.index(b"\0", begin)
        found[data[begin:end].decode()] = struct.unpack_from("<i", data, end + 1)[0]
        begin = end + 17
    return found


def _simplest(value: float) -> Fraction | None:
    """The fraction with the smallest numbers that is this 32-bit value; None for what is no size."""
    if not np.isfinite(value) or value <= 0:
        return None
    exact = Fraction(value)
    limits = (10**power for power in range(8))
    return next((near for limit in limits if np.float32(near := exact.limit_denominator(limit)) == value), exact)
