"""Checks a machine part by part and says for each trouble what to do."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from backend.diagnostics.doctor_service import client_findings, host_findings, remote_finding, service_findings
from backend.settings import find_settings
from bridge.local.backend_packages import BackendNotInstalled, require_backend
from bridge.local.named_backend import NamedBackend
from contract.errors import Problem
from contract.finding import Finding
from dynvfx.assistant.endpoint import find_endpoint
from dynvfx.backbones.families import DEFAULT_FAMILY, FAMILIES
from dynvfx.errors import AssistantFailed, ModelUnavailable
from dynvfx.segmentation.registry import HUB_WEIGHTS

GIGA = 1_000_000_000
MEMORY_NEEDED = DEFAULT_FAMILY.memory.main_memory
DISK_NEEDED = 1 * GIGA
ENCODERS = ("prores_ks", "ffv1", "libx264", "aac", "png", "pcm_s24le")
OPTIONAL_MODELS = {
    **{family.models[0].name: "large model" for family in FAMILIES if not family.shipped},
    **HUB_WEIGHTS,
}
_BACKEND_MODULES = {
    "torch": "torch",
    "torchvision": "torchvision",
    "diffusers": "diffusers",
    "transformers": "transformers",
    "openai": "openai",
    "sam2": "sam2",
}
_SHARED_MODULES = {"av": "av", "opencv-python-headless": "cv2", "opentimelineio": "opentimelineio"}
WEIGHTS = next(family.shipped for family in FAMILIES if family.shipped)


def examine(remote: NamedBackend | None = None) -> Iterator[Finding]:
    """All findings, quick ones first; `remote` is the backend of another machine that makes the takes."""
    try:
        require_backend()
    except BackendNotInstalled as problem:
        checks = _PANEL_CHECKS
        if remote is None:
            yield Finding("Backend", "broken", f"{problem.what} {problem.why}", problem.remedy)
        else:
            yield Finding("Backend", "fine", f"only the panel is installed; takes are made at {remote.address}")
    else:
        checks = _ALL_CHECKS
    for check in checks:
        yield from check()
    if remote is not None:
        yield remote_finding(remote)


def _python() -> Iterator[Finding]:
    yield Finding("Python", "fine", f"{platform.python_version()} on {platform.platform()} ({sys.executable})")


def _memory() -> Iterator[Finding]:
    memory = psutil.virtual_memory()
    text = f"{memory.total / GIGA:.1f} GB, {memory.available / GIGA:.1f} GB free"
    if memory.available < MEMORY_NEEDED:
        yield Finding(
            "Memory", "broken", text, f"The shipped model needs {MEMORY_NEEDED // GIGA} GB free: close other programs."
        )
    else:
        yield Finding("Memory", "fine", text)


def _disk() -> Iterator[Finding]:
    for subject, folder in (("Disk here", Path.cwd()), ("Disk for temporary files", Path(tempfile.gettempdir()))):
        free = shutil.disk_usage(folder).free
        text = f"{free / GIGA:.1f} GB free ({folder})"
        if free < DISK_NEEDED:
            yield Finding(subject, "broken", text, "Make room, or work on another disk.")
        elif not os.access(folder, os.W_OK):
            yield Finding(subject, "broken", f"{folder} may not be written to", "Work in a folder that is yours.")
        else:
            yield Finding(subject, "fine", text)
    logs = find_settings().log_file
    yield Finding("Log", "fine", str(logs))


def _ffmpeg() -> Iterator[Finding]:
    from backend.delivery.ffmpeg import ffmpeg_program

    remedy = "Install the program again, or name a complete ffmpeg in the environment variable IMAGEIO_FFMPEG_EXE."
    try:
        program = ffmpeg_program()
        said = subprocess.run([program, "-hide_banner", "-encoders"], capture_output=True, text=True, check=True)
        named = subprocess.run([program, "-version"], capture_output=True, text=True, check=True)
    except Problem as problem:
        yield Finding("ffmpeg", "broken", problem.what, problem.remedy or remedy)
        return
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        yield Finding("ffmpeg", "broken", f"It does not start: {error}", remedy)
        return
    known = {words[1] for line in said.stdout.splitlines() if len(words := line.split()) > 1}
    lacking = [name for name in ENCODERS if name not in known]
    label = " ".join(named.stdout.split()[:3])
    if lacking:
        yield Finding("ffmpeg", "broken", f"{label} lacks the encoders {', '.join(lacking)} ({program})", remedy)
    else:
        yield Finding("ffmpeg", "fine", f"{label} ({program})")


def _all_packages() -> Iterator[Finding]:
    yield from _packages({**_BACKEND_MODULES, **_SHARED_MODULES})


def _panel_packages() -> Iterator[Finding]:
    yield from _packages({"PyQt6": "PyQt6.QtCore", **_SHARED_MODULES})


def _packages(modules: Mapping[str, str]) -> Iterator[Finding]:
    found = []
    for name, module in modules.items():
        try:
            found.append(f"{name} {version(name)}")
            importlib.import_module(module)
        except (PackageNotFoundError, ImportError, OSError, RuntimeError) as error:
            # torchvision of another torch, or a missing system library, shows as one of these.
            remedy = "Install again: python3 run.py install. In a checkout, delete the folder .venv and start run.py."
            yield Finding(name, "broken", f"It cannot be loaded: {error}", remedy)
    yield Finding("Packages", "fine", ", ".join(found))


def _device() -> Iterator[Finding]:
    import torch

    from dynvfx.device import APPLE, apple_gpu_problem, best_device, memory_of, title_of, weights_format

    best = best_device()
    if best.type == "cuda":
        for index in range(torch.cuda.device_count()):
            card = torch.device("cuda", index)
            yield Finding(f"GPU {index}", "fine", f"{title_of(card)}, {_of_memory(*memory_of(card))}")
        return
    if best.type == APPLE:
        numbers = str(weights_format(best)).removeprefix("torch.")
        text = f"{title_of(best)}, {_of_memory(*memory_of(best))}, as much as macOS lets it have; {numbers}"
        yield Finding("GPU", "fine", text)
        return
    threads = f"{torch.get_num_threads()} CPU threads"
    remedy = "The shipped model works without one; the large models need one. Check its driver if you have a card."
    if sys.platform == "darwin":
        remedy = f"The shipped model works without one; the large models need one. {apple_gpu_problem()}"
    yield Finding("GPU", "missing", f"torch {torch.__version__} sees none; work is done on {threads}", remedy)


def _of_memory(free: int, total: int) -> str:
    return f"{free / GIGA:.1f} of {total / GIGA:.1f} GB free"


def _weights() -> Iterator[Finding]:
    """The shipped model's files against the digests that stand beside them."""
    listed = WEIGHTS / "sha256.json"
    remedy = "Install the program again."
    try:
        digests = json.loads(listed.read_text("utf-8"))
    except (OSError, ValueError) as error:
        yield Finding("Shipped model", "broken", f"{listed} cannot be read: {error}", remedy)
        return
    wrong = [name for name, digest in digests.items() if _digest(WEIGHTS / name) != digest]
    if wrong:
        yield Finding("Shipped model", "broken", f"Missing or damaged: {', '.join(wrong)} in {WEIGHTS}", remedy)
    else:
        yield Finding("Shipped model", "fine", f"{len(digests)} files are as they were shipped")


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _assistant() -> Iterator[Finding]:
    try:
        endpoint = find_endpoint()
    except AssistantFailed as error:
        yield Finding(
            "VFX assistant",
            "missing",
            f"only the offline one: {error.what}",
            "Set DYNVFX_ASSISTANT_URL, DYNVFX_ASSISTANT_MODEL and, where the server wants one, DYNVFX_ASSISTANT_KEY.",
        )
        return
    yield Finding("VFX assistant", "fine", f"{endpoint.model} at {endpoint.url}, key: {endpoint.key_origin}")


def _optional_models() -> Iterator[Finding]:
    from dynvfx.backbones.loading import locate

    for name, about in OPTIONAL_MODELS.items():
        try:
            yield Finding(name, "fine", f"{about}: {locate(name)}")
        except ModelUnavailable:
            yield Finding(name, "missing", f"{about}; not on this machine (optional)")


_PANEL_CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _python,
    _disk,
    client_findings,
    host_findings,
    _panel_packages,
)
_ALL_CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _python,
    _memory,
    _disk,
    client_findings,
    service_findings,
    _ffmpeg,
    host_findings,
    _all_packages,
    _device,
    _weights,
    _assistant,
    _optional_models,
)
