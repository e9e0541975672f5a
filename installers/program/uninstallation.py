"""Removing everything that was installed, and nothing else. Standard library only."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from installers.errors import InUse, NotInstalled
from installers.hosts.blender_addon import switch_off
from installers.manifest import Manifest
from installers.packages.downloads import folder_bytes
from installers.places import Places
from installers.program.desktop import POINTER
from installers.program.record_files import keep_changed
from installers.program.versions import App, remove_tree

SETTINGS = ("keys", "log", "cache", "panel/panel.ini", "service.json", "service.lock", "workers.json")
"""What --settings deletes in the backend's home. Jobs, takes, the ledger and files sent by clients are always kept."""


@dataclass
class Removed:
    """The result of uninstalling: kept files that the user changed, folders with the user's work, bytes of removed
    downloads, and folders for downloads that the user chose, which are kept."""

    kept: list[Path] = field(default_factory=list)
    work: list[Path] = field(default_factory=list)
    downloaded: int = 0
    caches: list[Path] = field(default_factory=list)
    settings: bool = False


def uninstall(places: Places, report: Callable[[str], None], *, settings: bool = False) -> Removed:
    """Remove the installation; with `settings` also keys, logs, cache and the panel's settings, but never takes.

    Raises NotInstalled, InUse while an installed program runs, OSError. Running it again continues where it stopped.
    """
    app = App(places.app)
    with app.lock():
        manifest = Manifest.read(app.manifest_file)
        # A failed installation leaves its downloads.
        is_there = bool(manifest.files or app.names() or app.under_way() or app.downloads.exists())
        if not is_there and not settings:
            raise NotInstalled(
                "DynVFX is not installed for this user.", f"There is no installation in {app.folder}.", ""
            )
        running = app.users_of()
        if running:
            raise InUse(
                "DynVFX is still running.",
                f"{'; '.join(running[:3])}.",
                "Close the panel and the applications that opened it. The backend ends by itself half a minute "
                "after its last job; `dynvfx jobs` lists its jobs. Then run the same command again.",
            )
        removed = Removed(settings=settings)
        if is_there:
            _remove_program(app, manifest, removed, report)
    if settings:
        _remove_settings(places)
    _remove_empty(places.one("data"))
    manifest.remove_folders()  # the folders that contained the settings
    removed.work = [path for path in (places.service_home / "jobs", places.service_home / "ledger.db") if path.exists()]
    return removed


def _remove_program(app: App, manifest: Manifest, removed: Removed, report: Callable[[str], None]) -> None:
    app.begin("uninstall", app.current() or "")
    switch_off(manifest, app.step, report)
    removed.kept += manifest.take_all_away(app.step)
    (app.folder / POINTER).unlink(missing_ok=True)
    for name in app.names():
        app.step(f"removing {name}")
        removed.kept += keep_changed(app, name, report) if app.is_whole(name) else []
        app.remove(name)
    chosen = str(manifest.choices.get("caches", ""))
    removed.caches = [Path(each) for each in chosen.split(os.pathsep) if each and Path(each).is_dir()]
    app.step("removing the downloads")
    removed.downloaded = folder_bytes(app.downloads)
    for folder in (app.versions, app.staging, app.downloads):
        remove_tree(folder)
    for coming in app.folder.glob("*.dynvfx-new"):
        coming.unlink(missing_ok=True)
    app.manifest_file.unlink(missing_ok=True)
    app.end()
    _remove_empty(app.folder)


def _remove_settings(places: Places) -> None:
    home = places.service_home
    for name in SETTINGS:
        path = home / name
        if path.is_dir() and not path.is_symlink():
            remove_tree(path)
        else:
            path.unlink(missing_ok=True)
    _remove_empty(home / "panel")
    remove_tree(places.logs)
    _remove_empty(places.logs.parent)
    _remove_empty(home)


def _remove_empty(folder: Path) -> None:
    """Remove a folder if it is empty."""
    with contextlib.suppress(OSError):
        os.rmdir(folder)
