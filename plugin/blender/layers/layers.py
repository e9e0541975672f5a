"""Placing takes above their clip, switching between them, and listing the takes in the timeline."""

from __future__ import annotations

import os
from typing import Any

from ..agent_link import AgentProblem
from ..export.clip_export import Exporter
from ..strips import compat
from ..strips.identity import Identities
from ..strips.keyframes import remove_keyframes
from ..strips.relative_paths import make_relative
from ..strips.strip_media import media_path
from ..strips.suitability import CLIP_TYPES, linked_scene
from . import layer_tags
from .consumers import consumers_of, covering, lowest_above
from .free_channels import FreeChannels, free_channels
from .layer_look import copy_look, looks_alike
from .layer_mix import add_mix, chain_mixes, darken_alike, lost_its_opacity, mix_of, needs_mix, show_layer
from .layer_tags import TakeTag, write_tag
from .take_files import TakeFiles, check_files
from .undo_step import undo_step

_RETRY = "The timeline is unchanged. Place the take again."


class Layers:
    """The takes in the timelines of the open file."""

    def __init__(self, identities: Identities, exporter: Exporter) -> None:
        self._identities, self._exporter = identities, exporter

    def place(self, uid: str, takes: list[TakeFiles], active: int) -> dict[str, Any]:
        """Put `takes` on free channels above the clip and above what takes it in, in one undo step.

        takes[active] gets the lowest channel, and its alternatives are muted. Takes that are seen where they should be
        keep their channels. Raises AgentProblem clip_gone, clip_changed, take_missing, no_free_track or
        placement_failed, and then leaves the timeline unchanged.
        """
        scene, clip = self._clip(uid)
        if not 0 <= active < len(takes):
            raise AgentProblem("placement_failed", f"Take {active} does not exist: there are {len(takes)} takes.")
        self._exporter.check_unchanged(uid, clip)
        for take in takes:
            check_files(take, clip)
        parent = compat.parent_of(scene, clip)
        placed = self._placed_layers(scene, clip)
        order = [takes[active], *takes[:active], *takes[active + 1 :]]
        new = [take for take in order if not _is_right(scene, parent, clip, placed.get(take.id), take)]
        stale = [placed[take.id] for take in new if take.id in placed]
        # Checked before anything is changed, so that a refusal leaves the timeline as it was.
        free = _channels(scene, parent, clip, new)
        with undo_step(f"Place {takes[active].label}"):
            self._put(scene, clip, uid, new, free.numbers)
            for layer in stale:
                _remove(scene, parent, layer)
            self._mute_new(scene, clip, new)
            self.show_only(scene, clip, takes[active].id)
        note = self._remarks(scene, clip, takes[active], free.note if takes[active] in new else "")
        return dict(self._placement(scene, clip, uid, takes[active].id), note=note)

    def swap(self, uid: str, take: TakeFiles) -> dict[str, Any]:
        """Show another take of the clip, placing it first if necessary, in one undo step."""
        scene, clip = self._clip(uid)
        layer = self._placed_layers(scene, clip).get(take.id)
        if not _is_right(scene, compat.parent_of(scene, clip), clip, layer, take):
            return self.place(uid, [take], 0)
        with undo_step(f"Show {take.label}"):
            self.show_only(scene, clip, take.id)
        return self._placement(scene, clip, uid, take.id)

    def show_only(self, scene: Any, clip: Any, take: str) -> None:
        """Show one of a clip's placed takes and mute its alternatives; an empty id mutes all. Makes no undo step.

        Takes of other effects stay as they are: they are seen together.
        """
        placed = self._placed_layers(scene, clip)
        layers, parent = list(placed.values()), compat.parent_of(scene, clip)
        shown = placed.get(take)
        for layer in layers if shown is None else layer_tags.alternatives(layers, shown):
            show_layer(parent, layer, False)
        if shown is not None:
            show_layer(parent, shown, True)
        chain_mixes(scene, parent, clip, layers)

    def hide(self, scene: Any, clip: Any, take: str) -> None:
        """Mute one of a clip's placed takes. Makes no undo step."""
        placed, parent = self._placed_layers(scene, clip), compat.parent_of(scene, clip)
        if take in placed:
            show_layer(parent, placed[take], False)
        chain_mixes(scene, parent, clip, list(placed.values()))

    def out_of_place(self, scene: Any, clip: Any, layers: dict[str, Any]) -> dict[str, str]:
        """Which visible ones of a clip's layers (by take) do not look as they should since the timeline was changed."""
        parent, found = compat.parent_of(scene, clip), {}
        for take, layer in layers.items():
            start, end = compat.visible_range(layer)
            above = [each for each in consumers_of(parent, clip, start, end) if each.channel > layer.channel]
            if layer.mute:
                continue
            if any(not compat.is_muted(parent, each) for each in above):
                found[take] = f'Hidden by "{above[-1].name}"'
            elif (mix_of(parent, layer) is not None) != needs_mix(scene, parent, clip, start, end):
                found[take] = "The clip's opacity has changed"
        return found

    def mend_mixes(self) -> None:
        """After the user deleted a take: give the highest mix that is left its clip's opacity. Mostly does nothing."""
        for scene in compat.own_scenes():
            for layer in layer_tags.layers_in(scene):
                parent, clip = compat.parent_of(scene, layer), layer_tags.clip_below(scene, layer, self._identities)
                if clip is not None and lost_its_opacity(scene, parent, clip, layer):
                    chain_mixes(scene, parent, clip, layer_tags.layers_of(scene, clip, self._identities))

    def placements(self) -> list[dict[str, Any]]:
        """The placed takes of all timelines of the file: each clip's visible take, or the lowest if all are muted."""
        found: list[dict[str, Any]] = []
        for scene in compat.own_scenes():
            seen: list[Any] = []
            for layer in layer_tags.layers_in(scene):
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
        if scene.library is not None:
            raise linked_scene(scene)
        return scene, clip

    def _placed_layers(self, scene: Any, clip: Any) -> dict[str, Any]:
        layers = layer_tags.layers_of(scene, clip, self._identities)
        # Of a take that the user has copied together with its clip, the one above this clip counts.
        layers.sort(key=lambda each: compat.overlaps(each, *compat.visible_range(clip)))
        return {layer_tags.read_tag(each).take: each for each in layers}

    def _put(self, scene: Any, clip: Any, uid: str, takes: list[TakeFiles], channels: tuple[int, ...]) -> None:
        """Add the takes, each with its mix if it needs one, and verify them; remove all of them on any failure."""
        parent = compat.parent_of(scene, clip)
        self._identities.mark_used()
        before = {each.as_pointer() for each in compat.strips_of(parent)}
        facts = compat.visible_range(clip), clip.channel, clip.mute
        left = iter(channels)
        try:
            for take in takes:
                channel, (start, end) = next(left), take.range_above(clip)
                layer = _add(parent, take, channel, start)
                copy_look(scene, clip, layer)
                write_tag(layer, self._tag(clip, uid, take))
                mix = None
                if needs_mix(scene, parent, clip, start, end):
                    mix = add_mix(scene, parent, clip, layer, take.id, next(left))
                else:
                    darken_alike(scene, parent, clip, layer)
                _check(clip, layer, take, channel, mix)
            if (compat.visible_range(clip), clip.channel, clip.mute) != facts:
                raise AgentProblem("placement_failed", "The clip itself moved while the take was placed.", "", _RETRY)
        except (AgentProblem, RuntimeError, TypeError, AttributeError, ValueError) as error:
            added = [each for each in compat.strips_of(parent) if each.as_pointer() not in before]
            # Mixes first: Blender removes an effect together with what it takes in.
            for strip in sorted(added, key=layer_tags.is_mix, reverse=True):
                _remove_strip(scene, parent, strip)
            if isinstance(error, AgentProblem):
                raise
            what = "Blender could not add the take to its timeline."
            raise AgentProblem("placement_failed", what, str(error), _RETRY) from error

    def _tag(self, clip: Any, uid: str, take: TakeFiles) -> TakeTag:
        folder = os.path.dirname(take.first_file)
        return TakeTag(take.id, uid, take.label, clip.name, take.effect, folder, take.part)

    def _mute_new(self, scene: Any, clip: Any, new: list[TakeFiles]) -> None:
        """Mute takes that were just added, whatever their effect: only the requested one is shown, by `show_only`."""
        placed, parent = self._placed_layers(scene, clip), compat.parent_of(scene, clip)
        for take in new:
            show_layer(parent, placed[take.id], False)

    def _placement(self, scene: Any, clip: Any, uid: str, take: str = "") -> dict[str, Any]:
        """The take `take`, else the clip's visible one, as a placement of the protocol (P in PROTOCOL.md)."""
        layers = layer_tags.layers_of(scene, clip, self._identities)
        visible = [each for each in layers if not each.mute]
        asked = [each for each in layers if layer_tags.read_tag(each).take == take]
        layer = next(iter(asked or visible or layers), None)
        if layer is None:
            raise AgentProblem("placement_failed", "The take is not in the timeline.", "", _RETRY)
        mark, (start, end) = layer_tags.read_tag(layer), compat.visible_range(layer)
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
            "also_visible": [layer_tags.read_tag(each).take for each in visible if each != layer],
        }

    def _remarks(self, scene: Any, clip: Any, take: TakeFiles, note: str) -> str:
        """What the user should know about where a take is."""
        parent, layer = compat.parent_of(scene, clip), self._placed_layers(scene, clip)[take.id]
        consumers = consumers_of(parent, clip, *take.range_above(clip))
        if consumers:
            name = parent.channels[layer.channel].name
            note = f'"{consumers[-1].name}" takes the clip in: the take is above it, on {name}, and not changed by it.'
        cover = covering(parent, layer)
        if cover is not None:
            note = f'{note} "{cover.name}" is above it and replaces what is below.'.strip()
        return note


def _channels(scene: Any, parent: Any, clip: Any, takes: list[TakeFiles]) -> FreeChannels:
    """Free channels for all takes and their mixes. Raises AgentProblem no_free_track."""
    if not takes:
        return FreeChannels((), "")
    ranges = [take.range_above(clip) for take in takes]
    start, end = min(first for first, _ in ranges), max(last for _, last in ranges)
    count = sum(2 if needs_mix(scene, parent, clip, *each) else 1 for each in ranges)
    return free_channels(parent, lowest_above(parent, clip, start, end), start, end, count)


def _add(parent: Any, take: TakeFiles, channel: int, start: int) -> Any:
    strips = compat.strips_of(parent)
    if not take.names:
        layer = strips.new_movie(take.label, take.path, channel, start, fit_method="ORIGINAL")
    else:
        layer = strips.new_image(take.label, take.first_file, channel, start, fit_method="ORIGINAL")
        for name in take.names[1:]:
            layer.elements.append(name)
    make_relative(layer)
    return layer


def _remove(scene: Any, parent: Any, layer: Any) -> None:
    mix = mix_of(parent, layer)
    if mix is not None:
        _remove_strip(scene, parent, mix)
    _remove_strip(scene, parent, layer)


def _remove_strip(scene: Any, parent: Any, strip: Any) -> None:
    path = strip.path_from_id()
    compat.strips_of(parent).remove(strip)
    remove_keyframes(scene, path)


def _check(clip: Any, layer: Any, take: TakeFiles, channel: int, mix: Any) -> None:
    """Verify a placed take: its range, channel, media, look, tag and mix."""
    wrong = ""
    wanted = take.range_above(clip)
    if compat.visible_range(layer) != wanted or (mix is not None and compat.visible_range(mix) != wanted):
        wrong = f"Its frames are {compat.visible_range(layer)}, they should be {wanted}."
    elif layer.channel != channel:
        wrong = f"It is on channel {layer.channel}, not {channel}."
    elif os.path.normcase(os.path.normpath(media_path(layer))) != os.path.normcase(os.path.normpath(take.first_file)):
        wrong = f"It shows {media_path(layer)}."
    elif not looks_alike(clip, layer) or layer_tags.read_tag(layer).take != take.id:
        wrong = "Its position, blending or tag is not what was set."
    elif mix is not None and (mix.blend_type != clip.blend_type or compat.inputs_of(mix) != [layer, clip]):
        wrong = "Its mix with the clip is not what was set."
    if wrong:
        raise AgentProblem("placement_failed", f'The take "{take.label}" was not placed correctly.', wrong, _RETRY)


def _is_right(scene: Any, parent: Any, clip: Any, layer: Any, take: TakeFiles) -> bool:
    """Whether a take is in the timeline already: above its frames, where it is seen, mixed as needed."""
    if layer is None or compat.visible_range(layer) != take.range_above(clip):
        return False
    start, end = compat.visible_range(layer)
    if (mix_of(parent, layer) is not None) != needs_mix(scene, parent, clip, start, end):
        return False
    return layer.channel > lowest_above(parent, clip, start, end)
