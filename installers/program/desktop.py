"""The command `dynvfx`, the entry in the system's menu, and its icon. Standard library only."""

from __future__ import annotations

import os
import plistlib
import subprocess
import tempfile
from pathlib import Path

from installers.errors import InstallProblem
from installers.manifest import PlacedFile
from installers.places import Places

ICONS = Path(__file__).parent / "icons"
POINTER = "current"
"""The file in the app folder that names the version in use."""
_COMMAND = """\
#!/bin/sh
# Starts the version of DynVFX that is in use. The installer wrote this file; uninstalling removes it.
app={app}
version=$(cat "$app/current" 2>/dev/null)
if [ -z "$version" ]; then
    echo "DynVFX is not installed completely. Run its installation command again." >&2
    exit 1
fi
exec "$app/versions/$version/env/bin/python" -I -m plugin.cli.main "$@"
"""
_COMMAND_WINDOWS = """\
@echo off
rem Starts the version of DynVFX that is in use. The installer wrote this file; uninstalling removes it.
setlocal
set "DYNVFX_VERSION="
if exist "{app}\\current" set /p DYNVFX_VERSION=<"{app}\\current"
if not defined DYNVFX_VERSION (
    echo DynVFX is not installed completely. Run its installation command again. 1>&2
    exit /b 1
)
"{app}\\versions\\%DYNVFX_VERSION%\\env\\Scripts\\python.exe" -I -m plugin.cli.main %*
"""
_ENTRY = """\
[Desktop Entry]
Type=Application
Name=DynVFX
GenericName=Video effects
Comment=Add new content to footage, as a layer above the clip
Exec={command} panel %f
Icon={icon}
Terminal=false
Categories=AudioVideo;Video;
StartupNotify=true
"""
_SHORTCUT = """\
$ErrorActionPreference = 'Stop'
$link = (New-Object -ComObject WScript.Shell).CreateShortcut($env:DYNVFX_LINK)
$link.TargetPath = $env:DYNVFX_TARGET
$link.Arguments = '-I -m plugin.panel'
$link.WorkingDirectory = $env:DYNVFX_FOLDER
$link.IconLocation = $env:DYNVFX_ICON
$link.Description = 'Add new content to footage, as a layer above the clip'
$link.Save()
"""


def command_path(places: Places, placed: list[str]) -> Path:
    """The path of the command `dynvfx`: where it was placed before (`placed`: the record's paths), else the default."""
    name = places.one("command").name
    for folder in places.all("commands"):
        if str(folder / name) in placed:
            return folder / name
    return places.command_folder()[0] / name


def command_file(places: Places, path: Path) -> PlacedFile:
    """The command's file, which is the same for all versions."""
    if places.system == "win32":
        app = str(places.app)
        local = places.environment.get("LOCALAPPDATA", "")
        if local and app.startswith(local):
            # cmd.exe reads its files in its own character set; the variable keeps paths with umlauts out of them.
            app = "%LOCALAPPDATA%" + app[len(local) :]
        text = _COMMAND_WINDOWS.format(app=app.replace("/", "\\")).replace("\n", "\r\n")
        return PlacedFile(path, text.encode())
    quoted = "'" + str(places.app).replace("'", "'\\''") + "'"
    return PlacedFile(path, os.fsencode(_COMMAND.format(app=quoted)), 0o755)


def menu_files(places: Places, command: Path, environment: Path, *, panel: bool = True) -> list[PlacedFile]:
    """The menu entry and its icon. `environment` is the environment of the version in use.

    Raises OSError, InstallProblem when Windows does not create the shortcut.
    """
    if not panel:
        return []
    icon = places.one("icon")
    picture = PlacedFile(icon, (ICONS / f"dynvfx{icon.suffix}").read_bytes())
    entry = places.one("menu")
    if places.system == "darwin":
        return [*_mac_application(entry, command), picture]
    if places.system == "win32":
        target = places.inside("windowed_python", environment)
        return [picture, PlacedFile(entry, _shortcut(target, environment, icon))]
    text = _ENTRY.format(command=_desktop_quoted(str(command)), icon=_desktop_escaped(str(icon)))
    return [picture, PlacedFile(entry, os.fsencode(text))]


def _desktop_quoted(argument: str) -> str:
    """An argument of `Exec`, quoted as the Desktop Entry Specification requires and then escaped as a string."""
    quoted = "".join(f"\\{sign}" if sign in '"`$\\' else sign for sign in argument).replace("%", "%%")
    return '"' + _desktop_escaped(quoted) + '"'


def _desktop_escaped(text: str) -> str:
    """Escape a string of a desktop entry."""
    return text.replace("\\", "\\\\")


def _mac_application(folder: Path, command: Path) -> list[PlacedFile]:
    """An app bundle whose program is a script; it is made on this machine and therefore needs no signature."""
    quoted = "'" + str(command).replace("'", "'\\''") + "'"
    script = f"#!/bin/sh\nexec {quoted} panel\n"
    facts = {
        "CFBundleName": "DynVFX",
        "CFBundleDisplayName": "DynVFX",
        "CFBundleIdentifier": "dynvfx.panel",
        "CFBundleExecutable": "DynVFX",
        "CFBundleIconFile": "dynvfx",
        "CFBundlePackageType": "APPL",
        "NSHighResolutionCapable": True,
    }
    return [
        PlacedFile(folder / "Contents" / "Info.plist", plistlib.dumps(facts)),
        PlacedFile(folder / "Contents" / "MacOS" / "DynVFX", os.fsencode(script), 0o755),
    ]


def _shortcut(target: Path, folder: Path, icon: Path) -> bytes:
    """A Windows shortcut, made by PowerShell. Its values are passed as environment variables, which need no quoting."""
    with tempfile.TemporaryDirectory() as made:
        link = Path(made) / "DynVFX.lnk"
        given = {"LINK": str(link), "TARGET": str(target), "FOLDER": str(folder), "ICON": str(icon)}
        command = ["powershell", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-Command", _SHORTCUT]
        try:
            done = subprocess.run(
                command,
                env={**os.environ, **{f"DYNVFX_{name}": value for name, value in given.items()}},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
            output = done.stderr.strip()
        except OSError as error:
            output = error.strerror or str(error)
        if not link.exists():
            raise InstallProblem(
                "The entry in the start menu could not be created.",
                f"PowerShell's output: {output[-300:] or 'none'}.",
                "Allow PowerShell for your user, or install with --no-menu.",
            )
        return link.read_bytes()
