"""Tone-maps HDR pictures for an SDR screen: one curve for each channel, for display only.

Light is read from the code value (PQ: SMPTE ST 2084; HLG: ITU-R BT.2100 with a display of 1000 cd/m²), counted in
parts of HDR's reference white of 203 cd/m² (ITU-R BT.2408), rolled off towards 1000 cd/m² with Reinhard's extended
curve, and coded for a display of gamma 2.4 (BT.1886). Reference white maps to three quarters; brighter values stay
distinct up to white. Primaries are not converted, so that wide-gamut colours look a little pale.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from media.colour import HDR_TRANSFERS

_REFERENCE_WHITE, _PEAK, _DISPLAY_GAMMA = 203.0, 1000.0, 2.4


@lru_cache(maxsize=4)
def display_table(transfer: int) -> bytes | None:
    """The displayed values of the code values 0 to 255; None for transfers that are not HDR."""
    if transfer not in HDR_TRANSFERS:
        return None
    codes = np.arange(256) / 255
    light = (_pq(codes) if transfer == 16 else _hlg(codes)) / _REFERENCE_WHITE
    white = _PEAK / _REFERENCE_WHITE
    shown = light * (1 + light / white**2) / (1 + light)
    return np.rint(np.clip(shown, 0, 1) ** (1 / _DISPLAY_GAMMA) * 255).astype(np.uint8).tobytes()


def _pq(codes: np.ndarray) -> np.ndarray:
    """cd/m² of PQ code values in [0, 1]."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = codes ** (1 / m2)
    return 10_000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)


def _hlg(codes: np.ndarray) -> np.ndarray:
    """cd/m² of HLG code values in [0, 1] on a display of 1000 cd/m², whose system gamma is 1.2."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(codes <= 0.5, codes**2 / 3, (np.exp((codes - c) / a) + b) / 12)
    return _PEAK * scene**1.2
