"""The panel's interface to a host (an application with a timeline): a small base and optional capabilities.

Each capability is a protocol; the panel checks `isinstance(host, PlacesTakes)` and hides the controls of a missing one.
No method may block: hosts that talk to another process answer from the last state they received. Methods that change a
timeline call `done` or `failed`, at once or later, in the caller's thread.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from collections.abc import Sequence as Many
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import msgspec

from bridge.editorial.clip_list import ListedClip, Shot
from bridge.editorial.placement import PlacedTake
from bridge.editorial.shot_bundle import ShotBundle
from contract.errors import Problem
from contract.job import LayerKind
from contract.take import Note
from contract.timecode import timecode


class HostProblem(Problem):
    """The host failed to do what was requested, or did it incorrectly."""

    kind = "host"


class PlacementFailed(HostProblem):
    """Reading the timeline back did not find the take at its position."""

    kind = "placement_failed"


@dataclass(frozen=True)
class ShotSource:
    """How the backend opens a shot: fields of its job's `contract.job.ClipSource`, which explains them."""

    source: str
    clip: str | None
    media_folders: tuple[str, ...] = ()
    timeline: str | None = None
    rate: str | None = None


class Placement(msgspec.Struct, frozen=True):
    """A take in the timeline, as it was read back.

    take, take_name: the take's id and label
    record_start, record_frames: its record range, absolute frames of the timeline at `rate` (numerator, denominator)
    where: the file or timeline that it was written to
    track_name, track_number: `track_number` is the N of VN
    media_path: the movie, or the first picture of a sequence
    note: what the artist should know besides, for example why the take is not on the next track
    uid: the clip below, as the host names it; empty for hosts that name clips by number
    also_visible: ids of other takes of the clip that are seen together with this one
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
    also_visible: tuple[str, ...] = ()
    rate: tuple[int, int] = (24, 1)

    @property
    def record_in(self) -> str:
        """Timecode of the first frame."""
        return timecode(self.record_start, Fraction(*self.rate))

    @property
    def record_out(self) -> str:
        """Timecode of the frame after the last."""
        return timecode(self.record_start + self.record_frames, Fraction(*self.rate))


class OpenChoice(msgspec.Struct, frozen=True):
    """How to read a timeline: fields of its job's `contract.job.ClipSource`, which explains them."""

    media_folders: tuple[str, ...] = ()
    timeline: str | None = None
    rate: str | None = None


Placed = Callable[[Placement], None]
Failed = Callable[[Problem], None]
Progress = Callable[[int, int, str], None]
"""Steps done, steps in all (0 when unknown), and a text for the user."""


class Host(ABC):
    """An application with a timeline."""

    name: str
    """Its name for the user, for example "OTIO file"."""
    layer: LayerKind | None = None
    """The kind of layer file that this host composites correctly ("png", ...); None leaves it to the settings."""
    problem: Problem | None = None
    """The error that left `clips` empty; None when there was none."""
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
        """The selected clip, None when none is selected."""

    @abstractmethod
    def source_of(self, shot: Shot) -> ShotSource:
        """How the backend finds this shot."""

    @abstractmethod
    def bundle_of(self, shot: Shot) -> ShotBundle:
        """The shot in the form that is sent to a backend on another machine. Raises BadTimeline."""

    @abstractmethod
    def output_folder(self) -> Path | None:
        """Folder beside the project for its takes; None when the project has no folder that can be written."""


@runtime_checkable
class OpensTimelines(Protocol):
    """Opens a timeline or a movie by its path."""

    def read(self, path: Path, choice: OpenChoice | None = None) -> Any:
        """Read `path`, in any thread; `choice` None: as it was read before. Raises BadTimeline or BadMedia."""

    def show(self, read: Any) -> None:
        """Make what `read` returned the open file."""

    def choice(self) -> OpenChoice:
        """How the open file was read."""

    def path(self) -> Path | None:
        """The open file, None when there is none."""


@runtime_checkable
class SelectsClips(Protocol):
    """Lets the panel select the clip, because the host has no selection."""

    def select(self, index: int) -> None:
        """Select the clip with this number in `clips`. Raises BadTimeline."""


@runtime_checkable
class FollowsSelection(Protocol):
    """Reports changes of the selection or the timeline."""

    def on_change(self, changed: Callable[[], None]) -> None:
        """Call `changed`, in the caller's thread, after every change from now on."""


@runtime_checkable
class ExportsClips(Protocol):
    """Exports a clip's media on request: before that, the clip has no shot in `clips`."""

    def export_reason(self, index: int) -> str:
        """Why the clip has to be rendered, which takes time; empty when its media can be used as it is."""

    def length_of(self, index: int) -> tuple[int, Fraction]:
        """Frames and frame rate that the clip's export will have."""

    def export(
        self, index: int, done: Callable[[Shot], None], failed: Failed, progress: Progress
    ) -> Callable[[], None]:
        """Export the clip and read its shot; an unchanged clip keeps the shot it had.

        Returns a function that cancels the export; `failed` then gets the kind "cancelled".
        """


@runtime_checkable
class IdentifiesClips(Protocol):
    """Finds a clip by the key that the panel gave its shot, also after a restart."""

    def identity_of(self, shot: Shot) -> str:
        """A text that is unique to the clip and does not change when the clip is moved or rendered again."""

    def remember_key(self, key: str, shot: Shot) -> None:
        """Store the key that the panel gave this shot."""

    def uid_of(self, key: str) -> str:
        """The host's identifier of the clip with this key, empty when there is none."""


@runtime_checkable
class PlacesTakes(Protocol):
    """Puts takes on a new track directly above their clip."""

    def place(self, shot: Shot, takes: Many[PlacedTake], active: int, done: Placed, failed: Failed) -> None:
        """Place `takes` as one stack, takes[active] on top, and read it back; fails with PlacementFailed."""

    def placements(self) -> Mapping[int, Placement]:
        """The takes placed in the timeline, by the number of the clip below."""


@runtime_checkable
class FollowsPlacements(Protocol):
    """Reports when `placements` changed."""

    def on_placements(self, changed: Callable[[], None]) -> None:
        """Call `changed`, in the caller's thread, after every change from now on."""


@runtime_checkable
class SwapsTakes(Protocol):
    """Replaces the placed take with another one of the same shot."""

    def swap(self, shot: Shot, take: PlacedTake, done: Placed, failed: Failed) -> None:
        """Make `take` the visible one and read it back; fails with PlacementFailed."""


@runtime_checkable
class SeeksTo(Protocol):
    """Moves its playhead."""

    def seek(self, shot: Shot, frame: int, failed: Failed) -> None:
        """Go to the shot's frame `frame` (0 is its first)."""


@runtime_checkable
class ShowsMarkers(Protocol):
    """Shows notes as markers."""

    def mark(self, shot: Shot, notes: Many[Note], failed: Failed) -> None:
        """Put a marker at each note's range, replacing the clip's earlier note markers."""


@runtime_checkable
class NativeVersions(Protocol):
    """Has a version stack of its own (Resolve's takes)."""

    def add_versions(self, shot: Shot, takes: Many[PlacedTake], done: Callable[[int], None], failed: Failed) -> None:
        """Add takes to the clip's own stack; `done` gets the number of versions it then has."""


@runtime_checkable
class HasPalette(Protocol):
    """Has a colour theme that the panel takes over."""

    def palette(self) -> Mapping[str, str]:
        """Colours "#rrggbb" under the names `window`, `base`, `text`, `accent`; only those that are known."""
