"""Builds the add-on as an extension with Blender's own tool, installs and enables it: PYTHON extension.py SOURCE OUT.

Prints, as the last line, a JSON list: the module that Blender enabled, the operators that are there, the tool's text.
"""

import glob
import json
import subprocess
import sys

import bpy

source, out = sys.argv[1:]
# The folder of the module's own files; not every version of the module knows it.
tool = glob.glob(bpy.utils.system_resource("SCRIPTS") + "/addons_core/bl_pkg/cli/blender_ext.py")[0]
built = subprocess.run(
    [sys.executable, tool, "build", "--source-dir", source, "--output-dir", out], capture_output=True, text=True
)
(archive,) = glob.glob(out + "/*.zip")
checked = subprocess.run([sys.executable, tool, "validate", archive], capture_output=True, text=True)
bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)
modules = [each.module for each in bpy.context.preferences.addons if "dynvfx" in each.module]
operators = [name for name in dir(bpy.ops.dynvfx) if not name.startswith("_")]
for name in modules:
    bpy.ops.preferences.addon_disable(module=name)
print(json.dumps([modules, operators, built.stdout + built.stderr + checked.stdout + checked.stderr]))
