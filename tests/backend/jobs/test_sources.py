"""Media that this user may not read."""

import os
from contextlib import contextmanager

import pytest

from backend.jobs.sources import open_source
from contract.errors import BadMedia, BadTimeline, Problem
from tests.backend.jobs.small_jobs import write_movie

UNKNOWN_USER = 65534


@contextmanager
def no_access(folder):
    """The folder is closed to this process; root has to step down for that."""
    folder.chmod(0)
    steps_down = os.geteuid() == 0
    if steps_down:
        os.seteuid(UNKNOWN_USER)
    try:
        yield
    finally:
        if steps_down:
            os.seteuid(0)
        folder.chmod(0o700)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="folders are closed by other means on Windows")
@pytest.mark.parametrize(
    ("name", "kind"), [("clip.mp4", BadMedia), ("", BadMedia), ("shot.%04d.png", BadMedia), ("cut.otio", BadTimeline)]
)
def test_a_closed_folder_is_reported_with_a_remedy(tmp_path, name, kind):
    closed = tmp_path / "closed"
    closed.mkdir()
    write_movie(closed / "clip.mp4")
    (closed / "cut.otio").write_text("{}")
    with no_access(closed), pytest.raises(Problem) as caught:
        open_source(str(closed / name), unpacked=tmp_path / "media")
    assert isinstance(caught.value, kind)
    assert "closed" in str(caught.value) and caught.value.remedy
