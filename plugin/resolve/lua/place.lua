-- Places the takes of the panel's timeline on new tracks above their clips in the open one.
-- Everything is read back; what is wrong is undone, and what cannot be undone is named.

local place = {}

local BIN, TRIES = "DynVFX", 3
local KEYS = { "Scaling", "ResizeFilter", "ZoomGang", "ZoomX", "ZoomY", "Pan", "Tilt", "RotationAngle", "AnchorPointX",
  "AnchorPointY", "Pitch", "Yaw", "FlipX", "FlipY", "CropLeft", "CropRight", "CropTop", "CropBottom", "CropSoftness",
  "CropRetain", "Distortion", "Opacity" }

local session, json, call

local function uid(thing)
  return call(thing, "GetUniqueId")
end

local function find_item(timeline, wanted)
  for track, items in ipairs(session.video_items(timeline)) do
    for _, item in ipairs(items) do
      if uid(item) == wanted then return item, track end
    end
  end
end

-- Resolve refuses some deletions at the first try, and its answer does not tell which.
local function until_done(change, is_done)
  for _ = 1, TRIES do
    change()
    if is_done() then return true end
  end
  return false
end

local function remove_item(timeline, item)
  local own = uid(item)
  local function delete() call(timeline, "DeleteClips", { item }, false) end
  return until_done(delete, function() return not find_item(timeline, own) end)
end

-- The media pool -------------------------------------------------------------------------------------------------

local function find_bin(pool)
  for _, folder in ipairs(call(call(pool, "GetRootFolder"), "GetSubFolderList") or {}) do
    if call(folder, "GetName") == BIN then return folder end
  end
end

local function clip_at(folder, path)
  for _, clip in ipairs(folder and call(folder, "GetClipList") or {}) do
    if session.clip_path(clip) == path then return clip end
  end
end

-- The take's clip in our bin; the user's bin stays the current one.
local function import(open, take, undo)
  local pool = open.pool
  local before = call(pool, "GetCurrentFolder")
  local folder = find_bin(pool)
  if not folder then
    folder = call(pool, "AddSubFolder", call(pool, "GetRootFolder"), BIN)
    undo[#undo + 1] = { "an empty bin in the media pool (delete it)", function()
      return #(call(folder, "GetClipList") or {}) > 0
        or until_done(function() call(pool, "DeleteFolders", { folder }) end, function() return not find_bin(pool) end)
    end }
  end
  local clip = clip_at(folder, take.path)
  if not clip then
    call(pool, "SetCurrentFolder", folder)
    local made = call(pool, "ImportMedia", { take.path }) or {}
    clip = clip_at(folder, take.path) or made[1]
    call(pool, "SetCurrentFolder", before)
    if not clip then
      session.fail("Resolve cannot read the take " .. take.path .. ".", "It imported nothing.",
        "Check that the file exists; make the take again as ProRes 4444.")
    end
    undo[#undo + 1] = { "1 clip in the bin " .. BIN .. " of the media pool (delete it)", function()
      local function delete() call(pool, "DeleteClips", { clip }) end
      return until_done(delete, function() return not clip_at(folder, take.path) end)
    end }
  end
  call(pool, "SetCurrentFolder", before)
  call(clip, "SetClipProperty", "Alpha mode", "Straight")
  return clip, call(clip, "GetClipProperty", "Alpha mode") == "Straight"
end

-- Tracks ---------------------------------------------------------------------------------------------------------

local function is_free(items, start, frames)
  for _, item in ipairs(items) do
    local first = call(item, "GetStart")
    if first < start + frames and start < first + call(item, "GetDuration") then return false end
  end
  return true
end

local function uids_by_track(timeline)
  local tracks = {}
  for index, items in ipairs(session.video_items(timeline)) do
    local uids = {}
    for _, item in ipairs(items) do uids[#uids + 1] = uid(item) end
    tracks[index] = table.concat(uids, " ")
  end
  return tracks
end

-- The number of the empty track without which `now` would equal `before`.
local function added_track(before, now, likely)
  if #now ~= #before + 1 then return nil end
  local fits = {}
  for index = 1, #now do
    local same = now[index] == ""
    for other = 1, #before do
      if before[other] ~= now[other < index and other or other + 1] then same = false end
    end
    if same then fits[index] = true end
  end
  if fits[likely] then return likely end
  for index = #now, 1, -1 do
    if fits[index] then return index end
  end
end

-- A video track above track `below` that is free over the range, directly above it or with nothing between.
local function track_above(open, below, start, frames, label, undo)
  local timeline = open.timeline
  local items = session.video_items(timeline)
  local name = session.call_if_present(timeline, "GetTrackName", "video", below + 1) or ""
  if items[below + 1] and name:match("^VFX %- ") and is_free(items[below + 1], start, frames)
      and not call(timeline, "GetIsTrackLocked", "video", below + 1) then
    return below + 1
  end
  local before = uids_by_track(timeline)
  local version = session.call_if_present(open.resolve, "GetVersion") or {}
  if (tonumber(version[1]) or 0) >= 19 then
    call(timeline, "AddTrack", "video", { index = below + 1 })
  else
    call(timeline, "AddTrack", "video")
  end
  local index = added_track(before, uids_by_track(timeline), below + 1)
  if not index then session.fail("Resolve did not add a video track.", "", "Check whether you can add one by hand.") end
  undo[#undo + 1] = { "the empty video track V" .. index .. " (delete it)", function()
    local count = call(timeline, "GetTrackCount", "video")
    return until_done(function() call(timeline, "DeleteTrack", "video", index) end,
      function() return call(timeline, "GetTrackCount", "video") < count end)
  end }
  -- At once: by this name the track is found again after an interruption.
  session.call_if_present(timeline, "SetTrackName", "video", index, ("VFX - " .. label):sub(1, 60))
  for between = below + 1, index - 1 do
    if not is_free(session.video_items(timeline)[between], start, frames) then
      session.fail("There is no free track directly above the clip.",
        "This Resolve adds tracks only on top, and V" .. between .. " has a clip above this one.",
        "Update Resolve to version 19 or later.")
    end
  end
  return index
end

-- The item -------------------------------------------------------------------------------------------------------

local function new_items(timeline, track, known)
  local fresh = {}
  for _, item in ipairs(session.video_items(timeline)[track] or {}) do
    if not known[uid(item)] then fresh[#fresh + 1] = item end
  end
  return fresh
end

-- Versions differ in whether endFrame is included: each meaning is tried and its result checked.
local function append(open, clip, track, start, frames)
  local timeline, known, seen = open.timeline, {}, {}
  for _, item in ipairs(session.video_items(timeline)[track]) do known[uid(item)] = true end
  local count = tonumber(call(clip, "GetClipProperty", "Frames")) or frames
  for _, stop in ipairs({ count, count - 1, count + 1, count - 2 }) do
    call(open.pool, "AppendToTimeline", { { mediaPoolItem = clip, startFrame = 0, endFrame = stop, mediaType = 1,
      trackIndex = track, recordFrame = start } })
    local fresh = new_items(timeline, track, known)
    local item = #fresh == 1 and fresh[1]
    if item and call(item, "GetStart") == start and call(item, "GetDuration") == frames
        and (session.call_if_present(item, "GetLeftOffset") or 0) == 0 then
      return item
    end
    local read = item and call(item, "GetDuration") .. " frames from " .. call(item, "GetStart") or #fresh .. " clips"
    seen[#seen + 1] = "0-" .. stop .. ": " .. read
    for _, wrong in ipairs(fresh) do
      if not remove_item(timeline, wrong) then
        session.fail("Resolve did not place the take correctly, and does not delete it.",
          table.concat(seen, "; ") .. ".", "Delete the clip on V" .. track .. " by hand.")
      end
    end
  end
  session.fail("Resolve did not place the take correctly.",
    "Read back: " .. table.concat(seen, "; ") .. ".", "Try again.")
end

local function copy_transform(source, target)
  local wanted, refused = session.call_if_present(source, "GetProperty"), {}
  for _, key in ipairs(KEYS) do
    if type(wanted) == "table" and wanted[key] ~= nil and call(target, "GetProperty", key) ~= wanted[key] then
      call(target, "SetProperty", key, wanted[key])
      if call(target, "GetProperty", key) ~= wanted[key] then refused[#refused + 1] = key end
    end
  end
  return refused
end

local function marker_data(shot, take)
  return json.encode({ dynvfx = 1, shot = shot, take = take })
end

-- One take -------------------------------------------------------------------------------------------------------

-- The exported clip that a take was made from, as it is in the timeline now.
local function clip_now(open, record, take)
  local found = {}
  for _, each in ipairs(record.clips) do
    local first = each.start - record.start
    local is_there = math.abs(first - take.first) <= 1 and math.abs(each.frames - take.frames) <= 1
    if each.track == take.below and is_there then found[#found + 1] = each end
  end
  if #found ~= 1 then
    session.fail("The clip of the take " .. take.name .. " is not in the exported timeline.", "",
      "Choose DynVFX_Lua_open again, and make the take from that.")
  end
  local item, track = find_item(open.timeline, found[1].uid)
  if not item then
    session.fail("The clip " .. found[1].name .. " is no longer on the timeline.",
      "It was deleted, or cut and pasted.", "Undo that.")
  end
  local now = session.facts(item, track)
  for name, text in pairs({ frames = "length", offset = "first frame", path = "media" }) do
    if now[name] ~= found[1][name] then
      session.fail("The clip " .. now.name .. " was changed after the take was made.", "Its " .. text .. " changed.",
        "Undo the change, or make the take again from the clip as it is now.")
    end
  end
  return item, now
end

local function is_placed(open, path, clip)
  for _, items in ipairs(session.video_items(open.timeline)) do
    for _, item in ipairs(items) do
      local is_there = call(item, "GetStart") == clip.start and call(item, "GetDuration") == clip.frames
      if is_there and session.media_path(item) == path then return true end
    end
  end
  return false
end

local function place_one(open, take, item, clip, undo)
  local media, is_straight = import(open, take, undo)
  local track = track_above(open, clip.track, clip.start, clip.frames, take.name, undo)
  local placed = append(open, media, track, clip.start, clip.frames)
  undo[#undo + 1] = { "1 clip on V" .. track .. " (unlock the track and delete it)",
    function() return remove_item(open.timeline, placed) end }
  local remarks = {}
  local refused = copy_transform(item, placed)
  if #refused > 0 then remarks[1] = "Copy these from the clip by hand: " .. table.concat(refused, ", ") .. "." end
  if not is_straight then remarks[#remarks + 1] = "Set Clip Attributes > Alpha mode of the take to Straight." end
  local data = marker_data(clip.uid, take.take)
  call(placed, "AddMarker", 0, "Purple", "DynVFX " .. take.name, table.concat(remarks, "\n"), 1, data)
  local found = find_item(open.timeline, uid(placed))
  if not found or call(found, "GetStart") ~= clip.start or call(found, "GetDuration") ~= clip.frames then
    session.fail("The take is not where it was placed.", "", "Try again.")
  end
  return track, remarks
end

-- The whole ------------------------------------------------------------------------------------------------------

local function undone(undo)
  local left = {}
  for index = #undo, 1, -1 do
    local worked, is_undone = pcall(undo[index][2])
    if not (worked and is_undone) then left[#left + 1] = undo[index][1] end
  end
  return left
end

-- Place every take that is not there yet; returns sentences for the user.
function place.takes(the_session, the_json, placed_takes, resolve, folder)
  session, json, call = the_session, the_json, the_session.call
  local open = session.open(resolve)
  local files = session.files(folder, open.timeline)
  local text = session.read(files.record)
  if not text then
    session.fail("This timeline was not opened in the panel yet.", "", "Choose DynVFX_Lua_open first.")
  end
  local record = json.decode(text)
  local written = session.read((record.otio:gsub("%.otio$", ".dynvfx.otio")))
  if not written then
    session.fail("No take is placed in the panel yet.", "", "Place one there, then choose this script again.")
  end
  local takes, sentences = placed_takes.read(session, json, written, record.rate), {}
  for _, take in ipairs(takes) do
    local item, clip = clip_now(open, record, take)
    if is_placed(open, take.path, clip) then
      sentences[#sentences + 1] = take.name .. " is on the timeline already."
    else
      local undo = {}
      local worked, track, remarks = pcall(place_one, open, take, item, clip, undo)
      if not worked then
        local problem, left = track, undone(undo)
        if type(problem) ~= "table" then problem = { what = "Unexpected error: " .. tostring(problem) } end
        if #left > 0 then
          local why = (problem.why or "") .. " Some changes could not be undone: " .. table.concat(left, ", ") .. "."
          problem.why = why:gsub("^ ", "")
        end
        error(problem, 0)
      end
      table.insert(remarks, 1, take.name .. " is on V" .. track .. ".")
      sentences[#sentences + 1] = table.concat(remarks, " ")
    end
  end
  session.call_if_present(open.manager, "SaveProject")
  return sentences
end

-- The menu's entry.
function place.run(the_session, the_json, placed_takes, resolve, say)
  return the_session.run(function()
    local folder = the_session.folder(os.getenv)
    for _, sentence in ipairs(place.takes(the_session, the_json, placed_takes, resolve, folder)) do
      say("DynVFX: " .. sentence)
    end
  end, say)
end

return place
