-- What both Lua scripts need: Resolve's objects, the folder for exchanged files, and errors as sentences.

local session = {}

-- Raise an error for the user: what happened, why, what to do.
function session.fail(what, why, remedy)
  error({ what = what, why = why or "", remedy = remedy or "" }, 0)
end

-- Run `work`; prints its error for the user instead of raising it. Returns whether it succeeded.
function session.run(work, say)
  local worked, problem = pcall(work)
  if worked then return true end
  if type(problem) ~= "table" then
    problem = { what = "Unexpected error: " .. tostring(problem), why = "", remedy = "Please report it." }
  end
  local sentences = {}
  for _, name in ipairs({ "what", "why", "remedy" }) do
    if (problem[name] or "") ~= "" then sentences[#sentences + 1] = problem[name] end
  end
  say("DynVFX: " .. table.concat(sentences, " "))
  return false
end

-- Call a method; raises when Resolve does not have it.
function session.call(object, name, ...)
  local method = object and object[name]
  if not method then
    session.fail("DaVinci Resolve does not answer " .. name .. ".",
      "This version does not have the call, or no project is open.", "Open a project, or update Resolve.")
  end
  return method(object, ...)
end

-- Call a method that a version may not have; nil without it.
function session.call_if_present(object, name, ...)
  if object and object[name] then return object[name](object, ...) end
end

-- The open timeline and what belongs to it.
function session.open(resolve)
  local call = session.call
  local manager = call(resolve, "GetProjectManager")
  local project = call(manager, "GetCurrentProject")
  if not project then session.fail("No project is open.", "", "Open one first.") end
  local timeline = call(project, "GetCurrentTimeline")
  if not timeline then session.fail("No timeline is open.", "", "Open one on the Edit page.") end
  local pool = call(project, "GetMediaPool")
  return { resolve = resolve, manager = manager, project = project, pool = pool, timeline = timeline }
end

-- Frames per second of a timeline, as Resolve rounds them.
function session.rate(timeline)
  local text = tostring(session.call(timeline, "GetSetting", "timelineFrameRate") or "")
  return tonumber(text:match("[%d.]+")) or session.fail("Resolve reports a frame rate of " .. text .. ".")
end

-- Items of every video track: { { item, ... }, ... }.
function session.video_items(timeline)
  local tracks = {}
  for index = 1, session.call(timeline, "GetTrackCount", "video") do
    tracks[index] = session.call(timeline, "GetItemListInTrack", "video", index) or {}
  end
  return tracks
end

-- The path of an item's media, "" without a file.
function session.media_path(item)
  local clip = session.call(item, "GetMediaPoolItem")
  return clip and session.clip_path(clip) or ""
end

-- The path of a clip in the media pool, "" without a file.
function session.clip_path(clip)
  return session.call(clip, "GetClipProperty", "File Path") or ""
end

-- What must not change between export and placing.
function session.facts(item, track)
  return {
    uid = session.call(item, "GetUniqueId"),
    name = session.call(item, "GetName") or "",
    track = track,
    start = session.call(item, "GetStart"),
    frames = session.call(item, "GetDuration"),
    offset = session.call_if_present(item, "GetLeftOffset") or 0,
    path = session.media_path(item),
  }
end

-- A name for files: letters, digits, - and _.
function session.file_name(text)
  return (text:gsub("[^%w_-]+", "_"):sub(1, 60))
end

-- The folder for exchanged files, by the environment's variables.
function session.folder(getenv)
  local separator = package.config:sub(1, 1)
  local chosen = getenv("DYNVFX_HOME")
  local home = getenv("HOME") or getenv("USERPROFILE") or "."
  local base = chosen
  if not base or base == "" then
    if separator == "\\" then
      base = (getenv("LOCALAPPDATA") or home .. "\\AppData\\Local") .. "\\dynvfx"
    elseif io.open("/System/Library/CoreServices/SystemVersion.plist") then
      base = home .. "/Library/Application Support/dynvfx"
    else
      base = (getenv("XDG_DATA_HOME") or home .. "/.local/share") .. "/dynvfx"
    end
  end
  return base .. separator .. "resolve" .. separator .. "lua"
end

-- Create a folder and those above it.
function session.make_folder(folder)
  if package.config:sub(1, 1) == "\\" then
    os.execute('mkdir "' .. folder .. '" 2>nul')
  else
    os.execute("mkdir -p '" .. folder:gsub("'", "'\\''") .. "'")
  end
end

-- The content of a file; nil when it cannot be read.
function session.read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read("*a")
  file:close()
  return text
end

-- Write a file, complete or not at all; raises.
function session.write(path, text)
  local file = io.open(path .. ".new", "wb")
  local written = file and file:write(text) and file:close()
  if written then
    os.remove(path)
    written = os.rename(path .. ".new", path)
  end
  if not written then
    session.fail("The file " .. path .. " could not be written.", "",
      "Free some space, or set DYNVFX_HOME to another folder.")
  end
end

-- The files of a timeline: its export, the panel's copy with takes, and our record of what was exported.
function session.files(folder, timeline)
  local separator = package.config:sub(1, 1)
  local name = session.file_name(session.call(timeline, "GetName"))
  local own = folder .. separator .. session.file_name(session.call(timeline, "GetUniqueId"))
  if name:match("^_*$") then name = "timeline" end
  return { folder = own, otio = own .. separator .. name .. ".otio", record = own .. separator .. "request.json",
    placed = own .. separator .. name .. ".dynvfx.otio" }
end

return session
