"""Takes written into the FCPXML that a timeline was read from: an asset, and a clip connected above the shot's.

Nothing else changes, except the lanes of what is connected higher up at the same time, which move up by one.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence as Many
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from bridge.editorial.clip_media.media_location import url_like
from bridge.editorial.exchange.fcpxml import FcpxmlDocument, StorylineItem, is_container
from bridge.editorial.exchange.xml_text import parse_xml, rational_seconds
from bridge.editorial.placement import PlacedTake, TakeStack
from bridge.editorial.shot import Shot
from contract.atomic_file import write_atomically
from contract.errors import BadTimeline, BadUsage

_COPIED = ("adjust-conform", "adjust-crop", "adjust-corners", "adjust-transform", "adjust-blend")
_FILTERS = ("filter-video", "filter-video-mask")
# What Apple's document type puts behind connected clips.
_BEHIND = frozenset(
    "marker chapter-marker rating keyword analysis-marker audio-channel-source audio-role-source sync-source mc-source"
    " filter-video filter-video-mask filter-audio metadata".split()
)


def write_fcpxml(source: Path, stacks: Many[TakeStack], path: Path) -> None:
    """Write the FCPXML `source` with the takes of each stack connected above its shot, in one go.

    Raises BadUsage for takes that are no movies, BadTimeline when a shot is not from this file, OutOfDisk.
    """
    root = parse_xml(source / "Info.fcpxml" if source.is_dir() else source)
    shots = FcpxmlDocument(root).nodes
    for stack in stacks:
        if any(take.sequence is not None for take in stack.takes):
            raise BadUsage(
                "Final Cut Pro takes no image sequences.",
                "A take as pictures cannot be placed in FCPXML.",
                "Make the take as a ProRes movie (--layer prores4444).",
            )
        number = stack.shot.metadata.get("fcpxml", {}).get("element", -1)
        if not 0 <= number < len(shots) or not _is_shot(shots[number], stack.shot):
            raise BadTimeline(
                f"{source.name} has changed since its clips were listed.",
                f'"{stack.shot.name}" is not where it was.',
                "Open it again and place the take there; the take itself is finished and kept.",
            )
        _Placing(root, shots[number], stack).place()
    text = ElementTree.tostring(root, encoding="unicode")
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n\n'
    write_atomically(path, (head + text + "\n").encode())


def _is_shot(element: Element, shot: Shot) -> bool:
    """Whether an element is the clip that was listed: its name and length are."""
    length = rational_seconds(element.get("duration"))
    frames = Fraction(shot.record_frames) / Fraction(*shot.timeline_rate)
    whole = shot.part is None and shot.seen is None
    return element.get("name", shot.name) == shot.name and (
        length is None or not whole or abs(length - frames) * Fraction(*shot.timeline_rate) < 1
    )


@dataclass
class _Placing:
    """One shot's takes on their way into the tree."""

    root: Element
    element: Element
    stack: TakeStack

    def place(self) -> None:
        """Insert assets and the connected clip."""
        document = FcpxmlDocument(self.root)
        parents = {id(child): parent for parent in self.root.iter() for child in parent}
        container = self._container(parents)
        placed = document.placed_in(container)
        own = next((each for each in placed if each.element is self.element), None)
        if own is None:
            raise BadTimeline("The shot is not from this timeline.", remedy="Select the clip again.")
        part = Fraction(self.stack.shot.offset_in_clip) / Fraction(*self.stack.shot.timeline_rate)
        if own.lane == 0:
            holder, lane, above = self.element, 1, 1
            offset = document.start_of(self.element) + part
        else:
            # Beside what is connected: the clip itself, its audition, or the storyline that it lies in.
            holder, above = parents[id(own.anchor)], 1 if own.lane > 0 else 0
            lane = int(own.anchor.get("lane") or 0) + above
            begun = min(each.start for each in placed if each.anchor is own.anchor)
            offset = (rational_seconds(own.anchor.get("offset")) or Fraction(0)) + own.start - begun + part
        self._make_room(placed, own, own.lane + above, part)
        clip = self._clip(document)
        clip.set("lane", str(lane))
        clip.set("offset", _text(offset))
        at = next((index for index, each in enumerate(holder) if each.tag in _BEHIND), len(holder))
        clip.tail = holder[at - 1].tail if at else holder.text
        holder.insert(at, clip)

    def _container(self, parents: dict[int, Element]) -> Element:
        """What the shot's clip lies in: a sequence, a multicam angle, or the clip that holds a storyline."""
        here = parents.get(id(self.element))
        while here is not None and not is_container(here):
            here = parents.get(id(here))
        if here is None:
            raise BadTimeline("The shot is not from this timeline.", remedy="Select the clip again.")
        return here

    def _make_room(self, placed: list[StorylineItem], own: StorylineItem, lane: int, part: Fraction) -> None:
        """Free `lane` at the take's time: what lies there or beyond moves away from the storyline by one lane."""
        start = own.start + part
        end = start + Fraction(self.stack.shot.record_frames) / Fraction(*self.stack.shot.timeline_rate)
        step = 1 if lane > 0 else -1
        beyond = [each for each in placed if each.lane * step >= lane * step and each.lane * step > 0]
        if not any(each.start < end and start < each.start + each.length for each in beyond):
            return
        anchors = {id(each.anchor): each.anchor for each in beyond}
        # What is connected to a clip that moves moves with it.
        inside = {id(each) for anchor in anchors.values() for each in anchor.iter() if each is not anchor}
        for name, anchor in anchors.items():
            if name not in inside:
                anchor.set("lane", str(int(anchor.get("lane") or 0) + step))

    def _clip(self, document: FcpxmlDocument) -> Element:
        takes, active = self.stack.takes, self.stack.active
        clips = [self._take(document, take) for take in [takes[active], *takes[:active], *takes[active + 1 :]]]
        if len(clips) == 1:
            return clips[0]
        # Final Cut's own stack of versions: the first clip is the pick.
        audition = Element("audition")
        audition.extend(clips)
        return audition

    def _take(self, document: FcpxmlDocument, take: PlacedTake) -> Element:
        shot, rate = self.stack.shot, Fraction(*take.rate)
        start = (take.start_frame + Fraction(*shot.source_offset)) / rate
        length = Fraction(shot.record_frames) / Fraction(*shot.timeline_rate)
        clip = Element("asset-clip", ref=self._asset(document, take, rate), name=take.name)
        clip.set("start", _text(start))
        clip.set("duration", _text(length))
        if self.element.get("tcFormat"):
            clip.set("tcFormat", self.element.get("tcFormat") or "NDF")
        part = Fraction(shot.offset_in_clip) / Fraction(*shot.timeline_rate)
        moved = start - document.start_of(self.element) - part
        for tags in (("conform-rate",), _COPIED, _FILTERS):
            for child in self.element:
                if child.tag in tags:
                    clip.append(_moved(child, moved))
        return clip

    def _asset(self, document: FcpxmlDocument, take: PlacedTake, rate: Fraction) -> str:
        """The id of a new asset for the take's movie, in the format of the shot's own media."""
        resources = document.resources.element
        taken = {each.get("id") for each in resources}
        name = next(name for number in count(1) if (name := f"dynvfx{number}") not in taken)
        asset = Element("asset", id=name, name=take.name)
        asset.set("start", _text(take.start_frame / rate))
        asset.set("duration", _text(take.frame_count / rate))
        asset.set("hasVideo", "1")
        own = self._own_asset(document)
        if own is not None and own.get("format"):
            asset.set("format", own.get("format") or "")
        url = url_like("file:", take.media_path)
        if _has_representations(self.root, resources):
            asset.append(Element("media-rep", kind="original-media", src=url))
        else:
            asset.set("src", url)
        last = [index for index, each in enumerate(resources) if each.tag == "asset"]
        at = last[-1] + 1 if last else len(resources)
        asset.tail = resources[at - 1].tail if at else resources.text
        resources.insert(at, asset)
        return name

    def _own_asset(self, document: FcpxmlDocument) -> Element | None:
        for each in self.element.iter():
            asset = document.resources.get(each.get("ref"), "asset")
            if asset is not None:
                return asset
        return None


def _has_representations(root: Element, resources: Element) -> bool:
    """Whether the file names its media in elements, as FCPXML 1.9 and later do, and not in attributes."""
    if resources.find("asset/media-rep") is not None:
        return True
    if any(each.get("src") for each in resources.iter("asset")):
        return False
    major, _, minor = (root.get("version") or "1.9").partition(".")
    return (int(major or 1), int(minor or 0)) >= (1, 9)


def _moved(element: Element, by: Fraction) -> Element:
    """A copy whose key frames, which count in the clip's local time, lie `by` seconds later."""
    moved = copy.deepcopy(element)
    for key in moved.iter("keyframe"):
        time = rational_seconds(key.get("time"))
        if time is not None:
            key.set("time", _text(time + by))
    return moved


def _text(seconds: Fraction) -> str:
    """Seconds as FCPXML writes them."""
    return f"{seconds.numerator}s" if seconds.denominator == 1 else f"{seconds.numerator}/{seconds.denominator}s"
