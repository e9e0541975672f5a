"""Installing and updating: a new version is installed beside the old one and checked before it is put in use.

If it is killed at any step, the previous version continues to work, and the same command completes the installation.
Standard library only.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from installers.errors import InstallProblem, NoSpace
from installers.hosts import agents
from installers.hosts.found_hosts import FoundHost
from installers.manifest import Manifest, PlacedFile, write_file
from installers.packages.downloads import chosen_caches
from installers.packages.environment import Environment, find_uv, has_nvidia, torch_choices
from installers.packages.lock import PANEL_EXTRAS, Lock
from installers.packages.package_failures import DISK_NEEDED, PANEL_DISK
from installers.places import Places
from installers.program import desktop, payload
from installers.program.record_files import keep_changed
from installers.program.versions import INCOMPLETE, VERSION_FILE, App


@dataclass
class Order:
    """What to install. `source` is a checkout, or with `offline` a bundle."""

    source: Path
    offline: bool = False
    hosts: Sequence[FoundHost] = ()
    panel_only: bool = False
    menu: bool = True
    torch: str = ""
    command: str = "install"


@dataclass
class InstallationResult:
    """The result of an installation: the version in use before, and older versions that are still running (`left`)."""

    name: str
    before: str | None
    made: bool
    left: list[str] = field(default_factory=list)


def install(order: Order, places: Places, report: Callable[[str], None]) -> InstallationResult:
    """Carry out `order`. Raises InstallProblem, OSError, and then keeps the previous version in use."""
    app = App(places.app)
    with app.lock():
        return _install(order, places, app, report)


def _install(order: Order, places: Places, app: App, report: Callable[[str], None]) -> InstallationResult:
    bundle = payload.Bundle.read(order.source) if order.offline else payload.describe(order.source)
    if order.offline:
        bundle.check(order.source)
    manifest = Manifest.read(app.manifest_file)
    before = app.current()
    interrupted = app.under_way()
    if interrupted:
        report(
            f"The last {interrupted.get('command', 'command')} was interrupted ({interrupted.get('step')}); continuing."
        )
    panel_only = order.panel_only or bundle.panel_only
    parts = ("base", "panel") if panel_only else ("base", "panel", "backend")
    wanted = bundle.identity + ("-panel" if panel_only else "")
    manifest.note_folders(app.folder)
    app.begin(order.command, wanted)
    manifest.write()
    _remove_incomplete(app)
    try:
        # Before the packages come, and not only after.
        manifest.check(_early_plan(order, places, app, manifest))
        name = _usable(app, places, wanted, bundle.version, parts)
        made = name is None
        if name is None:
            _check_disk(order, bundle, panel_only, app.folder)
            name = _make(order, places, app, bundle, wanted, parts, report)
        plan = planned(places, app, name, order.hosts, manifest, menu=order.menu)
        manifest.check(plan)
        try:
            _put_in_place(app, manifest, name, plan, report)
        except (InstallProblem, OSError):
            if before is not None and before != name:
                _go_back(app, manifest, places, before, report)
            raise
    except (InstallProblem, OSError):
        _clear_away(app, report)
        raise
    manifest.hosts = [_as_record(host) for host in order.hosts]
    manifest.choices.update(panel_only=order.panel_only, menu=order.menu, torch=order.torch)
    manifest.choices["caches"] = os.pathsep.join(map(str, chosen_caches()))
    manifest.write()
    left = remove_others(app, name, report)
    app.end()
    return InstallationResult(name, before, made, left)


def planned(
    places: Places, app: App, name: str, hosts: Sequence[FoundHost], manifest: Manifest, *, menu: bool = True
) -> list[PlacedFile]:
    """Every file of the version `name` outside the app folder. Raises OSError, InstallProblem."""
    folder = app.versions / name
    command = desktop.command_file(places, desktop.command_path(places, list(manifest.files)))
    plan = [command, *desktop.menu_files(places, command.path, folder / "env", panel=menu)]
    # What these variables mean in this terminal they must also mean when a host starts the panel.
    variables = ("DYNVFX_HOME", "DYNVFX_STATE", "DYNVFX_BACKEND", "DYNVFX_BACKEND_KEY")
    given = {each: places.environment[each] for each in variables if places.environment.get(each)}
    start = agents.panel_command(places.inside("windowed_python", folder / "env"), given)
    for host in hosts:
        if host.kind in app.facts(name).get("agents", []):
            files = agents.installed_files(host.kind, folder / "agents", host.target, start)
            plan += [PlacedFile(path, content) for path, content in files.items()]
    return plan


def recorded_hosts(manifest: Manifest) -> list[FoundHost]:
    """The hosts that have the agent, from the record."""
    return [FoundHost(each["key"], each["kind"], each["label"], Path(each["target"])) for each in manifest.hosts]


def remove_others(app: App, name: str, report: Callable[[str], None]) -> list[str]:
    """Remove every version but `name`, except those still running, which are returned. Raises OSError."""
    left = []
    for other in app.names():
        if other == name:
            continue
        if app.users_of(other):
            left.append(other)
            continue
        app.step(f"removing {other}")
        keep_changed(app, other, report)
        app.remove(other)
    return left


def _early_plan(order: Order, places: Places, app: App, manifest: Manifest) -> list[PlacedFile]:
    """The files of the plan that are known before the version is installed. Raises OSError."""
    assembled = order.source / "agents"
    if not order.offline:
        assembled = app.staging / "agents"
        agents.assemble(order.source, assembled)
    plan = [desktop.command_file(places, desktop.command_path(places, list(manifest.files)))]
    for host in order.hosts:
        if (assembled / host.kind).is_dir():
            files = agents.installed_files(host.kind, assembled, host.target, b"")
            plan += [PlacedFile(path, content) for path, content in files.items()]
    return plan


def _usable(app: App, places: Places, wanted: str, version: str, parts: Sequence[str]) -> str | None:
    """A complete, working version with this identity; None when it has to be installed."""
    for name in app.names():
        if app.facts(name).get("wanted") == wanted and app.is_whole(name):
            app.step(f"checking {name}")
            if Environment(app.versions / name / "env", places, None).works(version, parts):
                return name
    return None


def _check_disk(order: Order, bundle: payload.Bundle, panel_only: bool, folder: Path) -> None:
    """Raises NoSpace when the disk is too small for the packages."""
    if order.offline:
        # Measured: unpacked wheels are two to three times as large.
        needed = 3 * sum((order.source / "wheels" / wheel).stat().st_size for wheel in bundle.wheels)
    else:
        needed = PANEL_DISK if panel_only else DISK_NEEDED
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise NoSpace(
            f"The disk of {folder} has {free / 1e9:.1f} GB free, and the installation needs {needed / 1e9:.1f} GB.",
            "",
            "Free some space, or make that folder a link to one on a larger disk; or install only the panel "
            "(--panel-only) and use a backend on another machine.",
        )


def _make(
    order: Order,
    places: Places,
    app: App,
    bundle: payload.Bundle,
    wanted: str,
    parts: Sequence[str],
    report: Callable[[str], None],
) -> str:
    """Install a version, check it, and return its name. Raises InstallProblem, OSError."""
    folder = app.new_version(wanted)
    app.step("creating the environment")
    environment = Environment(folder / "env", places, find_uv(), app.downloads)
    extras = (*PANEL_EXTRAS, *(("backend",) if "backend" in parts else ()))
    if order.offline:
        environment.make()
        torch = _fill_from_bundle(order, environment, app, bundle, extras, report)
    else:
        lock = Lock.read(order.source)
        environment.make(lock.for_requirements(["uv"]))
        torch = _fill_from_network(order, places, environment, app, bundle, lock, extras, report)
    app.step("checking the installation")
    environment.check(bundle.version, parts)
    app.step("completing the version")
    payload.copy_setup(order.source, folder / "setup")
    if order.offline:
        for kind in bundle.agents:
            shutil.copytree(order.source / "agents" / kind, folder / "agents" / kind, dirs_exist_ok=True)
    else:
        agents.assemble(order.source, folder / "agents")
    facts = {**asdict(bundle), "wheels": {}, "wanted": wanted, "parts": list(parts), "torch": torch}
    write_file(folder / VERSION_FILE, payload.as_json(facts))
    (folder / INCOMPLETE).unlink()
    return folder.name


def _fill_from_bundle(
    order: Order,
    environment: Environment,
    app: App,
    bundle: payload.Bundle,
    extras: Sequence[str],
    report: Callable[[str], None],
) -> str:
    """Install a bundle's packages; returns the description of its torch. Raises PackagesFailed."""
    app.step("installing the packages")
    report(f"Installing DynVFX {bundle.version} from the bundle (takes some minutes) ...")
    wheels = order.source / "wheels"
    wheel = next(wheels.glob(f"{bundle.name}-*.whl"))
    environment.fill_from_bundle(f"{bundle.name}[{','.join(extras)}] @ {wheel.as_uri()}", wheels, report)
    return "from the bundle"


def _fill_from_network(
    order: Order,
    places: Places,
    environment: Environment,
    app: App,
    bundle: payload.Bundle,
    lock: Lock,
    extras: Sequence[str],
    report: Callable[[str], None],
) -> str:
    """Build DynVFX and install it with its locked packages; returns the description of torch. Raises PackagesFailed."""
    app.step("building the program")
    wheels = app.staging / "wheels"
    shutil.rmtree(app.staging, ignore_errors=True)
    payload.copy_source(order.source, app.staging / "source")
    environment.build(app.staging / "source", wheels)
    app.step("installing the packages")
    choices: list[list[str]] = [[]]
    torch = "only the panel"
    if "backend" in extras:
        choices, torch = torch_choices(places.system, has_nvidia(places), environment.uv is not None, order.torch)
    report(f"Installing DynVFX {bundle.version}: {torch} (takes some minutes) ...")
    wheel = next(wheels.glob(f"{bundle.name}-*.whl"))
    packages = lock.for_extras(order.source, extras)
    worked = environment.fill_locked(packages, [str(wheel)], choices, report)
    return torch if list(worked) == choices[0] else "torch from the package index"


def _put_in_place(
    app: App, manifest: Manifest, name: str, plan: list[PlacedFile], report: Callable[[str], None]
) -> None:
    """Put the version `name` in use. Raises InstallProblem, OSError."""
    manifest.place(plan, app.step, report)
    app.step(f"switching to {name}")
    app.switch(name)


def _go_back(app: App, manifest: Manifest, places: Places, before: str, report: Callable[[str], None]) -> None:
    """Put the previous version in use again, as far as possible."""
    try:
        menu = bool(manifest.choices.get("menu", True))
        plan = planned(places, app, before, recorded_hosts(manifest), manifest, menu=menu)
        _put_in_place(app, manifest, before, plan, report)
        report(f"Went back to {before}.")
    except (InstallProblem, OSError) as error:
        report(f"{before} could not be restored completely ({error}); run the same command to try again.")


def _remove_incomplete(app: App) -> None:
    """Remove incomplete versions, except those to which an orphaned installer is still writing."""
    for name in app.names():
        if not app.is_whole(name) and not app.users_of(name):
            app.remove(name)


def _clear_away(app: App, report: Callable[[str], None]) -> None:
    """Remove the files of a failed installation, which also frees a full disk."""
    try:
        _remove_incomplete(app)
        app.end()
    except OSError as error:
        report(f"Incomplete files in {app.folder} could not be removed ({error}); the next installation removes them.")


def _as_record(host: FoundHost) -> dict[str, str]:
    return {"key": host.key, "kind": host.kind, "label": host.label, "target": str(host.target)}
