"""The whole add-on, registered, with its timer ticked by hand: a Blender without a window runs no timers."""

import json
import os
import time
import types

import bpy
import scenes
from dynvfx.agent import agent

import dynvfx


def register():
    dynvfx.register()
    return sorted(each.__name__ for kind in (bpy.types.Operator, bpy.types.Panel, bpy.types.PropertyGroup)
                  for each in kind.__subclasses__() + [e for s in kind.__subclasses__() for e in s.__subclasses__()]
                  if each.__name__.startswith("DYNVFX_") and each.is_registered)  # fmt: skip


def unregister():
    dynvfx.unregister()
    handlers = [each for name in ("load_post", "undo_post", "save_pre") for each in getattr(bpy.app.handlers, name)]
    left = [each for each in handlers if each.__module__.startswith("dynvfx")]
    return (
        len(left),
        hasattr(bpy.types.WindowManager, "dynvfx"),
        bpy.app.timers.is_registered(agent[0].tick) if agent else False,
    )


def set_command(command, environment=None):
    path = os.path.join(os.path.dirname(dynvfx.__file__), "panel_command.json")
    with open(path, "w") as sink:
        json.dump({"command": command, "environment": environment or {}}, sink)


def generate(name, instruction):
    scene = bpy.context.scene
    uid = agent[0].identities.of(scene, scenes.find(name))
    order = {"uids": [uid], "instruction": instruction, "quality": "draft", "scope": "full_frame"}
    agent[0].ask("generate", order)
    return uid


def ask(method, params):
    agent[0].ask(method, params)


def tick_until(text, seconds=60):
    """Tick until the latest state or problem contains `text`."""
    ends = time.monotonic() + seconds
    while text not in str(agent[0].state.latest) + str(agent[0].state.problem):
        assert time.monotonic() < ends, str(agent[0].state.latest)
        agent[0].tick()
        time.sleep(0.005)
    return agent[0].connected


def tick_while_connected(seconds=60):
    ends = time.monotonic() + seconds
    while agent[0].connected:
        assert time.monotonic() < ends
        agent[0].tick()
        time.sleep(0.005)


def quiet_ticks(strips, ticks=200):
    """How often a tick reports a change although nothing changed, in a timeline of many strips."""
    from dynvfx.timeline.change_watch import Watch

    collection = scenes.strips()
    for number in range(strips):
        scenes.add_effect_alone(f"s{number}", number % 100 + 20, number * 3)
    watch = Watch()
    watch.changed()
    before = sum(watch.changed() for _ in range(ticks))
    collection[3].select = not collection[3].select
    return [before, watch.changed(), watch.changed()]


def order(names, instruction, quality="draft"):
    """Generate for strips in the order of `names`; returns their uids."""
    scene = bpy.context.scene
    uids = [agent[0].identities.of(scene, scenes.find(name)) for name in names]
    agent[0].ask("generate", {"uids": uids, "instruction": instruction, "quality": quality, "scope": "object"})
    return uids


def reply(seconds=1.0):
    """Tick for a while; returns the latest state and the problem, if any."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        agent[0].tick()
        time.sleep(0.005)
    problem = agent[0].state.problem
    trouble = [problem.kind, problem.what, problem.why] if problem is not None else None
    return {**agent[0].state.latest, "trouble": trouble, "connected": agent[0].connected}


def placements():
    return agent[0].layers.placements()


def panel_pid():
    return agent[0]._link._process.pid


def place_and_save(take, path):
    """Place a take and save the file at once, as a hurried user does."""
    agent[0].ask("place_take", {"take": take})
    while not placements():
        reply(0.01)
    scenes.save(path)


class Layout:
    """Notes what the sidebar draws: the texts of labels, and the operators."""

    def __init__(self, drawn):
        self.drawn = drawn

    def label(self, text="", **_):
        self.drawn.append(text)

    def operator(self, name, **_):
        self.drawn.append(name)
        return types.SimpleNamespace()

    def prop(self, *_, **__):
        pass

    template_icon = prop

    def box(self, **_):
        return Layout(self.drawn)

    row = column = box


def drawn(panel, name="clip"):
    """What the sidebar's panel shows of a selected clip."""
    from dynvfx.interface import sidebar

    scenes.select([name], name)
    manager, region = bpy.context.window_manager, types.SimpleNamespace(width=900)
    scale = types.SimpleNamespace(system=types.SimpleNamespace(ui_scale=1.0))
    context = types.SimpleNamespace(window_manager=manager, region=region, preferences=scale)
    layout = Layout([])
    agent[0].disk.forget()
    getattr(sidebar, panel).draw(types.SimpleNamespace(layout=layout), context)
    return layout.drawn


def operate(name, **values):
    return list(getattr(bpy.ops.dynvfx, name)(**values))


def log():
    return [agent[0].state.log, bpy.app.tempdir]
