"""Blender's real window with the real panel and the real backend: sidebar, progress, the take in the preview."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.plugin.blender.chain import INSTRUCTION, PATIENCE, panel_command, users_service
from tests.plugin.blender.conftest import Media
from tests.plugin.blender.windowed import WindowedBlender

_STATE = "from dynvfx.agent import agent\nstate = agent[0].state.latest\n"


@pytest.fixture
def window(tmp_path: Path, media: Media) -> Iterator[WindowedBlender]:
    with users_service(tmp_path / "user") as home:
        found = WindowedBlender(tmp_path, panel=panel_command(home))
        try:
            found.do(
                "import scenes\nscene = bpy.context.window_manager.windows[0].scene\nscenes.set_up(scene)\n"
                "scene.sequence_editor_create()\nscene.frame_current = 14\n"
                "scene.view_settings.view_transform = 'Standard'\n"
                f"scenes.add_movie({str(media.h264)!r}, 'harbour', 1, 10, (4, 28))\n"
                "scene.sequence_editor.active_strip = scenes.find('harbour')\n"
                f"bpy.ops.wm.save_as_mainfile(filepath={str(tmp_path / 'film.blend')!r})"
            )
            yield found
        finally:
            found.close()


def reds(window: WindowedBlender, name: str) -> int:
    """How many pixels of the window are red."""
    path = window.folder / name
    window.picture(path)
    picture = np.asarray(Image.open(path).convert("RGB")).astype(int)
    return int(((picture[..., 0] > 120) & (picture[..., 1:].max(2) < 70)).sum())


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_from_the_sentence_to_the_take_in_the_preview(window: WindowedBlender, tmp_path: Path) -> None:
    window.open_sidebar()
    window.do(f"bpy.context.window_manager.dynvfx.instruction = {INSTRUCTION!r}")
    window.do("bpy.context.window_manager.dynvfx.quality = 'draft'\nbpy.ops.dynvfx.generate()")
    # The first request starts the panel, which starts the backend; the request waits for both.
    progress = "result = [e['text'] for e in state.get('jobs', ()) if e['stage'] and (e['fraction'] or 0) > 0.1]"
    text = window.until(_STATE + progress, PATIENCE)
    assert re.fullmatch(r"[A-Z][a-z].*, (step|pass) \d+ of \d+.*", text[0])
    takes = "result = [each['id'] for each in state.get('takes', ()) if each['thumbnail']]"
    (take,) = window.until(_STATE + takes, PATIENCE)
    assert window.do(
        _STATE + "result = agent[0].state.problem is None and agent[0].state.picture(state['takes'][0]) > 0"
    )
    before = reds(window, "before.png")
    window.do(f"bpy.ops.dynvfx.approve_and_place(take={take!r})")
    window.until(
        _STATE + "result = state['takes'][0]['placed'] and state['takes'][0]['status'] == 'approved'", PATIENCE
    )
    placed = window.do("import scenes\nresult = [scenes.facts(each) for each in scenes.strips()]")
    assert [(each["channel"], each["start"], each["count"]) for each in sorted(placed, key=lambda e: e["channel"])] == [
        (1, 14, 8),
        (2, 14, 8),
    ]
    shown = reds(window, "shown.png")
    assert shown > before + 500  # the balloon, in the preview
    window.do("bpy.ops.dynvfx.show_original('EXEC_DEFAULT', True)")
    assert reds(window, "hidden.png") < before + (shown - before) / 4
