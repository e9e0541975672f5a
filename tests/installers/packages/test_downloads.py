"""Downloaded packages: where they are kept, which disk they fill, and that they go when the program goes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from installers.errors import PackagesFailed
from installers.packages.downloads import chosen_caches, download_variables, folder_bytes
from installers.packages.environment import Environment, find_uv
from installers.packages.package_failures import explain_failure
from installers.program import installation
from installers.program.status import collect
from tests.installers.conftest import User

PLENTY = 1 << 40


@pytest.fixture
def own_downloads(user: User, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nobody has chosen a folder for uv; returns ours."""
    monkeypatch.delenv("UV_CACHE_DIR")
    return user.places.app / "downloads"


@pytest.fixture
def disks(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets the free bytes of disks by the beginning of their paths; all others have plenty."""

    def sets(**free: int) -> None:
        def usage(folder: Path) -> SimpleNamespace:
            found = [bytes_ for name, bytes_ in free.items() if name in Path(folder).parts]
            return SimpleNamespace(free=min(found, default=PLENTY))

        monkeypatch.setattr("shutil.disk_usage", usage)

    return sets


# Where they are -----------------------------------------------------------------------------------------------------


def test_downloads_are_kept_beside_the_versions():
    found = download_variables(Path("/app/downloads"), {})
    assert found["UV_CACHE_DIR"].startswith("/app/downloads/") and found["PIP_CACHE_DIR"].startswith("/app/downloads/")
    assert {found[name] for name in ("TMPDIR", "TEMP", "TMP")} == {"/app/downloads/tmp"}


def test_a_chosen_folder_is_respected(tmp_path: Path):
    chosen = {"UV_CACHE_DIR": str(tmp_path)}
    assert "UV_CACHE_DIR" not in download_variables(Path("/app/downloads"), chosen)
    assert "PIP_CACHE_DIR" in download_variables(Path("/app/downloads"), chosen)
    assert chosen_caches(chosen) == [tmp_path] and chosen_caches({}) == []
    assert chosen_caches({"UV_CACHE_DIR": str(tmp_path / "gone")}) == []


def test_a_file_with_two_names_counts_once(tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "wheel").write_bytes(b"x" * 1000)
    os.link(tmp_path / "a" / "wheel", tmp_path / "link")
    (tmp_path / "pointer").symlink_to(tmp_path / "a")
    assert 1000 <= folder_bytes(tmp_path) < 1300
    assert folder_bytes(tmp_path / "nothing") == 0


def test_nothing_is_left_in_the_home_folder(user: User, own_downloads: Path, capsys: pytest.CaptureFixture):
    before = user.files()
    assert user.install("1.0", "--yes") == 0
    assert (own_downloads / "uv").is_dir() and not (own_downloads / "tmp").exists()
    assert not (user.home / ".cache").exists()
    assert collect(user.places)["downloads"] == str(own_downloads)
    assert user.install("2.0", command="update") == 0 and user.says() == "dynvfx 2.0"
    capsys.readouterr()
    assert user.run("uninstall", "--yes") == 0
    assert "downloaded packages" in capsys.readouterr().out
    assert user.files() == before


def test_a_chosen_folder_is_named_and_kept(user: User, capsys: pytest.CaptureFixture):
    chosen = Path(os.environ["UV_CACHE_DIR"])
    chosen.mkdir(exist_ok=True)
    assert user.install("1.0", "--yes") == 0
    capsys.readouterr()
    assert user.run("uninstall", "--yes") == 0
    assert f"{chosen}  (`uv cache clean`" in capsys.readouterr().out and chosen.is_dir()


def test_downloads_of_a_failed_installation_can_be_removed(
    user: User, own_downloads: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(made: Environment, *arguments: object) -> None:
        (own_downloads / "uv").mkdir(parents=True, exist_ok=True)
        (own_downloads / "uv" / "torch.whl").write_bytes(b"x" * 2_000_000)
        raise PackagesFailed("The disk is full.")

    monkeypatch.setattr(Environment, "fill_from_bundle", fail)
    assert user.install("1.0", "--yes") == 1
    assert (own_downloads / "uv" / "torch.whl").exists(), "kept for the next attempt"
    assert user.run("uninstall", "--yes") == 0
    assert not user.places.app.exists()
    assert user.run("uninstall", "--yes") == 1


# On another disk ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("linked", ["app", "data"])
@pytest.mark.parametrize("exists", [True, False])
def test_a_linked_folder_holds_everything(user: User, own_downloads: Path, linked: str, exists: bool):
    large = user.shelf / "large disk"
    large.mkdir()
    target = large / "dynvfx"
    if exists or linked == "data":
        target.mkdir()
    link = user.places.app if linked == "app" else user.places.one("data")
    link.parent.mkdir(parents=True)
    link.symlink_to(target)
    assert user.install("1.0", "--yes") == 0 and user.says() == "dynvfx 1.0"
    inside = target if linked == "app" else target / "app"
    assert {"versions", "downloads", "current"} <= {each.name for each in inside.iterdir()}
    own = sum(each.stat().st_size for each in user.home.rglob("*") if each.is_file() and not each.is_symlink())
    assert linked == "data" or own < 100_000
    assert user.run("uninstall", "--yes") == 0
    assert link.is_symlink() and list(target.iterdir()) == []
    # The link is the user's, and still works.
    assert user.install("1.0", "--yes") == 0 and user.says() == "dynvfx 1.0"


def test_a_link_to_a_missing_disk_is_refused_until_it_is_there(user: User, capsys: pytest.CaptureFixture):
    target = user.shelf / "unplugged" / "dynvfx"
    user.places.app.parent.mkdir(parents=True)
    user.places.app.symlink_to(target)
    assert user.install("1.0", "--yes") == 1
    said = capsys.readouterr().err
    assert f"is a link to {target}" in said and f"create the folder {target.parent}" in said
    target.parent.mkdir()
    assert user.install("1.0", "--yes") == 0 and user.says() == "dynvfx 1.0"


def test_a_program_started_by_the_folder_s_own_path_is_seen(user: User):
    target = user.shelf / "large"
    target.mkdir()
    user.places.app.parent.mkdir(parents=True)
    user.places.app.symlink_to(target)
    assert user.install("1.0", "--yes") == 0
    name = user.app.current()
    for folder in (user.places.app, target):
        python = folder / "versions" / name / "env" / "bin" / "python"
        command = [python, "-c", "print('runs', flush=True); input()"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
            # Before that line the system may not know yet what was started.
            assert running.stdout is not None and running.stdout.readline() == b"runs\n"
            assert any(str(running.pid) in each for each in user.app.users_of()), folder
            running.communicate(b"\n")


# The full disk ------------------------------------------------------------------------------------------------------


def test_the_full_disk_is_named(disks: Callable[..., None]):
    disks(home=1000)
    said = explain_failure("error: No space left on device (os error 28)", [Path("/large/app"), Path("/home/x/uv")])
    assert "the disk of /home/x/uv is full (0.0 GB free)" in said and "/large" not in said


@pytest.mark.parametrize(
    "output",
    [
        "error: Failed to install: torch-2.8.0.whl\n  Caused by: failed to write to file `{0}/.tmpA1/x.so`: "
        "No space left on device (os error 28)",
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device: '{0}/pip-1/x.so'",
        "OSError: [Errno 28] No space left on device\n  while writing {0}/wheels/x.whl",
    ],
)
def test_a_disk_that_has_space_again_is_known_by_the_output(output: str, tmp_path: Path, disks: Callable[..., None]):
    disks()
    small = tmp_path / "small disk"
    if "while writing" in output:
        small = tmp_path / "small"
    small.mkdir()
    said = explain_failure(output.format(small), [tmp_path / "app", Path("/elsewhere")])
    assert f"the disk of {small} is full" in said


def test_the_disk_is_checked_where_the_link_leads(
    user: User, disks: Callable[..., None], capsys: pytest.CaptureFixture
):
    (user.shelf / "large").mkdir()
    user.places.app.parent.mkdir(parents=True)
    user.places.app.symlink_to(user.shelf / "large")
    assert installation.PANEL_DISK < PLENTY
    disks(app=10)
    assert user.install("1.0", "--yes") == 1
    assert f"The disk of {user.places.app} has 0.0 GB free" in capsys.readouterr().err


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of one megabyte."""
    folder = tmp_path / "one megabyte"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_really_full_disk_is_named(user: User, small_disk: Path, monkeypatch: pytest.MonkeyPatch):
    """A chosen folder for downloads on a disk that is too small, and space enough for the program."""
    monkeypatch.setenv("UV_CACHE_DIR", str(small_disk))
    bundle = user.bundle("1.0")
    wheel = next((bundle / "wheels").glob("dynvfx*"))
    made = Environment(user.shelf / "env", user.places, find_uv(), user.shelf / "downloads")
    made.make()
    (small_disk / "filling").write_bytes(b"x" * (os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_bsize))
    with pytest.raises(PackagesFailed, match="is full") as raised:
        made.fill_from_bundle(f"dynvfx @ {wheel.as_uri()}", bundle / "wheels", lambda line: None)
    assert str(small_disk) in str(raised.value)
