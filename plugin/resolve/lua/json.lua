-- JSON for the Lua scripts: Lua 5.1, nothing but the language. `null` becomes json.null.

local json = { null = setmetatable({}, { __tostring = function() return "null" end }) }

local ESCAPES = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }
local DEEPEST = 500 -- nested deeper than any timeline; deeper text would end Resolve's script with a stack overflow

local function utf8_of(code)
  if code < 0x80 then return string.char(code) end
  local bytes, first, limit = {}, 0xC0, 0x20
  repeat
    table.insert(bytes, 1, string.char(0x80 + code % 0x40))
    code = math.floor(code / 0x40)
    if code < limit then break end
    first, limit = first + limit, limit / 2
  until false
  return string.char(first + code) .. table.concat(bytes)
end

local function fail(at, what)
  error({ what = "not JSON at byte " .. at .. ": " .. what }, 0)
end

local function read_string(text, at)
  local parts, from = {}, at + 1
  while true do
    local stop = text:find('["\\]', from)
    if not stop then fail(at, "a text without an end") end
    parts[#parts + 1] = text:sub(from, stop - 1)
    if text:sub(stop, stop) == '"' then return table.concat(parts), stop + 1 end
    local kind = text:sub(stop + 1, stop + 1)
    if kind == "u" then
      local code = tonumber(text:match("^%x%x%x%x", stop + 2) or fail(stop, "an unfinished escape"), 16)
      from = stop + 6
      local low = code >= 0xD800 and code < 0xDC00 and text:match("^\\u(%x%x%x%x)", from)
      if low then
        code = 0x10000 + (code - 0xD800) * 0x400 + tonumber(low, 16) - 0xDC00
        from = from + 6
      end
      parts[#parts + 1] = utf8_of(code)
    else
      parts[#parts + 1] = ESCAPES[kind] or fail(stop, "an unknown escape")
      from = stop + 2
    end
  end
end

local read_value

local function read_list(text, at, depth)
  local list = {}
  at = text:find("%S", at + 1) or fail(at, "a list without an end")
  if text:sub(at, at) == "]" then return list, at + 1 end
  while true do
    list[#list + 1], at = read_value(text, at, depth)
    at = text:find("%S", at) or fail(#text, "a list without an end")
    local sign = text:sub(at, at)
    if sign == "]" then return list, at + 1 end
    if sign ~= "," then fail(at, "a list without a comma") end
    at = at + 1
  end
end

local function read_object(text, at, depth)
  local object = {}
  at = text:find("%S", at + 1) or fail(at, "an object without an end")
  if text:sub(at, at) == "}" then return object, at + 1 end
  while true do
    at = text:find("%S", at) or fail(#text, "an object without an end")
    if text:sub(at, at) ~= '"' then fail(at, "an object without a name") end
    local name
    name, at = read_string(text, at)
    at = text:match("^%s*:()", at) or fail(at, "an object without a colon")
    object[name], at = read_value(text, at, depth)
    at = text:find("%S", at) or fail(#text, "an object without an end")
    local sign = text:sub(at, at)
    if sign == "}" then return object, at + 1 end
    if sign ~= "," then fail(at, "an object without a comma") end
    at = at + 1
  end
end

function read_value(text, at, depth)
  at = text:find("%S", at) or fail(#text, "nothing")
  if depth > DEEPEST then fail(at, "nested too deep") end
  local sign = text:sub(at, at)
  if sign == "{" then return read_object(text, at, depth + 1) end
  if sign == "[" then return read_list(text, at, depth + 1) end
  if sign == '"' then return read_string(text, at) end
  for word, value in pairs({ ["true"] = true, ["false"] = false, null = json.null }) do
    if text:sub(at, at + #word - 1) == word then return value, at + #word end
  end
  local number = text:match("^-?%d[%d.eE+-]*", at)
  if not number or not tonumber(number) then fail(at, "an unknown value") end
  return tonumber(number), at + #number
end

-- The value of a JSON text; raises { what = ... }.
function json.decode(text)
  local value, at = read_value(text:gsub("^\239\187\191", ""), 1, 0)
  return value
end

local function quoted(text)
  local escaped = text:gsub('[%c"\\]', function(sign) return string.format("\\u%04x", sign:byte()) end)
  return '"' .. escaped .. '"'
end

-- JSON of texts, numbers, booleans, lists (tables with [1], or empty) and objects.
function json.encode(value)
  if type(value) == "string" then return quoted(value) end
  if type(value) == "number" then
    return string.format(value % 1 == 0 and math.abs(value) < 2 ^ 53 and "%d" or "%.17g", value)
  end
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  if value[1] ~= nil or next(value) == nil then
    for _, each in ipairs(value) do parts[#parts + 1] = json.encode(each) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for name, each in pairs(value) do parts[#parts + 1] = quoted(name) .. ":" .. json.encode(each) end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

return json
