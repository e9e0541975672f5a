"""Delivery in a thread of its own, so that its progress becomes events and Ctrl-C stops it cleanly."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from backend.delivery.conform import Conform
from backend.delivery.deliver import Delivery, deliver_take
from contract.job import LayerKind
from dynvfx.progress.events import Outcome
from dynvfx.request import Request


def deliver(
    conform: Conform,
    outcome: Outcome,
    frames: np.ndarray,
    folder: Path,
    layer: LayerKind,
    request: Request,
    within: tuple[float, float, float, float] | None = None,
) -> Iterator[tuple[int, int] | Delivery]:
    """Yields (steps done, steps) and at last the Delivery; closing the generator cancels and leaves nothing behind."""
    news: queue.SimpleQueue[tuple[int, int] | None] = queue.SimpleQueue()
    stop = threading.Event()
    with ThreadPoolExecutor(1, "deliver") as pool:
        future = pool.submit(
            deliver_take,
            conform,
            outcome.frames.numpy(),
            outcome.mask.numpy(),
            frames,
            folder,
            layer=layer,
            mark=request.digest()[:12],
            seed=request.seed,
            secondary=request.secondary,
            within=within,
            on_progress=lambda done, total: news.put((done, total)),
            cancelled=stop.is_set,
        )
        future.add_done_callback(lambda _: news.put(None))
        try:
            while (reported := news.get()) is not None:
                yield reported
        finally:
            stop.set()
        yield future.result()
