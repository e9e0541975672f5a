"""Installing and updating: a new version is made beside the old one, checked, and only then put in its place.

Whatever step it is killed at, what was in use before goes on working, and the same command ends it.
Standard library only.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from installers import agents, desktop, payload
from installers.environment import Environment, find_uv, has_nvidia, torch_choices
from installers.errors import InstallProblem, NoSpace
from installers.hosts import FoundHost
from installers.lock import Lock
from installers.manifest import Manifest, PlacedFile, write_file
from installers.package_failures import DISK_NEEDED
from installers.places import Places
from installers.record_files import keep_changed
from installers.versions import INCOMPLETE, VERSION_FILE, App

PANEL_DISK = 1_500_000_000
"""Measured: the panel's packages without torch take 0.6 GB; as much again while they come."""


@dataclass
class Order:
    """What shall be installed. `source` is a checkout, or with `offline` a bundle."""

    source: Path
    offline: bool = False
    hosts: Sequence[FoundHost] = ()
    panel_only: bool = False
    menu: bool = True
    torch: str = ""
    command: str = "install"


@dataclass
class InstallationResult:
    """What an installation came to. `before` is the version that was in use; `left` are versions that still run."""

    name: str
    before: str | None
    made: bool
    left: list[str] = field(default_factory=list)


def install(order: Order, places: Places, tell: Callable[[str], None]) -> InstallationResult:
    """Carry out `order`. Raises InstallProblem, OSError; then what was in use before is in use again."""
    app = App(places.app)
    with app.lock():
        return _install(order, places, app, tell)


def _install(order: Order, places: Places, app: App, tell: Callable[[str], None]) -> InstallationResult:
    bundle = payload.Bundle.read(order.source) if order.offline else payload.describe(order.source)
    if order.offline:
        bundle.check(order.source)
    manifest = Manifest.read(app.manifest_file)
    before = app.current()
    interrupted = app.under_way()
    if interrupted:
        tell(f"The last {interrupted.get('command', 'command')} was interrupted ({interrupted.get('step')}); going on.")
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
            name = _make(order, places, app, bundle, wanted, parts, tell)
        plan = planned(places, app, name, order.hosts, manifest, menu=order.menu)
        manifest.check(plan)
        try:
            _put_in_place(app, manifest, name, plan, tell)
        except (InstallProblem, OSError):
            if before is not None and before != name:
                _go_back(app, manifest, places, before, tell)
            raise
    except (InstallProblem, OSError):
        _clear_away(app, tell)
        raise
    manifest.hosts = [_as_record(host) for host in order.hosts]
    manifest.choices.update(panel_only=order.panel_only, menu=order.menu, torch=order.torch)
    manifest.write()
    left = remove_others(app, name, tell)
    app.end()
    return InstallationResult(name, before, made, left)


def planned(
    places: Places, app: App, name: str, hosts: Sequence[FoundHost], manifest: Manifest, *, menu: bool = True
) -> list[PlacedFile]:
    """Every file outside of the app folder that belongs to the version `name`. Raises OSError, InstallProblem."""
    folder = app.versions / name
    command = desktop.command_file(places, desktop.command_path(places, list(manifest.files)))
    plan = [command, *desktop.menu_files(places, command.path, folder / "env", panel=menu)]
    # What moves the service's folders in this terminal shall do so when the panel is started by a host.
    variables = ("DYNVFX_HOME", "DYNVFX_STATE")
    moved = {each: places.environment[each] for each in variables if places.environment.get(each)}
    start = agents.panel_command(places.inside("windowed_python", folder / "env"), moved)
    for host in hosts:
        if host.kind in app.facts(name).get("agents", []):
            files = agents.installed_files(host.kind, folder / "agents", host.target, start)
            plan += [PlacedFile(path, content) for path, content in files.items()]
    return plan


def recorded_hosts(manifest: Manifest) -> list[FoundHost]:
    """The hosts that have the agent, from the record."""
    return [FoundHost(each["key"], each["kind"], each["label"], Path(each["target"])) for each in manifest.hosts]


def remove_others(app: App, name: str, tell: Callable[[str], None]) -> list[str]:
    """Remove every version but `name`; those that still run stay for now and are returned. Raises OSError."""
    left = []
    for other in app.names():
        if other == name:
            continue
        if app.users_of(other):
            left.append(other)
            continue
        app.step(f"removing {other}")
        keep_changed(app, other, tell)
        app.remove(other)
    return left


def _early_plan(order: Order, places: Places, app: App, manifest: Manifest) -> list[PlacedFile]:
    """Those files of the plan that can be known before the version is there. Raises OSError."""
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
    """A whole version of this identity that works, None when it has to be made."""
    for name in app.names():
        if app.facts(name).get("wanted") == wanted and app.is_whole(name):
            app.step(f"checking {name}")
            if Environment(app.versions / name / "env", places, None).works(version, parts):
                return name
    return None


def _check_disk(order: Order, bundle: payload.Bundle, panel_only: bool, folder: Path) -> None:
    """Raises NoSpace when the packages cannot fit."""
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
            "Make room, or make that folder a link to one on a larger disk; or install the panel alone (--panel-only) "
            "and let a service on another machine do the work.",
        )


def _make(
    order: Order,
    places: Places,
    app: App,
    bundle: payload.Bundle,
    wanted: str,
    parts: Sequence[str],
    tell: Callable[[str], None],
) -> str:
    """Make a version, check it, and return its name. Raises InstallProblem, OSError."""
    folder = app.new_version(wanted)
    app.step("making the environment")
    environment = Environment(folder / "env", places, find_uv())
    extras = ("panel",) if "backend" not in parts else ("backend", "panel")
    if order.offline:
        environment.make()
        torch = _fill_from_bundle(order, environment, app, bundle, extras, tell)
    else:
        lock = Lock.read(order.source)
        environment.make(lock.for_requirements(["uv"]))
        torch = _fill_from_network(order, places, environment, app, bundle, lock, extras, tell)
    app.step("checking what was installed")
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
    tell: Callable[[str], None],
) -> str:
    """Install a bundle's packages; returns which torch it is. Raises PackagesFailed."""
    app.step("installing the packages")
    tell(f"Installing DynVFX {bundle.version}: from the bundle (some minutes) ...")
    wheels = order.source / "wheels"
    wheel = next(wheels.glob(f"{bundle.name}-*.whl"))
    environment.fill_from_bundle(f"{bundle.name}[{','.join(extras)}] @ {wheel.as_uri()}", wheels, tell)
    return "from the bundle"


def _fill_from_network(
    order: Order,
    places: Places,
    environment: Environment,
    app: App,
    bundle: payload.Bundle,
    lock: Lock,
    extras: Sequence[str],
    tell: Callable[[str], None],
) -> str:
    """Build the program and install it with its locked packages; returns which torch it is. Raises PackagesFailed."""
    app.step("building the program")
    wheels = app.staging / "wheels"
    shutil.rmtree(app.staging, ignore_errors=True)
    payload.copy_source(order.source, app.staging / "source")
    environment.build(app.staging / "source", wheels)
    app.step("installing the packages")
    choices: list[list[str]] = [[]]
    torch = "the panel alone"
    if "backend" in extras:
        choices, torch = torch_choices(places.system, has_nvidia(places), environment.uv is not None, order.torch)
    tell(f"Installing DynVFX {bundle.version}: {torch} (some minutes) ...")
    wheel = next(wheels.glob(f"{bundle.name}-*.whl"))
    packages = lock.for_extras(order.source, extras)
    worked = environment.fill_locked(packages, [str(wheel)], choices, tell)
    return torch if list(worked) == choices[0] else "torch as the package index has it"


def _put_in_place(app: App, manifest: Manifest, name: str, plan: list[PlacedFile], tell: Callable[[str], None]) -> None:
    """Put the version `name` in use. Raises InstallProblem, OSError."""
    manifest.place(plan, app.step, tell)
    app.step(f"switching to {name}")
    app.switch(name)


def _go_back(app: App, manifest: Manifest, places: Places, before: str, tell: Callable[[str], None]) -> None:
    """Put the version that was in use before in its place again, as far as that goes."""
    try:
        menu = bool(manifest.choices.get("menu", True))
        plan = planned(places, app, before, recorded_hosts(manifest), manifest, menu=menu)
        _put_in_place(app, manifest, before, plan, tell)
        tell(f"Went back to {before}.")
    except (InstallProblem, OSError) as error:
        tell(f"{before} could not be put back in all places ({error}); the same command tries again.")


def _remove_incomplete(app: App) -> None:
    """Remove versions that did not become whole, except those into which an orphaned installer still writes."""
    for name in app.names():
        if not app.is_whole(name) and not app.users_of(name):
            app.remove(name)


def _clear_away(app: App, tell: Callable[[str], None]) -> None:
    """Remove what a failed installation made; a full disk has its room back."""
    try:
        _remove_incomplete(app)
        app.end()
    except OSError as error:
        tell(f"What was half made in {app.folder} could not be removed ({error}); the next installation does it.")


def _as_record(host: FoundHost) -> dict[str, str]:
    return {"key": host.key, "kind": host.kind, "label": host.label, "target": str(host.target)}
