"""Aligning a take with its clip: position, scale, rotation, crop and flip, with their keyframes.

Opacity and blend mode are those of clip and take together: `layer_mix` sees to them.
"""

from __future__ import annotations

from typing import Any

from ..strips.keyframes import copy_keyframes
from ..strips.strip_media import media_size

_ANIMATED = ("transform.", "crop.")
COLOUR_TAG = "COLOR_05"


def copy_look(scene: Any, clip: Any, layer: Any) -> None:
    """Make `layer` cover exactly the pixels that `clip` covers.

    If the layer's pictures are not the size of the clip's media, they are scaled to the same edges.
    """
    own = media_size(clip) or (scene.render.resolution_x, scene.render.resolution_y)
    size = media_size(layer) or own
    across, down = own[0] / size[0], own[1] / size[1]
    source, target = clip.transform, layer.transform
    target.offset_x, target.offset_y = source.offset_x, source.offset_y
    target.scale_x, target.scale_y = source.scale_x * across, source.scale_y * down
    target.rotation, target.origin = source.rotation, source.origin
    if hasattr(source, "filter"):
        target.filter = source.filter
    for edge in ("min_x", "max_x"):
        setattr(layer.crop, edge, round(getattr(clip.crop, edge) / across))
    for edge in ("min_y", "max_y"):
        setattr(layer.crop, edge, round(getattr(clip.crop, edge) / down))
    layer.use_flip_x, layer.use_flip_y = clip.use_flip_x, clip.use_flip_y
    # Set although it is Blender's current default: the take depends on alpha-over blending with straight alpha.
    layer.blend_type, layer.blend_alpha, layer.alpha_mode = "ALPHA_OVER", 1.0, "STRAIGHT"
    layer.color_tag = COLOUR_TAG
    layer.use_float = False
    layer.select = False
    copy_keyframes(scene, clip, layer, _ANIMATED)


def looks_alike(clip: Any, layer: Any) -> bool:
    """Whether a layer has its clip's position, rotation, crop and flip, and covers what is below it."""
    first, second = clip.transform, layer.transform
    same = all(
        abs(getattr(first, name) - getattr(second, name)) < 1e-4 for name in ("offset_x", "offset_y", "rotation")
    )
    flips = (clip.use_flip_x, clip.use_flip_y) == (layer.use_flip_x, layer.use_flip_y)
    blend = (layer.blend_type, layer.alpha_mode) == ("ALPHA_OVER", "STRAIGHT")
    return same and flips and blend and abs(layer.blend_alpha - 1.0) < 1e-4
