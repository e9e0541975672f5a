"""The media under review: a range of frames of a movie or an image sequence."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from bridge.editorial.clip_list import Shot
from contract.image_sequence import ImageSequence, is_pattern
from contract.take import Note, Status, Take


@dataclass(frozen=True)
class MediaSlice:
    """`count` frames of a movie or an image sequence from frame `first` on (0 is the media's first frame).

    Frames are counted at the constant `rate` in frames a second from the media's first picture, as the backend counts
    them, so that frame numbers agree, also for media of variable rate. Footage that a timeline plays at another speed,
    frame by frame, is counted at its `own_rate`.
    """

    path: str | ImageSequence
    first: int
    count: int
    rate: Fraction
    own_rate: Fraction | None = None

    @property
    def grid(self) -> Fraction:
        """The rate at which the file's frames are counted."""
        return self.own_rate or self.rate

    @property
    def name(self) -> str:
        """The file's name; for a sequence that of its first picture."""
        return Path(self.path if isinstance(self.path, str) else self.path.image(0)).name


@dataclass(frozen=True)
class ReviewTake:
    """A take as the review shows it.

    number: the number key (1 to 9) that chooses it
    composite, layer, matte, preview: absolute paths
    offset: the frame of the shot on which the take begins
    count: its number of frames; None means as many as the shot has
    """

    id: str
    label: str
    number: int
    composite: str | ImageSequence
    layer: str | ImageSequence | None
    matte: str | None
    preview: str | None
    take: Take
    offset: int = 0
    count: int | None = None


@dataclass(frozen=True)
class Reviewed:
    """A take with its status and notes."""

    take: ReviewTake
    status: Status
    notes: tuple[Note, ...]


def slice_of(shot: Shot) -> MediaSlice:
    """The frames of the shot in its media."""
    own = Fraction(*shot.media_rate)
    return MediaSlice(shot.sequence or shot.media_path, shot.source_start, shot.frame_count, shot.frame_rate, own)


def take_in_folder(take: Take, folder: Path, number: int, label: str = "", offset: int = 0) -> ReviewTake:
    """The review's view of a take whose files lie in `folder` (see `contract.take.read_take`)."""
    count, first = take.frame_count, take.first_number
    named = {"layer": take.layer, "composite": take.composite}

    def found(role: str, *names: str) -> str | ImageSequence | None:
        listed = [each.path for each in take.media if each.role == role]
        name = next((name for name in (named.get(role), *names) if name and _is_there(folder, name, first)), None)
        name = name or (listed[0] if len(listed) == 1 else None)
        if name and is_pattern(name):
            return ImageSequence.from_pattern(str(folder / name), first, count)
        return str(folder / name) if name else None

    composite = found("composite", "composite.mov") or found("preview", "preview.mp4") or str(folder / "composite.mov")
    matte, preview = found("matte", "matte.mov"), found("preview", "preview.mp4")
    return ReviewTake(
        id=take.id,
        label=label or take.name,
        number=number,
        composite=composite,
        layer=found("layer", "layer.mov"),
        matte=matte if isinstance(matte, str) else None,
        preview=preview if isinstance(preview, str) else None,
        take=take,
        offset=offset,
        count=count,
    )


def _is_there(folder: Path, name: str, first: int) -> bool:
    path = str(folder / name)
    return Path(ImageSequence.from_pattern(path, first, 1).image(0) if is_pattern(name) else path).is_file()
