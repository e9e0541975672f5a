"""For the whole suite: threads that do not fight over the processor, and nothing that is drawn anew in each run."""

from __future__ import annotations

import os
import random
import secrets
import sys

import hypothesis
import pytest

from tests.durations import Durations, pytest_addoption  # noqa: F401 - pytest finds it here

hypothesis.settings.register_profile("suite", derandomize=True, database=None)
hypothesis.settings.register_profile("explore", derandomize=False)  # other examples: --hypothesis-profile=explore
hypothesis.settings.load_profile("suite")


def pytest_configure(config: pytest.Config) -> None:
    """Give each process of the suite its share of the cores, before anything imports torch; children inherit it."""
    config.pluginmanager.register(Durations(config), "durations")
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if processes > 1:
        share = str(max(1, (os.cpu_count() or 1) // processes))
        os.environ.setdefault("OMP_NUM_THREADS", share)
        os.environ.setdefault("OPENCV_FOR_THREADS_NUM", share)


@pytest.fixture(autouse=True)
def same_content_in_every_run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeds that the product draws are other ones in each test, and the same ones whenever that test runs."""
    drawn = random.Random(request.node.nodeid)
    monkeypatch.setattr(secrets, "randbelow", drawn.randrange)
    random.seed(request.node.nodeid)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)
