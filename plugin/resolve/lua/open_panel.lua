-- Exports the open timeline as OpenTimelineIO and opens it in the panel.

local open_panel = {}

local function selected(session, timeline)
  local chosen = session.call_if_present(timeline, "GetSelectedClips") or {}
  local item = #chosen == 1 and chosen[1] or session.call_if_present(timeline, "GetCurrentVideoItem")
  return item and session.call(item, "GetUniqueId") or ""
end

-- Write the export and the record of its clips; returns the files.
function open_panel.export(session, json, resolve, folder)
  local open = session.open(resolve)
  local timeline, call = open.timeline, session.call
  local files = session.files(folder, timeline)
  session.make_folder(files.folder)
  local kind = resolve.EXPORT_OTIO
  local exported = kind and call(timeline, "Export", files.otio, kind, resolve.EXPORT_NONE)
  -- Reports say that it may answer true and write nothing.
  local text = exported and session.read(files.otio) or ""
  if not text:find("OTIO_SCHEMA", 1, true) then
    session.fail("This Resolve did not export the timeline as OpenTimelineIO.", "Versions before 18.5 cannot.",
      "Update Resolve, or try File > Export > Timeline by hand.")
  end
  local clips = {}
  for track, items in ipairs(session.video_items(timeline)) do
    for _, item in ipairs(items) do clips[#clips + 1] = session.facts(item, track) end
  end
  session.write(files.record, json.encode({
    format = 1,
    project = call(open.project, "GetUniqueId"),
    timeline = call(timeline, "GetUniqueId"),
    name = call(timeline, "GetName"),
    start = call(timeline, "GetStartFrame"),
    rate = session.rate(timeline),
    otio = files.otio,
    selected = selected(session, timeline),
    clips = clips,
  }))
  return files
end

-- The command that opens a file in the panel, from the installer's file; nil without that file.
function open_panel.command(session, json, agent_folder, path)
  local separator = package.config:sub(1, 1)
  local text = session.read(agent_folder .. separator .. "panel_command.json")
  local worked, written = pcall(json.decode, text or "")
  if not worked or type(written) ~= "table" or type(written.command) ~= "table" then return nil end
  local words = {}
  for _, word in ipairs(written.command) do
    if word ~= "--agent" then words[#words + 1] = word end
  end
  words[#words + 1] = path
  local variables = {}
  for name, value in pairs(written.environment or {}) do variables[#variables + 1] = { name, value } end
  table.sort(variables, function(one, other) return one[1] < other[1] end)
  if separator == "\\" then
    local parts = {}
    for _, each in ipairs(variables) do parts[#parts + 1] = 'set "' .. each[1] .. "=" .. each[2] .. '"&&' end
    for index, word in ipairs(words) do words[index] = '"' .. word .. '"' end
    return table.concat(parts) .. 'start "" ' .. table.concat(words, " ")
  end
  local parts = {}
  local function quoted(word) return "'" .. word:gsub("'", "'\\''") .. "'" end
  for _, each in ipairs(variables) do parts[#parts + 1] = each[1] .. "=" .. quoted(each[2]) end
  for _, word in ipairs(words) do parts[#parts + 1] = quoted(word) end
  return table.concat(parts, " ") .. " >/dev/null 2>&1 &"
end

-- The menu's entry. `start` runs a command line.
function open_panel.run(session, json, resolve, agent_folder, say, start)
  return session.run(function()
    local files = open_panel.export(session, json, resolve, session.folder(os.getenv))
    local command = open_panel.command(session, json, agent_folder, files.otio)
    if command then
      start(command)
      say("DynVFX: the panel opens with this timeline. Place takes there, then choose DynVFX_Lua_place here.")
    else
      say("DynVFX: open this file in the panel: " .. files.otio)
    end
  end, say)
end

return open_panel
