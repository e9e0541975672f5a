"""What is reviewed: a run of frames of a movie or of numbered images."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from bridge.editorial.clip_list import Shot
from contract.take import Take

_SEQUENCE_MARK = "%"


@dataclass(frozen=True)
class MediaSlice:
    """`count` frames of a movie, or of images in order, from frame `first` on (0 is the media's first frame).

    Frames are counted on the constant-rate presentation grid of `rate` frames a second that begins with the media's
    first picture: the grid on which the service counts, so that frame n here is frame n there, also where the media is
    of variable rate.
    """

    path: str | tuple[str, ...]
    first: int
    count: int
    rate: Fraction

    @property
    def images(self) -> tuple[str, ...]:
        """The images of a sequence from the media's first on, empty for a movie."""
        return self.path if isinstance(self.path, tuple) else ()

    @property
    def name(self) -> str:
        """The file's name; a sequence has that of its first image."""
        return Path(self.path[0] if isinstance(self.path, tuple) else self.path).name


@dataclass(frozen=True)
class ReviewTake:
    """A take as the review shows it.

    `number` is the key (1 to 9) that picks it. The paths are absolute; `composite` may be the images of a sequence.
    `offset` is the frame of the shot on which the take begins, `count` its frames (None: as many as the shot has).
    """

    id: str
    label: str
    number: int
    composite: str | tuple[str, ...]
    layer: str | tuple[str, ...] | None
    matte: str | None
    preview: str | None
    take: Take
    offset: int = 0
    count: int | None = None


def slice_of(shot: Shot) -> MediaSlice:
    """The shot's own frames of its media."""
    path: str | tuple[str, ...] = shot.media_path
    if shot.sequence is not None:
        path = tuple(shot.sequence.image(index) for index in range(shot.source_start + shot.frame_count))
    return MediaSlice(path, shot.source_start, shot.frame_count, shot.frame_rate)


def take_in_folder(take: Take, folder: Path, number: int, label: str = "", offset: int = 0) -> ReviewTake:
    """The review's view of a take whose files lie in `folder` (see `contract.take.read_take`)."""
    count, first = take.frame_count, take.first_number
    named = {"layer": take.layer, "composite": take.composite}

    def place(role: str, *names: str) -> str | tuple[str, ...] | None:
        listed = [each.path for each in take.media if each.role == role]
        name = next((name for name in (named.get(role), *names) if name and _is_there(folder, name, first)), None)
        name = name or (listed[0] if len(listed) == 1 else None)
        if name and _SEQUENCE_MARK in name:
            return tuple(str(folder / (name % number)) for number in range(first, first + count))
        return str(folder / name) if name else None

    composite = place("composite", "composite.mov") or place("preview", "preview.mp4") or str(folder / "composite.mov")
    matte, preview = place("matte", "matte.mov"), place("preview", "preview.mp4")
    return ReviewTake(
        id=take.id,
        label=label or take.name,
        number=number,
        composite=composite,
        layer=place("layer", "layer.mov"),
        matte=matte if isinstance(matte, str) else None,
        preview=preview if isinstance(preview, str) else None,
        take=take,
        offset=offset,
        count=count,
    )


def _is_there(folder: Path, name: str, first: int) -> bool:
    return (folder / (name % first if _SEQUENCE_MARK in name else name)).is_file()
