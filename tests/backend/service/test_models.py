"""What is said of models that are not here, half here, and here."""

from __future__ import annotations

import json
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from backend.service.model_list import models, require_room
from bridge.local.folders import fetched_model_folder, model_cache
from contract.errors import OutOfDisk
from dynvfx.backbones.cogvideox.family import COGVIDEOX

NAME = COGVIDEOX.models[0].name


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.delenv("HUGGINGFACE_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    return tmp_path / "hub"


def seen() -> object:
    return next(each for each in models() if each.name == NAME)


def fetch(*files: str) -> Path:
    """Some of a model's files, as the hub's library lays them down."""
    repository = fetched_model_folder(NAME)
    (repository / "refs").mkdir(parents=True, exist_ok=True)
    (repository / "refs" / "main").write_text("c0ffee")
    snapshot = repository / "snapshots" / "c0ffee"
    for each in files:
        path = snapshot / each
        path.parent.mkdir(parents=True, exist_ok=True)
        shards = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
        path.write_text(json.dumps(shards) if each.endswith(".index.json") else "{}")
    return repository


def free(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage(count, 0, count))


def test_the_size_is_reported_before_anything_is_fetched(cache: Path) -> None:
    assert model_cache() == cache
    assert not seen().installed and seen().bytes == 21_100_000_000


def test_a_download_that_broke_off_is_not_taken_for_the_model() -> None:
    index = "text_encoder/model.safetensors.index.json"
    parts = ("model_index.json", "transformer/w.safetensors", "vae/w.safetensors", index)
    fetch(*parts)
    assert not seen().installed
    fetch("text_encoder/model-1.safetensors")
    assert not seen().installed
    fetch("text_encoder/model-2.safetensors")
    assert seen().installed and 0 < seen().bytes < 1000
    require_room(NAME)


def test_what_does_not_fit_is_refused_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 12_000_000_000)
    with pytest.raises(OutOfDisk, match="does not fit") as caught:
        require_room(NAME)
    assert "21 GB" in caught.value.why and "12 GB" in caught.value.why and "HF_HOME" in caught.value.remedy
    free(monkeypatch, 22_000_000_000)
    require_room(NAME)


def test_what_has_come_already_needs_no_more_room(monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = fetch() / "blobs"
    blobs.mkdir()
    with (blobs / "1.incomplete").open("wb") as half:
        half.truncate(10_000_000_000)
    free(monkeypatch, 12_000_000_000)
    require_room(NAME)
