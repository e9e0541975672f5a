"""Runs in a Blender with its window: executes the files `order-N.json` of a folder from an app timer.

An order is {"do": Python source that may set `result`}; the result is written to `answer-N.json`.
"""

import json
import os
import sys
import traceback

import addon_utils
import bpy

FOLDER = sys.argv[sys.argv.index("--") + 1]
sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]
state = {"number": 0}


def obey():
    path = os.path.join(FOLDER, f"order-{state['number']}.json")
    if not os.path.exists(path):
        return 0.05
    with open(path) as source:
        order = json.load(source)
    names = {"bpy": bpy, "result": None}
    try:
        exec(order["do"], names)
        answer = {"result": names["result"]}
    except Exception:  # noqa: BLE001 - reported to the test
        answer = {"trace": traceback.format_exc()}
    answer_path = os.path.join(FOLDER, f"answer-{state['number']}.json")
    with open(answer_path + ".partial", "w") as sink:
        json.dump(answer, sink)
    os.replace(answer_path + ".partial", answer_path)
    state["number"] += 1
    return 0.05


bpy.ops.preferences.addon_enable(module="dynvfx")
assert addon_utils.check("dynvfx")[1], "the add-on could not be switched on"
bpy.app.timers.register(obey, first_interval=0.5, persistent=True)
