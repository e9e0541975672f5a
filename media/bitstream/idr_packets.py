"""Which packets of an H.264 or HEVC stream begin anew: what follows does not refer to what came before."""

from __future__ import annotations

from media.bitstream.nal_units import length_size, units

_H264_SLICES, _H264_IDR = range(1, 6), 5
# Instantaneous refresh, and broken links, which are joins (ITU-T H.265, table 7-1).
_HEVC_SLICES, _HEVC_IDR = range(32), range(16, 21)


class IdrPackets:
    """Looks into the packets of one stream. `extradata` is the container's own header of it."""

    def __init__(self, codec: str, extradata: bytes | None) -> None:
        self._is_hevc = codec == "hevc"
        self._length_size = length_size(codec, extradata)

    def is_idr(self, packet: bytes) -> bool:
        """Whether the packet's first slice is that of a picture which begins anew."""
        for unit in units(packet, self._length_size):
            kind = unit[0] >> 1 & 63 if self._is_hevc else unit[0] & 31
            if kind in (_HEVC_SLICES if self._is_hevc else _H264_SLICES):
                return kind in _HEVC_IDR if self._is_hevc else kind == _H264_IDR
        return False
