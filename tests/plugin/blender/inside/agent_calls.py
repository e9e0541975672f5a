"""The add-on's own parts, called as its agent calls them."""

import bpy
from dynvfx.agent_link import AgentProblem
from dynvfx.export import Exporter
from dynvfx.identity import Identities
from dynvfx.layers import Layers, read_take
from dynvfx.timeline import describe_timeline

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
    """Run a generator to its end: its progress and its result."""
    progress = []
    while True:
        try:
            progress.append(next(generator))
        except StopIteration as stop:
            return {"progress": progress, "result": stop.value}


def export(name, folder):
    return _guarded(lambda: finish(exporter.export(uid(name), folder))["result"])


def place(name, takes, active=0):
    return _guarded(lambda: layers.place(uid(name), [read_take(each) for each in takes], active))


def swap(name, take):
    return _guarded(lambda: layers.swap(uid(name), read_take(take)))


def placements():
    return layers.placements()


def _guarded(work):
    try:
        return work()
    except AgentProblem as problem:
        return {"problem": problem.kind, "what": problem.what, "why": problem.why, "remedy": problem.remedy}


def undo():
    window = bpy.context.window_manager.windows[0]
    with bpy.context.temp_override(window=window):
        return list(bpy.ops.ed.undo())
