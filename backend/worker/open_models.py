"""The models of a process: opened when a job needs them, kept for the next one that names the same."""

from __future__ import annotations

from collections.abc import Callable

from contract.job import Footprint
from dynvfx.backbones.base import Backbone
from dynvfx.device import release
from dynvfx.segmentation.base import Segmenter

OpenBackbone = Callable[..., Backbone]
"""Like `dynvfx.backbones.loading.open_backbone`: (name, device, *, download)."""
OpenSegmenter = Callable[..., Segmenter]
"""Like `dynvfx.segmentation.loading.open_segmenter`: (name, device)."""


class OpenModels:
    """At most one backbone and one segmenter at a time. `device` None leaves the choice to the openers.

    `on_loading` gets the name of what is being opened, and None once it is open or has failed to open.
    """

    def __init__(
        self,
        open_backbone: OpenBackbone,
        open_segmenter: OpenSegmenter,
        device: str | None = None,
        on_loading: Callable[[str | None], None] = lambda name: None,
    ) -> None:
        self._open_backbone, self._open_segmenter = open_backbone, open_segmenter
        self._where = () if device is None else (device,)
        self._on_loading = on_loading
        self._backbone: tuple[tuple[str, Footprint], Backbone] | None = None
        self._segmenter: tuple[str, Segmenter] | None = None

    def backbone(self, name: str, *, download: bool = False, footprint: Footprint = "normal") -> Backbone:
        """The backbone `name`, which uses less memory with the footprint "small". Raises what the opener raises."""
        wanted = (name, footprint)
        if self._backbone is None or self._backbone[0] != wanted:
            self._backbone = None
            release()
            with _ProgressReporter(self._on_loading, name):
                backbone = self._open_backbone(name, *self._where, download=download)
            if footprint == "small":
                backbone.use_small_footprint()
            self._backbone = wanted, backbone
        return self._backbone[1]

    def segmenter(self, name: str) -> Segmenter:
        """The segmenter `name`. Raises what the opener raises."""
        if self._segmenter is None or self._segmenter[0] != name:
            self._segmenter = None
            release()
            with _ProgressReporter(self._on_loading, name):
                self._segmenter = name, self._open_segmenter(name, *self._where)
        return self._segmenter[1]


class _ProgressReporter:
    """Says what is being opened."""

    def __init__(self, on_loading: Callable[[str | None], None], name: str) -> None:
        self._on_loading, self._name = on_loading, name

    def __enter__(self) -> None:
        self._on_loading(self._name)

    def __exit__(self, *_: object) -> None:
        self._on_loading(None)
