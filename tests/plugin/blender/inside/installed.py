"""Runs in an installed Blender with its own preferences: opens the panel as the button does and prints the outcome."""

import json
import time

import addon_utils
from dynvfx.agent import agent

import dynvfx

agent[0].ask("show", {})
ends = time.monotonic() + 120
while not agent[0].state.backend["state"] and agent[0].state.problem is None and time.monotonic() < ends:
    agent[0].tick()
    time.sleep(0.01)
problem = agent[0].state.problem
reply = {
    "enabled": addon_utils.check("dynvfx"),
    "file": dynvfx.__file__,
    "connected": agent[0].connected,
    "backend": agent[0].state.backend,
    "problem": problem and str(problem),
    "panel": agent[0]._link._process.args,
}
agent[0].close()
print("\n@@ " + json.dumps(reply))
