"""The add-on in every Blender: switched on, talking to a panel process, and switched off again."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugin.blender.blenders import Blender
from tests.plugin.blender.conftest import Media, take

CLASSES = ["OT_approve_and_place", "OT_cancel", "OT_dismiss", "OT_generate", "OT_hide_take", "OT_list_takes",
           "OT_open_panel", "OT_reject", "OT_relink_takes", "OT_retry", "OT_show_original", "OT_show_take",
           "PG_settings", "PT_ask", "PT_jobs", "PT_takes"]  # fmt: skip


@pytest.fixture
def addon(blender: Blender, media: Media, layers: Path, tmp_path: Path) -> Iterator[Blender]:
    offered = [{**take(name, layers, 40, write=False), "thumbnail": ""} for name in "ab"]
    (tmp_path / "takes.json").write_text(json.dumps(offered))
    fake = Path(__file__).parent / "fake_panel.py"
    blender.call("agent_link_calls.set_command", [sys.executable, str(fake), str(tmp_path)])
    assert blender.call("agent_link_calls.register") == [f"DYNVFX_{name}" for name in CLASSES]
    yield blender
    assert blender.call("agent_link_calls.unregister") == [0, False, False]


def test_generate_and_place_over_the_link(addon: Blender, media: Media, tmp_path: Path) -> None:
    addon.call("scenes.add_movie", str(media.h264))
    uid = addon.call("agent_link_calls.generate", "clip", "add rain")
    assert addon.call("agent_link_calls.tick_until", "queued") is True
    for text in ("Reading the clip", "Step 20", "Pass 4", "Take b"):
        (tmp_path / "step").touch()
        addon.call("agent_link_calls.tick_until", text)
    assert (tmp_path / "export-0" / "clip.otio").is_file()
    addon.call("agent_link_calls.ask", "place_take", {"take": "a"})
    addon.call("agent_link_calls.tick_until", "'placed': True")
    addon.call("agent_link_calls.ask", "set_status", {"take": "a", "status": "approved"})
    addon.call("agent_link_calls.tick_until", "approved")
    strips = addon.call("scenes.describe")["scenes"]["Scene"]["strips"]
    assert {name: each["mute"] for name, each in strips.items()} == {"clip": False, "Take a": False, "Take b": True}
    received = [json.loads(line) for line in (tmp_path / "received.jsonl").read_text().splitlines()]
    assert received[0]["result"]["host"] == "blender" and received[0]["result"]["layer"] == "png"
    assert any(each.get("result", {}).get("uid") == uid for each in received)
    (tmp_path / "crash").touch()
    addon.call("agent_link_calls.tick_while_connected")


def test_a_panel_that_cannot_start_is_reported(addon: Blender, media: Media) -> None:
    addon.call("agent_link_calls.set_command", [sys.executable, "-c", "raise SystemExit(3)"])
    addon.call("scenes.add_movie", str(media.h264))
    addon.call("agent_link_calls.generate", "clip", "add rain")
    assert addon.call("agent_link_calls.tick_until", "ended while it started") is False


def test_nothing_is_sent_when_nothing_changed(blender: Blender) -> None:
    assert blender.call("agent_link_calls.quiet_ticks", 300) == [0, True, False]


def test_takes_that_wait_are_not_denied(addon: Blender, media: Media, tmp_path: Path) -> None:
    addon.call("scenes.add_movie", str(media.h264))
    # A file that was never saved, and no panel: takes may wait in the backend's folder.
    takes = addon.call("agent_link_calls.drawn", "DYNVFX_PT_takes")
    assert takes[:2] == ["Listed while the panel runs", "dynvfx.list_takes"]
    addon.call("scenes.save", str(tmp_path / "cut.blend"))
    for job in ("001-rain", "002-fog"):
        (tmp_path / "cut dynvfx" / job / "takes" / "01").mkdir(parents=True)
        (tmp_path / "cut dynvfx" / job / "takes" / "01" / "take.json").write_text("{}")
        count = int(job[2])
        takes = addon.call("agent_link_calls.drawn", "DYNVFX_PT_takes")
        assert takes[:2] == [f"{count} finished take{'s' * (count > 1)} of this project", "dynvfx.list_takes"]
    # Started by that button, the panel has not read the list yet; then it has, and there is none of this clip.
    (tmp_path / "unlisted").touch()
    assert addon.call("agent_link_calls.operate", "list_takes") == ["FINISHED"]
    addon.call("agent_link_calls.tick_until", "takes_listed")
    assert addon.call("agent_link_calls.drawn", "DYNVFX_PT_takes")[0] == "Looking for finished takes"
    (tmp_path / "unlisted").unlink()
    (tmp_path / "step").touch()
    addon.call("agent_link_calls.tick_until", "'takes_listed': True")
    assert addon.call("agent_link_calls.drawn", "DYNVFX_PT_takes")[0] == "None yet"


def test_missing_takes_are_named_and_relinked_in_the_sidebar(
    addon: Blender, media: Media, layers: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "moved" / "takes" / "01"
    shutil.copytree(layers, tmp_path / "layer")
    addon.call("scenes.add_movie", str(media.h264))
    addon.call("scenes.save", str(tmp_path / "cut.blend"))
    placed = addon.call("agent_calls.place", "clip", [take("a", tmp_path / "layer", 40, write=False)])
    assert placed["take"] == "a"
    assert "dynvfx.relink_takes" not in addon.call("agent_link_calls.drawn", "DYNVFX_PT_ask")
    moved.mkdir(parents=True)
    (tmp_path / "layer").rename(moved / "layer")
    (moved / "take.json").write_text(json.dumps({"id": "a", "layer": "layer/layer_%06d.png"}))
    asked = addon.call("agent_link_calls.drawn", "DYNVFX_PT_ask")
    assert "The files of a take are missing: Take a" in asked and "dynvfx.relink_takes" in asked
    assert addon.call("agent_link_calls.operate", "relink_takes") == ["FINISHED"]
    assert "dynvfx.relink_takes" not in addon.call("agent_link_calls.drawn", "DYNVFX_PT_ask")


def test_a_hidden_take_is_named_in_the_sidebar(addon: Blender, media: Media, layers: Path, tmp_path: Path) -> None:
    addon.call("scenes.add_movie", str(media.h264))
    addon.call("agent_calls.place", "clip", [take("a", layers, 40, write=False)])
    assert "dynvfx.hide_take" in addon.call("agent_link_calls.drawn", "DYNVFX_PT_takes")
    addon.call("scenes.add_movie", str(media.prores), "other", 3)
    addon.call("scenes.add_effect", "CROSS", "cross", 4, "clip", "other")
    takes = addon.call("agent_link_calls.drawn", "DYNVFX_PT_takes")
    assert 'Hidden by "cross"' in takes and "dynvfx.approve_and_place" in takes
    addon.call("scenes.select", ["clip"], "clip")
    assert addon.call("agent_link_calls.operate", "hide_take", take="a") == ["FINISHED"]
    assert 'Hidden by "cross"' not in addon.call("agent_link_calls.drawn", "DYNVFX_PT_takes")


def test_a_cancelled_job_can_be_continued_and_dismissed(addon: Blender, media: Media) -> None:
    addon.call("scenes.add_movie", str(media.h264))
    addon.call("agent_link_calls.generate", "clip", "add rain")
    addon.call("agent_link_calls.tick_until", "queued")
    addon.call("agent_link_calls.operate", "cancel", job="job-1")
    addon.call("agent_link_calls.tick_until", "cancelled")
    jobs = addon.call("agent_link_calls.drawn", "DYNVFX_PT_jobs")
    assert jobs[:3] == ["add rain", "dynvfx.retry", "dynvfx.dismiss"]
    addon.call("agent_link_calls.operate", "dismiss", job="job-1")
    addon.call("agent_link_calls.tick_until", "'jobs': []")
    assert addon.call("agent_link_calls.drawn", "DYNVFX_PT_jobs") == ["None"]


def test_the_panels_log_is_gone_with_blender(media: Media, tmp_path: Path) -> None:
    log, folder = "", ""
    found = Blender("5.3.0", tmp_path)
    try:
        found.call("agent_link_calls.set_command", [sys.executable, "-c", "print('a word')"])
        found.call("agent_link_calls.register")
        found.call("agent_link_calls.operate", "list_takes")
        found.call("agent_link_calls.tick_until", "ended while it started")
        log, folder = found.call("agent_link_calls.log")
        assert Path(log).is_relative_to(folder) and Path(log).read_text() == "a word\n"
        found.call("agent_link_calls.unregister")
    finally:
        found.close()
    assert not Path(log).exists()
