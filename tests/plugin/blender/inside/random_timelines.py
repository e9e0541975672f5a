"""One random timeline: place a take over one of its clips, compare everything, undo, and compare again."""

import agent_calls
import bpy
import scenes
from dynvfx.strips import compat


def check(spec, layers, pictures, movie):
    """Returns what is wrong (an empty list when nothing is) and the name of the outcome."""
    _build(spec, pictures, movie)
    target = f"strip {spec['target']}"
    facts = scenes.facts(scenes.find(target))
    before, old = scenes.describe(), set(_names())
    takes = [_take(number, layers, facts["count"]) for number in range(spec["takes"])]
    reply = agent_calls._guarded(lambda: _place(target, takes, spec["active"] % spec["takes"]))
    if "problem" in reply:
        same = scenes.describe() == before
        return {"outcome": reply["problem"], "wrong": [] if same else ["a refusal changed the timeline"]}
    new = set(_names()) - old
    wrong = _compared(before, scenes.describe(skip=new), new)
    wrong += _placed(target, facts, new, reply, takes[spec["active"] % spec["takes"]])
    agent_calls.undo()
    if scenes.describe() != before:
        wrong.append("undo did not restore the timeline")
    return {"outcome": "placed", "wrong": wrong}


def _build(spec, pictures, movie):
    scenes.clear(rate=spec["rate"], start=spec["start"])
    agent_calls.start()
    for number, each in enumerate(spec["strips"]):
        name = f"strip {number}"
        if each["kind"] == "movie":
            scenes.add_movie(movie, name, each["channel"], each["start"], each["trim"])
        elif each["kind"] == "pictures":
            scenes.add_pictures(pictures, [f"layer_{i:06d}.png" for i in range(40)], name, each["channel"],
                                each["start"], each["trim"])  # fmt: skip
        elif each["kind"] == "meta":
            scenes.add_meta(name, each["channel"], each["start"], [(movie, name + "i", 1, each["start"], each["trim"])])
        else:
            strip = scenes.strips().new_effect(name, "COLOR", each["channel"], **_span(each))
            strip.color = (0.2, 0.4, 0.6)
        if each["kind"] != "colour":
            scenes.set_strip(name, **each["look"])
        if each["keyed"] and each["kind"] != "colour":
            scenes.key(name, "transform.offset_x", [(each["start"], 0), (each["start"] + 9, 25)])
    for number, each in enumerate(spec["effects"]):
        _add_effect(f"effect {number}", each)
    for number in spec["locked"]:
        scenes.set_channel(number, lock=True)
    for number in spec["full"]:
        strip = scenes.strips().new_effect(
            f"full {number}", "COLOR", number, **_span({"start": -100, "trim": (0, 0)}, 400)
        )
        strip.mute = True
    bpy.context.scene.frame_set(spec["start"])  # animated values are what their keyframes say
    bpy.ops.ed.undo_push(message="built")


def _add_effect(name, spec):
    """An effect of two strips that are there at the same time, which may be effects themselves."""
    there = list(scenes.strips())
    one, two = (there[number % len(there)] for number in spec["inputs"])
    start = max(compat.frames(each, "frame_final_start") for each in (one, two))
    end = min(compat.frames(each, "frame_final_end") for each in (one, two))
    if one != two and start < end:
        compat.new_effect(bpy.context.scene.sequence_editor, name, spec["kind"], spec["channel"], start, end, one, two)


def _takes_in(effect, clip):
    inputs = [getattr(effect, name, None) for name in ("input_1", "input_2")]
    return clip in inputs or any(each is not None and _takes_in(each, clip) for each in inputs)


def _span(each, length=0):
    count = length or 40 - sum(each["trim"])
    parameters = scenes.strips().bl_rna.functions["new_effect"].parameters
    named = {"length": count} if "length" in parameters else {"frame_end": each["start"] + count}
    return dict(named, frame_start=each["start"])


def _take(number, layers, count):
    sequence = {"folder": layers, "prefix": "layer_", "suffix": ".png", "first": 0, "padding": 6, "count": count}
    return {"id": f"t{number}", "label": f"Take {number}", "path": "", "sequence": sequence, "frame_count": count}


def _place(target, takes, active):
    scene, clip = bpy.context.scene, scenes.find(target)
    uid = agent_calls.identities.of(scene, clip)
    return agent_calls.layers.place(uid, [agent_calls.read_take(each) for each in takes], active)


def _names():
    return [each.name for each in compat.all_strips(bpy.context.scene)]


def _compared(before, after, new):
    """Check that only the new strips and their keyframes were added."""
    scene = after["scenes"][bpy.context.scene.name]
    scene["curves"] = [each for each in scene["curves"] if not any(f'"{name}"' in each[0] for name in new)]
    return [] if after == before else ["something else in the timeline changed"]


def _placed(target, facts, new, reply, active):
    wrong = []
    clip = scenes.find(target)
    added = [scenes.find(name) for name in new]
    layers = [each for each in added if each.get("dynvfx_take")]
    others = [each for each in compat.all_strips(bpy.context.scene) if each.name not in new and not each.parent_meta()]
    for layer in added:
        placed = scenes.facts(layer)
        if (placed["start"], placed["count"]) != (facts["start"], facts["count"]):
            wrong.append(f"{layer.name} is at {placed}, the clip at {facts}")
        end = placed["start"] + placed["count"]
        on_it = [each for each in others + added if each.channel == layer.channel and each != layer]
        if any(compat.frames(e, "frame_final_start") < end and compat.frames(e, "frame_final_end") > placed["start"]
               for e in on_it):  # fmt: skip
            wrong.append(f"{layer.name} overlaps another strip on its channel")
        if any(_takes_in(each, clip) and each.channel >= layer.channel for each in others
               if compat.frames(each, "frame_final_start") < end
               and compat.frames(each, "frame_final_end") > placed["start"]):  # fmt: skip
            wrong.append(f"{layer.name} is below an effect that takes its clip in")
        if layer.channel <= clip.channel or bpy.context.scene.sequence_editor.channels[layer.channel].lock:
            wrong.append(f"{layer.name} is on channel {layer.channel}")
    if [each["dynvfx_take"] for each in layers if not each.mute] != [active["id"]]:
        wrong.append("not just the active take is visible")
    if (reply["take"], reply["record_start"], reply["record_frames"]) != (active["id"], facts["start"], facts["count"]):
        wrong.append(f"the answer says {reply}")
    return wrong
