from backend.diagnostics.private_text import collect_private_text
from backend.ledger.ledger import Ledger
from contract.take import Note
from tests.backend.ledger.specimens import ANNA, finish_take, spec, started
from tests.contract.sample_plan import a_plan


def test_what_people_wrote_and_where_their_files_are(tmp_path):
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        job = started(ledger, instruction="dragon", output="/film/out", media_folders=("/film/reel 2",))
        finish_take(ledger, job, tmp_path / "01", notes=[Note(text="bigger", first=0, last=1, author="Anna")])
        ledger.submit(ANNA, "two", spec(), plan=a_plan(target_object="kraken", source_objects=("sea",)))
        assert collect_private_text(path) == set()
    words = collect_private_text(path)
    assert {"dragon", "/film/out", "/film/reel 2", "/footage/clip.mov", "kraken", "sea", "bigger", "Anna"} <= words
    assert str(tmp_path / "01") in words
    assert not words & {"object", "tiny", "standard", "prores4444", "add", "offline", ""}


def test_no_ledger_has_no_words(tmp_path):
    assert collect_private_text(tmp_path / "none.db") == set()
    (tmp_path / "other.db").write_text("no ledger at all, but some text of more than a hundred bytes" * 9)
    assert collect_private_text(tmp_path / "other.db") == set()
