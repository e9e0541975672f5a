"""Taking everything out again that was installed, and nothing else. Standard library only."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from installers.blender_addon import switch_off
from installers.desktop import POINTER
from installers.errors import InUse, NotInstalled
from installers.manifest import Manifest
from installers.places import Places
from installers.record_files import keep_changed
from installers.versions import App, remove_tree

SETTINGS = ("keys", "log", "cache", "panel/panel.ini", "service.json", "service.lock", "workers.json")
"""Below the service's home: what --settings deletes. Jobs, takes, the ledger and what clients sent always stay."""


@dataclass
class Removed:
    """What an uninstallation came to: files that stay, changed by the user, and folders with the user's work."""

    kept: list[Path] = field(default_factory=list)
    work: list[Path] = field(default_factory=list)
    settings: bool = False


def uninstall(places: Places, tell: Callable[[str], None], *, settings: bool = False) -> Removed:
    """Remove what was installed; with `settings` also keys, logs, cache and the panel's settings. Never takes.

    Raises NotInstalled, InUse while a program of it runs, OSError; done again it goes on where it stopped.
    """
    app = App(places.app)
    with app.lock():
        manifest = Manifest.read(app.manifest_file)
        is_there = bool(manifest.files or app.names() or app.under_way())
        if not is_there and not settings:
            raise NotInstalled("DynVFX is not installed for this user.", f"Nothing of it is in {app.folder}.", "")
        running = app.users_of()
        if running:
            raise InUse(
                "DynVFX still runs.",
                f"{'; '.join(running[:3])}.",
                "Close the panel and the programs that it was opened from. The service ends by itself half a minute "
                "after its last job; `dynvfx jobs` shows what it does. Then give the same command again.",
            )
        removed = Removed(settings=settings)
        if is_there:
            _remove_program(app, manifest, removed, tell)
    if settings:
        _remove_settings(places)
    _remove_empty(places.one("data"))
    manifest.remove_folders()  # those that the settings were in
    removed.work = [path for path in (places.service_home / "jobs", places.service_home / "ledger.db") if path.exists()]
    return removed


def _remove_program(app: App, manifest: Manifest, removed: Removed, tell: Callable[[str], None]) -> None:
    app.begin("uninstall", app.current() or "")
    switch_off(manifest, app.step, tell)
    removed.kept += manifest.take_all_away(app.step)
    (app.folder / POINTER).unlink(missing_ok=True)
    for name in app.names():
        app.step(f"removing {name}")
        removed.kept += keep_changed(app, name, tell) if app.is_whole(name) else []
        app.remove(name)
    for folder in (app.versions, app.staging):
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
    """Remove a folder with nothing in it."""
    with contextlib.suppress(OSError):
        os.rmdir(folder)
