"""A hash that changes when a clip's pictures may have changed."""

from __future__ import annotations

import hashlib
import os
from typing import Any

from ..strips import compat
from ..strips.strip_media import media_path

# Properties that the take copies from its clip, or that are invisible: they do not change the exported pictures.
_LEFT_OUT = frozenset(
    "name select select_left_handle select_right_handle mute lock color_tag channel blend_type blend_alpha use_flip_x "
    "use_flip_y effect_fader show_retiming_keys sequences strips transform crop rna_type bl_system_properties".split()
)
_SCALARS = frozenset({"INT", "FLOAT", "BOOLEAN", "STRING", "ENUM"})
content_version = [0]
"""Number of changes to 3D scenes in this session, for the stamps of scene strips."""


def stamp(strip: Any) -> str:
    """Hash of a strip's settings, the sizes and times of its files, and of the strips inside a meta strip."""
    return hashlib.sha256(repr(_facts(strip, geometry=False)).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _facts(strip: Any, geometry: bool) -> list[Any]:
    facts: list[Any] = [_scalars(strip, set() if geometry else _LEFT_OUT), _file(media_path(strip))]
    if geometry:
        facts += [_scalars(strip.transform, set()), _scalars(strip.crop, set())] if hasattr(strip, "crop") else []
    facts += [_scalars(each, set()) for each in strip.modifiers]
    facts += [each.timeline_frame for each in getattr(strip, "retiming_keys", ())]
    if strip.type == "IMAGE":
        facts += [each.filename for each in strip.elements]
    if strip.type == "SCENE":
        library = strip.scene.library if strip.scene else None
        facts += [strip.scene.name if strip.scene else "", library.filepath if library else "", content_version[0]]
    if strip.type == "META":
        facts += [_facts(each, geometry=True) for each in compat.strips_of(strip)]
    return facts


def _scalars(owner: Any, left_out: Any) -> list[Any]:
    return [
        getattr(owner, field.identifier)
        for field in owner.bl_rna.properties
        if field.type in _SCALARS and not getattr(field, "is_array", False) and field.identifier not in left_out
    ]


def _file(path: str) -> tuple[int, int] | None:
    try:
        facts = os.stat(path)
    except (OSError, ValueError):
        return None
    return facts.st_size, facts.st_mtime_ns
