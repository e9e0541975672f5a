"""Placed takes whose files are not where the timeline says: naming them, and finding their files again.

A take is known by its id, which its record take.json holds, and by its pictures' names, which no other take has.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any

import bpy

from ..strips import compat
from ..strips.relative_paths import make_relative
from ..strips.strip_media import media_path, missing_file
from . import layer_tags
from .undo_step import undo_step

_RECORD = "take.json"
_LONGEST_RECORD = 1 << 24  # bytes
_MOST_FOLDERS = 20_000
"""A search ends after this many folders: a home folder with everything in it is no project."""


def missing_layers() -> list[Any]:
    """The placed takes of the open file whose files are missing."""
    return [
        layer for scene in compat.own_scenes() for layer in layer_tags.layers_in(scene) if missing_file(layer) != ""
    ]


def relink(folder: str = "") -> tuple[list[str], list[str]]:
    """Find the missing takes' files, in one undo step; the labels of those found, and of those not found.

    Looked for where they were when they were placed, below the project's folder, and beside other takes' files; below
    `folder` alone when it is given.
    """
    layers = missing_layers()
    if not layers:
        return [], []
    wanted = {layer_tags.read_tag(each).take for each in layers}
    found: list[str] = []
    lost = list(layers)
    with undo_step("Relink takes"):
        for home in [folder] if folder else _homes(layers):
            for take, record_folder, record in _records(home, wanted):
                for layer in [each for each in lost if layer_tags.read_tag(each).take == take]:
                    if _linked(layer, record_folder, record):
                        lost.remove(layer)
                        found.append(layer.name)
            if not lost:
                break
    return found, [each.name for each in lost]


def _homes(layers: Iterable[Any]) -> list[str]:
    """Folders to search: the nearest that exists above each take's last folder, the project's, other takes' results."""
    homes = [os.path.dirname(bpy.data.filepath)] if bpy.data.filepath else []
    others = [each for scene in compat.own_scenes() for each in layer_tags.layers_in(scene)]
    homes += [_results_of(os.path.dirname(media_path(each))) for each in others if missing_file(each) == ""]
    homes += [_results_of(layer_tags.read_tag(each).folder) for each in layers]
    kept: list[str] = []
    for home in homes:
        if home and os.path.isdir(home) and home not in kept:
            kept.append(home)
    return kept


def _results_of(folder: str) -> str:
    """The results' folder above a take's pictures: RESULTS/JOB/takes/NN/layer, or what is left of it."""
    above = os.path.normpath(os.path.join(folder, *[os.pardir] * 4)) if folder else ""
    return above if above != os.path.dirname(above) else ""  # never a whole disk


def _records(home: str, wanted: set[str]) -> Iterable[tuple[str, str, dict[str, Any]]]:
    """Takes below a folder whose ids are `wanted`: id, folder and record."""
    seen = 0
    for folder, folders, files in os.walk(home):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        seen += 1
        if seen > _MOST_FOLDERS:
            return
        if _RECORD not in files:
            continue
        record = _read(os.path.join(folder, _RECORD))
        if record.get("id") in wanted:
            yield record["id"], folder, record


def _read(path: str) -> dict[str, Any]:
    try:
        if os.path.getsize(path) > _LONGEST_RECORD:
            return {}
        with open(path, encoding="utf-8") as source:
            record = json.load(source)
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _linked(layer: Any, folder: str, record: dict[str, Any]) -> bool:
    """Let a layer show the files of the record's take; False, and nothing changed, when not all of them are there."""
    try:
        path, first = os.path.join(folder, record["layer"]), int(record.get("first_number", 0))
        if layer.type == "MOVIE":
            if not os.path.isfile(path):
                return False
            layer.filepath = path
        else:
            names = [os.path.basename(path) % number for number in range(first, first + len(layer.elements))]
            there = set(os.listdir(os.path.dirname(path)))
            if not there.issuperset(names):
                return False
            layer.directory = os.path.dirname(path) + os.sep
            for element, name in zip(layer.elements, names, strict=True):
                element.filename = name
    except (KeyError, TypeError, ValueError, OSError):
        return False
    layer_tags.write_folder(layer, os.path.dirname(path))
    make_relative(layer)
    return True
