"""What is reviewed: a run of frames of a movie or of an image sequence."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from bridge.editorial.clip_list import Shot
from contract.image_sequence import ImageSequence, is_pattern
from contract.take import Take


@dataclass(frozen=True)
class MediaSlice:
    """`count` frames of a movie or an image sequence from frame `first` on (0 is the media's first frame).

    Frames are counted on the constant-rate presentation grid of `rate` frames a second that begins with the media's
    first picture: the grid on which the backend counts, so that frame n here is frame n there, also where the media is
    of variable rate.
    """

    path: str | ImageSequence
    first: int
    count: int
    rate: Fraction

    @property
    def name(self) -> str:
        """The file's name; a sequence has that of its first picture."""
        return Path(self.path if isinstance(self.path, str) else self.path.image(0)).name


@dataclass(frozen=True)
class ReviewTake:
    """A take as the review shows it.

    `number` is the key (1 to 9) that picks it. The paths are absolute; `composite` may be an image sequence.
    `offset` is the frame of the shot on which the take begins, `count` its frames (None: as many as the shot has).
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


def slice_of(shot: Shot) -> MediaSlice:
    """The shot's own frames of its media."""
    return MediaSlice(shot.sequence or shot.media_path, shot.source_start, shot.frame_count, shot.frame_rate)


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
