"""The add-on in every Blender: switched on, talking to a panel process, and switched off again."""

from __future__ import annotations

import json
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
