"""The installed Blender with its real window, on a screen of its own, with the add-on and a scripted panel process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.plugin.blender.addon import assemble
from tests.plugin.blender.blenders import INSIDE, system_blender

_START = """
window = bpy.context.window_manager.windows[0]
templates = bpy.utils.system_resource("SCRIPTS") + "/startup/bl_app_templates_system"
with bpy.context.temp_override(window=window):
    bpy.ops.workspace.append_activate(idname="Video Editing", filepath=templates + "/Video_Editing/startup.blend")
"""
_SEQUENCER = """
window = bpy.context.window_manager.windows[0]
area = next(each for each in window.screen.areas
            if each.type == "SEQUENCE_EDITOR" and each.spaces[0].view_type == "SEQUENCER")
regions = {each.type: each for each in area.regions}
"""
_COUNT_DRAWS = """
from dynvfx.interface import sidebar
sidebar.draws, plain = 0, sidebar.DYNVFX_PT_ask.draw
def draw(self, context):
    sidebar.draws += 1
    plain(self, context)
sidebar.DYNVFX_PT_ask.draw = draw
"""


class WindowedBlender:
    """Runs Python in a Blender with a window; `folder` holds its files and the scripted panel's."""

    def __init__(self, folder: Path, size: tuple[int, int] = (1400, 1000), panel: dict | None = None) -> None:
        self.folder = folder
        command = [sys.executable, str(Path(__file__).parent / "fake_panel.py"), str(folder)]
        addon = assemble(folder / "scripts" / "addons", panel or {"command": command, "environment": {}})
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        environment.update(BLENDER_USER_CONFIG=str(folder / "config"), BLENDER_USER_SCRIPTS=str(addon.parents[1]))
        environment.update(LIBGL_ALWAYS_SOFTWARE="1", OMP_NUM_THREADS="1")
        width, height = map(str, size)
        screen = ["xvfb-run", "-a", "-s", f"-screen 0 {width}x{height}x24"]
        blender = [system_blender(), "--factory-startup", "--enable-event-simulate", "--window-geometry", "0", "0"]
        script = ["--python", str(INSIDE / "window.py"), "--", str(folder)]
        self._log = open(folder / "window.log", "wb")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [*screen, *blender, width, height, *script],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._number = 0
        with ExitStack() as failed:
            failed.callback(self.close)
            self.do(_START, 90)
            self.until("result = bpy.context.window_manager.windows[0].workspace.name == 'Video Editing'")
            failed.pop_all()

    def do(self, source: str, seconds: float = 30) -> Any:
        """Run Python that may set `result`, on Blender's main thread. Raises AssertionError."""
        answer = self.folder / f"answer-{self._number}.json"
        order = self.folder / f"order-{self._number}.json"
        partial = order.with_suffix(".partial")
        partial.write_text(json.dumps({"do": source}))
        partial.replace(order)
        self._number += 1
        ends = time.monotonic() + seconds
        while not answer.exists():
            assert self._process.poll() is None and time.monotonic() < ends, self._said()
            time.sleep(0.02)
        reply = json.loads(answer.read_text())
        assert "trace" not in reply, reply["trace"]
        return reply["result"]

    def until(self, source: str, seconds: float = 30) -> Any:
        """Wait until `result` is true."""
        ends = time.monotonic() + seconds
        while not (result := self.do(source)):
            assert time.monotonic() < ends, f"never: {source}\n{self._said()}"
            time.sleep(0.05)
        return result

    def open_sidebar(self) -> None:
        """Open the sequencer's sidebar and click the tab DynVFX, wherever it is."""
        self.do(_SEQUENCER + "area.spaces[0].show_region_ui = True")
        self.do(_COUNT_DRAWS)
        self.until(_SEQUENCER + "result = regions['UI'].width > 100")
        x, y, width, height = self.do(_SEQUENCER + "r = regions['UI']\nresult = [r.x, r.y, r.width, r.height]")
        for there in range(y + height - 20, y, -16):
            self.click(x + width - 8, there)
            if self._drawn():
                return
        raise AssertionError("there is no tab DynVFX in the sidebar")

    def _drawn(self) -> bool:
        """Whether the add-on's part of the sidebar was drawn within a few redraws."""
        return any(self.do("from dynvfx.interface import sidebar\nresult = sidebar.draws") for _ in range(4))

    def click(self, x: int, y: int) -> None:
        """Click the left button at a position in the window."""
        self.do(
            "window = bpy.context.window_manager.windows[0]\n"
            "for kind, value in (('MOUSEMOVE', 'NOTHING'), ('LEFTMOUSE', 'PRESS'), ('LEFTMOUSE', 'RELEASE')):\n"
            f"    window.event_simulate(type=kind, value=value, x={x}, y={y})"
        )

    def picture(self, path: Path) -> None:
        """A picture of the window."""
        self.do("for area in bpy.context.window_manager.windows[0].screen.areas:\n    area.tag_redraw()")
        time.sleep(0.5)  # redrawing is asynchronous
        self.do(
            "with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):\n"
            f"    bpy.ops.screen.screenshot(filepath={str(path)!r})"
        )

    def quit(self) -> None:
        """Quit as the user does, and wait for the end."""
        self.do("bpy.app.timers.register(lambda: bpy.ops.wm.quit_blender() and None, first_interval=0.2)")
        self._process.wait(30)

    def close(self) -> None:
        """End it and all its child processes."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it has quit
        self._process.wait()
        self._log.close()

    def _said(self) -> str:
        return (self.folder / "window.log").read_text(errors="replace")[-3000:]
