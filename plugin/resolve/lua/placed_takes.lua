-- The takes in the timeline that the panel wrote: NAME.dynvfx.otio.

local placed_takes = {}

local function schema(object)
  return type(object) == "table" and (object.OTIO_SCHEMA or ""):match("^[^.]*") or ""
end

-- A time in frames of the timeline. Times at the timeline's own rate, however it is spelled, stay as they are.
local function frames_of(time, rate)
  if math.abs(time.rate / rate - 1) < 0.0005 then return math.floor(time.value + 0.5) end
  return math.floor(time.value / time.rate * rate + 0.5)
end

-- A plain path from a media reference's target_url.
function placed_takes.path_of(url)
  local path = url:match("^file://(.*)$")
  if not path then return url end
  path = path:gsub("^localhost", ""):gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
  return (path:gsub("^/(%a:)", "%1"))
end

local function reference_of(clip)
  local references = clip.media_references
  if references then return references[clip.active_media_reference_key or "DEFAULT_MEDIA"] end
  return clip.media_reference
end

local function duration_of(child, rate)
  if type(child.source_range) == "table" and child.source_range.duration then
    return frames_of(child.source_range.duration, rate)
  end
  local reference = reference_of(child)
  return frames_of(reference.available_range.duration, rate)
end

-- Our takes: { { take, name, path, first (frames after the timeline's start), frames, below (the clip's track) } }.
-- `rate` is the timeline's.
function placed_takes.read(session, json, text, rate)
  local worked, document = pcall(json.decode, text)
  if not worked or schema(document) ~= "Timeline" then
    session.fail("The panel's timeline cannot be read.", not worked and document.what or "It is no timeline.",
      "Place the take again in the panel.")
  end
  local found, below = {}, 0
  for _, track in ipairs(document.tracks.children) do
    if schema(track) == "Track" and (track.kind or "Video") == "Video" then
      local at, is_ours = 0, false
      for _, child in ipairs(track.children) do
        local kind = schema(child)
        if kind ~= "Transition" then
          local frames = duration_of(child, rate)
          local reference = kind == "Clip" and reference_of(child)
          local facts = type(reference) == "table" and type(reference.metadata) == "table" and reference.metadata.dynvfx
          if type(facts) == "table" and facts.take then
            is_ours = true
            if schema(reference) ~= "ExternalReference" then
              session.fail("A take is not one movie.", "Image sequences are not placed by this script.",
                "Choose ProRes 4444 in the panel's settings, and make the take again.")
            end
            found[#found + 1] = { take = facts.take, name = child.name or facts.take,
              path = placed_takes.path_of(reference.target_url), first = at, frames = frames, below = below }
          end
          at = at + frames
        end
      end
      if not is_ours then below = below + 1 end
    end
  end
  return found
end

return placed_takes
