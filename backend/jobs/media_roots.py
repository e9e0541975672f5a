"""Which files of its machine the service reads and writes for a client: those below the folders that it was given."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path, PureWindowsPath

from bridge.files.relative_paths import is_device_name
from contract.errors import BAD_INPUT, BadUsage, Problem
from media.errors import MissingMedia, UnreadableMedia
from media.sequences import is_sequence

_WINDOWS_DEVICE_SPACE = re.compile(r"^[\\/]{2}[.?][\\/]|^\\\?\?\\")


class OutsideMediaRoots(Problem):
    """A path does not lie, or lies by a link only, below the media roots; or it is no plain file or folder there."""

    kind, exit_code = "outside_media_roots", BAD_INPUT


class MediaRoots:
    """The folders below which media may be read and results written.

    A path counts as where it really is, after all links. Between the check and the reading a user who may write below
    a root could swap a file for a link: read the path that `check` returned, and let only trusted people write there.
    """

    def __init__(self, roots: Iterable[str | os.PathLike[str]]) -> None:
        """Roots may be missing as yet (a disk that is mounted later). Raises BadUsage for one that is no folder."""
        self.roots = tuple(dict.fromkeys(_real_root(root) for root in roots))

    def check(self, path: str | os.PathLike[str]) -> Path:
        """The real place of a file, a folder, or a pattern of picture files (shot.%04d.png) below a root.

        Of a pattern the folder is checked: check each of its files before it is read. Raises OutsideMediaRoots,
        MissingMedia or UnreadableMedia. What lies outside is refused alike whether it exists or not.
        """
        real = self._real(path)
        if not os.path.lexists(real) and is_sequence(str(real)):
            self._require_plain(self._real(real.parent), path)
            return real
        self._require_plain(real, path)
        return real

    def check_output(self, path: str | os.PathLike[str]) -> Path:
        """The real place of a folder for results below a root, which need not exist yet. Raises OutsideMediaRoots."""
        real = self._real(path)
        if os.path.lexists(real) and not real.is_dir():
            raise self._refusal(path, "It is not a folder.")
        return real

    def _real(self, path: str | os.PathLike[str]) -> Path:
        text = os.fspath(path)
        if "\0" in text or not _is_speakable(text):
            raise self._refusal(path, "It is not a path.")
        if not os.path.isabs(text):
            raise self._refusal(path, "It is not a full path on the backend's machine.")
        if os.name == "nt":
            why = windows_trap(text)
            if why or (text[:2] in ("\\\\", "//") and not self._has_share(text)):
                # Even looking at a foreign share would hand our user's credentials to its machine.
                raise self._refusal(path, why or "It is on another machine.")
        try:
            real = Path(text).resolve()
        except (OSError, RuntimeError) as error:
            raise self._refusal(path, "Its links lead nowhere.") from error
        if not any(_lies_below(real, root) for root in self.roots):
            raise self._refusal(path, f"It is not below {', '.join(map(str, self.roots)) or 'any folder'}.")
        return real

    def _has_share(self, text: str) -> bool:
        drive = PureWindowsPath(text).drive.lower()
        return any(drive == PureWindowsPath(root).drive.lower() for root in self.roots)

    def _require_plain(self, real: Path, named: str | os.PathLike[str]) -> None:
        try:
            mode = real.stat().st_mode
        except FileNotFoundError as error:
            raise MissingMedia(f"The file {named} does not exist.", remedy="Relink the clip and try again.") from error
        except OSError as error:
            why = error.strerror or str(error)
            raise UnreadableMedia(f"The file {named} may not be read.", why, "Check its permissions.") from error
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise self._refusal(named, "It is a device, a pipe or a socket.")

    def _refusal(self, path: str | os.PathLike[str], why: str) -> OutsideMediaRoots:
        return OutsideMediaRoots(
            f"The backend may not use {os.fspath(path)!r}.",
            why,
            "Move it below one of the backend's media roots, start the backend with --media-root for its folder, "
            "or let it travel over the bridge.",
        )


def windows_trap(text: str) -> str:
    """Why a path means something else than a file or folder on Windows; empty when it does not."""
    if _WINDOWS_DEVICE_SPACE.match(text):
        return "It names a device."
    path = PureWindowsPath(text)
    for part in path.parts[1:] if path.anchor else path.parts:
        if ":" in part:
            return "It names a stream inside a file."
        if is_device_name(part):
            return f"{part!r} is a device."
    return ""


def _real_root(root: str | os.PathLike[str]) -> Path:
    try:
        real = Path(root).expanduser().resolve()
    except (OSError, RuntimeError) as error:
        raise BadUsage(f"The media root {root} cannot be used.", str(error), "Name a folder.") from error
    if real.exists() and not real.is_dir():
        raise BadUsage(f"The media root {root} is not a folder.", remedy="Name the folder that holds the media.")
    return real


def _lies_below(real: Path, root: Path) -> bool:
    """By name; else by what the folders are, for disks that ignore upper and lower case."""
    if real.is_relative_to(root):
        return True
    try:
        facts = root.stat()
    except OSError:
        return False
    for folder in (real, *real.parents):
        try:
            if os.path.samestat(folder.stat(), facts):
                return True
        except OSError:
            continue
    return False


def _is_speakable(text: str) -> bool:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True
