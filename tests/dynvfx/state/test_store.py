"""States: whole or absent."""

from __future__ import annotations

import errno
import os
import time

import pytest
import torch

from dynvfx.state import store as store_module
from dynvfx.state.store import DirectoryStore, StateNotSaved
from tests.dynvfx.memory_store import MemoryStore

STATE = {
    "latents": torch.randn(2, 3, generator=torch.Generator().manual_seed(0)),
    "half": torch.ones(3, dtype=torch.bfloat16),
    "position": torch.tensor(7),
    "bits": torch.tensor([1, 255], dtype=torch.uint8),
}


@pytest.fixture(params=["directory", "memory"])
def store(request, tmp_path):
    return DirectoryStore(tmp_path / "états d'une prise") if request.param == "directory" else MemoryStore()


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) and a[k].dtype == b[k].dtype for k in a)


def test_what_is_saved_is_loaded_replaced_and_discarded(store):
    assert store.load("running-1") is None
    store.save("running-1", STATE)
    assert same(store.load("running-1"), STATE)
    store.save("running-1", {"position": torch.tensor(8)})
    assert store.load("running-1")["position"] == 8
    assert store.load("running-2") is None
    store.discard("running-1")
    store.discard("running-1")
    assert store.load("running-1") is None


def test_a_saved_state_does_not_follow_later_changes(store):
    tensor = torch.zeros(3)
    store.save("a", {"x": tensor})
    tensor += 1
    assert not store.load("a")["x"].any()


@pytest.mark.parametrize("length", [0, 5, 60, -40, -1])
def test_truncated_files_are_absent(tmp_path, length):
    store = DirectoryStore(tmp_path)
    store.save("a", STATE)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:length])
    assert store.load("a") is None


def test_altered_and_foreign_files_are_absent(tmp_path):
    store = DirectoryStore(tmp_path)
    store.save("a", STATE)
    (path,) = tmp_path.iterdir()
    data = bytearray(path.read_bytes())
    path.with_name("b.safetensors").write_bytes(data)
    data[-1] ^= 1
    path.write_bytes(data)
    assert store.load("a") is None
    assert store.load("b") is None


def test_a_write_that_dies_leaves_the_old_state(tmp_path, monkeypatch):
    store = DirectoryStore(tmp_path)
    store.save("a", STATE)

    def dies(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", dies)
    with pytest.raises(KeyboardInterrupt):
        store.save("a", {"position": torch.tensor(9)})
    monkeypatch.undo()
    assert same(store.load("a"), STATE)
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


def test_a_full_disk_is_said_in_words(tmp_path, monkeypatch):
    store = DirectoryStore(tmp_path)

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StateNotSaved, match="No space left") as caught:
        store.save("a", STATE)
    assert caught.value.kind == "out_of_disk"
    assert caught.value.remedy
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []


def test_unfinished_files_of_dead_processes_are_swept(tmp_path):
    old, young = tmp_path / ".a.safetensors.1.part", tmp_path / ".a.safetensors.2.part"
    for path in (old, young):
        path.write_bytes(b"x")
    past = time.time() - store_module.ABANDONED_AFTER - 1
    os.utime(old, (past, past))
    DirectoryStore(tmp_path)
    assert not old.exists()
    assert young.exists()


@pytest.mark.parametrize("key", ["", "../a", "A", ".a", "a/b"])
def test_keys_cannot_leave_the_folder(tmp_path, key):
    with pytest.raises(ValueError, match="key"):
        DirectoryStore(tmp_path).save(key, STATE)
