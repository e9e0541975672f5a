"""What jobs share: the stages before the first noise, found again by content on this machine, also after a restart."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from backend.jobs.cache.cache_files import CacheFiles, Pins
from dynvfx.device import APPLE, title_of
from dynvfx.state.store import DirectoryStore, StateNotSaved, StateStore, Tensors

log = logging.getLogger(__name__)

SHARED = ("masks-", "clip-", "text-", "trajectory-")
"""How the keys of shared stages begin (`dynvfx.state.keys.Keys`); all others are one job's own."""
UNFINISHED_STAGE = ".running"


class StageCache:
    """States below `folder`, at most `limit_bytes` in all beside what running jobs need."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.files = CacheFiles(folder, limit_bytes)

    @contextlib.contextmanager
    def joined(self, own: StateStore, arithmetic: str) -> Iterator[StateStore]:
        """A store for one running job: shared stages in the cache, all else in `own`.

        Whatever the job has saved or found stays until the block ends. `arithmetic` keeps states apart whose sums
        differ in their last bits: see `arithmetic_of`.
        """
        with self.files.pins() as pins:
            yield _JoinedStore(self.files, pins, own, arithmetic)


class _JoinedStore:
    """A StateStore over the cache and a job's own states."""

    def __init__(self, files: CacheFiles, pins: Pins, own: StateStore, arithmetic: str) -> None:
        self._files, self._pins, self._own = files, pins, own
        self._arithmetic = arithmetic
        self._shared = DirectoryStore(files.folder / arithmetic)

    def load(self, key: str) -> Tensors | None:
        if not _is_shared(key):
            return self._own.load(key)
        name = self._name(key)
        self._pins.add(name)
        state = self._shared.load(key)
        if state is not None:
            self._files.touch(name)
            return state
        # A run without this cache, or one whose cache was evicted since, may have kept it here.
        return self._own.load(key)

    def save(self, key: str, tensors: Mapping[str, torch.Tensor]) -> None:
        if not _is_shared(key):
            self._own.save(key, tensors)
            return
        self._pins.add(self._name(key))
        try:
            self._shared.save(key, tensors)
        except StateNotSaved:
            # The disk is full: what no running job needs makes room.
            if not self._files.evict(2 * sum(tensor.nbytes for tensor in tensors.values())):
                raise
            self._shared.save(key, tensors)
        gone = self._files.evict()
        if gone:
            log.info("stage cache: %d bytes removed to stay below the limit", gone)

    def discard(self, key: str) -> None:
        (self._shared if _is_shared(key) else self._own).discard(key)

    def _name(self, key: str) -> str:
        return f"{self._arithmetic}/{key}.safetensors"


def arithmetic_of(device: torch.device, threads: int) -> str:
    """A short name for how this machine calculates: results differ in their last bits between any two of these."""
    if device.type == "cuda":
        where = title_of(device)
    elif device.type == APPLE:
        where = f"{title_of(device)} macOS {platform.mac_ver()[0]}"
    else:
        where = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()} {threads} threads"
    return f"{device.type}-{hashlib.sha256(f'{torch.__version__} {where}'.encode()).hexdigest()[:16]}"


def _is_shared(key: str) -> bool:
    return key.startswith(SHARED) and not key.endswith(UNFINISHED_STAGE)
