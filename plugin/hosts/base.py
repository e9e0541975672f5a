"""What a host is to the panel: a small base, and capabilities that a host has or has not.

A capability is a protocol of its own; the panel asks `isinstance(host, PlacesTakes)` and hides what is missing.
Nothing here may take longer than a moment: hosts that talk to another process answer from what they last heard.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from collections.abc import Sequence as Many
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from bridge.errors import Problem
from bridge.placement import PlacedTake
from bridge.shot import ListedClip, Shot
from bridge.shot_parcel import Parcel
from bridge.take import Note


class HostProblem(Problem):
    """The host did not do what it was asked for, or not exactly."""

    kind = "host"


class PlacementFailed(HostProblem):
    """A take is not where it should be, as reading the timeline back shows."""

    kind = "placement_failed"


@dataclass(frozen=True)
class ServiceSource:
    """How the service opens a shot: the fields `source`, `clip` and `media_folders` of its order."""

    source: str
    clip: str | None
    media_folders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Placement:
    """A take in the timeline, as it was read back. `take` is the take's id, `track_number` the N of VN.

    `where` names the file or timeline that it was written to; record in and out are timecodes, out excluded.
    """

    take: str
    take_name: str
    where: str
    track_name: str
    track_number: int
    record_in: str
    record_out: str
    media_path: str


class Host(ABC):
    """An application with a timeline."""

    name: str
    """What people call it, for example "OTIO file"."""

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
    def source_of(self, shot: Shot) -> ServiceSource:
        """How the service finds this shot."""

    @abstractmethod
    def parcel_of(self, shot: Shot) -> Parcel:
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
class PlacesTakes(Protocol):
    """Puts takes on a new track directly above their clip."""

    def place(self, shot: Shot, takes: Many[PlacedTake], active: int) -> Placement:
        """Place `takes` as one stack, takes[active] on top, and read it back. Raises PlacementFailed or a Problem."""

    def placements(self) -> Mapping[int, Placement]:
        """What stands in the timeline now, by the number of the clip that it lies above."""


@runtime_checkable
class SwapsTakes(Protocol):
    """Puts another take of the same shot in the place of the placed one."""

    def swap(self, shot: Shot, take: PlacedTake) -> Placement:
        """Make `take` the visible one. Raises PlacementFailed or a Problem."""


@runtime_checkable
class SeeksTo(Protocol):
    """Moves its playhead."""

    def seek(self, shot: Shot, frame: int) -> None:
        """Go to the shot's frame `frame` (0 is its first)."""


@runtime_checkable
class TakesMarkers(Protocol):
    """Shows notes as markers."""

    def mark(self, shot: Shot, notes: Many[Note]) -> None:
        """Put a marker at each note's range, in the place of the ones that were put there before."""


@runtime_checkable
class NativeVersions(Protocol):
    """Has a version stack of its own (Resolve's takes)."""

    def add_versions(self, shot: Shot, takes: Many[PlacedTake]) -> int:
        """Add takes to the clip's own stack; how many it has then."""


@runtime_checkable
class HasPalette(Protocol):
    """Tells its colours, for the panel to follow."""

    def palette(self) -> Mapping[str, str]:
        """Colours "#rrggbb" under the names `window`, `base`, `text`, `accent`; only those that are known."""
