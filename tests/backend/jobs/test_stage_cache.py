"""What jobs share on the disk: who finds it, what goes when room is needed, and what never does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from backend.jobs.cache.cache_files import CacheFiles
from backend.jobs.cache.stage_cache import StageCache
from dynvfx.state.store import DirectoryStore, StateNotSaved
from tests.dynvfx.memory_store import MemoryStore

STATE = {"latents": torch.arange(2500, dtype=torch.float32)}
ONE = 10_300
"""Bytes of a stored STATE, roughly: a tenth over its tensor."""
ROOM_FOR_THREE = 3 * ONE + ONE // 2
ARITHMETIC = "cpu-1"


def names(folder: Path) -> set[str]:
    return {path.name.partition(".")[0] for path in folder.glob("*/*.safetensors")}


def age(folder: Path, key: str, seconds: float) -> None:
    path = folder / ARITHMETIC / f"{key}.safetensors"
    os.utime(path, (seconds, seconds))


def test_shared_stages_are_found_by_another_job_and_own_ones_are_not(tmp_path: Path):
    cache, first, second = StageCache(tmp_path, 10**9), MemoryStore(), MemoryStore()
    with cache.joined(first, ARITHMETIC) as store:
        for key in ("masks-1", "clip-1", "text-1", "trajectory-1.899", "trajectory-1.running", "running-1"):
            store.save(key, STATE)
    with cache.joined(second, ARITHMETIC) as store:
        found = [key for key in ("masks-1", "clip-1", "text-1", "trajectory-1.899") if store.load(key) is not None]
        assert len(found) == 4
        assert store.load("trajectory-1.running") is None and store.load("running-1") is None
    assert first.load("trajectory-1.running") is not None and first.load("running-1") is not None
    with cache.joined(second, "cpu-2") as store:
        assert store.load("clip-1") is None


def test_what_was_unused_for_longest_goes_first(tmp_path: Path):
    cache = StageCache(tmp_path, ROOM_FOR_THREE)
    for number in range(3):
        with cache.joined(MemoryStore(), ARITHMETIC) as store:
            store.save(f"clip-{number}", STATE)
        age(tmp_path, f"clip-{number}", 1000 + number)
    with cache.joined(MemoryStore(), ARITHMETIC) as store:
        store.load("clip-0")
    with cache.joined(MemoryStore(), ARITHMETIC) as store:
        store.save("clip-3", STATE)
    assert names(tmp_path) == {"clip-0", "clip-2", "clip-3"}
    assert cache.files.size() <= ROOM_FOR_THREE


def test_eviction_never_touches_what_a_running_job_needs(tmp_path: Path):
    cache = StageCache(tmp_path, ROOM_FOR_THREE)
    with cache.joined(MemoryStore(), ARITHMETIC) as first:
        first.save("clip-0", STATE)
        first.save("text-0", STATE)
        age(tmp_path, "clip-0", 1)
        age(tmp_path, "text-0", 2)
        for number in range(1, 6):
            with cache.joined(MemoryStore(), ARITHMETIC) as store:
                store.save(f"clip-{number}", STATE)
        assert {"clip-0", "text-0"} <= names(tmp_path)
        assert len(names(tmp_path)) == 3
        assert cache.files.evict(10**9) > 0
        assert names(tmp_path) == {"clip-0", "text-0"}
    cache.files.evict(10**9)
    assert names(tmp_path) == set()


HOLDER = """
import sys
from pathlib import Path
from backend.jobs.cache.cache_files import CacheFiles
with CacheFiles(Path(sys.argv[1]), 0).pins() as pins:
    pins.add("cpu-1/clip-0.safetensors")
    print("pinned", flush=True)
    sys.stdin.read()
"""


def test_pins_of_another_process_hold_until_it_is_killed(tmp_path: Path):
    with StageCache(tmp_path, 10**9).joined(MemoryStore(), ARITHMETIC) as store:
        store.save("clip-0", STATE)
        store.save("clip-1", STATE)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    files = CacheFiles(tmp_path, 0)
    try:
        assert holder.stdout.readline() == "pinned\n"
        files.evict()
        assert names(tmp_path) == {"clip-0"}
    finally:
        holder.kill()
        holder.communicate()
    files.evict()
    assert names(tmp_path) == set()
    assert list((tmp_path / "pins").iterdir()) == []


def test_a_full_disk_makes_room_of_what_is_not_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    cache = StageCache(tmp_path, 10**9)
    with cache.joined(MemoryStore(), ARITHMETIC) as store:
        store.save("clip-0", STATE)
    save = DirectoryStore.save

    def small_disk(self: DirectoryStore, key: str, tensors: dict) -> None:
        if CacheFiles(tmp_path, 0).size() > ONE // 2:
            raise StateNotSaved("The state of the running take could not be saved.", "No space left on device.")
        save(self, key, tensors)

    monkeypatch.setattr(DirectoryStore, "save", small_disk)
    with cache.joined(MemoryStore(), ARITHMETIC) as store:
        store.save("clip-1", STATE)
        assert names(tmp_path) == {"clip-1"}
        with pytest.raises(StateNotSaved):
            store.save("clip-2", STATE)


def test_a_cache_that_is_switched_off_keeps_nothing(tmp_path: Path):
    cache = StageCache(tmp_path, 0)
    with cache.joined(MemoryStore(), ARITHMETIC) as store:
        store.save("clip-0", STATE)
        assert store.load("clip-0") is not None
    cache.files.evict()
    assert cache.files.size() == 0


def test_the_supervisor_can_ask_for_the_size_without_torch(tmp_path: Path):
    code = "import sys, backend.jobs.cache.cache_files, backend.worker.link; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
