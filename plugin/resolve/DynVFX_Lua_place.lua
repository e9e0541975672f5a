-- DynVFX for the free DaVinci Resolve from 21.1 on, which runs Lua only: places the takes of the panel.

local own = debug.getinfo(1, "S").source:match("^@(.*)[/\\][^/\\]*$") or "."
DYNVFX_TASK = "place"
dofile(own .. package.config:sub(1, 1) .. "DynVFX_Lua_open.lua")
DYNVFX_TASK = nil
