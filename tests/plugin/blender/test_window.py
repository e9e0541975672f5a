"""Blender's real window with the add-on: sidebar, generate, progress, takes, swapping, crashes and quitting."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PIL import Image

from tests.plugin.blender.conftest import Media, take
from tests.plugin.blender.numbered import clip_picture
from tests.plugin.blender.windowed import WindowedBlender

_AGENT = "from dynvfx.agent import agent\nagent = agent[0]\n"
_SCENES = "import scenes\n"
_LAYERS = (
    "import scenes\nresult = {name: [scenes.find(name).channel, scenes.find(name).mute] "
    "for name in ('Take a', 'Take b') if any(e.name == name for e in scenes.strips())}"
)
_UNDO = "with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):\n    bpy.ops.ed.undo()"
_ADD_STRIP = """
window = bpy.context.window_manager.windows[0]
area = next(each for each in window.screen.areas
            if each.type == "SEQUENCE_EDITOR" and each.spaces[0].view_type == "SEQUENCER")
region = next(each for each in area.regions if each.type == "WINDOW")
with bpy.context.temp_override(window=window, area=area, region=region):
    bpy.ops.sequencer.effect_strip_add("EXEC_DEFAULT", True, type="COLOR", channel=7, frame_start=300, frame_end=310)
"""
"""The user adds a strip, with Blender's own operator."""
_STRIPS = "result = sum(len(e.sequence_editor.sequences_all) for e in bpy.data.scenes if e.sequence_editor)"


@pytest.fixture
def window(tmp_path: Path, media: Media, layers: Path) -> Iterator[WindowedBlender]:
    offered = []
    for name in "ab":
        thumbnail = tmp_path / f"{name}.png"
        Image.fromarray(clip_picture(ord(name))).save(thumbnail)
        offered.append({**take(name, layers, 40, write=False), "thumbnail": str(thumbnail)})
    (tmp_path / "takes.json").write_text(json.dumps(offered))
    found = WindowedBlender(tmp_path)
    try:
        found.do(
            _SCENES + "scenes.set_up(bpy.context.window_manager.windows[0].scene)\n"
            "bpy.context.window_manager.windows[0].scene.sequence_editor_create()\n"
            f"scenes.add_movie({str(media.h264)!r}, 'harbour')\n"
            "bpy.context.window_manager.windows[0].scene.sequence_editor.active_strip = scenes.find('harbour')"
        )
        yield found
    finally:
        found.close()


def received(folder: Path, method: str) -> list[dict]:
    """Requests for `method` that the panel process received."""
    lines = (folder / "received.jsonl").read_text().splitlines()
    return [each for each in map(json.loads, lines) if each.get("method") == method]


def step(window: WindowedBlender, text: str) -> None:
    """Advance the pretended job one stage, and wait until the sidebar shows it."""
    (window.folder / "step").touch()
    window.until(_AGENT + f"result = {text!r} in str(agent.state.latest)")


def test_from_the_sentence_to_the_swapped_take(window: WindowedBlender) -> None:
    window.open_sidebar()
    assert window.do("result = bpy.ops.dynvfx.generate.poll()") is False  # there is no instruction yet
    window.do("bpy.context.window_manager.dynvfx.instruction = 'add a massive whale'")
    assert window.do(_AGENT + "result = agent.connected") is False
    window.do("bpy.ops.dynvfx.generate()")
    uid = window.until(_AGENT + "result = [each['uid'] for each in agent.state.latest.get('jobs', ())]")[0]
    order = received(window.folder, "generate")[0]["params"]
    assert order == {"uids": [uid], "instruction": "add a massive whale", "quality": "standard", "scope": "object"}
    window.until(f"import os\nresult = os.path.exists({str(window.folder / 'export-0' / 'clip.otio')!r})")
    step(window, "Reading the clip")
    step(window, "Step 20 of 50")
    window.picture(window.folder / "progress.png")
    assert len(Image.open(window.folder / "progress.png").convert("RGB").getcolors(1 << 24)) > 100
    step(window, "Pass 4 of 5")
    step(window, "Take a")
    assert (
        window.do(_AGENT + f"result = [agent.state.picture(e) > 0 for e in agent.state.takes({uid!r})]") == [True] * 2
    )
    window.do(_ADD_STRIP)
    window.do("bpy.ops.dynvfx.approve_and_place(take='a')")
    window.until(_LAYERS)
    # Placing is one step: undone, the take is gone, and what the user did before is not.
    window.do(_UNDO)
    assert window.do(_LAYERS) == {} and window.do(_STRIPS) == 2
    window.do(_UNDO.replace("undo()", "redo()"))
    window.do(_SCENES + "scenes.select(['harbour'], 'harbour')")
    assert window.do(_LAYERS) == {"Take a": [2, False], "Take b": [3, True]}
    assert received(window.folder, "set_status")[0]["params"] == {"take": "a", "status": "approved"}
    # One click shows another take, one undo brings the first back.
    window.do("bpy.ops.dynvfx.show_take('EXEC_DEFAULT', True, take='b')")
    assert window.do(_LAYERS) == {"Take a": [2, True], "Take b": [3, False]}
    window.do(_UNDO)
    assert window.do(_LAYERS) == {"Take a": [2, False], "Take b": [3, True]}
    window.do(_SCENES + "scenes.select(['harbour'], 'harbour')")
    window.do("bpy.ops.dynvfx.show_original('EXEC_DEFAULT', True)")
    assert window.do(_LAYERS) == {"Take a": [2, True], "Take b": [3, True]}


def test_panel_and_files_are_closed_and_opened(window: WindowedBlender, tmp_path: Path) -> None:
    window.do("bpy.ops.dynvfx.open_panel()")
    window.until(_AGENT + "result = agent.connected and agent.state.backend['state'] == 'ready'")
    (window.folder / "crash").touch()
    window.until(_AGENT + "result = not agent.connected")
    assert window.do(_AGENT + "result = agent.state.backend['state']") == ""
    # Blender continues, and a new panel starts.
    window.do("bpy.context.window_manager.dynvfx.instruction = 'add rain'\nbpy.ops.dynvfx.generate()")
    window.until(_AGENT + "result = agent.connected and bool(agent.state.latest.get('jobs'))")
    for text in ("Reading the clip", "Step 20", "Pass 4", "Take b"):
        step(window, text)
    # Another file is opened while a take waits: it is not placed there, and that is reported.
    window.do(f"bpy.ops.wm.save_as_mainfile(filepath={str(tmp_path / 'film.blend')!r}, copy=True)")
    window.do(
        "with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):\n"
        "    bpy.ops.wm.read_homefile(use_empty=False)"
    )
    assert window.do(_STRIPS) == 0
    window.do(_AGENT + "agent.ask('place_take', {'take': 'a'})")
    window.until(f"result = 'clip_gone' in open({str(window.folder / 'received.jsonl')!r}).read()")
    assert window.do(_STRIPS) == 0
    panel = window.do(_AGENT + "result = agent._link._process.pid")
    process = psutil.Process(panel)
    window.quit()
    process.wait(10)  # the panel ends with its host


def test_a_missing_installation_is_reported(window: WindowedBlender) -> None:
    (window.folder / "scripts" / "addons" / "dynvfx" / "panel_command.json").unlink()
    window.do("try:\n    bpy.ops.dynvfx.open_panel()\nexcept RuntimeError as error:\n    result = str(error)")
    reply = window.do(_AGENT + "result = [agent.state.problem.kind, agent.state.problem.remedy]")
    assert reply == ["not_installed", "Run `python3 run.py install` in the DynVFX folder, then restart Blender."]
