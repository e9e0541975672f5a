"""Image sequences on disk: a folder, a pattern or one picture, resolved to numbered files without holes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import structs

from contract.image_sequence import ImageSequence, SequenceName, numbered_name, sequence_names
from media.errors import EmptyMedia, MissingFrames, MissingMedia, UnreadableMedia

IMAGE_SUFFIXES = frozenset(
    (".png", ".exr", ".dpx", ".tif", ".tiff", ".jpg", ".jpeg", ".jp2", ".tga", ".bmp", ".webp", ".sgi", ".ppm", ".cin")
)


def is_sequence(path: str) -> bool:
    """True for a folder, a pattern (%04d, ####, [1001-1100]) of pictures or a picture file."""
    if os.path.isdir(path):
        return True
    picture = Path(path).suffix.lower() in IMAGE_SUFFIXES
    return picture and (os.path.isfile(path) or bool(sequence_names(os.path.basename(path))))


def is_unnumbered_picture(path: str) -> bool:
    """True for a picture file whose name holds no number, so that it belongs to no sequence."""
    return os.path.isfile(path) and is_sequence(path) and numbered_name(os.path.basename(path)) is None


def find_sequence(path: str) -> ImageSequence:
    """Resolve a folder, a pattern or one numbered picture to its files; `folder` is absolute if `path` is.

    A picture stands for itself alone: name a pattern or the folder for the whole sequence.
    Raises MissingMedia, UnreadableMedia, EmptyMedia or MissingFrames.
    """
    is_folder = os.path.isdir(path)  # False where it may not be looked at; pathlib's would raise
    folder, name = (path, "") if is_folder else os.path.split(path)
    names = _names_in(folder)
    if is_folder:
        return _only_sequence(folder, names)
    if os.path.isfile(path):
        picture = numbered_name(name)
        if picture is None:
            raise MissingFrames(f"{path} belongs to no sequence.", "Its name holds no number.", "Choose a movie.")
        return ImageSequence(folder, picture.prefix, picture.suffix, picture.number, 1, picture.digits, 1)
    return _from_pattern(folder, name, names)


def check_sequence(sequence: ImageSequence) -> ImageSequence:
    """The sequence, with its count where it was not known. Its names are taken as they are, nothing is a pattern.

    Raises MissingMedia, UnreadableMedia, EmptyMedia or MissingFrames.
    """
    names = _names_in(sequence.folder)
    if not sequence.count:
        found = _numbers(names, SequenceName(sequence.prefix, sequence.suffix, sequence.padding))
        return _checked(sequence.folder, sequence.prefix, sequence.suffix, found, names)
    there = set(names)
    missing = [
        sequence.first + index * sequence.step
        for index, image in enumerate(sequence.images())
        if os.path.basename(image) not in there
    ]
    if missing:
        raise _holes(sequence.pattern, missing)
    return _with_bytes(sequence)


def _names_in(folder: str) -> list[str]:
    try:
        return os.listdir(folder or ".")
    except FileNotFoundError as error:
        raise MissingMedia(f"The folder {folder} does not exist.", remedy="Relink the clip, then try again.") from error
    except PermissionError as error:
        raise UnreadableMedia(f"The folder {folder} may not be read.", remedy="Check its permissions.") from error


def _from_pattern(folder: str, name: str, names: list[str]) -> ImageSequence:
    path, spellings = os.path.join(folder, name), sequence_names(name)
    if not spellings:
        raise MissingMedia(
            f"The file {path} does not exist.", remedy="Relink the clip in your timeline, then try again."
        )
    for spelled in spellings:
        found = _numbers(names, spelled)
        if spelled.first is not None and spelled.last is not None:
            wanted = range(spelled.first, spelled.last + 1)
            found = [(number, digits) for number, digits in found if number in wanted]
            absent = sorted(set(wanted) - {number for number, _ in found})
            if found and absent:
                padding, count = _padding(found), len(wanted)
                whole = ImageSequence(folder, spelled.prefix, spelled.suffix, wanted[0], 1, padding, count)
                raise _holes(path, absent, whole)
        if found:
            return _checked(folder, spelled.prefix, spelled.suffix, found, names)
    raise MissingMedia(f"No file matches {path}.", remedy="Check the pattern and the folder.")


def _only_sequence(folder: str, names: list[str]) -> ImageSequence:
    groups: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for name in names:
        picture = numbered_name(name)
        if picture is not None and not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES:
            groups.setdefault((picture.prefix, picture.suffix), []).append((picture.number, picture.digits))
    if not groups:
        raise EmptyMedia(f"The folder {folder} holds no numbered pictures.", remedy="Name the movie or the sequence.")
    if len(groups) > 1:
        found = ", ".join(
            sorted(f"{prefix}{'#' * _padding(numbers)}{suffix}" for (prefix, suffix), numbers in groups.items())
        )
        raise MissingMedia(
            f"The folder {folder} holds several sequences: {found}.", remedy="Name one of them by its pattern."
        )
    (prefix, suffix), numbers = next(iter(groups.items()))
    return _checked(folder, prefix, suffix, numbers, names)


def _numbers(names: list[str], spelled: SequenceName) -> list[tuple[int, int]]:
    """(number, digits) of the files that a pattern means, whose padding may count a minus or not."""
    found = []
    for name in names:
        if not name.startswith(spelled.prefix) or not name.endswith(spelled.suffix):
            continue
        middle = name[len(spelled.prefix) : len(name) - len(spelled.suffix)]
        digits = middle.removeprefix("-")
        padded = spelled.padding in (len(digits), len(middle)) or (len(digits) > spelled.padding and digits[:1] != "0")
        if digits.isascii() and digits.isdigit() and padded:
            found.append((int(middle), len(digits)))
    return found


def _padding(numbers: Iterable[tuple[int, int]]) -> int:
    """Unpadded numbers (1 ... 10) come in several lengths, of which the shortest is the padding."""
    return min(digits for _, digits in numbers)


def _checked(
    folder: str, prefix: str, suffix: str, found: Sequence[tuple[int, int]], names: list[str]
) -> ImageSequence:
    if not found:
        raise MissingMedia(f"No picture {prefix}...{suffix} is in {folder}.", remedy="Relink the clip, then try again.")
    numbers = sorted(number for number, _ in found)
    sequence = ImageSequence(folder, prefix, suffix, numbers[0], 1, _padding(found), numbers[-1] - numbers[0] + 1)
    absent = sorted(set(range(numbers[0], numbers[-1] + 1)) - set(numbers))
    if absent:
        raise _holes(sequence.pattern, absent, sequence)
    there = set(names)
    if len(numbers) != sequence.count or any(os.path.basename(image) not in there for image in sequence.images()):
        raise _padded_in_several_ways(sequence, found)
    return _with_bytes(sequence)


def _padded_in_several_ways(sequence: ImageSequence, found: Sequence[tuple[int, int]]) -> MissingFrames:
    alike = max({digits for _, digits in found}, key=lambda digits: sum(each == digits for _, each in found))
    numbers = sorted(number for number, digits in found if digits == alike)
    part = structs.replace(sequence, first=numbers[0], padding=alike, count=numbers[-1] - numbers[0] + 1)
    return MissingFrames(
        f"The numbers of {sequence.pattern} are padded in several ways, or one of them is there twice.",
        "Which picture follows which is not certain.",
        "Rename the pictures so that each number is there once and all have the same number of digits, or name a part "
        f"of them: {os.path.basename(part.ranged_pattern)}.",
    )


def _with_bytes(sequence: ImageSequence) -> ImageSequence:
    for image in sequence.images():
        if os.path.getsize(image) == 0:
            raise EmptyMedia(f"The picture {image} has no bytes.", remedy="Render or copy it again.")
    return sequence


def _holes(pattern: str, absent: list[int], sequence: ImageSequence | None = None) -> MissingFrames:
    shown = ", ".join(map(str, absent[:8])) + (" ..." if len(absent) > 8 else "")
    several = len(absent) != 1
    problem = MissingFrames(
        f"{len(absent)} frame{'s' if several else ''} of {pattern} {'are' if several else 'is'} missing: {shown}.",
        "A picture that is not there would have to be invented.",
        "Render or copy the missing frames, or choose a range without them.",
    )
    problem.sequence = sequence
    return problem
