"""The table of places for the three systems, and the hosts found in such folders."""

from __future__ import annotations

import plistlib
import stat
import subprocess
from pathlib import Path

import pytest

from backend.settings import find_settings
from bridge.local.folders import state_folder
from installers.commands import main
from installers.errors import BadChoice
from installers.hosts import agents
from installers.hosts.found_hosts import choose, find_hosts
from installers.manifest import Manifest
from installers.places import SYSTEMS, TABLE, Places
from installers.program import desktop
from installers.program.status import collect

HOME = "/home/Jürgen Ångström"
EXPECTED = {
    "linux": {
        "app": f"{HOME}/.local/share/dynvfx/app",
        "logs": f"{HOME}/.local/state/dynvfx/log",
        "menu": f"{HOME}/.local/share/applications/dynvfx.desktop",
        "blender_settings": f"{HOME}/.config/blender",
        "resolve_scripts": f"{HOME}/.local/share/DaVinciResolve/Fusion/Scripts",
    },
    "darwin": {
        "app": f"{HOME}/Library/Application Support/dynvfx/app",
        "logs": f"{HOME}/Library/Application Support/dynvfx/log",
        "menu": f"{HOME}/Applications/DynVFX.app",
        "blender_settings": f"{HOME}/Library/Application Support/Blender",
        "resolve_scripts": f"{HOME}/Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion/Scripts",
    },
    "win32": {
        "app": f"{HOME}/AppData/Local/dynvfx/app",
        "logs": f"{HOME}/AppData/Local/dynvfx/log",
        "menu": f"{HOME}/AppData/Roaming/Microsoft/Windows/Start Menu/Programs/DynVFX.lnk",
        "blender_settings": f"{HOME}/AppData/Roaming/Blender Foundation/Blender",
        "resolve_scripts": f"{HOME}/AppData/Roaming/Blackmagic Design/DaVinci Resolve/Support/Fusion/Scripts",
    },
}


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_table(system):
    assert all(set(places) == set(SYSTEMS) for places in TABLE.values())
    places = Places(system, Path(HOME), {})
    found = {name: places.app if name == "app" else places.one(name) for name in EXPECTED[system]}
    assert {name: path.as_posix() for name, path in found.items()} == EXPECTED[system]
    for name in TABLE:
        assert all("{" not in str(path) and "//" not in str(path) for path in places.all(name)), name


@pytest.mark.parametrize(
    ("system", "environment", "name", "expected"),
    [
        ("linux", {"XDG_DATA_HOME": "/big disk"}, "data", "/big disk/dynvfx"),
        ("linux", {"XDG_DATA_HOME": "not absolute"}, "data", f"{HOME}/.local/share/dynvfx"),
        ("linux", {"XDG_CONFIG_HOME": "/c"}, "blender_settings", "/c/blender"),
        ("linux", {"XDG_DATA_HOME": "/d"}, "resolve_scripts", f"{HOME}/.local/share/DaVinciResolve/Fusion/Scripts"),
        ("darwin", {"XDG_DATA_HOME": "/d"}, "data", "/d/dynvfx"),
        ("darwin", {"XDG_CONFIG_HOME": "/c"}, "blender_settings", f"{HOME}/Library/Application Support/Blender"),
        ("win32", {"LOCALAPPDATA": "/L", "XDG_DATA_HOME": "/d"}, "data", "/L/dynvfx"),
        ("win32", {"APPDATA": "/R"}, "blender_settings", "/R/Blender Foundation/Blender"),
    ],
)
def test_variables_move_places(system, environment, name, expected):
    assert Places(system, Path(HOME), environment).one(name).as_posix() == expected


def test_the_service_and_the_logs_are_where_the_program_itself_has_them(user, monkeypatch):
    places = Places.of_this_user({})
    assert places.service_home == state_folder({}) and places.logs == find_settings({}).log_file.parent
    moved = {"DYNVFX_HOME": str(user.shelf / "h"), "DYNVFX_STATE": str(user.shelf / "s")}
    places = Places.of_this_user(moved)
    assert places.service_home == state_folder(moved) and places.logs == find_settings(moved).log_file.parent


def fake_hosts(places: Places) -> None:
    """Blender 4.2 and 2.93 that were started once, the program of 4.5, and Resolve."""
    for version in ("4.2", "2.93", "not a version"):
        (places.one("blender_settings") / version).mkdir(parents=True)
    pattern = places.all("blender_programs")[{"linux": 1, "darwin": 0, "win32": 0}[places.system]]
    program = Path(str(pattern).replace("*", " 4.5" if places.system == "win32" else "-4.5.1"))
    program.parent.mkdir(parents=True)
    program.touch()
    if places.system == "darwin":
        (program.parent.parent / "Resources" / "4.5").mkdir(parents=True)
    places.all("resolve_signs")[0].parent.mkdir(parents=True)
    places.all("resolve_signs")[0].touch()


@pytest.fixture(params=SYSTEMS)
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Places:
    """A user of each system, with a home folder whose name is also a glob pattern."""
    home = tmp_path / "Jürgen [x] Ångström"
    home.mkdir()
    return Places(request.param, home, {"PATH": ""}, root=tmp_path / "root")


def test_hosts_are_found_on_every_system(places):
    assert find_hosts(places) == []
    fake_hosts(places)
    hosts = {host.key: host for host in find_hosts(places)}
    assert list(hosts) == ["blender-4.5", "blender-4.2", "blender-2.93", "resolve"]
    assert hosts["blender-4.5"].program is not None and hosts["blender-4.2"].program is None
    assert "too old" in hosts["blender-2.93"].problem
    assert hosts["blender-4.2"].target == places.one("blender_settings") / "4.2" / "scripts" / "addons"
    assert hosts["resolve"].target == places.one("resolve_scripts")


def test_the_program_of_a_blender_is_found_in_a_home_with_brackets(tmp_path):
    places = Places("linux", tmp_path / "a [b]", {"PATH": ""}, root=tmp_path / "root")
    program = places.home / "blender-5.0.1-linux-x64" / "blender"
    program.parent.mkdir(parents=True)
    program.touch()
    assert [(host.key, host.program) for host in find_hosts(places)] == [("blender-5.0", program)]


def test_a_blender_of_the_system_is_asked_for_its_version(tmp_path):
    program = tmp_path / "bin" / "blender"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n[ \"$1\" = --version ] && echo 'Blender 3.4.1' && echo '	build date: x'\n")
    places = Places("linux", tmp_path / "home", {"PATH": str(program.parent)}, root=tmp_path / "root")
    assert find_hosts(places) == []  # it cannot be started
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    assert [(host.key, host.program) for host in find_hosts(places)] == [("blender-3.4", program)]


def test_a_blender_in_a_sandbox_is_named_with_the_reason(tmp_path):
    places = Places("linux", tmp_path, {}, root=tmp_path / "root")
    (places.one("blender_sandboxes") / "4.2").mkdir(parents=True)
    (host,) = find_hosts(places)
    assert "Flatpak" in host.problem
    with pytest.raises(BadChoice, match="sandbox"):
        choose([host], "blender-4.2-flatpak")


def test_scripts_of_a_studio_are_a_host_of_their_own(tmp_path):
    places = Places("linux", tmp_path, {"BLENDER_USER_SCRIPTS": str(tmp_path / "scripts")}, root=tmp_path / "root")
    (host,) = find_hosts(places)
    assert (host.key, host.target) == ("blender-shared", tmp_path / "scripts" / "addons")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("all", ["blender-4.5", "blender-4.2", "resolve"]),
        ("none", []),
        ("blender", ["blender-4.5", "blender-4.2"]),
        ("Resolve, blender-4.2", ["resolve", "blender-4.2"]),
        ("blender-4.2,blender", ["blender-4.2", "blender-4.5"]),
    ],
)
def test_choosing(tmp_path, wanted, expected):
    places = Places("linux", tmp_path, {"PATH": ""}, root=tmp_path / "root")
    fake_hosts(places)
    assert [host.key for host in choose(find_hosts(places), wanted)] == expected


@pytest.mark.parametrize("wanted", ["maya", "blender-2.93", "blender-9.9", ",", "blender-4.2,maya"])
def test_a_choice_that_cannot_be(tmp_path, wanted):
    places = Places("linux", tmp_path, {"PATH": ""}, root=tmp_path / "root")
    fake_hosts(places)
    with pytest.raises(BadChoice) as reported:
        choose(find_hosts(places), wanted)
    assert "blender-4.2" in str(reported.value) or "too old" in str(reported.value)


def test_agents_command_and_entry_lie_where_each_system_wants_them(places, user, monkeypatch):
    """Placed and removed with the record, as an installation does; a script takes the place of PowerShell."""
    fake_hosts(places)
    powershell = user.shelf / "programs" / "powershell"
    powershell.parent.mkdir()
    powershell.write_text('#!/bin/sh\necho "$DYNVFX_TARGET|$DYNVFX_FOLDER|$DYNVFX_ICON" > "$DYNVFX_LINK"\n')
    powershell.chmod(0o755)
    monkeypatch.setenv("PATH", f"{powershell.parent}:/usr/bin:/bin")
    before = {path for path in places.home.rglob("*")}
    agents.assemble(user.bundle("1.0").parent / "checkout 1.0", user.shelf / "agents")
    environment = places.app / "versions" / "1.0-x" / "env"
    command = desktop.command_file(places, desktop.command_path(places, []))
    plan = [command, *desktop.menu_files(places, command.path, environment)]
    start = agents.panel_command(places.inside("windowed_python", environment), {})
    for host in choose(find_hosts(places), "all"):
        files = agents.installed_files(host.kind, user.shelf / "agents", host.target, start)
        plan += [type(command)(path, content) for path, content in files.items()]
    manifest = Manifest(places.app / "manifest.json")
    manifest.note_folders(places.app)
    places.app.mkdir(parents=True)
    manifest.place(plan, lambda step: None, print)

    for version in ("4.2", "4.5"):
        assert (places.one("blender_settings") / version / "scripts/addons/dynvfx/panel_command.json").is_file()
    assert (places.one("resolve_scripts") / "Utility/DynVFX.py").is_file()
    assert (places.one("resolve_scripts").parent / "DynVFX_agent/agent_link.py").is_file()
    content = command.path.read_bytes()
    if places.system == "win32":
        assert command.path.name == "dynvfx.cmd" and b"\r\n" in content and b"env\\Scripts\\python.exe" in content
        assert b"pythonw.exe" in start
        target, folder, icon = places.one("menu").read_text().strip().split("|")
        assert target.endswith("Scripts/pythonw.exe") and folder == str(environment) and Path(icon).is_file()
    else:
        assert stat.S_IMODE(command.path.stat().st_mode) == 0o755
    if places.system == "darwin":
        facts = plistlib.loads((places.one("menu") / "Contents/Info.plist").read_bytes())
        program = places.one("menu") / "Contents/MacOS" / facts["CFBundleExecutable"]
        assert program.stat().st_mode & stat.S_IXUSR and places.one("icon").is_file()
    assert collect(places)["changed"] == []
    assert {Path(path) for path in manifest.files} <= {path for path in places.home.rglob("*")}

    assert manifest.take_all_away(lambda step: None) == []
    manifest.file.unlink()
    places.app.rmdir()
    places.app.parent.rmdir()
    manifest.remove_folders()
    assert {path for path in places.home.rglob("*")} == before


def test_windows_command_has_no_letters_in_it_that_its_shell_would_misread(tmp_path):
    local = "C:\\Users\\Jürgen\\AppData\\Local"
    places = Places("win32", Path(HOME), {"LOCALAPPDATA": local})
    text = desktop.command_file(places, tmp_path / "dynvfx.cmd").content
    assert text.isascii() and b"%LOCALAPPDATA%" in text


def test_the_command_goes_where_the_path_leads(tmp_path):
    home = tmp_path / "h"
    assert Places("linux", home, {"PATH": "/usr/bin"}).command_folder() == (home / ".local/bin", False)
    assert Places("linux", home, {"PATH": f"/usr/bin:{home}/bin/"}).command_folder() == (home / "bin", True)
    places = Places("linux", home, {"PATH": f"{home}/bin"})
    assert desktop.command_path(places, [str(home / ".local/bin/dynvfx")]) == home / ".local/bin/dynvfx"


@pytest.mark.parametrize("name", ["a b", "it's", 'quo"te', "dol$lar", "per%cent", "back\\slash", "grave`s", "Ünï"])
def test_names_of_folders_are_quoted(tmp_path, name):
    places = Places("linux", tmp_path / name, {})
    command = desktop.command_file(places, tmp_path / "dynvfx")
    command.path.write_bytes(command.content)
    python = places.app / "versions" / "v" / "env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$0" "$@"\n')
    python.chmod(0o755)
    (places.app / "current").write_text("v")
    done = subprocess.run(["/bin/sh", command.path, "a  b"], capture_output=True, text=True, check=True)
    assert done.stdout == f"{python} -I -m plugin.cli.main a  b\n"
    entry = desktop.menu_files(places, places.home / "dynvfx", tmp_path)[1].content.decode()
    line = next(line for line in entry.splitlines() if line.startswith("Exec="))
    assert _unquoted(line.removeprefix("Exec=")) == f"{places.home / 'dynvfx'}"


def _unquoted(text: str) -> str:
    """The first argument of an Exec line, parsed by the specification: as a string, then as a quoted argument."""
    text = text.replace("\\\\", "\0").replace("\0", "\\")
    assert text.startswith('"')
    out, signs = "", iter(text[1:])
    for sign in signs:
        if sign == '"':
            return out.replace("%%", "%")
        out += next(signs) if sign == "\\" else sign
    raise AssertionError(text)


def test_no_answer(editor, monkeypatch, capsys):
    def not_reachable(question: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", not_reachable)
    assert main(editor.bundle("1.0"), "install", [], editor.places) == 2
    assert "--yes" in capsys.readouterr().err


@pytest.mark.parametrize(("answer", "versions"), [("", ["4.2", "5.0"]), ("1", ["5.0"]), ("3", []), ("0", [])])
def test_the_user_is_asked(editor, monkeypatch, capsys, answer, versions):
    monkeypatch.setattr("builtins.input", lambda question: answer)
    assert main(editor.bundle("1.0"), "install", [], editor.places) == 0
    assert [version for version in ("4.2", "5.0") if editor.addon(version).exists()] == versions
    assert "1  Blender 5.0" in capsys.readouterr().out


def test_an_answer_that_is_none(editor, monkeypatch, capsys):
    monkeypatch.setattr("builtins.input", lambda question: "7")
    assert main(editor.bundle("1.0"), "install", [], editor.places) == 2
    assert "numbers from 1 to 3" in capsys.readouterr().err
