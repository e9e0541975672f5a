"""Runs inside Blender: reads calls from standard input, as JSON lines, and runs functions of the scripts beside it."""

import importlib
import json
import os
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
ADDONS = sys.argv[sys.argv.index("--") + 1]
sys.path[:0] = [HERE, ADDONS]

import bpy  # noqa: E402, F401 - a Blender module must be loaded before anything uses it

answers = os.fdopen(os.dup(1), "w")
for line in iter(sys.stdin.readline, ""):
    order = json.loads(line)
    module, function = order["function"].rsplit(".", 1)
    try:
        result = getattr(importlib.import_module(module), function)(*order["arguments"], **order["named"])
        answer = {"result": result}
    except Exception:  # noqa: BLE001 - reported to the test
        answer = {"trace": traceback.format_exc()}
    sys.stdout.flush()
    answers.write("\n@@ " + json.dumps(answer) + "\n")
    answers.flush()
