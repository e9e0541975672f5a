"""Which device is chosen, in which number format; Apple's GPUs by a stand-in (see tests/dynvfx/apple_gpu.py)."""

from __future__ import annotations

import os

import psutil
import pytest
import torch

from contract.errors import Problem
from dynvfx import device as devices
from dynvfx.attention import scaled_dot_product
from dynvfx.attention.scaled_dot_product import attend
from dynvfx.device import apple_gpu_problem, best_device, memory_of, title_of, weights_format
from dynvfx.errors import OutOfMemory
from dynvfx.out_of_memory import explained_memory
from tests.dynvfx.apple_gpu import MEMORY, NAME, AppleTensor, apple_gpu

APPLE = torch.device("mps")


def test_an_apple_gpu_is_chosen():
    with apple_gpu():
        assert best_device().type == "mps" and apple_gpu_problem() == ""
        assert weights_format(APPLE) == torch.bfloat16
        assert title_of(APPLE) == NAME
        free, total = memory_of(APPLE)
    assert total == MEMORY and free <= min(MEMORY - 1_000_000_000, psutil.virtual_memory().total)


def test_a_graphics_card_comes_first(monkeypatch: pytest.MonkeyPatch):
    with apple_gpu():
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        assert best_device() == torch.device("cuda")


def test_without_bfloat16_weights_are_float32():
    with apple_gpu(formats=[torch.bfloat16]):
        assert best_device().type == "mps" and weights_format(APPLE) == torch.float32


@pytest.mark.parametrize("operation", ["convolution", "scaled_dot_product_attention", "index_select"])
def test_a_gpu_without_a_needed_operation_is_not_chosen(operation: str):
    with apple_gpu(operations=[operation]):
        assert best_device() == torch.device("cpu") and "fails" in apple_gpu_problem()


def test_a_gpu_that_calculates_wrongly_is_not_chosen(monkeypatch: pytest.MonkeyPatch):
    right = devices._trial
    monkeypatch.setattr(devices, "_trial", lambda device, dtype: right(device, dtype) + (device.type == "mps"))
    with apple_gpu():
        assert best_device() == torch.device("cpu")


def test_no_apple_gpu(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert best_device() == torch.device("cpu") and "no support" in apple_gpu_problem()
    monkeypatch.setattr(torch.backends.mps, "is_built", lambda: True)
    assert best_device() == torch.device("cpu") and "macOS 14" in apple_gpu_problem()
    assert weights_format(torch.device("cpu")) == torch.float32


def test_the_stand_in_is_strict():
    with apple_gpu():
        numbers = torch.ones(3, device="mps")
        with pytest.raises(TypeError, match="float64"):
            numbers.double()
        with pytest.raises(TypeError, match="float64"):
            torch.ones(3, dtype=torch.float64, device="mps")
        with pytest.raises(RuntimeError, match="same device"):
            numbers + torch.ones(3)
        with pytest.raises(TypeError, match="numpy"):
            numbers.numpy()
        assert (numbers + torch.tensor(1.0)).tolist() == [2.0, 2.0, 2.0]
        assert type(numbers.cpu()) is torch.Tensor and isinstance(numbers[1:].to("mps"), AppleTensor)


@pytest.mark.parametrize(
    "text", ["MPS backend out of memory (MPS allocated: 20.48 GiB)", "Invalid buffer size: 28.61 GB"]
)
def test_a_full_apple_gpu_is_explained(text: str):
    with pytest.raises(OutOfMemory, match="The machine has too little memory") as raised, explained_memory(APPLE):
        raise RuntimeError(text)
    assert isinstance(raised.value, Problem) and text in raised.value.why
    with pytest.raises(RuntimeError, match="another"), explained_memory(APPLE):
        raise RuntimeError("another mistake")


@pytest.mark.parametrize("tokens", [7, 64])
def test_attention_comes_in_parts_where_scores_would_be_too_large(tokens: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scaled_dot_product, "LARGEST_SCORES", 2 * 3 * 70 * 4 * 5)  # five rows at once
    asked = []
    plain = scaled_dot_product.scaled_dot_product_attention
    monkeypatch.setattr(
        scaled_dot_product,
        "scaled_dot_product_attention",
        lambda query, key, value: asked.append(query.shape[2]) or plain(query, key, value),
    )
    query, key, value = (torch.randn(2, 3, rows, 4) for rows in (tokens, 70, 70))
    expected = attend(query, key, value)
    with apple_gpu():
        found = attend(query.to("mps"), key.to("mps"), value.to("mps")).cpu()
    assert torch.allclose(found, expected, atol=1e-6)
    assert asked[0] == tokens and max(asked[1:]) == 5 and sum(asked[1:]) == tokens


def test_missing_operations_may_run_on_the_processor():
    assert os.environ["PYTORCH_ENABLE_MPS_FALLBACK"] == "1"
