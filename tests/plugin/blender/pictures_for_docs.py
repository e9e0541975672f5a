"""Makes the pictures of docs/blender.md in Blender's real window: `python -m tests.plugin.blender.pictures_for_docs`.

The takes in them come from the scripted panel process and are drawn here.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tests.plugin.blender.addon import ROOT
from tests.plugin.blender.windowed import WindowedBlender

CLIP = ROOT / "backend" / "demo" / "garden_path.mp4"
SIZE = (1500, 1120)


def main(target: Path) -> None:
    """Make blender-generate.png and blender-takes.png in `target`."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with av.open(str(CLIP)) as container:
            frames = [frame.to_image() for frame in container.decode(video=0)]
        offered = [_take(folder, frames, name, shift) for name, shift in (("Take 1", 0.0), ("Take 2", 0.35))]
        (folder / "takes.json").write_text(json.dumps(offered))
        window = WindowedBlender(folder, SIZE)
        try:
            _picture_steps(window, folder, target, frames[0].size)
        finally:
            window.close()


def _picture_steps(window: WindowedBlender, folder: Path, target: Path, size: tuple[int, int]) -> None:
    window.do(
        "import scenes\nscene = bpy.context.window_manager.windows[0].scene\n"
        f"scenes.set_up(scene, rate=(30, 1.001), size={size})\nscene.sequence_editor_create()\nscene.frame_end = 66\n"
        "scene.view_settings.view_transform = 'Standard'\nscene.frame_current = 20\n"
        f"scenes.add_movie({str(CLIP)!r}, 'garden_path.mp4', 1, 1)\n"
        "scene.sequence_editor.active_strip = scenes.find('garden_path.mp4')\n"
        "window = bpy.context.window_manager.windows[0]\n"
        "for area in window.screen.areas:\n"
        "    if area.type == 'SEQUENCE_EDITOR':\n"
        "        area.spaces[0].timeline_overlay.show_strip_source = False\n"
        "        kind = 'WINDOW' if area.spaces[0].view_type == 'SEQUENCER' else 'PREVIEW'\n"
        "        region = next(each for each in area.regions if each.type == kind)\n"
        "        with bpy.context.temp_override(window=window, area=area, region=region):\n"
        "            bpy.ops.sequencer.view_all() if kind == 'WINDOW' else bpy.ops.sequencer.view_all_preview()"
    )
    window.open_sidebar()
    window.do("bpy.context.window_manager.dynvfx.instruction = 'add floating lanterns'\nbpy.ops.dynvfx.generate()")
    told = "from dynvfx.agent import agent\nresult = {!r} in str(agent[0].state._told)"
    window.until(told.format("queued"))
    for words in ("Reading the clip", "Step 20", "Pass 4", "Take 2"):
        (folder / "step").touch()
        window.until(told.format(words))
        if words == "Step 20":
            _save(window, target / "blender-generate.png")
    window.do("bpy.ops.dynvfx.approve_and_place(take='Take 1')")
    window.until("import scenes\nresult = any(each.name == 'Take 2' for each in scenes.strips())")
    _save(window, target / "blender-takes.png")


def _save(window: WindowedBlender, path: Path) -> None:
    """Without the file browser and the properties, which show nothing of ours; few colours keep the file small."""
    window.picture(path)
    picture = Image.open(path).convert("RGB")
    picture.quantize(200, dither=Image.Dither.NONE).save(path, optimize=True)


def _take(folder: Path, frames: list[Image.Image], label: str, shift: float) -> dict:
    """Glowing dots that rise over the clip, as a layer, and a small picture of it."""
    home = folder / label
    home.mkdir()
    for number, frame in enumerate(frames):
        layer = _lanterns(frame.size, number / max(1, len(frames)), shift)
        layer.save(home / f"layer_{number:06d}.png")
    middle = len(frames) // 2
    whole = Image.alpha_composite(frames[middle].convert("RGBA"), _lanterns(frames[0].size, 0.5, shift))
    whole.thumbnail((256, 256))
    whole.convert("RGB").save(folder / f"{label}.png")
    count = len(frames)
    sequence = {"folder": str(home), "prefix": "layer_", "suffix": ".png", "first": 0, "padding": 6, "count": count}
    facts = {"id": label, "label": label, "path": "", "sequence": sequence, "frame_count": count, "rate": [30000, 1001]}
    facts.update(start_frame=0, width=frames[0].width, height=frames[0].height, instruction="", model="tiny", seed=1)
    return {**facts, "thumbnail": str(folder / f"{label}.png")}


def _lanterns(size: tuple[int, int], time: float, shift: float) -> Image.Image:
    width, height = size
    layer = Image.new("RGBA", size, (255, 170, 60, 0))
    draw = ImageDraw.Draw(layer)
    for number, place in enumerate(np.linspace(0.12, 0.88, 6)):
        x = width * place
        y = height * (0.75 - 0.4 * time - 0.22 * np.sin(number * 2.1 + shift * 9))
        radius = height * (0.035 + 0.012 * (number % 3))
        draw.ellipse([x - radius, y - radius * 1.3, x + radius, y + radius * 1.3], fill=(255, 190, 90, 235))
    return layer.filter(ImageFilter.GaussianBlur(height / 80))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images")
