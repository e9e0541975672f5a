"""Animated WebP, which the decoder does not read."""

from __future__ import annotations

from media.errors import UnsupportedPixels

_ANIMATED = 0x02


def check_webp(path: str) -> None:
    """Raises UnsupportedPixels for an animated WebP file."""
    with open(path, "rb") as file:
        start = file.read(21)
    if len(start) == 21 and start[:4] == b"RIFF" and start[8:16] == b"WEBPVP8X" and start[20] & _ANIMATED:
        raise UnsupportedPixels(
            f"{path} is an animated WebP.",
            "Only WebP files with a single picture can be read.",
            "Convert it to a movie or to a sequence of PNG pictures.",
        )
