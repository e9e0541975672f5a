"""Packets that lost bytes, for the codecs whose decoders fill up in silence what is missing."""

from __future__ import annotations

import re
import zlib

import av

from media.bitstream.nal_units import is_whole, length_size, units

# What the escaping of ITU-T H.264, 7.4.1 and H.265, 7.4.2 keeps out of a unit; between units zeros may stand.
_NEVER_IN_A_UNIT = re.compile(rb"\x00\x00[\x00-\x02]")
_NEVER_IN_A_STREAM = re.compile(rb"\x00\x00\x00[^\x00\x01]|\x00\x00\x02")
_JPEG_END, _TAIL = b"\xff\xd9", 4096
# Behind each slice of FFV1: its size, a status, and a checksum (RFC 9043, 4.9).
_FFV1_FOOTER = 8
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class TornPackets:
    """Looks into the packets of one stream. `marks_ends`: its JPEG pictures have the end marker that some leave out."""

    def __init__(self, stream: av.VideoStream, marks_ends: bool) -> None:
        self._codec, header = stream.codec_context.name, stream.codec_context.extradata
        self._length_size = length_size(self._codec, header) if self._codec in ("h264", "hevc") else 0
        self._has_footers = self._codec == "ffv1" and bool(header)
        self._marks_ends = self._codec == "mjpeg" and marks_ends

    def is_torn(self, packet: bytes) -> bool:
        """Whether it is certain that bytes of the packet are lost."""
        if self._codec in ("h264", "hevc"):
            return self._is_unit_torn(packet) if self._length_size else bool(_NEVER_IN_A_STREAM.search(packet))
        if self._codec == "png":
            return is_png_torn(packet)
        if self._marks_ends:
            return _JPEG_END not in packet[-_TAIL:]
        return self._has_footers and _is_ffv1_torn(packet)

    def _is_unit_torn(self, packet: bytes) -> bool:
        found = list(units(packet, self._length_size))
        return not is_whole(packet, self._length_size) or any(
            unit[0] >> 7 or (self._is_slice(unit) and _NEVER_IN_A_UNIT.search(unit.rstrip(b"\0"))) for unit in found
        )

    def _is_slice(self, unit: bytes) -> bool:
        return unit[0] >> 1 < 32 if self._codec == "hevc" else unit[0] & 31 in (1, 5)


def is_ended(packet: av.Packet[av.VideoStream]) -> bool:
    """Whether a packet ends as a JPEG picture does; some are filled up behind it."""
    return _JPEG_END in bytes(memoryview(packet)[-_TAIL:])


def is_png_torn(data: bytes) -> bool:
    """Whether a chunk of a PNG picture does not fit its checksum, or the last one is missing (PNG, 5.3)."""
    at = 8
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if zlib.crc32(data[at + 4 : end - 4]).to_bytes(4, "big") != data[end - 4 : end]:
            return True
        if data[at + 4 : at + 8] == b"IEND":
            return False
        at = end
    return True


def _is_ffv1_torn(packet: bytes) -> bool:
    """Whether some slices fit their checksums and others do not. Where none fits, the stream has no checksums."""
    fit, end = [], len(packet)
    while end > _FFV1_FOOTER:
        start = end - _FFV1_FOOTER - int.from_bytes(packet[end - _FFV1_FOOTER : end - _FFV1_FOOTER + 3], "big")
        if start < 0:
            break
        # The checksum begins with 0 and the most significant bit; zlib's is mirrored, inverted, and begins with ones.
        fit.append(zlib.crc32(packet[start:end].translate(_MIRRORED), 0xFFFFFFFF) == 0xFFFFFFFF)
        end = start
    return any(fit) and not (all(fit) and end == 0)
