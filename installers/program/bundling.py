"""Making an offline bundle: a folder from which DynVFX is installed without a network. Standard library only."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from installers.errors import BadChoice, PackagesFailed
from installers.hosts import agents
from installers.packages.environment import Environment, clean_environment, find_uv
from installers.packages.lock import PANEL_EXTRAS, Lock, write_requirements
from installers.packages.package_failures import explain_failure
from installers.places import Places
from installers.program import payload


def make_bundle(
    root: Path, folder: Path, places: Places, report: Callable[[str], None], *, panel_only: bool = False
) -> payload.Bundle:
    """Make a bundle for machines with this one's system, processor and Python version.

    root: the checkout.
    folder: empty, missing, or an earlier bundle, whose downloads are used again. If `folder/wheels` has another build
        of a locked package, such as torch-2.8.0+cu128, the bundle uses that instead.
    report: called with messages for the user.
    panel_only: leave out the backend's packages.
    Raises BadChoice when the folder contains something else, PackagesFailed, NotInstalled, OSError.
    """
    folder = folder.absolute()
    bundle = payload.describe(root)
    if folder.exists() and any(folder.iterdir()) and not (folder / "wheels").is_dir():
        raise BadChoice(f"The folder {folder} contains other files.", "", "Give a folder that is empty or new.")
    (folder / payload.BUNDLE_FILE).unlink(missing_ok=True)  # not a valid bundle until it is complete
    wheels = folder / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    for name in ("agents", "installers"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for old in wheels.glob(f"{bundle.name}-*.whl"):
        old.unlink()
    with tempfile.TemporaryDirectory() as made:
        report("Building the program ...")
        # pip, because uv cannot download without installing.
        downloads = Path(made) / "downloads"
        python, environment = Path(sys.executable), Environment(Path(made) / "env", places, find_uv(), downloads)
        if importlib.util.find_spec("pip") is None or environment.uv is None:
            environment.uv = None
            environment.make()
            python = environment.python
        payload.copy_source(root, Path(made) / "source")
        built = Path(made) / "built"
        environment.build(Path(made) / "source", built, python)
        wheel = next(built.glob(f"{bundle.name}-*.whl"))
        report("Downloading its packages (several gigabytes with torch) ..." if not panel_only else "Downloading ...")
        packages = Lock.read(root).for_extras(root, (*PANEL_EXTRAS, *(() if panel_only else ("backend",))))
        missing = [each for each in packages if not any(wheels.glob(f"{each.name}-*+*.whl"))]
        _download(python, write_requirements(missing, Path(made) / "locked.txt"), wheels)
        shutil.copyfile(wheel, wheels / wheel.name)
    agents.assemble(root, folder / "agents")
    payload.copy_setup(root, folder)
    bundle.system, bundle.machine, bundle.python = payload.this_machine()
    bundle.panel_only = panel_only
    bundle.wheels = payload.wheel_hashes(wheels)
    bundle.write(folder)
    return bundle


def _download(python: Path, locked: Path, wheels: Path) -> None:
    """Download the wheels of the packages in the file `locked`, checked against their hashes.

    A package without a wheel is built. Wheels of an earlier download are used again. Raises PackagesFailed.
    """
    folder = str(wheels)
    command = [str(python), "-m", "pip", "wheel", "--require-hashes", "--no-deps", "--find-links", folder]
    command += ["--no-cache-dir", "-w", folder, "-r", str(locked)]
    done = subprocess.run(
        command,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise PackagesFailed(explain_failure(done.stderr, [wheels, Path(tempfile.gettempdir())]))
