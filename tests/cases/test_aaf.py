"""AAF through OpenTimelineIO's adapter."""

from __future__ import annotations

import sys
from pathlib import Path

import opentimelineio as otio
import pytest

from bridge.editorial.clip_list import list_clips
from bridge.editorial.exchange import aaf
from contract.errors import BadTimeline
from tests.bridge.editorial import exported as ex
from tests.cases.test_edl import opened
from tests.cases.test_timelines import pictures


def write_aaf(path: Path, *clips: otio.schema.Clip) -> Path:
    timeline = otio.schema.Timeline("reel 1", global_start_time=otio.opentime.RationalTime(86400, 24))
    gap = otio.schema.Gap(duration=otio.opentime.RationalTime(12, 24))
    timeline.tracks.append(otio.schema.Track("V1", [clips[0], gap, *clips[1:]], kind="Video"))
    otio.adapters.write_to_file(timeline, str(path), "AAF", use_empty_mob_ids=True)
    return path


def clip(name: str, url: str, start: int, count: int, first: int = 0) -> otio.schema.Clip:
    media = otio.schema.ExternalReference(url, ex.frames(first, 100))
    return otio.schema.Clip(name, media, ex.frames(start, count))


def test_avid(footage: Path, tmp_path: Path) -> None:
    one = clip("one", (footage / "tc24.mov").as_uri(), 86410, 30, 86400)
    two = clip("two", "file:///gone/a24.mov", 50, 24)
    path = write_aaf(tmp_path / "cut.aaf", one, two)
    first, second = opened(path, "one"), opened(path, "two", footage)
    assert (pictures(first), pictures(second)) == (list(range(10, 40)), list(range(50, 74)))
    assert second.shot.record_timecodes[0] == "01:00:01:18"
    assert [each.name for each in list_clips(first.opened)] == ["one", "two"]


def test_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "cut.aaf").write_bytes(b"not AAF")
    with pytest.raises(BadTimeline, match="cannot be read as AAF"):
        opened(tmp_path / "cut.aaf", None)


def test_without_the_adapter_its_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cut.aaf").write_bytes(b"")
    monkeypatch.setattr(aaf, "is_installed", lambda: False)
    with pytest.raises(aaf.AdapterMissing) as caught:
        opened(tmp_path / "cut.aaf", None)
    command = caught.value.remedy
    assert sys.executable in command and '"otio-aaf-adapter>=2,<3"' in command
