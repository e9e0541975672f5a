"""The table of all paths on Linux, macOS and Windows. Standard library only.

A name in braces is the folder in that environment variable, or the system's default if the variable is not set.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SYSTEMS = ("linux", "darwin", "win32")

BASES: dict[str, dict[str, str]] = {
    # name: the default when there is no environment variable of this name
    "DATA": {"linux": "{HOME}/.local/share", "darwin": "{LIBRARY}", "win32": "{LOCALAPPDATA}"},
    "STATE": {"linux": "{HOME}/.local/state", "darwin": "{LIBRARY}", "win32": "{LOCALAPPDATA}"},
    "CONFIG": {"linux": "{HOME}/.config", "darwin": "{LIBRARY}", "win32": "{APPDATA}"},
    "CACHE": {"linux": "{HOME}/.cache", "darwin": "{HOME}/.cache", "win32": "{LOCALAPPDATA}"},
    "LIBRARY": {"darwin": "{HOME}/Library/Application Support"},
    "LOCALAPPDATA": {"win32": "{HOME}/AppData/Local"},
    "APPDATA": {"win32": "{HOME}/AppData/Roaming"},
    "PROGRAMFILES": {"win32": "C:/Program Files"},
    "SYSTEMROOT": {"win32": "C:/Windows"},
}
OVERRIDES = {"DATA": "XDG_DATA_HOME", "STATE": "XDG_STATE_HOME", "CONFIG": "XDG_CONFIG_HOME", "CACHE": "XDG_CACHE_HOME"}
"""Variables that move a base folder on Linux, and on macOS only our own data and logs (like platformdirs)."""

TABLE: dict[str, dict[str, tuple[str, ...]]] = {
    # `data` has the backend's keys, ledger and jobs (bridge.local.folders), and the program in its folder `app`.
    "data": {
        "linux": ("{DATA}/dynvfx",),
        "darwin": ("{DATA}/dynvfx",),
        "win32": ("{DATA}/dynvfx",),
    },
    "logs": {
        "linux": ("{STATE}/dynvfx/log",),
        "darwin": ("{STATE}/dynvfx/log",),
        "win32": ("{STATE}/dynvfx/log",),
    },
    # Folders for the command `dynvfx`: the first one that is on the PATH, else the first.
    "commands": {
        "linux": ("{HOME}/.local/bin", "{HOME}/bin"),
        "darwin": ("{HOME}/.local/bin", "{HOME}/bin"),
        "win32": ("{HOME}/.local/bin", "{LOCALAPPDATA}/Microsoft/WindowsApps"),
    },
    "command": {
        "linux": ("dynvfx",),
        "darwin": ("dynvfx",),
        "win32": ("dynvfx.cmd",),
    },
    "menu": {
        "linux": ("{DATA}/applications/dynvfx.desktop",),
        "darwin": ("{HOME}/Applications/DynVFX.app",),
        "win32": ("{APPDATA}/Microsoft/Windows/Start Menu/Programs/DynVFX.lnk",),
    },
    "icon": {
        "linux": ("{DATA}/icons/hicolor/scalable/apps/dynvfx.svg",),
        "darwin": ("{HOME}/Applications/DynVFX.app/Contents/Resources/dynvfx.icns",),
        "win32": ("{DATA}/dynvfx/app/dynvfx.ico",),
    },
    "python": {  # inside an environment
        "linux": ("bin/python",),
        "darwin": ("bin/python",),
        "win32": ("Scripts/python.exe",),
    },
    "windowed_python": {  # opens no console window
        "linux": ("bin/python",),
        "darwin": ("bin/python",),
        "win32": ("Scripts/pythonw.exe",),
    },
    "script": {
        "linux": ("bin/dynvfx",),
        "darwin": ("bin/dynvfx",),
        "win32": ("Scripts/dynvfx.exe",),
    },
    # Folders that contain one folder for each version of Blender, such as 4.2.
    "blender_settings": {
        "linux": ("{CONFIG}/blender",),
        "darwin": ("{LIBRARY}/Blender",),
        "win32": ("{APPDATA}/Blender Foundation/Blender",),
    },
    "blender_sandboxes": {
        "linux": ("{HOME}/.var/app/org.blender.Blender/config/blender",),
        "darwin": (),
        "win32": (),
    },
    "blender_programs": {  # with wildcards
        "linux": (
            "{PATH}/blender",
            "/opt/blender*/blender",
            "/usr/local/blender*/blender",
            "{HOME}/blender*/blender",
            "{HOME}/.local/share/Steam/steamapps/common/Blender/blender",
            "/snap/blender/current/blender",
        ),
        "darwin": (
            "/Applications/Blender*.app/Contents/MacOS/Blender",
            "{HOME}/Applications/Blender*.app/Contents/MacOS/Blender",
        ),
        "win32": (
            "{PROGRAMFILES}/Blender Foundation/Blender*/blender.exe",
            "{PROGRAMFILES}/Steam/steamapps/common/Blender/blender.exe",
            "C:/Program Files (x86)/Steam/steamapps/common/Blender/blender.exe",
        ),
    },
    "uv_cache": {  # where uv keeps downloads, unless UV_CACHE_DIR says otherwise
        "linux": ("{CACHE}/uv",),
        "darwin": ("{CACHE}/uv",),
        "win32": ("{LOCALAPPDATA}/uv/cache",),
    },
    "resolve_scripts": {
        "linux": ("{HOME}/.local/share/DaVinciResolve/Fusion/Scripts",),
        "darwin": ("{LIBRARY}/Blackmagic Design/DaVinci Resolve/Fusion/Scripts",),
        "win32": ("{APPDATA}/Blackmagic Design/DaVinci Resolve/Support/Fusion/Scripts",),
    },
    "resolve_signs": {  # if any of these exists, Resolve is installed or was started once
        "linux": ("/opt/resolve/bin/resolve", "{HOME}/.local/share/DaVinciResolve"),
        "darwin": (
            "/Applications/DaVinci Resolve/DaVinci Resolve.app",
            "{LIBRARY}/Blackmagic Design/DaVinci Resolve",
        ),
        "win32": (
            "{PROGRAMFILES}/Blackmagic Design/DaVinci Resolve/Resolve.exe",
            "{APPDATA}/Blackmagic Design/DaVinci Resolve",
        ),
    },
    "nvidia_signs": {
        "linux": ("/proc/driver/nvidia/version", "/dev/dxg"),  # the second: Windows' card seen from WSL
        "darwin": (),
        "win32": ("{SYSTEMROOT}/System32/nvcuda.dll",),
    },
}


@dataclass(frozen=True)
class Places:
    """The table for one user of one system. `root` replaces `/` and the drives, for tests."""

    system: str
    home: Path
    environment: Mapping[str, str]
    root: Path | None = None

    @classmethod
    def of_this_user(cls, environment: Mapping[str, str] = os.environ) -> Places:
        """The places of the user who runs this."""
        system = sys.platform if sys.platform in SYSTEMS else "linux"
        return cls(system, Path.home(), environment)

    def all(self, name: str) -> tuple[Path, ...]:
        """Every place of this name, in the order of the table; patterns keep their wildcards."""
        return tuple(path for entry in TABLE[name][self.system] for path in self._paths(entry))

    def one(self, name: str) -> Path:
        """The only, or the first, place of this name."""
        return self.all(name)[0]

    def inside(self, name: str, folder: Path) -> Path:
        """A place that the table lists relative to an environment's folder."""
        return folder / TABLE[name][self.system][0]

    @property
    def app(self) -> Path:
        """The folder of the installed program, without the files that belong elsewhere."""
        return self.one("data") / "app"

    @property
    def service_home(self) -> Path:
        """Keys, ledger and jobs; DYNVFX_HOME moves them."""
        return self._chosen("DYNVFX_HOME") or self.one("data")

    @property
    def logs(self) -> Path:
        """The command line's logs; DYNVFX_STATE moves them."""
        chosen = self._chosen("DYNVFX_STATE")
        return chosen / "log" if chosen else self.one("logs")

    def path_folders(self) -> list[Path]:
        """The folders of PATH."""
        given = self.environment.get("PATH", "")
        return [Path(each) for each in given.split(os.pathsep) if each]

    def command_folder(self) -> tuple[Path, bool]:
        """The folder for the command `dynvfx`, and whether it is on the PATH."""
        folders = self.all("commands")
        on_path = {os.path.normcase(os.path.normpath(each)) for each in self.path_folders()}
        for folder in folders:
            if os.path.normcase(os.path.normpath(folder)) in on_path:
                return folder, True
        return folders[0], False

    def _chosen(self, variable: str) -> Path | None:
        value = self.environment.get(variable, "").strip()
        return Path(value).absolute() if value else None

    def _paths(self, entry: str) -> list[Path]:
        if entry.startswith("{PATH}"):
            return [folder / entry.removeprefix("{PATH}/") for folder in self.path_folders()]
        text = self._filled(entry)
        path = Path(text)
        if self.root is not None and (entry.startswith("/") or text[1:2] == ":"):
            path = self.root / text.replace(":", "").lstrip("/")
        return [path]

    def _filled(self, entry: str) -> str:
        """Replace the names in braces by folders."""
        for _ in range(3):  # a base may contain another one
            for name in BASES:
                if f"{{{name}}}" in entry:
                    entry = entry.replace(f"{{{name}}}", self._base(name))
        return entry.replace("{HOME}", self.home.as_posix())

    def _base(self, name: str) -> str:
        variable = OVERRIDES.get(name, name)
        if self.system == "win32":
            chosen = "" if name in OVERRIDES else self.environment.get(variable, "").strip()
        else:
            chosen = self.environment.get(variable, "").strip()
            chosen = chosen if chosen.startswith("/") else ""  # the XDG specification: relative ones are invalid
        return Path(chosen).as_posix() if chosen else BASES[name][self.system]
