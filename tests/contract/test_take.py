import json
from pathlib import Path

import pytest

from contract.errors import BadTake, OutOfDisk
from contract.take import MediaFile, Note, Take, read_take, write_take
from tests.contract.sample_plan import a_plan


def take(**fields: object) -> Take:
    required = {
        "id": "shot-1",
        "name": "take 1",
        "instruction": "a ball on the street",
        "request": {"seed": 3, "levels": [899, 779]},
        "plan": a_plan(),
        "model": "tiny",
        "licence": "GPL-3.0-or-later",
        "assistant": "offline",
        "seed": 3,
        "created": "2025-01-02T03:04:05Z",
        "version": "0.1.0",
        "layer": "layer.mov",
        "composite": "composite.mov",
        "frame_count": 12,
    }
    return Take(**required | fields)


def full() -> Take:
    return take(
        seconds={"inverting": 1.5},
        forwards={"inverting": 29},
        peak_memory=2**40,
        matte_coverage=0.07,
        outside_change=0.0,
        record_range=(24, 72),
        media=[MediaFile(role="layer", path="layer/ü 1.mov", sha256="ab" * 32, bytes=10)],
        status="retake",
        notes=[Note(text="slower", first=3, last=9, author="Kim")],
        parent="shot-0",
    )


def edit(folder: Path, change: dict) -> None:
    path = folder / "take.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))


def test_round_trip(tmp_path: Path) -> None:
    for written in (take(), full()):
        write_take(tmp_path / "new", written)
        assert read_take(tmp_path / "new") == written
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["take.json"]


def test_unknown_fields_survive_at_every_level(tmp_path: Path) -> None:
    write_take(tmp_path, full())
    values = json.loads((tmp_path / "take.json").read_text())
    values |= {"signature": {"c2pa": [1]}, "extra": 5}
    values["media"][0]["codec"] = "prores"
    values["notes"][0]["drawing"] = [[0, 1]]
    values["request"]["unheard"] = None
    (tmp_path / "take.json").write_text(json.dumps(values))
    changed = read_take(tmp_path)
    changed.status = "approved"
    write_take(tmp_path, changed)
    assert json.loads((tmp_path / "take.json").read_text()) == values | {"status": "approved"}


def test_older_files_without_newer_fields(tmp_path: Path) -> None:
    write_take(tmp_path, full())
    values = json.loads((tmp_path / "take.json").read_text())
    for name in ("seconds", "media", "notes", "status", "parent", "outside_change", "schema"):
        del values[name]
    (tmp_path / "take.json").write_text(json.dumps(values))
    read = read_take(tmp_path)
    assert (read.status, read.media, read.notes, read.schema) == ("pending", [], [], 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 2}, "newer version"),
        ({"status": "fine"}, "status"),
        ({"seed": "three"}, "seed"),
        ({"media": 3}, "media"),
        ({"media": [3]}, r"media\[0\]"),
        ({"notes": [{"text": "x"}]}, "first"),
        ({"notes": None}, "notes"),
        ({"schema": "one"}, "schema"),
    ],
)
def test_wrong_values(tmp_path: Path, change: dict, message: str) -> None:
    write_take(tmp_path, full())
    edit(tmp_path, change)
    with pytest.raises(BadTake, match=message) as caught:
        read_take(tmp_path)
    assert caught.value.remedy


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"7", b"\xff\xfe", b'{"id": "x"}'])
def test_damaged_files(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "take.json").write_bytes(content)
    with pytest.raises(BadTake, match="damaged"):
        read_take(tmp_path)


def test_missing_take(tmp_path: Path) -> None:
    with pytest.raises(BadTake, match="no take"):
        read_take(tmp_path / "none")
    (tmp_path / "take.json").mkdir()
    with pytest.raises(BadTake, match="cannot be read"):
        read_take(tmp_path)


def test_a_failed_write_keeps_the_old_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_take(tmp_path, take())

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OutOfDisk, match="No space left"):
        write_take(tmp_path, take(status="approved"))
    assert read_take(tmp_path).status == "pending"
    assert [path.name for path in tmp_path.iterdir()] == ["take.json"]
