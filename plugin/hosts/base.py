"""What a host is to the panel: a small base, and capabilities that a host has or has not.

A capability is a protocol of its own; the panel asks `isinstance(host, PlacesTakes)` and hides what is missing.
Nothing here may take longer than a moment: hosts that talk to another process answer from what they last heard. What
changes a timeline answers through `done` or `failed`, at once or later, in the caller's thread.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from collections.abc import Sequence as Many
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec

from bridge.editorial.clip_list import ListedClip, Shot
from bridge.editorial.placement import PlacedTake
from bridge.editorial.shot_bundle import ShotBundle
from contract.errors import Problem
from contract.take import Note
from contract.timecode import timecode


class HostProblem(Problem):
    """The host did not do what it was asked for, or not exactly."""

    kind = "host"


class PlacementFailed(HostProblem):
    """A take is not where it should be, as reading the timeline back shows."""

    kind = "placement_failed"


@dataclass(frozen=True)
class ShotSource:
    """How the service opens a shot: the fields `source`, `clip` and `media_folders` of its order."""

    source: str
    clip: str | None
    media_folders: tuple[str, ...] = ()


class Placement(msgspec.Struct, frozen=True):
    """A take in the timeline, as it was read back.

    take, take_name: the take's id and label
    record_start, record_frames: its record range, absolute frames of the timeline at `rate` (numerator, denominator)
    where: the file or timeline that it was written to
    track_name, track_number: `track_number` is the N of VN
    media_path: the movie, or the first picture of a sequence
    note: what the artist should know besides, for example why the take is not on the next track
    uid: the clip below, as the host names it; empty for hosts that name clips by number
    """

    take: str
    record_start: int
    record_frames: int
    take_name: str = ""
    where: str = ""
    track_name: str = ""
    track_number: int = 0
    media_path: str = ""
    note: str = ""
    uid: str = ""
    rate: tuple[int, int] = (24, 1)

    @property
    def record_in(self) -> str:
        """Timecode of the first frame."""
        return timecode(self.record_start, Fraction(*self.rate))

    @property
    def record_out(self) -> str:
        """Timecode of the frame after the last."""
        return timecode(self.record_start + self.record_frames, Fraction(*self.rate))


Placed = Callable[[Placement], None]
Failed = Callable[[Problem], None]
Progress = Callable[[int, int, str], None]
"""Steps done, steps in all (0 when unknown), and words for people."""


class Host(ABC):
    """An application with a timeline."""

    name: str
    """What people call it, for example "OTIO file"."""
    layer: str | None = None
    """The kind of layer that this host lays over others without fault ("png", ...); None leaves it to the settings."""
    problem: Problem | None = None
    """Why there is nothing in `clips`, where that is nobody's wish."""
    places_parts = True
    """Whether takes of a part of a clip can be placed."""

    @property
    @abstractmethod
    def title(self) -> str:
        """Name of the open timeline, empty when none is open."""

    @abstractmethod
    def clips(self) -> Many[ListedClip]:
        """The timeline's clips in record order, with the reason for each one that cannot be used."""

    @abstractmethod
    def selected(self) -> ListedClip | None:
        """The clip that is selected, None when none is."""

    @abstractmethod
    def source_of(self, shot: Shot) -> ShotSource:
        """How the service finds this shot."""

    @abstractmethod
    def bundle_of(self, shot: Shot) -> ShotBundle:
        """The shot as it travels to a service on another machine. Raises BadTimeline."""

    @abstractmethod
    def output_folder(self) -> Path | None:
        """Folder beside the project that takes go below; None where the project has no place for them."""


@runtime_checkable
class OpensTimelines(Protocol):
    """Opens a timeline or a movie by its path."""

    def open(self, path: Path) -> None:
        """Open `path` and forget the one before. Raises BadTimeline or BadMedia."""

    def path(self) -> Path | None:
        """What is open."""


@runtime_checkable
class SelectsClips(Protocol):
    """Lets the panel choose the clip, because the host has no selection of its own."""

    def select(self, index: int) -> None:
        """Select the clip with this number in `clips`. Raises BadTimeline."""


@runtime_checkable
class FollowsSelection(Protocol):
    """Tells when the selection or the timeline has become another one."""

    def on_change(self, changed: Callable[[], None]) -> None:
        """Call `changed`, in the caller's thread, after every change from now on."""


@runtime_checkable
class ExportsClips(Protocol):
    """Hands a clip's media out only when asked to: until then the clip has no shot in `clips`."""

    def export_reason(self, index: int) -> str:
        """Why the clip has to be rendered, which takes a while; empty when its media can be used as it is."""

    def export(
        self, index: int, done: Callable[[Shot], None], failed: Failed, progress: Progress
    ) -> Callable[[], None]:
        """Make the clip's shot anew; what is returned cancels it (then `failed` tells the kind "cancelled").

        Clips whose media changed in the meantime get another shot; one that did not keeps the shot it had.
        """


@runtime_checkable
class IdentifiesClips(Protocol):
    """Knows a clip again by the key that the panel gave its shot, after a restart too."""

    def identity_of(self, shot: Shot) -> str:
        """A text that no other clip has, and that stays the same when the clip is moved or rendered anew."""

    def remember_key(self, key: str, shot: Shot) -> None:
        """`key` is what the panel calls this shot."""

    def uid_of(self, key: str) -> str:
        """The host's own name for the clip of a key, empty when there is none."""


@runtime_checkable
class PlacesTakes(Protocol):
    """Puts takes on a new track directly above their clip."""

    def place(self, shot: Shot, takes: Many[PlacedTake], active: int, done: Placed, failed: Failed) -> None:
        """Place `takes` as one stack, takes[active] on top, and read it back; PlacementFailed when it is not there."""

    def placements(self) -> Mapping[int, Placement]:
        """What stands in the timeline now, by the number of the clip that it lies above."""


@runtime_checkable
class FollowsPlacements(Protocol):
    """Tells when something else stands in the timeline than `placements` said before."""

    def on_placements(self, changed: Callable[[], None]) -> None:
        """Call `changed`, in the caller's thread, after every change from now on."""


@runtime_checkable
class SwapsTakes(Protocol):
    """Puts another take of the same shot in the place of the placed one."""

    def swap(self, shot: Shot, take: PlacedTake, done: Placed, failed: Failed) -> None:
        """Make `take` the visible one and read it back; PlacementFailed when it is not."""


@runtime_checkable
class SeeksTo(Protocol):
    """Moves its playhead."""

    def seek(self, shot: Shot, frame: int, failed: Failed) -> None:
        """Go to the shot's frame `frame` (0 is its first)."""


@runtime_checkable
class ShowsMarkers(Protocol):
    """Shows notes as markers."""

    def mark(self, shot: Shot, notes: Many[Note], failed: Failed) -> None:
        """Put a marker at each note's range, in the place of the ones that were put there before."""


@runtime_checkable
class NativeVersions(Protocol):
    """Has a version stack of its own (Resolve's takes)."""

    def add_versions(self, shot: Shot, takes: Many[PlacedTake], done: Callable[[int], None], failed: Failed) -> None:
        """Add takes to the clip's own stack; `done` is told how many it has then."""


@runtime_checkable
class HasPalette(Protocol):
    """Tells its colours, for the panel to follow."""

    def palette(self) -> Mapping[str, str]:
        """Colours "#rrggbb" under the names `window`, `base`, `text`, `accent`; only those that are known."""
