"""Identities of strips that survive renaming, moving and undo, and are unique across files.

Nothing is written into the user's strips. An identity is FILE:SCENE:STRIP, with the names at the time it was first
given; a renamed strip is found by its file, range and channel at that time. SCENE names the library too, where a scene
is linked from another file, for it may have the name of one of this file. The FILE part is stored in the file when
the user saves it after having used DynVFX, so that it survives renaming and moving the file.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import bpy

from ..agent_link import AgentProblem
from . import compat
from .strip_media import media_path

_FILE = "dynvfx_file"


@dataclass
class _Known:
    scene: str
    name: str
    pointer: int
    fingerprint: tuple[str, int, int, int]


class Identities:
    """Gives the open file's strips their identities and finds strips by identity."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._by_pointer: dict[int, str] = {}
        self._by_name: dict[tuple[str, str], str] = {}
        self._file = ""
        self._used = False

    def file_loaded(self) -> None:
        """Another file was opened: forget the identities of the previous one."""
        self._known.clear()
        self._by_pointer.clear()
        self._by_name.clear()
        self._file, self._used = "", False

    def mark_used(self) -> None:
        """An identity of this file leaves the add-on: it must be stored with the next save."""
        self._used = True

    def before_saving(self) -> None:
        """The user saves the file: store its identity in it, so that it survives a new file name."""
        for scene in compat.own_scenes() if self._used else ():
            if scene.sequence_editor is not None and scene.get(_FILE) != self._file_key():
                scene[_FILE] = self._file_key()

    def timeline(self, scene: Any) -> str:
        """Identity of a scene's timeline."""
        return f"{self._file_key()}:{_scene_key(scene)}"

    def of(self, scene: Any, strip: Any) -> str:
        """The identity of a strip."""
        uid = self._by_pointer.get(strip.as_pointer())
        if uid is None or not _same_strip(self._known[uid], strip):
            uid = self._by_name.get((_scene_key(scene), strip.name))
            if uid is not None and _took_the_name(self._known[uid], strip):
                uid = f"{uid}:{token_hex(3)}"
        if uid is None:
            uid = f"{self._file_key()}:{_scene_key(scene)}:{strip.name}"
            bearer = self._strip_of(uid) if uid in self._known else None
            if bearer is not None and bearer[1] != strip:
                uid = f"{uid}:{token_hex(3)}"  # the strip that had this name first was renamed
        self._remember(uid, scene, strip)
        return uid

    def find(self, uid: str) -> tuple[Any, Any]:
        """(scene, strip) of an identity. Raises AgentProblem clip_gone with the reason."""
        key, _, rest = uid.partition(":")
        if key != self._file_key():
            raise AgentProblem(
                "clip_gone",
                "The clip belongs to another Blender file.",
                "Another file was opened in the meantime.",
                "Open that file again, then place the take.",
            )
        found = self._strip_of(uid)
        if found is not None:
            return found
        scene_key, name = self._names(uid, rest)
        if _scene_of(scene_key) is None:
            raise AgentProblem(
                "clip_gone", f'The scene "{scene_key}" does not exist any more.', "", "Undo its deletion or renaming."
            )
        raise AgentProblem(
            "clip_gone",
            f'The clip "{name}" is not in the timeline of "{scene_key}" any more.',
            "It was deleted or cut into several strips.",
            "Undo that, or select the clip that replaced it.",
        )

    def _strip_of(self, uid: str) -> tuple[Any, Any] | None:
        scene_key, name = self._names(uid, uid.partition(":")[2])
        scene = _scene_of(scene_key)
        strips = compat.all_strips(scene) if scene is not None else []
        found = next((each for each in strips if each.name == name), None)
        known = self._known.get(uid)
        if found is not None and known is not None and _took_the_name(known, found):
            found = None
        if found is None and known is not None:
            found = next(
                (each for each in strips if each.as_pointer() == known.pointer and _same_strip(known, each)), None
            )
            alike = [each for each in strips if _fingerprint(each) == known.fingerprint] if found is None else []
            found = alike[0] if len(alike) == 1 else found
        if found is None:
            return None
        self._remember(uid, scene, found)
        return scene, found

    def _remember(self, uid: str, scene: Any, strip: Any) -> None:
        before = self._known.get(uid)
        if before is not None:
            if self._by_pointer.get(before.pointer) == uid:
                del self._by_pointer[before.pointer]
            if self._by_name.get((before.scene, before.name)) == uid:
                del self._by_name[before.scene, before.name]
        self._known[uid] = _Known(_scene_key(scene), strip.name, strip.as_pointer(), _fingerprint(strip))
        self._by_pointer[strip.as_pointer()] = uid
        self._by_name[_scene_key(scene), strip.name] = uid

    def _file_key(self) -> str:
        """The file's identity, read on first use: while Blender starts, there is no file to read it from."""
        if not self._file:
            kept = next((scene[_FILE] for scene in compat.own_scenes() if scene.get(_FILE)), "")
            path = os.path.normcase(bpy.data.filepath)
            self._file = kept or (hashlib.sha256(path.encode()).hexdigest()[:12] if path else token_hex(6))
            self._used = self._used or bool(kept)
        return self._file

    def _names(self, uid: str, rest: str) -> tuple[str, str]:
        known = self._known.get(uid)
        if known is not None:
            return known.scene, known.name
        # A scene's name may contain colons: the longest name that exists is taken.
        for key in sorted(map(_scene_key, bpy.data.scenes), key=len, reverse=True):
            if rest.startswith(key + ":"):
                return key, rest[len(key) + 1 :]
        scene_key, _, name = rest.partition(":")
        return scene_key, name


def _scene_key(scene: Any) -> str:
    """A scene's name, with its library where it is linked."""
    return scene.name if scene.library is None else f"{scene.name} in {scene.library.filepath}"


def _scene_of(key: str) -> Any:
    """The scene with this key, None when there is none."""
    return next((each for each in bpy.data.scenes if _scene_key(each) == key), None)


def _fingerprint(strip: Any) -> tuple[str, int, int, int]:
    """A strip's file, first frame, length and channel."""
    start, length = compat.frames(strip, "frame_final_start"), compat.frames(strip, "frame_final_duration")
    return media_path(strip) or strip.type, start, length, strip.channel


def _took_the_name(known: _Known, strip: Any) -> bool:
    """Whether a strip only has the name of the known one, which the user has deleted: its file has another name.

    Addresses say nothing: after undo a strip is at another one, and a new strip may be where the old one was.
    """
    return os.path.basename(_fingerprint(strip)[0]) != os.path.basename(known.fingerprint[0])


def _same_strip(known: _Known, strip: Any) -> bool:
    """Whether `strip` is still the known one: a freed strip's address may have been reused for another."""
    same_file = _fingerprint(strip)[0] == known.fingerprint[0]
    return (strip.name == known.name or same_file) and not _took_the_name(known, strip)
