"""Calls of the add-on's parts, as its agent makes them."""

import os
import subprocess
import time

import bpy
from dynvfx.agent_link import AgentProblem
from dynvfx.export.clip_export import Exporter
from dynvfx.layers.layers import Layers
from dynvfx.layers.take_files import read_take
from dynvfx.strips.identity import Identities
from dynvfx.timeline.timeline_info import describe_timeline

identities = Identities()
exporter = Exporter(identities)
layers = Layers(identities, exporter)


def start():
    identities.file_loaded()
    exporter.forget()


def timeline():
    return describe_timeline(identities)


def uid(name):
    return next(each["uid"] for each in timeline()["clips"] if each["name"] == name)


def finish(generator):
    """Run a generator to its end; returns its progress and its result."""
    progress = []
    while True:
        try:
            progress.append(next(generator))
            time.sleep(0.02)
        except StopIteration as stop:
            return {"progress": progress, "result": stop.value}


def export(name, folder):
    return _guarded(lambda: finish(exporter.export(uid(name), folder))["result"])


def place(name, takes, active=0):
    return _guarded(lambda: layers.place(uid(name), [read_take(each) for each in takes], active))


def swap(name, take):
    return _guarded(lambda: layers.swap(uid(name), read_take(take)))


def mend_mixes():
    layers.mend_mixes()


def show_only(name, take):
    import scenes

    layers.show_only(bpy.context.scene, scenes.find(name), take)


def hide(name, take):
    import scenes

    layers.hide(bpy.context.scene, scenes.find(name), take)


def out_of_place(name):
    import scenes

    scene, clip = bpy.context.scene, scenes.find(name)
    return layers.out_of_place(scene, clip, layers._placed_layers(scene, clip))


def placements():
    return layers.placements()


def _guarded(work):
    try:
        return work()
    except AgentProblem as problem:
        return {"problem": problem.kind, "what": problem.what, "why": problem.why, "remedy": problem.remedy}


def users_step():
    """What Blender does after each action of the user: the changes so far become a step of the undo history."""
    bpy.ops.ed.undo_push(message="the user's")


def undo():
    window = bpy.context.window_manager.windows[0]
    with bpy.context.temp_override(window=window):
        return list(bpy.ops.ed.undo())


def mark(name, notes):
    from dynvfx.layers.note_markers import mark_notes

    scene, clip = identities.find(uid(name))
    mark_notes(scene, clip, uid(name), notes)
    return sorted([each.frame, each.name] for each in scene.timeline_markers)


def cancel_export(name, folder):
    """Begin an export, take two steps and cancel it; returns the files left in the folder."""
    generator = exporter.export(uid(name), folder)
    next(generator), next(generator)
    generator.close()
    return os.listdir(folder)


_begun = []


def begin_export(name, folder):
    """Begin an export that is rendered, until its first picture is there; returns the process id of the render."""
    started = []
    plain = subprocess.Popen

    class Noting(plain):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            started.append(self.pid)

    subprocess.Popen = Noting
    _begun.append(exporter.export(uid(name), folder))
    while next(_begun[-1])["done"] < 1:
        time.sleep(0.02)
    subprocess.Popen = plain
    return started[0]


def find(identity):
    return _guarded(lambda: identities.find(identity)[1].name)


def break_rendering():
    """Have the background Blender fail, as it does on a full disk or with a damaged file."""
    from dynvfx.export import bake

    bake._CHILD, bake.kept = os.path.join(os.path.dirname(__file__), "failing_child.py"), bake._CHILD


def mend_rendering():
    from dynvfx.export import bake

    bake._CHILD = bake.kept


def spoil_reading_back():
    """Place takes while the second one is put elsewhere, as a Blender with a different API might do."""
    from dynvfx.layers import layers as placing

    placing.kept = placing.copy_look

    def elsewhere(scene, clip, layer):
        placing.kept(scene, clip, layer)
        if layer.name.endswith("b"):
            layer.channel += 3

    placing.copy_look = elsewhere


def mend_reading_back():
    from dynvfx.layers import layers as placing

    placing.copy_look = placing.kept


def export_uid(name, folder):
    export(name, folder)
    return uid(name)


def uids_in(scene, library):
    import scenes

    found = scenes.scene_of(scene, library)
    return [identities.of(found, each) for each in scenes.strips(found)]


def find_with_library(uid):
    scene, strip = identities.find(uid)
    return [strip.name, scene.library.filepath if scene.library else ""]


def export_by_uid(uid, folder):
    return _guarded(lambda: finish(exporter.export(uid, folder))["result"])


def place_by_uid(uid, takes):
    return _guarded(lambda: layers.place(uid, [read_take(each) for each in takes], 0))


def missing():
    from dynvfx.layers.relinking import missing_layers

    return [each.name for each in missing_layers()]


def relink(folder=""):
    from dynvfx.layers.relinking import relink

    return relink(folder)


def paths(*names):
    """As they are in the file."""
    import scenes

    return [getattr(scenes.find(name), "filepath", "") or scenes.find(name).directory for name in names]


def find_missing_files(folder):
    """Blender's own File > External Data > Find Missing Files."""
    bpy.ops.file.find_missing_files(directory=folder)


def save(path):
    identities.before_saving()
    bpy.ops.wm.save_as_mainfile(filepath=path)


def place_inside(meta, name, takes):
    """Place a take over a strip inside an open meta strip."""
    import scenes

    scene, inner = bpy.context.scene, scenes.find(name)
    return _guarded(lambda: layers.place(identities.of(scene, inner), [read_take(each) for each in takes], 0))
