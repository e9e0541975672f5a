-- DynVFX for the free DaVinci Resolve from 21.1 on, which runs Lua only: opens the timeline in the panel.
-- DynVFX_Lua_place.lua runs this file with DYNVFX_TASK = "place".

local AGENT = "DynVFX_agent"
local separator = package.config:sub(1, 1)

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

-- The folder of the agent's files: beside the folder of this script's folder, else in Resolve's own folders.
local function agent_folder()
  local own = debug.getinfo(1, "S").source:match("^@(.*)[/\\][^/\\]*$") or "."
  local home = os.getenv("HOME") or ""
  local tail = "/Blackmagic Design/DaVinci Resolve"
  local bases = {
    own .. "/../..",
    home .. "/.local/share/DaVinciResolve/Fusion",
    home .. "/Library/Application Support" .. tail .. "/Fusion",
    (os.getenv("APPDATA") or "") .. tail .. "/Support/Fusion",
  }
  for _, base in ipairs(bases) do
    local folder = (base .. "/" .. AGENT):gsub("/", separator)
    if exists(folder .. separator .. "lua" .. separator .. "session.lua") then return folder end
  end
end

local function run()
  local folder = agent_folder()
  if not folder then
    print("DynVFX: the folder " .. AGENT .. " is missing. Run `python3 run.py install` again.")
    return
  end
  local function load(name) return dofile(folder .. separator .. "lua" .. separator .. name .. ".lua") end
  local session, json = load("session"), load("json")
  local the_resolve = resolve or (Resolve and Resolve())
  if DYNVFX_TASK == "place" then
    load("place").run(session, json, load("placed_takes"), the_resolve, print)
  else
    load("open_panel").run(session, json, the_resolve, folder, print, os.execute)
  end
end

run()
