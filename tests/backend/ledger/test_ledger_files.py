"""The ledger's file: older, newer, damaged, foreign, in use, and on a full disk."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from backend.ledger.disk_reserve import DiskReserve
from backend.ledger.errors import LedgerDamaged, LedgerInUse, LedgerTooNew
from backend.ledger.ledger import Ledger
from backend.ledger.schema import APPLICATION, TABLES, VERSION
from contract.errors import OutOfDisk
from tests.backend.ledger.specimens import append_all, job_started, started, step, submitted

ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "ledger.sqlite"


def filled(path: Path, jobs: int = 1) -> list[str]:
    """The jobs of a ledger that was closed in order."""
    with Ledger(path) as ledger:
        names = [started(ledger, token=str(number)) for number in range(jobs)]
        for job in names:
            append_all(ledger, job, [job_started(), *(step(number) for number in range(1, 40))])
    return names


def test_a_new_file_is_a_ledger_of_this_version(path):
    with Ledger(path) as ledger:
        assert ledger._database.row("PRAGMA user_version")[0] == VERSION == 1
        assert ledger._database.row("PRAGMA application_id")[0] == APPLICATION
        assert ledger._database.row("PRAGMA journal_mode")[0] == "wal"
        assert ledger._database.row("PRAGMA synchronous")[0] == 2


def test_tables_that_cannot_be_made_leave_no_half_ledger(path, monkeypatch):
    monkeypatch.setattr("backend.ledger.ledger.TABLES", (*TABLES, TABLES[0]))
    with pytest.raises(sqlite3.OperationalError):
        Ledger(path)
    monkeypatch.undo()
    with Ledger(path) as ledger:
        assert submitted(ledger)


def test_a_newer_ledger_is_refused_and_left_alone(path):
    filled(path)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    content = path.read_bytes()
    with pytest.raises(LedgerTooNew) as caught:
        Ledger(path)
    assert "Update" in caught.value.remedy
    assert path.read_bytes() == content


@pytest.mark.parametrize("harm", ["text", "middle", "truncated", "foreign"])
def test_a_damaged_file_is_kept_aside_and_a_new_one_begins(path, harm):
    filled(path, 4)
    if harm == "text":
        path.write_bytes(b"these are not the tables you are looking for" * 100)
    elif harm == "middle":
        content = bytearray(path.read_bytes())
        content[4096 * 2 : 4096 * 6] = b"\xff" * (4096 * 4)
        path.write_bytes(content)
    elif harm == "truncated":
        path.write_bytes(path.read_bytes()[: 4096 * 5])
    else:
        path.unlink()
        other = sqlite3.connect(path)
        other.execute("CREATE TABLE recipes (name TEXT)")
        other.close()
    harmed = path.read_bytes()
    with pytest.raises(LedgerDamaged) as caught:
        Ledger(path)
    assert caught.value.kind == "ledger_damaged" and "Start again" in caught.value.remedy
    (kept,) = path.parent.glob("ledger.damaged-*.sqlite")
    assert str(kept) in caught.value.why
    if harm != "foreign":  # whose file it is shows only when it was opened
        assert kept.read_bytes() == harmed
    with Ledger(path) as ledger:
        assert ledger.jobs() == ()
        submitted(ledger)


def test_a_second_opener_is_reported_and_the_first_one_not_disturbed(path):
    with Ledger(path) as ledger:
        job = started(ledger)
        with pytest.raises(LedgerInUse) as caught:
            Ledger(path)
        assert caught.value.kind == "ledger_in_use"
        ledger.append(job, step(1))
    with Ledger(path) as ledger:
        assert ledger.job(job).events == 1


def test_a_second_process_is_reported(path):
    command = (
        "import sys\nfrom pathlib import Path\nfrom backend.ledger.ledger import Ledger\n"
        "from backend.ledger.errors import LedgerInUse\n"
        "try: Ledger(Path(sys.argv[1]))\nexcept LedgerInUse: sys.exit(7)"
    )
    with Ledger(path):
        assert subprocess.run([sys.executable, "-c", command, str(path)], cwd=ROOT).returncode == 7
    assert subprocess.run([sys.executable, "-c", command, str(path)], cwd=ROOT).returncode == 0


def test_another_program_that_has_the_file_is_reported_of(path):
    filled(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerInUse):
        Ledger(path)
    other.close()
    Ledger(path).close()


def test_a_folder_that_cannot_be_made_is_a_typed_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutOfDisk) as caught:
        Ledger(tmp_path / "file" / "ledger.sqlite")
    assert str(tmp_path) in caught.value.what
    (tmp_path / "folder.sqlite").mkdir()
    with pytest.raises(OutOfDisk):
        Ledger(tmp_path / "folder.sqlite")


WRITER = """
import resource, sys
from pathlib import Path
from backend.ledger.ledger import Ledger
from contract.errors import OutOfDisk
from tests.backend.ledger.specimens import FAILURE, append_all, started, step, submitted

ledger = Ledger(Path(sys.argv[1]))
job = started(ledger)
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), most))
written = 0
try:
    while written < 10000:
        append_all(ledger, job, [step(written + each) for each in range(1, 101)])
        written += 100
except OutOfDisk as error:
    assert sys.argv[1] in error.what and "bytes are free" in error.why, error
assert 0 < written < 10000, written
assert ledger.job(job).events == len(ledger.events(job, limit=20000)) == written
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
ledger.append(job, step(written + 1))
ledger.fail(job, FAILURE)
submitted(ledger, token="next")
print(job, written)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of a process's files")
def test_a_full_disk_is_a_typed_error_and_work_goes_on_when_there_is_space(path):
    """A limit on the size of files stands for the disk: writing fails in the middle of a transaction, as there."""
    run = subprocess.run([sys.executable, "-c", WRITER, str(path), "500000"], capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    job, written = run.stdout.split()
    with Ledger(path) as ledger:
        assert ledger.job(job).events == int(written) + 2
        assert [each.number for each in ledger.events(job, limit=20000)] == list(range(1, int(written) + 3))
        assert ledger.job(job).state == "failed"
        assert len(ledger.queue()) == 1


def test_the_reserve_is_given_up_when_the_disk_is_full_and_taken_again(path, monkeypatch):
    with Ledger(path) as ledger:
        reserve = path.with_name("ledger.reserve")
        assert reserve.stat().st_size == DiskReserve.BYTES
        job = started(ledger)
        pages = ledger._database.row("PRAGMA page_count")[0]
        ledger._database.rows(f"PRAGMA max_page_count = {pages}")
        monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": DiskReserve.BYTES}))
        with pytest.raises(OutOfDisk):
            append_all(ledger, job, [step(number) for number in range(1, 500)])
        assert not reserve.exists() and ledger.job(job).events == 0
        ledger._database.rows("PRAGMA max_page_count = 1000000")
        ledger.append(job, step(1))
        assert not reserve.exists()
        monkeypatch.undo()
        ledger.append(job, step(2))
        assert reserve.stat().st_size == DiskReserve.BYTES


@pytest.mark.skipif(sys.platform == "win32", reason="the user's folder is private there by inheritance")
def test_files_are_private(path):
    with Ledger(path):
        assert path.parent.stat().st_mode & 0o077 == 0
