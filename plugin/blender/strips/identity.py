"""Which strip is meant: identities that outlive renaming, moving and undo, and that no other file answers to.

Nothing is written into the user's strips. An identity is FILE:SCENE:STRIP as they were called when it was first given;
what the strip looked like then finds it again after it was renamed. The file's part is kept in the file when the user
saves it after having used DynVFX, so that it outlives renaming and moving the file.
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
    """Gives strips their identities and finds strips by them; one for the open file."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._by_pointer: dict[int, str] = {}
        self._by_name: dict[tuple[str, str], str] = {}
        self._file = ""
        self._used = False

    def file_loaded(self) -> None:
        """Another file is open: what was known belongs to the one before."""
        self._known.clear()
        self._by_pointer.clear()
        self._by_name.clear()
        self._file, self._used = "", False

    def mark_used(self) -> None:
        """Somebody outside knows identities of this file from now on."""
        self._used = True

    def before_saving(self) -> None:
        """The user saves the file: it keeps its identity under every name."""
        for scene in bpy.data.scenes if self._used else ():
            if scene.sequence_editor is not None and scene.get(_FILE) != self._file_key():
                scene[_FILE] = self._file_key()

    def timeline(self, scene: Any) -> str:
        """Identity of a scene's timeline."""
        return f"{self._file_key()}:{scene.name}"

    def of(self, scene: Any, strip: Any) -> str:
        """The identity of a strip."""
        uid = self._by_pointer.get(strip.as_pointer())
        if uid is None or not _same_strip(self._known[uid], strip):
            uid = self._by_name.get((scene.name, strip.name))
        if uid is None:
            uid = f"{self._file_key()}:{scene.name}:{strip.name}"
            bearer = self._strip_of(uid) if uid in self._known else None
            if bearer is not None and bearer[1] != strip:
                uid = f"{uid}:{token_hex(3)}"  # the name's first bearer goes by another name now
        self._remember(uid, scene, strip)
        return uid

    def find(self, uid: str) -> tuple[Any, Any]:
        """(scene, strip) of an identity. Raises AgentProblem clip_gone with the reason."""
        key, _, rest = uid.partition(":")
        if key != self._file_key():
            raise AgentProblem(
                "clip_gone",
                "The clip belongs to another Blender file.",
                "Another file was opened since.",
                "Open that file again, then place the take.",
            )
        found = self._strip_of(uid)
        if found is not None:
            return found
        scene_name, name = self._names(uid, rest)
        if bpy.data.scenes.get(scene_name) is None:
            raise AgentProblem(
                "clip_gone", f'The scene "{scene_name}" is not there any more.', "", "Undo its removal or renaming."
            )
        raise AgentProblem(
            "clip_gone",
            f'The clip "{name}" is not in the timeline of "{scene_name}" any more.',
            "It was deleted, or cut into others.",
            "Undo that, or select the clip that is there now.",
        )

    def _strip_of(self, uid: str) -> tuple[Any, Any] | None:
        scene_name, name = self._names(uid, uid.partition(":")[2])
        scene = bpy.data.scenes.get(scene_name)
        strips = compat.all_strips(scene) if scene is not None else []
        found = next((each for each in strips if each.name == name), None)
        known = self._known.get(uid)
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
        self._known[uid] = _Known(scene.name, strip.name, strip.as_pointer(), _fingerprint(strip))
        self._by_pointer[strip.as_pointer()] = uid
        self._by_name[scene.name, strip.name] = uid

    def _file_key(self) -> str:
        """Read when it is first asked for: while Blender starts, there is no file to read it from."""
        if not self._file:
            kept = next((scene[_FILE] for scene in bpy.data.scenes if scene.get(_FILE)), "")
            path = os.path.normcase(bpy.data.filepath)
            self._file = kept or (hashlib.sha256(path.encode()).hexdigest()[:12] if path else token_hex(6))
            self._used = self._used or bool(kept)
        return self._file

    def _names(self, uid: str, rest: str) -> tuple[str, str]:
        known = self._known.get(uid)
        if known is not None:
            return known.scene, known.name
        # A scene's name may hold colons: the longest that there is wins.
        for scene in sorted(bpy.data.scenes, key=lambda each: -len(each.name)):
            if rest.startswith(scene.name + ":"):
                return scene.name, rest[len(scene.name) + 1 :]
        scene_name, _, name = rest.partition(":")
        return scene_name, name


def _fingerprint(strip: Any) -> tuple[str, int, int, int]:
    """What a strip shows and where: its file, first frame, length and channel."""
    start, length = compat.frames(strip, "frame_final_start"), compat.frames(strip, "frame_final_duration")
    return media_path(strip) or strip.type, start, length, strip.channel


def _same_strip(known: _Known, strip: Any) -> bool:
    """A freed strip's address may have been given to another one."""
    return strip.name == known.name or _fingerprint(strip)[0] == known.fingerprint[0]
