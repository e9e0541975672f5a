"""The Lua scripts in a real Lua, over the double of Resolve: its objects as Lua sees them.

Lists are tables from 1 on, None is nil, and a name that Resolve does not have is nil.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lupa.lua51
import lupa.luajit21

from tests.plugin.resolve.double.handles import Handle

RUNTIMES = {"LuaJIT": lupa.luajit21, "Lua 5.1": lupa.lua51}

# `index` gets a handle and a name and returns a constant, a function, or nothing.
_PROXIES = """
local index = ...
return function(handle)
  return setmetatable({}, { __index = function(self, name)
    if name == "__handle" then return handle end
    return index(handle, name)
  end })
end
"""


class LuaResolve:
    """A Lua with the global `resolve`; `said` collects what scripts print, `started` the command lines they run."""

    def __init__(self, resolve: Handle, folder: Path, kind: str = "LuaJIT") -> None:
        runtime = RUNTIMES[kind].LuaRuntime(unpack_returned_tuples=True)
        self._table_type = RUNTIMES[kind].lua_type
        self.lua, self.said, self.started = runtime, [], []
        self._proxy = runtime.execute(f"local make = function(...) {_PROXIES} end return make")(self._index)
        env = runtime.globals()
        env["resolve"] = self._proxy(resolve)
        env["print"] = lambda *words: self.said.append(" ".join(map(str, words)))
        env.os["execute"] = self._execute
        variables = {"HOME": str(folder), "DYNVFX_HOME": str(folder / "dynvfx")}
        env.os["getenv"] = lambda name: variables.get(name)

    def run(self, script: Path) -> str:
        """Run a script as the menu does; returns what it printed."""
        before = len(self.said)
        self.lua.globals().dofile(str(script))
        return "\n".join(self.said[before:])

    def _execute(self, command: str) -> int:
        if command.startswith("mkdir -p '"):
            Path(command[len("mkdir -p '") : -1].replace("'\\''", "'")).mkdir(parents=True, exist_ok=True)
        else:
            self.started.append(command)
        return 0

    def _index(self, handle: Handle, name: str) -> Any:
        found = getattr(handle, name)
        if not callable(found):
            return found
        return lambda _self, *given: self._to_lua(found(*map(self._to_python, given)))

    def _to_lua(self, value: Any) -> Any:
        if getattr(type(value), "is_handle", False):
            return self._proxy(value)
        if isinstance(value, dict):
            return self.lua.table_from({key: self._to_lua(each) for key, each in value.items()})
        if isinstance(value, list | tuple):
            return self.lua.table_from([self._to_lua(each) for each in value])
        return value

    def _to_python(self, value: Any) -> Any:
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if self._table_type(value) != "table":
            return value
        handle = value["__handle"]
        if handle is not None:
            return handle
        keys = list(value.keys())
        if all(isinstance(key, int | float) for key in keys):
            return [self._to_python(value[number + 1]) for number in range(len(keys))]
        return {key: self._to_python(value[key]) for key in keys}
