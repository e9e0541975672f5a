"""A worker on a Mac: its device, its memory, and what the records and the check of the machine say about them."""

from __future__ import annotations

import sys

import pytest
import torch

from backend import __main__ as program
from backend.diagnostics import doctor
from backend.jobs.cache.stage_cache import arithmetic_of
from backend.jobs.determinism import peak_memory
from backend.worker.worker_jobs import WorkerJobs
from tests.backend.worker.small_worker import open_backbone, open_segmenter
from tests.dynvfx.apple_gpu import MEMORY, NAME, apple_gpu


def worker(device: str | None) -> WorkerJobs:
    return WorkerJobs(None, open_backbone, open_segmenter, device)


def test_a_worker_takes_the_apple_gpu():
    with apple_gpu():
        ready = worker(None).ready()
    assert ready.device.startswith("mps") and (ready.title, ready.memory_bytes) == (NAME, MEMORY)


def test_a_worker_keeps_to_the_processor_when_asked():
    with apple_gpu():
        assert worker("cpu").ready().device == "cpu"


def test_memory_and_arithmetic_are_the_gpu_s_own():
    with apple_gpu():
        assert peak_memory(torch.device("mps")) == 1_000_000_000
        name = arithmetic_of(torch.device("mps"), 4)
    assert name.startswith("mps-") and name != arithmetic_of(torch.device("cpu"), 4)


def test_doctor_names_the_apple_gpu():
    with apple_gpu():
        (found,) = doctor._device()
    assert found.state == "fine" and NAME in found.text and "of 24.0 GB free" in found.text
    assert "bfloat16" in found.text
    with apple_gpu(formats=[torch.bfloat16]):
        (found,) = doctor._device()
    assert "float32" in found.text


def test_doctor_says_why_an_apple_gpu_is_not_used(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with apple_gpu(operations=["convolution"]):
        (found,) = doctor._device()
    assert found.state == "missing" and "fails at operations" in found.remedy


@pytest.mark.parametrize(("platform", "devices"), [("darwin", ("mps",)), ("linux", ("cuda:0",))])
def test_the_first_card_of_a_mac_is_its_gpu(platform: str, devices: tuple[str, ...], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", platform)
    assert program._service_options(program._parser().parse_args(["--gpu", "0"])).devices == devices


def test_a_mac_has_no_second_card(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SystemExit):
        program.main(["--gpu", "0", "1"])
    assert "a Mac has one GPU" in capsys.readouterr().err
