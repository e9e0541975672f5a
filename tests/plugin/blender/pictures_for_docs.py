"""Makes the pictures of docs/blender.md in Blender's real window: `python -m tests.plugin.blender.pictures_for_docs`.

The panel process, the backend and the model are the real ones; the takes are what the shipped model makes of the
shipped clip. It takes some minutes.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import av
from PIL import Image

from backend.demo.demonstration import INSTRUCTION, demo_clip
from tests.plugin.blender.addon import ROOT
from tests.plugin.blender.chain import panel_command, users_service
from tests.plugin.blender.windowed import WindowedBlender

SIZE = (1500, 1120)
WIDTH = 1200
MINUTES = 40
_STATE = "from dynvfx.agent import agent\nstate = agent[0].state.latest\n"
_FRAMES = 66


def main(target: Path) -> None:
    """Make blender-generate.png and blender-takes.png in `target`."""
    with tempfile.TemporaryDirectory() as scratch, users_service(Path(scratch) / "home") as home:
        window = WindowedBlender(Path(scratch), SIZE, panel_command(home))
        try:
            _picture_steps(window, Path(scratch), target)
        finally:
            window.close()


def _picture_steps(window: WindowedBlender, folder: Path, target: Path) -> None:
    clip = Path(shutil.copy(demo_clip(), folder))
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        size = stream.width, stream.height
    window.do(
        "import scenes\nscene = bpy.context.window_manager.windows[0].scene\n"
        f"scenes.set_up(scene, rate=(30, 1.001), size={size})\nscene.sequence_editor_create()\n"
        f"scene.frame_end = {_FRAMES}\nscene.view_settings.view_transform = 'Standard'\nscene.frame_current = 20\n"
        f"scenes.add_movie({str(clip)!r}, {clip.name!r}, 1, 1)\n"
        f"scene.sequence_editor.active_strip = scenes.find({clip.name!r})\n"
        "window = bpy.context.window_manager.windows[0]\n"
        "for area in window.screen.areas:\n"
        "    if area.type == 'SEQUENCE_EDITOR':\n"
        "        area.spaces[0].timeline_overlay.show_strip_source = False\n"
        "        kind = 'WINDOW' if area.spaces[0].view_type == 'SEQUENCER' else 'PREVIEW'\n"
        "        region = next(each for each in area.regions if each.type == kind)\n"
        "        with bpy.context.temp_override(window=window, area=area, region=region):\n"
        "            bpy.ops.sequencer.view_all() if kind == 'WINDOW' else bpy.ops.sequencer.view_all_preview()\n"
        f"bpy.ops.wm.save_as_mainfile(filepath={str(folder / 'garden.blend')!r})"
    )
    window.open_sidebar()
    window.do(f"settings = bpy.context.window_manager.dynvfx\nsettings.instruction = {INSTRUCTION!r}")
    window.do("bpy.context.window_manager.dynvfx.quality = 'draft'\nbpy.ops.dynvfx.generate()")
    drawing = "any(each['stage'] and (each['fraction'] or 0) > 0.4 for each in state.get('jobs', ()))"
    window.until(_STATE + f"result = {drawing}", MINUTES * 60)
    _save(window, target / "blender-generate.png")
    window.do("bpy.ops.dynvfx.generate()")
    whole = "len(state.get('takes', ())) == 2 and all(each['thumbnail'] for each in state['takes'])"
    window.until(_STATE + f"result = {whole} and state['backend']['state'] == 'ready'", MINUTES * 60)
    first = window.do(_STATE + "result = state['takes'][-1]['id']")
    window.do(f"bpy.ops.dynvfx.approve_and_place(take={first!r})")
    window.until(_STATE + f"result = any(each['id'] == {first!r} and each['placed'] for each in state['takes'])", 120)
    _save(window, target / "blender-takes.png")


def _save(window: WindowedBlender, path: Path) -> None:
    """Scale down and reduce the colours, to keep the file small; dithered to avoid banding."""
    window.picture(path)
    picture = Image.open(path).convert("RGB")
    picture = picture.resize((WIDTH, round(picture.height * WIDTH / picture.width)), Image.Resampling.LANCZOS)
    picture.quantize(256, Image.Quantize.MEDIANCUT).save(path, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images")
