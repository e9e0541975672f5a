"""The record of every file installed outside the program's own folder, so that exactly these can be removed.

It is written before the files are, so that it lists every file even if the installation is killed. Standard library
only.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from installers.errors import BadRecord, InTheWay

KEPT = ".kept"
"""Added to the name of a file that the user changed, when an update needs its place."""
COMING = ".dynvfx-new"
"""Added to the name of a file while it is written."""
FORMAT = 1


@dataclass
class PlacedFile:
    """A file outside the app folder: its content, and its permissions on POSIX systems."""

    path: Path
    content: bytes
    mode: int = 0o644

    @property
    def sha256(self) -> str:
        """Hash of the content."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass
class Manifest:
    """The files (path -> hashes of contents written or about to be written), the created folders, and the choices."""

    file: Path
    files: dict[str, list[str]] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    hosts: list[dict[str, str]] = field(default_factory=list)
    choices: dict[str, str | bool] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> Manifest:
        """Read the record in `file`; an empty one if the file does not exist. Raises BadRecord, OSError."""
        try:
            reported = json.loads(file.read_text("utf-8"))
        except FileNotFoundError:
            return cls(file)
        except ValueError as error:
            raise _unreadable(file, str(error)) from error
        if not isinstance(reported, dict) or reported.get("format") != FORMAT:
            raise _unreadable(file, "it was written by another version of the installer")
        return cls(file, reported["files"], reported["folders"], reported["hosts"], reported["choices"])

    def write(self) -> None:
        """Write the record atomically. Raises OSError."""
        reported = {
            "format": FORMAT,
            "files": self.files,
            "folders": self.folders,
            "hosts": self.hosts,
            "choices": self.choices,
        }
        write_file(self.file, json.dumps(reported, indent=1, ensure_ascii=False).encode())

    # Placing --------------------------------------------------------------------------------------------------------

    def check(self, plan: Iterable[PlacedFile]) -> None:
        """Raises InTheWay when other files have the paths of files in the plan. Raises OSError."""
        foreign = [
            each.path
            for each in plan
            if str(each.path) not in self.files and _differs(each) and not _is_left_over(each.path)
        ]
        if foreign:
            more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
            raise InTheWay(
                f"{', '.join(map(str, foreign[:3]))}{more}: already there, and not created by this installation.",
                "Files with these names were put there by hand or by another installation.",
                "Move them away and run the same command again, or leave that host out with --hosts.",
            )

    def place(self, plan: list[PlacedFile], step: Callable[[str], None], report: Callable[[str], None]) -> None:
        """Write the files of `plan`, and remove the files of earlier plans that are not in it.

        step: called with each step before it begins.
        report: called with messages for the user.
        Raises InTheWay, OSError.
        """
        self.check(plan)
        for each in plan:
            known = str(each.path) in self.files
            hashes = self.files.setdefault(str(each.path), [])
            found = None if known else hash_of(each.path)
            if found is not None:
                hashes.append(found)  # left by an installation whose record was deleted
            if each.sha256 not in hashes:
                hashes.append(each.sha256)
            self.note_folders(each.path.parent)
        self.write()
        for each in plan:
            step(f"placing {each.path}")
            self._place_one(each, report)
        wanted = {str(each.path) for each in plan}
        for path in [path for path in self.files if path not in wanted]:
            step(f"removing {path}")
            self._take_away(Path(path), report)
            del self.files[path]
        for each in plan:
            self.files[str(each.path)] = [each.sha256]
        self.remove_folders({parent for each in plan for parent in each.path.parents})
        self.write()

    def _place_one(self, wanted: PlacedFile, report: Callable[[str], None]) -> None:
        path = wanted.path
        path.parent.mkdir(parents=True, exist_ok=True)
        found = hash_of(path)
        if found not in (None, *self.files[str(path)]):
            kept = _free_name(path)
            path.replace(kept)
            report(f"{path} was changed by you; your file is now {kept}.")
        if found != wanted.sha256 or _mode_differs(wanted):
            write_file(path, wanted.content, wanted.mode)

    def note_folders(self, folder: Path) -> None:
        """Record the folders that do not exist yet: the installation creates them."""
        missing = []
        while not folder.exists() and folder != folder.parent:
            missing.append(str(folder))
            folder = folder.parent
        self.folders += [each for each in reversed(missing) if each not in self.folders]

    # Taking away ----------------------------------------------------------------------------------------------------

    def take_all_away(self, step: Callable[[str], None]) -> list[Path]:
        """Delete the files and folders of the record; returns those kept because the user changed them.

        Raises OSError.
        """
        kept: list[Path] = []
        for path in list(self.files):
            step(f"removing {path}")
            if not self._take_away(Path(path), lambda text: None):
                kept.append(Path(path))
            # Kept files belong to the user from now on, and another run leaves them alone.
            del self.files[path]
            self.write()
        self.remove_folders()
        self.write()
        return kept

    def changed(self) -> tuple[list[Path], list[Path]]:
        """The files of the record that were changed, and those that are missing."""
        changed, gone = [], []
        for path, hashes in self.files.items():
            found = hash_of(Path(path))
            if found is None:
                gone.append(Path(path))
            elif found not in hashes:
                changed.append(Path(path))
        return changed, gone

    def _take_away(self, path: Path, report: Callable[[str], None]) -> bool:
        """Delete one file of the record and its compiled form; False when the user changed it and it is kept."""
        path.with_name(path.name + COMING).unlink(missing_ok=True)
        found = hash_of(path)
        if found is not None and found not in self.files[str(path)]:
            report(f"{path} was changed by you and is kept.")
            return False
        path.unlink(missing_ok=True)
        if path.suffix == ".py":
            for cached in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
                cached.unlink(missing_ok=True)
            _remove_if_empty(path.parent / "__pycache__")
        return True

    def remove_folders(self, needed: Collection[Path] = ()) -> None:
        """Remove the created folders that are empty now, the deepest first."""
        for folder in sorted(self.folders, key=len, reverse=True):
            if Path(folder) not in needed and _remove_if_empty(Path(folder)):
                self.folders.remove(folder)


def write_file(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write `content` to `path` atomically. Raises OSError."""
    coming = path.with_name(path.name + COMING)
    with open(coming, "wb") as sink:
        sink.write(content)
        sink.flush()
        os.fsync(sink.fileno())
    coming.chmod(mode)
    coming.replace(path)


def hash_of(path: Path) -> str | None:
    """SHA-256 of a file's content, None when the file does not exist. Raises OSError."""
    try:
        with open(path, "rb") as source:
            return hashlib.file_digest(source, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _differs(wanted: PlacedFile) -> bool:
    """Whether the path has something other than the wanted file."""
    return os.path.lexists(wanted.path) and (wanted.path.is_dir() or hash_of(wanted.path) != wanted.sha256)


def _is_left_over(path: Path) -> bool:
    """Whether a file is from a DynVFX installation whose app folder was deleted by hand."""
    if path.is_dir():
        return False
    if path.parent.name.lower().startswith("dynvfx") and (path.parent / "panel_command.json").is_file():
        return True
    try:
        with open(path, "rb") as source:
            return b"DynVFX" in source.read(4096)
    except FileNotFoundError:
        return False


def _mode_differs(wanted: PlacedFile) -> bool:
    return os.name == "posix" and wanted.path.stat().st_mode & 0o777 != wanted.mode


def _free_name(path: Path) -> Path:
    """An unused path beside `path`."""
    number = 1
    while True:
        free = path.with_name(f"{path.name}{KEPT}{number if number > 1 else ''}")
        if not os.path.lexists(free):
            return free
        number += 1


def _remove_if_empty(folder: Path) -> bool:
    """Remove a folder if it is empty; returns whether it was removed."""
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _unreadable(file: Path, why: str) -> BadRecord:
    return BadRecord(
        f"The record of installed files, {file}, cannot be read.",
        f"{why[:1].upper()}{why[1:]}.",
        "Use the installer that wrote it (the newer one), or move the file away: installed files are then "
        "treated as yours.",
    )
