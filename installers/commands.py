"""`run.py install | update | uninstall | status`: options, questions and messages. Standard library only."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from installers.errors import BadChoice, InstallProblem, NotInstalled, from_os_error
from installers.hosts.blender_addon import switch_on
from installers.hosts.found_hosts import FoundHost, choose, find_hosts
from installers.manifest import Manifest
from installers.packages.system_packages import DEBIAN, absent_here
from installers.places import Places
from installers.program import payload, status
from installers.program.bundling import make_bundle
from installers.program.installation import Order, install, recorded_hosts
from installers.program.uninstallation import uninstall
from installers.program.versions import App

COMMANDS = ("install", "update", "uninstall", "status")
_DOING = {
    "install": "DynVFX could not be installed",
    "update": "DynVFX could not be updated",
    "uninstall": "DynVFX could not be removed",
    "status": "The status of the installation could not be read",
}


def main(root: Path, command: str, arguments: list[str], places: Places | None = None) -> int:
    """Run one of COMMANDS for the checkout or bundle `root`; returns the exit status."""
    options = _parser(command).parse_args(arguments)
    places = places or Places.of_this_user()
    try:
        if command in ("install", "update") and places.environment.get("SUDO_USER") and _is_root():
            raise BadChoice(
                "DynVFX is installed by each user, without sudo.",
                "It goes into your own folders; with sudo the files would belong to the administrator.",
                f"Run the command without sudo: python3 run.py {command}",
            )
        code = _CARRY_OUT[command](root, options, places)
        sys.stdout.flush()
        return code
    except InstallProblem as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 2 if isinstance(problem, BadChoice) else 1
    except BrokenPipeError:
        # Its reader, such as `head`, has seen enough; Python flushes once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"\n{from_os_error(error, _DOING[command])}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Run the same command to continue.", file=sys.stderr)
        return 130


def _parser(command: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"run.py {command}")
    add = parser.add_argument
    if command in ("install", "update"):
        add("--from", dest="bundle", type=Path, metavar="FOLDER", help="an offline bundle; nothing is downloaded")
        add(
            "--hosts",
            metavar="LIST",
            help="where to install the agent: for example blender-4.2,resolve, or all, or none",
        )
        add("--enable", action="store_true", help="enable the add-on in Blender's preferences")
    if command == "install":
        add("--bundle", dest="make", type=Path, metavar="FOLDER", help="make an offline bundle and install nothing")
        add("--panel-only", action="store_true", help="without torch: a backend on another machine makes the takes")
        add("--no-menu", action="store_true", help="no entry in the system's menu")
        add(
            "--torch",
            default="",
            metavar="BUILD",
            help="a build of torch by uv's names (cpu, cu128, rocm6.4, auto ...), or default",
        )
    if command == "uninstall":
        add("--settings", action="store_true", help="delete keys, settings, cache and logs too; takes always stay")
    if command == "status":
        add("--json", action="store_true", help="for scripts")
    else:
        add("--yes", action="store_true", help="ask nothing")
    return parser


def _install(root: Path, options: argparse.Namespace, places: Places) -> int:
    if options.make is not None:
        bundle = make_bundle(root, options.make, places, _report, panel_only=options.panel_only)
        size = sum(each.stat().st_size for each in (options.make / "wheels").glob("*.whl"))
        print(f"The bundle {options.make} is complete: DynVFX {bundle.version}, {size / 1e9:.1f} GB, for")
        print(f"{bundle.system} {bundle.machine} with Python {bundle.python}. Install from it: python3 run.py install")
        return 0
    hosts = _chosen_hosts(find_hosts(places), options, places)
    order = Order(
        source=options.bundle or root,
        offline=options.bundle is not None or not payload.is_checkout(root),
        hosts=hosts,
        panel_only=options.panel_only,
        menu=not options.no_menu,
        torch=options.torch,
    )
    return _carry_out(order, options, places)


def _update(root: Path, options: argparse.Namespace, places: Places) -> int:
    app = App(places.app)
    if app.current() is None and not app.under_way():
        raise NotInstalled("DynVFX is not installed for this user.", "", "Install it: python3 run.py install")
    manifest = Manifest.read(app.manifest_file)
    having = recorded_hosts(manifest)
    found = find_hosts(places)
    hosts = having if options.hosts is None else choose(found, options.hosts)
    programs = {host.key: host for host in found}
    order = Order(
        source=options.bundle or root,
        offline=options.bundle is not None or not payload.is_checkout(root),
        hosts=[programs.get(host.key, host) for host in hosts],
        panel_only=bool(manifest.choices.get("panel_only", False)),
        menu=bool(manifest.choices.get("menu", True)),
        torch=str(manifest.choices.get("torch", "")),
        command="update",
    )
    code = _carry_out(order, options, places)
    new = [host.key for host in found if not host.problem and host.key not in {each.key for each in hosts}]
    if new and options.hosts is None:
        print(f"Without the agent: {', '.join(new)}. Add with: python3 run.py update --hosts all")
    return code


def _carry_out(order: Order, options: argparse.Namespace, places: Places) -> int:
    done = install(order, places, _report)
    manifest = Manifest.read(places.app / "manifest.json")
    command = next((path for path in manifest.files if Path(path).name == places.one("command").name), "")
    if done.before == done.name:
        print(f"DynVFX {done.name} is installed; all files are in place.")
    elif done.before:
        print(f"DynVFX {done.name} is installed and replaces {done.before}.")
    else:
        print(f"DynVFX {done.name} is installed.")
    if done.left:
        print(
            f"Still running, and removed by the next command: {', '.join(done.left)}. Restart the panel and the hosts."
        )
    if order.panel_only and not places.environment.get("DYNVFX_BACKEND"):
        print("Takes are made by a backend on another machine: name it in the panel's settings, or set DYNVFX_BACKEND")
        print("and DYNVFX_BACKEND_KEY. `dynvfx doctor` then checks it; docs/backend.md says how to set one up.")
    if options.enable:
        switch_on(order.hosts, manifest, _report)
    if done.before not in (None, done.name) and order.hosts:
        print("If Blender or Resolve is open, restart it to use the new agent.")
    for host in order.hosts:
        print(f"  {host.label}: {_where_to_find(host)}")
    on_path = bool(command) and Path(command).parent in places.path_folders()
    print(
        f"  Command: {command}" + ("" if on_path else f"  (add {Path(command).parent} to your PATH to type `dynvfx`)")
    )
    missing = absent_here(DEBIAN["panel"])
    if missing:
        print(f"The panel's window needs system libraries: sudo apt-get install {' '.join(missing)}")
    return 0


def _where_to_find(host: FoundHost) -> str:
    if host.kind == "resolve":
        return "Workspace > Scripts > DynVFX"
    return "enable it in Edit > Preferences > Add-ons (search DynVFX); then the sequencer's sidebar (N), tab DynVFX"


def _uninstall(root: Path, options: argparse.Namespace, places: Places) -> int:
    if not options.yes:
        what = "DynVFX, and this user's keys, settings, cache and logs" if options.settings else "DynVFX"
        if _ask(f"Remove {what}? Takes and jobs stay. [Y/n] ").strip().lower() not in ("", "y", "yes"):
            print("Nothing was removed.")
            return 0
    removed = uninstall(places, _report, settings=options.settings)
    print("DynVFX was removed.")
    if removed.downloaded:
        print(f"  removed too: downloaded packages ({removed.downloaded / 1e9:.1f} GB)")
    for path in removed.caches:
        print(f"  kept, because you chose that folder for downloads: {path}  (`uv cache clean` empties uv's)")
    for path in removed.kept:
        print(f"  kept, because you changed it: {path}")
    for path in removed.work:
        print(f"  kept, because it is your work: {path}")
    return 0


def _status(root: Path, options: argparse.Namespace, places: Places) -> int:
    facts = status.collect(places)
    print(json.dumps(facts, indent=1, ensure_ascii=False) if options.json else "\n".join(status.as_text(facts)))
    return 0 if facts["installed"] and not facts["interrupted"] else 3


def _chosen_hosts(found: list[FoundHost], options: argparse.Namespace, places: Places) -> list[FoundHost]:
    """The hosts that get the agent, from the options or the user's answers. Raises BadChoice."""
    if options.hosts is not None:
        return choose(found, options.hosts)
    usable = [host for host in found if not host.problem]
    if options.yes or not usable:
        return usable
    print("The agent can be installed in:")
    for number, host in enumerate(usable, 1):
        print(f"  {number}  {host.label:<28} {host.target}")
    for host in found:
        if host.problem:
            print(f"  -  {host.label:<28} {host.problem}")
    answer = _ask("Which? Numbers separated by commas, Enter for all, 0 for none: ").strip()
    if not answer:
        return usable
    try:
        numbers = [int(word) for word in answer.replace(",", " ").split()]
        chosen = [] if numbers == [0] else [usable[number - 1] for number in numbers if number > 0]
    except (ValueError, IndexError) as error:
        raise BadChoice(f"{answer!r} is not a valid choice.", "", f"Type numbers from 1 to {len(usable)}.") from error
    if not options.enable and any(host.kind == "blender" and host.program for host in chosen):
        asked = _ask("Also enable the add-on in Blender's preferences? [y/N] ")
        options.enable = asked.strip().lower() in ("y", "yes")
    return chosen


def _ask(question: str) -> str:
    """Ask the user. Raises BadChoice when the terminal gives no answer."""
    try:
        return input(question)
    except EOFError as error:
        raise BadChoice("There was no answer.", "", "Add --yes or --hosts LIST to run without questions.") from error


def _is_root() -> bool:
    return os.name == "posix" and os.geteuid() == 0


def _report(text: str) -> None:
    with contextlib.suppress(BrokenPipeError):  # an installation does not stop because nobody reads its messages
        print(text, file=sys.stderr, flush=True)


_CARRY_OUT: dict[str, Callable[[Path, argparse.Namespace, Places], int]] = {
    "install": _install,
    "update": _update,
    "uninstall": _uninstall,
    "status": _status,
}
