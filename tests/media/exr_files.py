"""OpenEXR files of kinds that ffmpeg does not write: any channels, pixel types, flags and aspect."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

UINT, HALF, FLOAT = 0, 1, 2
DEEP = 0x800
_KINDS = {UINT: "<u4", HALF: "<f2", FLOAT: "<f4"}


def write_exr(
    path: Path,
    channels: dict[str, np.ndarray],
    kind: int | dict[str, int] = HALF,
    *,
    aspect: float = 1.0,
    flags: int = 0,
    compression: int = 0,
) -> Path:
    """An uncompressed scanline file; `channels` are [h, w] by name, `kind` their pixel types. `flags` and `compression`
    only say something else of it."""
    names = sorted(channels)
    kinds = kind if isinstance(kind, dict) else dict.fromkeys(names, kind)
    height, width = channels[names[0]].shape
    listed = b"".join(name.encode() + b"\0" + struct.pack("<iB3xii", kinds[name], 0, 1, 1) for name in names) + b"\0"
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    head = struct.pack("<ii", 20000630, 2 | flags)
    for name, type_name, value in (
        ("channels", "chlist", listed),
        ("compression", "compression", bytes([compression])),
        ("dataWindow", "box2i", window),
        ("displayWindow", "box2i", window),
        ("lineOrder", "lineOrder", b"\0"),
        ("pixelAspectRatio", "float", struct.pack("<f", aspect)),
        ("screenWindowCenter", "v2f", bytes(8)),
        ("screenWindowWidth", "float", struct.pack("<f", 1)),
    ):
        head += name.encode() + b"\0" + type_name.encode() + b"\0" + struct.pack("<i", len(value)) + value
    head += b"\0"
    rows = [
        b"".join(channels[name][row].astype(_KINDS[kinds[name]]).tobytes() for name in names) for row in range(height)
    ]
    begin = len(head) + 8 * height
    table = b"".join(struct.pack("<Q", begin + row * (len(rows[0]) + 8)) for row in range(height))
    body = b"".join(struct.pack("<ii", row, len(data)) + data for row, data in enumerate(rows))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + table + body)
    return path
