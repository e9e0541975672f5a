"""The first thing that anybody does with the program."""

from __future__ import annotations

from pathlib import Path

import opentimelineio as otio
import pytest

from contract.take import read_take
from plugin.cli.main import main


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_demonstration(capsys: pytest.CaptureFixture):
    assert main(["demo", "--output", "demo"]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[-1] == f"Timeline: {Path('demo/result/timeline.otio').absolute()}"
    take = read_take("demo/result/takes/01")
    assert take.model == "tiny" and take.outside_change == 0
    assert 0.005 < take.matte_coverage < 0.6
    tracks = otio.adapters.read_from_file("demo/result/timeline.otio").video_tracks()
    assert len(tracks) == 2
    assert tracks[1].range_of_child_at_index(1) == tracks[0].range_of_child_at_index(1)
    assert main(["demo", "--output", "demo"]) == 0
    assert "finished before" in capsys.readouterr().out
