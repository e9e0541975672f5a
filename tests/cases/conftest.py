"""The footage of the cases, made once per process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.footage import make_footage


@pytest.fixture(scope="session")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that MEDIA stands for in the cases' timelines."""
    return make_footage(tmp_path_factory.mktemp("footage"))
