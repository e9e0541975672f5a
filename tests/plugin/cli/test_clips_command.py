from __future__ import annotations

import json
from pathlib import Path

import pytest

from contract.errors import BAD_INPUT, BAD_USAGE
from plugin.cli.main import main
from tests.bridge.editorial import exported as ex


@pytest.fixture
def cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DYNVFX_STATE", str(tmp_path / "state"))
    media = ex.movie(ex.footage(tmp_path), ex.span(0, 1000, 24))
    clips = [ex.clip1(f"shot {number:02d}", media, ex.span(0, 24, 24)) for number in range(30)]
    clips.append(ex.clip1("odd \x1b[31m", None, ex.span(0, 24, 24)))
    return ex.write(tmp_path / "cut.otio", ex.timeline(ex.track(*clips)))


def test_clips_are_listed_and_searched(cut: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["clips", str(cut)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 32 and "\x1b" not in lines[31] and "no: The clip has no media." in lines[31]
    assert main(["clips", str(cut), "SHOT 1"]) == 0
    found = capsys.readouterr().out.splitlines()
    assert len(found) == 11 and found[1].split()[:3] == ["11", "shot", "10"]
    assert main(["clips", str(cut), "00:00:05", "--json"]) == 0
    assert [json.loads(line)["clip"] for line in capsys.readouterr().out.splitlines()] == [6]


def test_nothing_found_and_no_timeline(cut: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["clips", str(cut), "nothing"]) == BAD_USAGE
    assert "None of the 31 clips" in capsys.readouterr().err
    assert main(["clips", str(cut.with_name("gone.otio"))]) == BAD_INPUT


def test_the_remedy_for_many_clips_works(cut: Path, capsys: pytest.CaptureFixture) -> None:
    """An error names ten of them and the command that lists the others."""
    from bridge.editorial.clip_list import select_shot
    from bridge.editorial.timeline import open_timeline
    from contract.errors import BadTimeline

    with pytest.raises(BadTimeline, match="20 more; `dynvfx clips` lists") as caught:
        select_shot(open_timeline(cut))
    command = caught.value.why.partition("`dynvfx ")[2].partition("`")[0]
    assert main([command, str(cut)]) == 0 and "shot 29" in capsys.readouterr().out
