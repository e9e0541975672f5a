from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from contract.errors import BadMedia
from plugin.hosts.footage import read_footage
from tests.plugin.movies import write_movie


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001)])
def test_facts_of_a_movie(tmp_path: Path, rate: Fraction) -> None:
    footage = read_footage(str(write_movie(tmp_path / "a.mov", 12, rate)))
    assert (footage.width, footage.height, footage.rate, footage.frame_count) == (64, 48, rate, 12)
    assert not footage.hdr and not footage.variable_rate and not footage.has_audio and footage.start_timecode is None


def test_what_is_no_movie_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.mov").write_text("no movie")
    with pytest.raises(BadMedia, match="cannot be read"):
        read_footage(str(tmp_path / "a.mov"))
    with pytest.raises(BadMedia, match="no movie at"):
        read_footage(str(tmp_path / "b.mov"))
