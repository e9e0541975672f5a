"""An environment with the packages of `run.py install --panel-only` alone: what it starts finds no others."""

from __future__ import annotations

import os
import subprocess
import sysconfig
import venv
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

from installers.packages.lock import PANEL_EXTRAS, Lock, normalized

ROOT = Path(__file__).resolve().parents[1]


class PanelOnly:
    """A virtual environment whose packages are links to those of the lock file that its extras need."""

    def __init__(self, folder: Path) -> None:
        venv.EnvBuilder(with_pip=False, symlinks=os.name != "nt").create(folder)
        self.python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        self.site = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
        (self.site / "checkout.pth").write_text(f"{ROOT}\n")
        wanted = {each.name for each in Lock.read(ROOT).for_extras(ROOT, PANEL_EXTRAS)}
        for each in distributions():
            if normalized(each.metadata["Name"]) in wanted:
                self._link(each)
        # Of an editable installation only the record: its modules are in the checkout.
        self._link_entry(distribution("dynvfx"), "dist-info")

    def _link(self, package: Distribution) -> None:
        for entry in {each.parts[0] for each in package.files or () if not each.parts[0].startswith("..")}:
            self._link_entry(package, entry)

    def _link_entry(self, package: Distribution, entry: str) -> None:
        for path in Path(str(package.locate_file(""))).glob(f"dynvfx-*.{entry}" if entry == "dist-info" else entry):
            target = self.site / path.name
            if not target.exists() and path.name != "__pycache__":
                target.symlink_to(path)

    def run(self, *arguments: str, home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the environment's Python with `arguments` in the folder `home`, with the state folders in it."""
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        kept = {name: value for name, value in kept.items() if not name.startswith("DYNVFX_")}
        own = {"DYNVFX_HOME": str(home / "home"), "DYNVFX_STATE": str(home / "state"), "QT_QPA_PLATFORM": "offscreen"}
        return subprocess.run(
            [str(self.python), *arguments],
            env={**kept, **own, **variables},
            cwd=home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
