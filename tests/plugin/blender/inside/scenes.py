"""Building timelines through the data API, rendering them, and describing their whole content."""

import os

import bpy
from dynvfx.strips import compat


def fresh(rate=(24, 1), size=(160, 96), start=1, name="Scene"):
    """An empty file with one scene that has a sequence editor; (fps, fps_base) as Blender holds them."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.name = name
    set_up(scene, rate, size, start)
    window = compat.main_window()
    if window is not None and hasattr(window.workspace, "sequencer_scene"):
        window.workspace.sequencer_scene = scene
    scene.sequence_editor_create()


def clear(**settings):
    """Empty the open file's scene of strips and keyframes: equivalent to a new file, and ten times faster."""
    scene = bpy.context.scene
    scene.sequence_editor_clear()
    scene.animation_data_clear()
    for action in list(bpy.data.actions):
        bpy.data.actions.remove(action)
    set_up(scene, **settings)
    scene.sequence_editor_create()


def set_up(scene, rate=(24, 1), size=(160, 96), start=1):
    render = scene.render
    render.fps, render.fps_base = rate
    render.resolution_x, render.resolution_y = size
    render.resolution_percentage = 100
    scene.frame_start = start


def strips(scene=None):
    return compat.strips_of((scene or bpy.context.scene).sequence_editor)


def find(name):
    return next(each for scene in bpy.data.scenes for each in compat.all_strips(scene) if each.name == name)


def add_movie(path, name="clip", channel=1, start=10, trim=(0, 0)):
    strip = strips().new_movie(name, str(path), channel, start, fit_method="ORIGINAL")
    strip.frame_offset_start, strip.frame_offset_end = trim
    return facts(strip)


def add_pictures(folder, names, name="clip", channel=1, start=10, trim=(0, 0)):
    strip = strips().new_image(name, os.path.join(folder, names[0]), channel, start, fit_method="ORIGINAL")
    for each in names[1:]:
        strip.elements.append(each)
    strip.frame_offset_start, strip.frame_offset_end = trim
    return facts(strip)


def facts(strip):
    return {
        "start": compat.frames(strip, "frame_final_start"),
        "count": compat.frames(strip, "frame_final_duration"),
        "channel": strip.channel,
        "name": strip.name,
    }


def facts_of(name):
    return facts(find(name))


def set_strip(name, /, **values):
    """Set properties of a strip: names may be dotted (transform.offset_x)."""
    strip = find(name)
    for path, value in values.items():
        owner = strip
        *parents, last = path.split("__")
        for each in parents:
            owner = getattr(owner, each)
        setattr(owner, last, value)
    return facts(strip)


def lengthen(name, frames):
    strip = find(name)
    setattr(strip, compat.frame_name(strip, "frame_final_duration"), frames)


def cut(name, frame, hard):
    other = find(name).split(frame, "HARD" if hard else "SOFT")
    return facts(other)


def render(folder, first, count, scene=None):
    """Render frames of the timeline to PNGs with the colours of the files."""
    scene = bpy.data.scenes[scene] if scene else bpy.context.scene
    os.makedirs(folder, exist_ok=True)
    view, target = scene.view_settings.view_transform, scene.render.filepath
    if hasattr(scene.render.image_settings, "media_type"):
        scene.render.image_settings.media_type = "IMAGE"
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGB"
    scene.render.dither_intensity = 0
    scene.view_settings.view_transform = "Standard"
    for index in range(count):
        scene.frame_set(first + index)
        scene.render.filepath = os.path.join(folder, f"{index:06d}.png")
        bpy.ops.render.render(write_still=True)
    scene.view_settings.view_transform, scene.render.filepath = view, target
    return [os.path.join(folder, f"{index:06d}.png") for index in range(count)]


_CALCULATED = {"rna_type", "bl_rna", "bl_system_properties", "layer_collection"}
"""Not settings; 5.3 fills in the last one when it is first asked."""


def describe(skip=()):
    """Every value of every scene's sequence, nested, for comparing before and after; strips by name."""
    described = {"file": bpy.data.filepath, "scenes": {}}
    for scene in bpy.data.scenes:
        described["scenes"][scene.name] = {
            "render": _values(scene.render, 2),
            "view": _values(scene.view_settings, 1),
            "frames": [scene.frame_start, scene.frame_end, scene.frame_current],
            "markers": sorted([each.frame, each.name] for each in scene.timeline_markers),
            "properties": sorted(scene.keys()),
            "curves": _curves(scene),
            "strips": {each.name: _values(each, 3) for each in compat.all_strips(scene) if each.name not in skip},
            "channels": [[c.name, c.lock, c.mute] for c in scene.sequence_editor.channels]
            if scene.sequence_editor
            else [],
        }
    return described


def _curves(scene):
    return sorted(
        [each.data_path, each.array_index, [list(point.co) for point in each.keyframe_points]]
        for each in compat.action_curves(scene) or ()
    )


def _values(owner, depth):
    values = {}
    for field in owner.bl_rna.properties:
        name = field.identifier
        if name in _CALCULATED:
            continue
        value = getattr(owner, name)
        if field.type == "POINTER":
            if value is not None and depth and not isinstance(value, bpy.types.ID):
                values[name] = _values(value, depth - 1)
            else:
                values[name] = getattr(value, "name", None)
        elif field.type == "COLLECTION":
            # Sizes of pictures after the first are whatever was in memory.
            values[name] = [getattr(each, "filename", None) or getattr(each, "name", None) or "" for each in value]
        elif getattr(field, "is_array", False):
            values[name] = [
                list(each) if hasattr(each, "__len__") and not isinstance(each, str) else each for each in value
            ]
        elif field.type == "ENUM" and field.is_enum_flag:
            values[name] = sorted(value)
        else:
            values[name] = value
    values["[properties]"] = _own_properties(owner)
    return values


def _own_properties(owner):
    try:
        return {key: str(owner[key]) for key in list(owner.keys())}  # noqa: SIM118
    except TypeError:
        return {}  # this type of strip has none


def is_dirty():
    return bpy.data.is_dirty


def save(path):
    bpy.ops.wm.save_as_mainfile(filepath=path)


def add_meta(name="meta", channel=3, start=10, children=()):
    """A meta strip with movies inside: (path, name, channel, start, trim) each."""
    meta = strips().new_meta(name, channel, start)
    for path, child, place, first, trim in children:
        strip = compat.strips_of(meta).new_movie(child, path, place, first, fit_method="ORIGINAL")
        strip.frame_offset_start, strip.frame_offset_end = trim
    # Blender leaves a meta strip that it made through the data API one frame long.
    ends = [compat.frames(each, "frame_final_end") for each in compat.strips_of(meta)]
    setattr(meta, compat.frame_name(meta, "frame_final_end"), max(ends))
    return facts(meta)


def add_scene(path, name="other", channel=4, start=10, length=12, trim=3):
    """A scene strip that shows the sequence of a scene with one movie."""
    here = bpy.context.scene
    other = bpy.data.scenes.new(name)
    set_up(other, (here.render.fps, here.render.fps_base), (here.render.resolution_x, here.render.resolution_y))
    other.sequence_editor_create()
    strips(other).new_movie("inner", path, 1, 1 - trim, fit_method="ORIGINAL")
    other.frame_end = length
    strip = strips().new_scene(name, other, channel, start)
    strip.scene_input = "SEQUENCER"
    return facts(strip)


def retime(name, speed):
    """Change a strip's speed, which from Blender 4.0 on only the sequencer's operator can do."""
    strip, scene = find(name), bpy.context.scene
    if hasattr(strip, "speed_factor"):
        strip.speed_factor = speed
        return facts(strip)
    window = compat.main_window()
    area = window.screen.areas[0]
    area.type = "SEQUENCE_EDITOR"
    scene.sequence_editor.active_strip, strip.select = strip, True
    region = next(each for each in area.regions if each.type == "WINDOW")
    with bpy.context.temp_override(window=window, screen=window.screen, area=area, region=region, scene=scene):
        bpy.ops.sequencer.retiming_segment_speed_set(speed=speed * 100)
    return facts(strip)


def remove(name):
    strip = find(name)
    compat.strips_of(compat.parent_of(bpy.context.scene, strip)).remove(strip)


def select(names, active=""):
    for strip in compat.all_strips(bpy.context.scene):
        strip.select = strip.name in names
    bpy.context.scene.sequence_editor.active_strip = find(active) if active else None


def key(name, path, points):
    """Keyframes (frame, value) on a property of a strip."""
    strip = find(name)
    owner, field = strip, path
    if "." in path:
        part, field = path.split(".")
        owner = getattr(strip, part)
    for frame, value in points:
        setattr(owner, field, value)
        owner.keyframe_insert(field, frame=frame)


def set_channel(number, **values):
    for name, value in values.items():
        setattr(bpy.context.scene.sequence_editor.channels[number], name, value)


def open_file(path):
    bpy.ops.wm.open_mainfile(filepath=path)


def add_effect(kind, name, channel, first, second=""):
    """An effect strip over one or two others."""
    inputs = [find(each) for each in (first, second) if each]
    span = compat.visible_range(inputs[0])
    return facts(compat.new_effect(bpy.context.scene.sequence_editor, name, kind, channel, *span, *inputs))


def effects_of_two():
    """This Blender's effects that take in two strips."""
    kinds = strips().bl_rna.functions["new_effect"].parameters["type"].enum_items.keys()
    two = {"CROSS", "ADD", "SUBTRACT", "ALPHA_OVER", "ALPHA_UNDER", "GAMMA_CROSS", "MULTIPLY", "OVER_DROP", "WIPE",
           "COLORMIX", "COMPOSITOR"}  # fmt: skip
    return [each for each in kinds if each in two]


def move(name, frames):
    strip = find(name)
    field = compat.frame_name(strip, "frame_start")
    setattr(strip, field, getattr(strip, field) + frames)


def children(name):
    return sorted(each.name for each in compat.strips_of(find(name)))


def add_effect_alone(name, channel, start, length=2, kind="COLOR"):
    editor = bpy.context.scene.sequence_editor
    return facts(compat.new_effect(editor, name, kind, channel, start, start + length))


def scene_of(name, library):
    found = [each for each in bpy.data.scenes if each.name == name]
    return next(each for each in found if (bpy.path.abspath(each.library.filepath) if each.library else "") == library)


def link_scene(path, name):
    with bpy.data.libraries.load(path, link=True) as (_, linked):
        linked.scenes = [name]


def rename_scene(name):
    bpy.context.scene.name = name


def names_of_scenes():
    return sorted(
        [each.name, bpy.path.abspath(each.library.filepath) if each.library else ""] for each in bpy.data.scenes
    )


def strips_of_scene(name, library):
    return sorted(each.name for each in compat.all_strips(scene_of(name, library)))
