"""Thumbnails of takes as small PNG files, for hosts that show pictures only from files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from PyQt6.QtGui import QImage

from contract.errors import BadMedia, Problem
from plugin.background_runner import BackgroundRunner

LONGEST_SIDE = 256


class Stills:
    """One PNG for each movie, from its middle, made in another thread; `made` is called after each one."""

    def __init__(self, folder: Path, background: BackgroundRunner, made: Callable[[], None]) -> None:
        self._folder, self._background, self._made = folder, background, made
        self._known: dict[str, str] = {}

    def path_of(self, movie: str) -> str:
        """The path of the PNG, "" while there is none or when it cannot be made."""
        if movie not in self._known:
            self._known[movie] = ""
            self._background.run(lambda: write_still(Path(movie), self._folder), self._keep(movie), _without)
        return self._known[movie]

    def _keep(self, movie: str) -> Callable[[str], None]:
        def keep(path: str) -> None:
            self._known[movie] = path
            self._made()

        return keep


def write_still(movie: Path, folder: Path) -> str:
    """Write the picture in the middle of a movie as a PNG of at most 256 pixels a side. Raises BadMedia."""
    try:
        facts = movie.stat()
        name = hashlib.sha256(f"{movie}:{facts.st_mtime_ns}:{facts.st_size}".encode("utf-8", "replace")).hexdigest()
        target = folder / f"{name[:24]}.png"
        if target.is_file():
            return str(target)
        with av.open(str(movie)) as container:
            stream = container.streams.video[0]
            middle = (stream.frames or 1) // 2
            frame = next(each for number, each in enumerate(container.decode(stream)) if number >= middle)
        scale = min(1.0, LONGEST_SIDE / max(frame.width, frame.height))
        size = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
        folder.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".partial")
        pixels = np.ascontiguousarray(frame.to_ndarray(format="rgb24", width=size[0], height=size[1]))
        image = QImage(pixels.data, *size, pixels.strides[0], QImage.Format.Format_RGB888)
        if not image.save(str(partial), "PNG"):
            raise OSError(f"{partial} could not be written")
        partial.replace(target)
    except (OSError, av.FFmpegError, IndexError, StopIteration) as error:
        raise BadMedia(f"{movie.name} has no thumbnail.", str(error)) from error
    return str(target)


def _without(problem: Problem) -> None:
    """Nothing to do: a take may have no thumbnail."""
