"""Placing takes above their clip, switching between them, and listing the takes in the timeline."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import bpy

from ..agent_link import AgentProblem
from ..export.clip_export import Exporter
from ..strips import compat
from ..strips.identity import Identities
from ..strips.keyframes import remove_keyframes
from ..strips.strip_media import media_path
from ..strips.suitability import CLIP_TYPES
from . import layer_tags
from .free_channels import free_channels
from .layer_look import copy_look, looks_alike
from .layer_tags import TakeTag, write_tag
from .undo_step import undo_step

_RETRY = "The timeline is unchanged. Place the take again."


@dataclass(frozen=True)
class TakeFiles:
    """A take's files: a movie at `path`, or pictures `names` in `folder`."""

    id: str
    label: str
    path: str
    folder: str
    names: tuple[str, ...]
    frame_count: int

    @property
    def first_file(self) -> str:
        """The movie or the first picture."""
        return os.path.join(self.folder, self.names[0]) if self.names else self.path


def read_take(message: dict[str, Any]) -> TakeFiles:
    """Read a take of the protocol (K in PROTOCOL.md)."""
    sequence, count = message.get("sequence"), int(message["frame_count"])
    names: tuple[str, ...] = ()
    if sequence:
        numbers = range(int(sequence["first"]), int(sequence["first"]) + count)
        names = tuple(f"{sequence['prefix']}{n:0{sequence['padding']}d}{sequence['suffix']}" for n in numbers)
    folder = os.path.abspath(sequence["folder"]) if sequence else ""
    return TakeFiles(str(message["id"]), str(message["label"]), message["path"] or "", folder, names, count)


class Layers:
    """The takes in the timelines of the open file."""

    def __init__(self, identities: Identities, exporter: Exporter) -> None:
        self._identities, self._exporter = identities, exporter

    def place(self, uid: str, takes: list[TakeFiles], active: int) -> dict[str, Any]:
        """Put `takes` on free channels above the clip, in one undo step.

        takes[active] gets the lowest channel and is the only unmuted take of the clip. Takes that were already placed
        keep their channels. Raises AgentProblem clip_gone, clip_changed, take_missing, no_free_track or
        placement_failed, and then leaves the timeline unchanged.
        """
        scene, clip = self._clip(uid)
        if not 0 <= active < len(takes):
            raise AgentProblem("placement_failed", f"Take {active} does not exist: there are {len(takes)} takes.")
        self._exporter.check_unchanged(uid, clip)
        for take in takes:
            _check_files(take, clip)
        placed = self._placed_layers(scene, clip)
        wanted = {take.id for take in takes}
        whole = {mark: layer for mark, layer in placed.items() if mark in wanted and _covers(clip, layer)}
        order = [takes[active], *takes[:active], *takes[active + 1 :]]
        new = [take for take in order if take.id not in whole]
        stale = [layer for mark, layer in placed.items() if mark in wanted and mark not in whole]
        parent = compat.parent_of(scene, clip)
        start, end = _range(clip)
        # Checked before anything is changed, so that a refusal leaves the timeline as it was.
        free = free_channels(parent, clip.channel, start, end, len(new))
        with undo_step(f"Place {takes[active].label}"):
            self._put(scene, clip, uid, list(zip(new, free.numbers, strict=True)))
            for layer in stale:
                _remove(scene, parent, layer)
            self.show_only(scene, clip, takes[active].id)
        placed = self._placement(scene, clip, uid)
        return dict(placed, note=free.note if takes[active] in new else "")

    def swap(self, uid: str, take: TakeFiles) -> dict[str, Any]:
        """Show another take of the clip, placing it first if necessary, in one undo step."""
        scene, clip = self._clip(uid)
        layer = self._placed_layers(scene, clip).get(take.id)
        if layer is None or not _covers(clip, layer):
            return self.place(uid, [take], 0)
        with undo_step(f"Show {take.label}"):
            self.show_only(scene, clip, take.id)
        return self._placement(scene, clip, uid)

    def show_only(self, scene: Any, clip: Any, take: str) -> None:
        """Show one of a clip's placed takes and mute the others; an empty id mutes all. Makes no undo step."""
        for mark, layer in self._placed_layers(scene, clip).items():
            layer.mute = mark != take

    def placements(self) -> list[dict[str, Any]]:
        """The placed takes of all timelines of the file: each clip's visible take, or the lowest if all are muted."""
        found: list[dict[str, Any]] = []
        for scene in bpy.data.scenes:
            seen: list[Any] = []
            for layer in [each for each in compat.all_strips(scene) if layer_tags.is_layer(each)]:
                clip = layer_tags.clip_below(scene, layer, self._identities)
                if clip is None or clip in seen:
                    continue
                seen.append(clip)
                found.append(self._placement(scene, clip, self._identities.of(scene, clip)))
        return found

    def _clip(self, uid: str) -> tuple[Any, Any]:
        scene, clip = self._identities.find(uid)
        if clip.type not in CLIP_TYPES:
            raise AgentProblem("clip_gone", f'"{clip.name}" is no longer a clip.', "", "Select footage.")
        return scene, clip

    def _placed_layers(self, scene: Any, clip: Any) -> dict[str, Any]:
        layers = layer_tags.layers_of(scene, clip, self._identities)
        return {layer_tags.read_tag(each).take: each for each in layers}

    def _put(self, scene: Any, clip: Any, uid: str, placed: list[tuple[TakeFiles, int]]) -> None:
        """Add the takes and verify them; remove all of them on any failure."""
        parent = compat.parent_of(scene, clip)
        before = {each.as_pointer() for each in compat.strips_of(parent)}
        facts = _range(clip), clip.channel, clip.mute
        try:
            for take, channel in placed:
                layer = _add(parent, take, channel, _range(clip)[0])
                copy_look(scene, clip, layer)
                write_tag(layer, TakeTag(take.id, uid, take.label, clip.name))
                _check(scene, clip, layer, take, channel)
            if (_range(clip), clip.channel, clip.mute) != facts:
                raise AgentProblem("placement_failed", "The clip itself moved while the take was placed.", "", _RETRY)
        except (AgentProblem, RuntimeError, TypeError, AttributeError, ValueError) as error:
            for strip in [each for each in compat.strips_of(parent) if each.as_pointer() not in before]:
                _remove(scene, parent, strip)
            if isinstance(error, AgentProblem):
                raise
            what = "Blender could not add the take to its timeline."
            raise AgentProblem("placement_failed", what, str(error), _RETRY) from error

    def _placement(self, scene: Any, clip: Any, uid: str) -> dict[str, Any]:
        """The clip's visible take as a placement of the protocol (P in PROTOCOL.md), with the clip's uid."""
        layers = layer_tags.layers_of(scene, clip, self._identities)
        layer = next((each for each in layers if not each.mute), layers[0] if layers else None)
        if layer is None:
            raise AgentProblem("placement_failed", "The take is not in the timeline.", "", _RETRY)
        mark, (start, end) = layer_tags.read_tag(layer), _range(layer)
        channel = compat.parent_of(scene, layer).channels[layer.channel]
        return {
            "uid": uid,
            "take": mark.take,
            "take_name": mark.label,
            "where": scene.name,
            "track_name": channel.name,
            "track_number": layer.channel,
            "record_start": start,
            "record_frames": end - start,
            "media_path": media_path(layer),
        }


def _add(parent: Any, take: TakeFiles, channel: int, start: int) -> Any:
    strips = compat.strips_of(parent)
    if not take.names:
        return strips.new_movie(take.label, take.path, channel, start, fit_method="ORIGINAL")
    layer = strips.new_image(take.label, take.first_file, channel, start, fit_method="ORIGINAL")
    for name in take.names[1:]:
        layer.elements.append(name)
    return layer


def _remove(scene: Any, parent: Any, strip: Any) -> None:
    path = strip.path_from_id()
    compat.strips_of(parent).remove(strip)
    remove_keyframes(scene, path)


def _check_files(take: TakeFiles, clip: Any) -> None:
    """Check the take's files before anything is changed: for a missing file Blender silently adds a one-frame strip."""
    there = set(os.listdir(take.folder)) if take.names and os.path.isdir(take.folder) else set()
    missing = [name for name in take.names if name not in there]
    if missing or (not take.names and not os.path.isfile(take.path)):
        what = f'Files of the take "{take.label}" are missing: {missing[0] if missing else take.path}'
        raise AgentProblem("take_missing", what, "They were moved or deleted.", "Restore them, or make the take again.")
    start, end = _range(clip)
    if take.frame_count != end - start:
        raise AgentProblem(
            "clip_changed",
            f'The take "{take.label}" has {take.frame_count} frames, "{clip.name}" has {end - start}.',
            "The clip was trimmed or cut after the take was requested.",
            "Undo the trim and place the take again, or make a new take.",
        )


def _check(scene: Any, clip: Any, layer: Any, take: TakeFiles, channel: int) -> None:
    """Verify a placed take: its range, channel, media, look and tag."""
    wrong = ""
    if _range(layer) != _range(clip):
        wrong = f"Its frames are {_range(layer)}, the clip's are {_range(clip)}."
    elif layer.channel != channel:
        wrong = f"It is on channel {layer.channel}, not {channel}."
    elif os.path.normcase(os.path.normpath(media_path(layer))) != os.path.normcase(os.path.normpath(take.first_file)):
        wrong = f"It shows {media_path(layer)}."
    elif not looks_alike(clip, layer) or layer_tags.read_tag(layer).take != take.id:
        wrong = "Its position, blending or tag is not what was set."
    if wrong:
        raise AgentProblem("placement_failed", f'The take "{take.label}" was not placed correctly.', wrong, _RETRY)


def _covers(clip: Any, layer: Any) -> bool:
    """Whether a layer still covers its whole clip."""
    return _range(layer) == _range(clip) and layer.channel > clip.channel


def _range(strip: Any) -> tuple[int, int]:
    return compat.frames(strip, "frame_final_start"), compat.frames(strip, "frame_final_end")
