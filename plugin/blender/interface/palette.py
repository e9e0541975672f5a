"""The colours of Blender's theme, which the panel takes over."""

from __future__ import annotations

from collections.abc import Iterable

import bpy


def theme_palette() -> dict[str, str] | None:
    """Colours #rrggbb named window, base, text and accent; None when there is no theme."""
    themes = bpy.context.preferences.themes
    if not len(themes):
        return None
    interface, space = themes[0].user_interface, themes[0].properties.space
    return {
        "window": _hexadecimal(space.back),
        "base": _hexadecimal(interface.wcol_text.inner),
        "text": _hexadecimal(interface.wcol_regular.text),
        "accent": _hexadecimal(interface.wcol_option.inner_sel),
    }


def _hexadecimal(colour: Iterable[float]) -> str:
    return "#" + "".join(f"{max(0, min(255, round(part * 255))):02x}" for part in list(colour)[:3])
