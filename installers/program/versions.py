"""The app folder: the installed versions, the one in use, and the command in progress. Standard library only.

APP/current             the name of the version in use; replaced atomically
APP/versions/NAME/      one version: env/ (its packages), setup/ (this installer), agents/, version.json
APP/manifest.json       the installed files outside APP (manifest.py)
APP/journal.json        the command in progress, or the one that was interrupted
APP/staging/            exists while a command is in progress
APP/downloads/          downloaded packages, kept for the next command (packages/downloads.py)
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from installers.errors import BadLink, InUse
from installers.manifest import write_file
from installers.packages.downloads import temporary
from installers.program.desktop import POINTER

INCOMPLETE = "incomplete"
"""A file that exists in a version's folder until it is complete and checked, and while it is being removed."""
VERSION_FILE = "version.json"


class App:
    """The folder of the installed versions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.versions = folder / "versions"
        self.staging = folder / "staging"
        self.downloads = folder / "downloads"
        self.manifest_file = folder / "manifest.json"
        self._journal = folder / "journal.json"
        self._under_way: dict[str, str] = {}

    # What is there --------------------------------------------------------------------------------------------------

    def current(self) -> str | None:
        """The name of the version in use; None without a complete one."""
        try:
            name = (self.folder / POINTER).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return name if name and self.is_whole(name) else None

    def is_whole(self, name: str) -> bool:
        """Whether this version was installed completely."""
        folder = self.versions / name
        return (folder / VERSION_FILE).is_file() and not (folder / INCOMPLETE).exists()

    def names(self) -> list[str]:
        """Every version that has a folder, complete or not."""
        try:
            return sorted(each.name for each in self.versions.iterdir() if each.is_dir())
        except OSError:
            return []

    def facts(self, name: str) -> dict:
        """The content of a complete version's file; empty without one."""
        try:
            reported = json.loads((self.versions / name / VERSION_FILE).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return reported if isinstance(reported, dict) else {}

    def under_way(self) -> dict[str, str]:
        """The interrupted command: {"command", "version", "step"}; empty when there is none."""
        try:
            reported = json.loads(self._journal.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return reported if isinstance(reported, dict) else {}

    # What is done ---------------------------------------------------------------------------------------------------

    def begin(self, command: str, version: str) -> None:
        """Record that `command` is in progress. Raises OSError, BadLink."""
        self._make_folder()
        if os.name == "posix":
            self.folder.chmod(0o700)
        self._under_way = {"command": command, "version": version}
        self.step("begun")

    def _make_folder(self) -> None:
        """Create the app folder, or the folder that it is a link to. Raises OSError, BadLink."""
        if not self.folder.is_symlink() or self.folder.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            return
        target = Path(os.path.realpath(self.folder))
        if not target.parent.is_dir():
            raise BadLink(
                f"{self.folder} is a link to {target}, which does not exist.",
                "Its disk is not connected, or the folder was removed.",
                f"Connect the disk or create the folder {target.parent}, and run the same command again.",
            )
        target.mkdir()

    def step(self, text: str) -> None:
        """Record the next step before it begins. Raises OSError."""
        write_file(self._journal, json.dumps({**self._under_way, "step": text}, ensure_ascii=False).encode())

    def end(self) -> None:
        """Record that the command has finished. Raises OSError."""
        remove_tree(self.staging)
        remove_tree(temporary(self.downloads))
        self._journal.unlink(missing_ok=True)

    def switch(self, name: str) -> None:
        """Make `name` the version in use, atomically. Raises OSError."""
        write_file(self.folder / POINTER, name.encode())

    def new_version(self, wanted: str) -> Path:
        """Create an empty version folder, marked as incomplete; its name may get a number. Raises OSError."""
        name, number = wanted, 1
        # An installer that outlived its killed parent may still be writing to an incomplete one.
        while self.is_whole(name) or self.users_of(name):
            number += 1
            name = f"{wanted}-{number}"
        self.remove(name)
        folder = self.versions / name
        folder.mkdir(parents=True)
        (folder / INCOMPLETE).touch()
        return folder

    def remove(self, name: str) -> None:
        """Delete a version; if this is interrupted, it is left as an incomplete one. Raises OSError."""
        folder = self.versions / name
        if folder.is_dir():
            (folder / INCOMPLETE).touch()
            remove_tree(folder)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the user's installation. Raises InUse when another installer has locked it."""
        name = hashlib.sha256(f"{self.folder}|{getpass.getuser()}".encode()).hexdigest()[:16]
        with open(Path(tempfile.gettempdir()) / f"dynvfx-app-{name}.lock", "a+b") as lock:
            try:
                # Both systems release it when the file is closed or the process has ended.
                if sys.platform == "win32":
                    import msvcrt

                    lock.seek(0)
                    msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
                else:
                    import fcntl

                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise InUse(
                    "Another installation of DynVFX is running.",
                    "Only one can run at a time.",
                    "Wait until it has finished, then run the same command again.",
                ) from error
            yield

    def users_of(self, name: str | None = None) -> list[str]:
        """Programs running from a version (None: any), as "process 12: COMMAND"; best effort, never an error."""
        names = self.names() if name is None else [name]
        # A program may have been started by the link's path or by the folder's own.
        folders = dict.fromkeys((self.versions, self.versions.resolve()))
        environments = [folder / each / "env" for folder in folders for each in names]
        if os.name == "nt":
            return [f"a program in {each}" for each in environments if _runs_on_windows(each)]
        own = os.getpid()
        return [
            f"process {pid}: {command[:160]}"
            for pid, command in _processes()
            if pid != own and any(f"{each}/" in command for each in environments)
        ]


def remove_tree(folder: Path) -> None:
    """Delete a folder and its content; does nothing when it does not exist. Raises OSError."""
    for attempt in range(3):
        try:
            shutil.rmtree(folder)
            return
        except FileNotFoundError:
            if not folder.exists():
                return
        except OSError:
            # A virus scanner may hold a file open for a moment.
            if attempt == 2:
                raise
            time.sleep(0.3)


def _processes() -> list[tuple[int, str]]:
    """Id and command line of every visible process."""
    if sys.platform == "linux":
        found = []
        for each in Path("/proc").iterdir():
            if each.name.isdigit():
                with contextlib.suppress(OSError):
                    command = (each / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "surrogateescape")
                    found.append((int(each.name), command.strip()))
        return found
    listed = subprocess.run(["ps", "-axww", "-o", "pid=,args="], capture_output=True, check=False).stdout
    lines = [line.strip().partition(" ") for line in listed.decode("utf-8", "surrogateescape").splitlines()]
    return [(int(pid), command) for pid, _, command in lines if pid.isdigit()]


def _runs_on_windows(environment: Path) -> bool:
    """Whether a program of this environment runs: Windows does not open a running program's file for writing."""
    for program in (environment / "Scripts").glob("*.exe"):
        try:
            with open(program, "r+b"):
                pass
        except OSError:
            return True
    return False
