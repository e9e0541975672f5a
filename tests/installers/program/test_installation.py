"""Installing, updating, changing and removing, for real, in an empty home folder."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from installers.manifest import Manifest
from installers.program import desktop

BROKEN = {"plugin__cli__main": "raise SystemExit('no such luck')\n"}


def test_everything_gets_its_place_and_nothing_is_left(editor, capsys):
    before = editor.files()
    assert editor.install("1.0", "--yes") == 0
    assert editor.says() == "dynvfx 1.0"
    for version in ("4.2", "5.0"):
        addon = editor.addon(version)
        assert {each.name for each in addon.iterdir()} == {
            "__init__.py",
            "strips.py",
            "agent_link.py",
            "panel_command.json",
        }
        start = json.loads((addon / "panel_command.json").read_text())
        assert start["environment"] == {}
        done = subprocess.run(start["command"], capture_output=True, text=True, check=False)
        assert done.stdout == "panel 1.0\n", done.stderr
    fusion = editor.home / ".local/share/DaVinciResolve/Fusion"
    assert (fusion / "Scripts/Utility/DynVFX.py").is_file()
    assert {each.name for each in (fusion / "DynVFX_agent").iterdir()} == {
        "cuts.py",
        "agent_link.py",
        "panel_command.json",
    }
    entry = (editor.home / ".local/share/applications/dynvfx.desktop").read_text()
    assert f'Exec="{editor.command}" panel' in entry
    assert (editor.home / ".local/share/icons/hicolor/scalable/apps/dynvfx.svg").is_file()
    assert stat.S_IMODE(editor.places.app.stat().st_mode) == 0o700
    assert not editor.app.under_way()
    said = capsys.readouterr()
    assert "Blender 4.2" in said.out and "Workspace > Scripts > DynVFX" in said.out

    assert editor.run("uninstall", "--yes") == 0
    assert editor.files() == before


def test_blenders_traces_of_the_addon_go_too(editor):
    assert editor.install("1.0", "--hosts", "blender-4.2") == 0
    compiled = editor.addon() / "__pycache__" / "strips.cpython-311.pyc"
    compiled.parent.mkdir()
    compiled.touch()
    assert not editor.addon("5.0").exists()
    assert editor.run("uninstall", "--yes") == 0
    assert not editor.addon().exists()


def test_the_environment_is_closed_to_the_users_own_python(user, monkeypatch):
    assert user.install("1.0", "--yes") == 0
    (user.shelf / "plugin").mkdir()
    (user.shelf / "plugin" / "__init__.py").write_text("raise SystemExit('the wrong plugin')")
    monkeypatch.setenv("PYTHONPATH", str(user.shelf))
    assert user.says() == "dynvfx 1.0"


def test_the_same_again_changes_nothing_and_puts_missing_files_back(editor, capsys):
    assert editor.install("1.0", "--yes") == 0
    before = editor.files()
    (editor.addon() / "strips.py").unlink()
    made = editor.app.versions / editor.app.current() / "env"
    was = made.stat().st_mtime_ns
    assert editor.install("1.0", "--yes") == 0
    assert editor.files() == before and made.stat().st_mtime_ns == was
    assert "all files are in place" in capsys.readouterr().out


def test_a_version_that_no_longer_starts_is_made_again(user):
    assert user.install("1.0", "--yes") == 0
    name = user.app.current()
    python = user.app.versions / name / "env" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python")
    assert user.install("1.0", "--yes") == 0
    assert user.says() == "dynvfx 1.0"
    assert user.app.names() == [user.app.current()] and user.app.current() == f"{name}-2"


def test_an_update_keeps_the_choices_and_removes_what_is_no_longer_needed(editor, capsys):
    assert editor.install("1.0", "--hosts", "blender-4.2", "--no-menu") == 0
    (editor.shelf / "checkout 2.0" / "plugin" / "blender").mkdir(parents=True)
    assert editor.install("2.0", command="update", plugin__blender__more="MORE = 1\n") == 0
    assert editor.says() == "dynvfx 2.0"
    assert (editor.addon() / "more.py").is_file() and not editor.addon("5.0").exists()
    assert not (editor.home / ".local/share/applications").exists()
    assert editor.app.names() == [editor.app.current()]
    said = capsys.readouterr().out
    assert "replaces 1.0" in said and "blender-5.0" in said
    start = json.loads((editor.addon() / "panel_command.json").read_text())
    assert editor.app.current() in start["command"][0]

    assert editor.install("3.0", "--hosts", "resolve", command="update") == 0
    assert not editor.addon().exists()
    script = editor.home / ".local/share/DaVinciResolve/Fusion/Scripts/Utility/DynVFX.py"
    assert "print('3.0')" in script.read_text()


def test_a_version_that_does_not_start_is_not_put_in_use(editor, capsys):
    assert editor.install("1.0", "--yes") == 0
    before = {name for name in editor.files() if "__pycache__" not in name}
    assert editor.install("2.0", command="update", **BROKEN) == 1
    said = capsys.readouterr().err
    assert "no such luck" in said and "stays in use" in said
    assert editor.says() == "dynvfx 1.0"
    assert {name for name in editor.files() if "__pycache__" not in name} == before


def test_a_version_that_says_it_is_another_is_not_put_in_use(user, capsys):
    other = "def main():\n    print('dynvfx 0.9')\n"
    assert user.install("2.0", plugin__cli__main=other) == 1
    assert "should be 2.0" in capsys.readouterr().err
    assert user.app.current() is None and not user.app.names()


def test_a_failure_while_files_are_placed_goes_back(editor, monkeypatch, capsys):
    assert editor.install("1.0", "--hosts", "blender-4.2") == 0
    written = Manifest._place_one

    def fail(manifest, wanted, report):
        if wanted.path.name == "strips.py" and b"2.0" in wanted.content:
            raise OSError(28, "No space left on device", str(wanted.path))
        written(manifest, wanted, report)

    monkeypatch.setattr(Manifest, "_place_one", fail)
    assert editor.install("2.0", command="update", plugin__blender__strips="# 2.0\n") == 1
    said = capsys.readouterr().err
    assert "the disk is full" in said and "Went back to 1.0" in said
    assert "1.0" in (editor.addon() / "__init__.py").read_text()
    assert editor.says() == "dynvfx 1.0"


def test_files_that_the_user_changed_are_kept_and_named(editor, capsys):
    assert editor.install("1.0", "--hosts", "blender-4.2") == 0
    changed = editor.addon() / "strips.py"
    changed.write_text("mine = 1\n")
    assert editor.run("status") == 0
    assert f"changed   {changed}" in capsys.readouterr().out
    assert editor.install("2.0", command="update", plugin__blender__strips="# 2.0\n") == 0
    kept = changed.with_name("strips.py.kept")
    assert kept.read_text() == "mine = 1\n" and str(kept) in capsys.readouterr().err
    (editor.addon() / "__init__.py").write_text("mine too\n")
    assert editor.run("uninstall", "--yes") == 0
    assert sorted(each.name for each in editor.addon().iterdir()) == ["__init__.py", "strips.py.kept"]
    assert str(editor.addon() / "__init__.py") in capsys.readouterr().out
    assert not editor.places.app.exists()


def test_changes_inside_the_program_are_kept_too(user, capsys):
    assert user.install("1.0", "--yes") == 0
    capsys.readouterr()
    inside = next(user.app.versions.rglob("plugin/panel/__main__.py"))
    inside.write_text("print('my panel')\n")
    assert user.run("status", "--json") == 0
    assert json.loads(capsys.readouterr().out)["changed"] == [str(inside)]
    assert user.run("uninstall", "--yes") == 0
    kept = list((user.home / ".local/share/dynvfx/changed-by-you").rglob("__main__.py"))
    assert [each.read_text() for each in kept] == ["print('my panel')\n"]
    assert str(kept[0]) in capsys.readouterr().out


def test_a_foreign_file_is_not_overwritten(editor, capsys):
    editor.addon().mkdir(parents=True)
    foreign = editor.addon() / "__init__.py"
    foreign.write_text("installed by hand\n")
    assert editor.install("1.0", "--hosts", "blender-4.2") == 1
    assert foreign.read_text() == "installed by hand\n"
    assert "not created by this installation" in capsys.readouterr().err
    assert not editor.command.exists()
    assert editor.install("1.0", "--hosts", "resolve") == 0
    assert foreign.read_text() == "installed by hand\n"


def test_what_is_left_when_the_app_folder_was_deleted_by_hand_does_not_block(editor):
    nothing = editor.files()
    assert editor.install("1.0", "--yes") == 0
    shutil.rmtree(editor.places.app)
    assert editor.install("2.0", "--yes", plugin__blender__strips="# 2.0\n") == 0
    assert editor.says() == "dynvfx 2.0" and (editor.addon() / "strips.py").read_text() == "# 2.0\n"
    assert not list(editor.home.rglob("*.kept"))
    assert editor.run("uninstall", "--yes") == 0
    left = editor.files() - nothing
    assert all((editor.home / name).is_dir() for name in left), (
        "only folders may be left: it is no longer known who created them"
    )


def test_sudo_is_turned_down(editor, monkeypatch, capsys):
    monkeypatch.setattr("os.geteuid", lambda: 0)
    editor.places.environment["SUDO_USER"] = "anna"
    assert editor.install("1.0", "--yes") == 2
    assert "without sudo" in capsys.readouterr().err and not editor.command.exists()


def test_takes_stay_and_keys_only_go_when_asked(user, capsys):
    assert user.install("1.0", "--yes") == 0
    home = user.home / ".local/share/dynvfx"
    files = ("keys/client.key", "jobs/a/take.mov", "ledger.db", "uploads/x", "panel/panel.ini", "panel/placed/cut.otio")
    for name in files:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("work")
    log = user.home / ".local/state/dynvfx/log/dynvfx.log"
    log.parent.mkdir(parents=True)
    log.touch()
    assert user.run("uninstall", "--yes") == 0
    assert all((home / name).is_file() for name in files) and log.exists()
    assert str(home / "ledger.db") in capsys.readouterr().out
    assert user.run("uninstall", "--settings", "--yes") == 0
    left = {name for name in files if (home / name).exists()}
    assert left == {"jobs/a/take.mov", "ledger.db", "uploads/x", "panel/placed/cut.otio"} and not log.exists()


def test_with_the_settings_gone_an_empty_home_is_empty_again(user):
    assert user.install("1.0", "--yes") == 0
    key = user.home / ".local/share/dynvfx/keys/client.key"
    key.parent.mkdir()
    key.touch()
    assert user.run("uninstall", "--settings", "--yes") == 0
    assert user.files() == set()


def test_an_older_version_that_runs_is_left_until_it_has_ended(user, capsys):
    assert user.install("1.0", "--yes") == 0
    old = user.app.current()
    python = user.app.versions / old / "env" / "bin" / "python"
    with subprocess.Popen([python, "-c", "input()"], stdin=subprocess.PIPE) as running:
        assert user.install("2.0", command="update") == 0
        assert user.says() == "dynvfx 2.0" and old in user.app.names()
        assert "Still running" in capsys.readouterr().out
        assert user.run("uninstall", "--yes") == 1
        assert "still running" in capsys.readouterr().err and user.says() == "dynvfx 2.0"
        running.communicate(b"\n")
    assert user.install("2.0", command="update") == 0
    assert user.app.names() == [user.app.current()]


def test_two_installations_at_once(user, capsys):
    with user.app.lock():
        program = (
            "import sys; from installers.program.versions import App; from pathlib import Path\n"
            "with App(Path(sys.argv[1])).lock(): pass"
        )
        root = Path(desktop.__file__).parents[2]
        asked = [sys.executable, "-c", program, str(user.places.app)]
        done = subprocess.run(asked, capture_output=True, text=True, check=False, cwd=root)
        assert done.returncode == 1 and "Another installation of DynVFX is running" in done.stderr
    assert user.install("1.0", "--yes") == 0


def test_what_moves_the_services_folders_moves_them_for_the_hosts_too(editor):
    editor.places.environment["DYNVFX_HOME"] = "/mnt/jobs"
    assert editor.install("1.0", "--hosts", "blender-4.2") == 0
    start = json.loads((editor.addon() / "panel_command.json").read_text())
    assert start["environment"] == {"DYNVFX_HOME": "/mnt/jobs"}


def test_the_backend_of_another_machine_is_named_to_the_hosts(editor, capsys):
    assert editor.install("1.0", "--hosts", "blender-4.2", "--panel-only") == 0
    assert "DYNVFX_BACKEND_KEY" in capsys.readouterr().out
    editor.places.environment.update(DYNVFX_BACKEND="gpu-box:47800", DYNVFX_BACKEND_KEY="k" * 40)
    assert editor.install("1.0", "--hosts", "blender-4.2", "--panel-only") == 0
    assert "in the panel's settings" not in capsys.readouterr().out
    start = json.loads((editor.addon() / "panel_command.json").read_text())
    assert start["environment"] == {"DYNVFX_BACKEND": "gpu-box:47800", "DYNVFX_BACKEND_KEY": "k" * 40}


def test_nothing_installed(user, capsys):
    assert user.run("status") == 3
    assert user.run("update", "--from", user.bundle("1.0")) == 1
    assert user.run("uninstall", "--yes") == 1
    assert "not installed" in capsys.readouterr().err


def test_the_installer_is_kept_with_the_installed_version(user, monkeypatch):
    assert user.install("1.0", "--yes") == 0
    setup = user.app.versions / user.app.current() / "setup"
    asked = [sys.executable, str(setup / "run.py"), "uninstall", "--yes"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, cwd=user.shelf)
    assert done.returncode == 0, done.stderr
    assert not user.places.app.exists() and not user.command.exists()


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX shells")
@pytest.mark.parametrize("options", [[], ["--json"]])
@pytest.mark.parametrize("buffered", ["", "1"])
def test_a_reader_that_has_seen_enough_is_no_error(user, options, buffered):
    assert user.install("1.0", "--yes") == 0
    setup = user.app.versions / user.app.current() / "setup"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, str(setup / "run.py"), "status", *options],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, "PYTHONUNBUFFERED": buffered},
    )
    os.close(writer)
    assert done.stderr == "" and done.returncode == 1


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX shells")
def test_an_installation_continues_without_a_reader_of_its_messages(user):
    reader, writer = os.pipe()
    os.close(reader)
    bundle = user.bundle("1.0")
    program = "import sys; from installers import commands as c; from pathlib import Path; sys.exit(c.main(*{!r}))"
    arguments = f"Path({str(bundle)!r}), 'install', ['--from', {str(bundle)!r}, '--yes']"
    done = subprocess.run(
        [sys.executable, "-c", program.replace("*{!r}", arguments)],
        stdout=subprocess.PIPE,
        stderr=writer,
        text=True,
        check=False,
        cwd=Path(desktop.__file__).parents[2],
    )
    os.close(writer)
    assert done.returncode == 0 and "1.0" in done.stdout
    assert (user.app.folder / "current").exists()
