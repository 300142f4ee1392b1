--- Module `json`: text from Lua values and back, in Lua. Measured against a host operation it is faster, because
-- every value that crosses from JavaScript costs more than reading it here (docs/modules/json.md has the figures).
local runtime = ...
local errors = runtime.errors
local is_error = errors.is_error
local metatable_of, math_type, next, tostring, type = debug.getmetatable, math.type, next, tostring, type
local byte, char, find, format, gsub, sub = string.byte, string.char, string.find, string.format, string.gsub, string.sub
local concat, sort = table.concat, table.sort
local tointeger, tonumber, utf8_char, utf8_len = math.tointeger, tonumber, utf8.char, utf8.len

local MAX_DEPTH <const> = 128
-- Floats up to here have an integer of their own; beyond, neighbours share one.
local EXACT <const> = 2 ^ 53

local json = {}

-- Tables that were JSON objects when they were decoded: empty, they are written `{}` again and not `[]`.
-- A weak set and not a metatable, so that the tables are plain for whoever decoded them.
local decoded_objects = setmetatable({}, { __mode = "k" })

local function failure(kind, message)
  return nil, errors.new({ message = message, kind = kind, retryable = false })
end

-- Raised inside encode and decode, and turned into an Error at their border.
local Stop = {}

local function stop(kind, message)
  error(setmetatable({ kind = kind, message = message }, Stop), 0)
end

local ESCAPES = {
  ['"'] = '\\"',
  ["\\"] = "\\\\",
  ["\n"] = "\\n",
  ["\r"] = "\\r",
  ["\t"] = "\\t",
  ["\b"] = "\\b",
  ["\f"] = "\\f",
  ["<"] = "\\u003c",
  [">"] = "\\u003e",
  ["&"] = "\\u0026",
}
for code = 0, 31 do
  local c = char(code)
  ESCAPES[c] = ESCAPES[c] or format("\\u%04x", code)
end

-- Replaces each byte that is not part of valid UTF-8 by U+FFFD.
local function valid_utf8(text)
  local length, bad = utf8_len(text)
  if length then
    return text
  end
  local out, from = {}, 1
  while bad do
    out[#out + 1] = sub(text, from, bad - 1)
    out[#out + 1] = "\u{fffd}"
    from = bad + 1
    length, bad = utf8_len(text, from)
  end
  out[#out + 1] = sub(text, from)
  return concat(out)
end

local LINE_SEPARATORS = { ["\u{2028}"] = "\\u2028", ["\u{2029}"] = "\\u2029" }

local function quoted(text)
  if find(text, '[\0-\31"\\<>&\x80-\xff]') then
    if find(text, "[\x80-\xff]") then
      text = valid_utf8(text)
    end
    text = gsub(text, '[\0-\31"\\<>&]', ESCAPES)
    text = gsub(text, "\xe2\x80[\xa8\xa9]", LINE_SEPARATORS)
  end
  return '"' .. text .. '"'
end

-- Keys repeat, so their quoted form with the colon is kept.
local MAX_KEYS <const> = 4096
local quoted_keys, key_count = {}, 0

local function quoted_key(key)
  local text = quoted(key) .. ":"
  if #key <= 40 then
    if key_count >= MAX_KEYS then
      quoted_keys, key_count = {}, 0
    end
    quoted_keys[key] = text
    key_count = key_count + 1
  end
  return text
end

local function number_text(value)
  if math_type(value) == "integer" then
    return tostring(value)
  elseif value ~= value or value == math.huge or value == -math.huge then
    return "null"
  end
  if value % 1 == 0 and value < 1e21 and value > -1e21 then
    return format("%.0f", value)
  end
  local text = format("%.15g", value)
  if tonumber(text) ~= value then
    text = format("%.16g", value)
    if tonumber(text) ~= value then
      text = format("%.17g", value)
    end
  end
  return text
end

local write

-- The writers append pieces to `out`, whose length is `n`, and give the new length.

local function write_array(t, out, n, depth)
  local length, count = #t, 0
  for key in next, t do
    if math_type(key) ~= "integer" then
      stop("Internal", "cannot encode a table with mixed keys: use either 1..n or strings, not both")
    end
    count = count + 1
  end
  if count ~= length or t[1] == nil then
    stop("Internal", "cannot encode a sparse array: the keys must be 1..n without holes")
  end
  n = n + 1
  out[n] = "["
  for index = 1, length do
    if index > 1 then
      n = n + 1
      out[n] = ","
    end
    n = write(t[index], out, n, depth)
  end
  n = n + 1
  out[n] = "]"
  return n
end

local function write_object(t, out, n, depth)
  local keys, count = {}, 0
  for key in next, t do
    if type(key) ~= "string" then
      stop("Internal", "cannot encode a table with mixed keys: use either 1..n or strings, not both")
    end
    count = count + 1
    keys[count] = key
  end
  -- Sorted, so that the same value gives the same text, in every replay of a workflow too.
  sort(keys)
  for index = 1, count do
    local key = keys[index]
    n = n + 1
    out[n] = index == 1 and "{" or ","
    n = n + 1
    out[n] = quoted_keys[key] or quoted_key(key)
    n = write(t[key], out, n, depth)
  end
  n = n + 1
  out[n] = "}"
  return n
end

local function write_table(t, out, n, depth)
  local meta = metatable_of(t)
  if meta and meta[1] == true then
    n = n + 1
    out[n] = is_error(t) and quoted(t:message()) or "null"
    return n
  end
  if depth >= MAX_DEPTH then
    stop("Internal", "cannot encode tables nested deeper than " .. MAX_DEPTH .. " levels, or one that holds itself")
  end
  local first = next(t)
  if first == nil then
    n = n + 1
    out[n] = decoded_objects[t] and "{}" or "[]"
    return n
  elseif type(first) == "string" then
    return write_object(t, out, n, depth + 1)
  end
  return write_array(t, out, n, depth + 1)
end

function write(value, out, n, depth)
  local kind = type(value)
  if kind == "string" then
    n = n + 1
    out[n] = quoted(value)
  elseif kind == "number" then
    n = n + 1
    out[n] = number_text(value)
  elseif kind == "table" then
    return write_table(value, out, n, depth)
  elseif kind == "boolean" then
    n = n + 1
    out[n] = value and "true" or "false"
  else
    n = n + 1
    out[n] = "null"
  end
  return n
end

-- Readers take the text and the position of the value's first character and give the value and the position
-- behind it. Nothing is kept in upvalues: another unit may decode while this one is preempted.

local function bad(text, position, what)
  local _, lines = gsub(sub(text, 1, position - 1), "\n", "")
  local column = position - (find(sub(text, 1, position - 1), "[^\n]*$") or 1) + 1
  local found = position > #text and "end of text" or format("%q", sub(text, position, position))
  stop("Internal", format("line %d column %d: %s expected, found %s", lines + 1, column, what, found))
end

local UNESCAPES = {
  [0x22] = '"',
  [0x5c] = "\\",
  [0x2f] = "/",
  [0x62] = "\b",
  [0x66] = "\f",
  [0x6e] = "\n",
  [0x72] = "\r",
  [0x74] = "\t",
}

-- A \uXXXX escape whose "u" is at `position`; two of them where they are a surrogate pair.
local function read_unicode(text, position)
  local hex = string.match(text, "^%x%x%x%x", position + 1)
  if not hex then
    bad(text, position + 1, "four hexadecimal digits")
  end
  local code = tonumber(hex, 16)
  position = position + 5
  if code >= 0xd800 and code <= 0xdfff then
    local low = code < 0xdc00 and string.match(text, "^\\u([dD][c-fC-F]%x%x)", position)
    if not low then
      return "\u{fffd}", position
    end
    code = 0x10000 + ((code - 0xd800) << 10) + (tonumber(low, 16) - 0xdc00)
    position = position + 6
  end
  return utf8_char(code), position
end

-- The rest of a string with escapes; `start` is its first character, `at` the first that is not plain.
local function read_escaped(text, start, at)
  local parts, n = {}, 0
  while true do
    n = n + 1
    parts[n] = sub(text, start, at - 1)
    local c = byte(text, at)
    if c == 0x22 then
      return concat(parts), at + 1
    elseif c ~= 0x5c then
      bad(text, at, "a character that is no control character")
    end
    c = byte(text, at + 1)
    n = n + 1
    if c == 0x75 then
      parts[n], start = read_unicode(text, at + 1)
    else
      parts[n] = UNESCAPES[c] or bad(text, at + 1, "an escape (one of \"\\/bfnrtu)")
      start = at + 2
    end
    at = find(text, '[\0-\31"\\]', start) or bad(text, #text + 1, 'a closing "')
  end
end

local function read_string(text, position)
  local start = position + 1
  local at = find(text, '[\0-\31"\\]', start)
  if at and byte(text, at) == 0x22 then
    return sub(text, start, at - 1), at + 1
  end
  return read_escaped(text, start, at or bad(text, #text + 1, 'a closing "'))
end

local function read_number(text, position)
  local _, last = find(text, "^-?%d+", position)
  if not last then
    bad(text, position, "a value")
  elseif find(text, "^-?0%d", position) then
    bad(text, position, "a number without leading zeros")
  end
  local following = byte(text, last + 1)
  if following ~= 0x2e and following ~= 0x65 and following ~= 0x45 then
    return tonumber(sub(text, position, last)), last + 1
  end
  if following == 0x2e then
    _, last = find(text, "^%.%d+", last + 1)
    if not last then
      bad(text, position, "a digit behind the point")
    end
  end
  following = byte(text, last + 1)
  if following == 0x65 or following == 0x45 then
    _, last = find(text, "^[eE][+-]?%d+", last + 1)
    if not last then
      bad(text, position, "a digit in the exponent")
    end
  end
  local value = tonumber(sub(text, position, last)) + 0.0
  if value >= -EXACT and value <= EXACT then
    return tointeger(value) or value, last + 1
  end
  return value, last + 1
end

local read

local function skip(text, position)
  return find(text, "[^ \n\r\t]", position) or #text + 1
end

local function read_array(text, position, depth)
  local array, n = {}, 0
  position = skip(text, position + 1)
  if byte(text, position) == 0x5d then
    return array, position + 1
  end
  while true do
    n = n + 1
    array[n], position = read(text, position, depth)
    local c = byte(text, position)
    if c ~= 0x2c and c ~= 0x5d then
      position = skip(text, position)
      c = byte(text, position)
    end
    if c == 0x5d then
      return array, position + 1
    elseif c ~= 0x2c then
      bad(text, position, '"," or "]"')
    end
    position = position + 1
  end
end

local function read_object(text, position, depth)
  local object = {}
  position = skip(text, position + 1)
  if byte(text, position) == 0x7d then
    decoded_objects[object] = true
    return object, position + 1
  end
  while true do
    if byte(text, position) ~= 0x22 then
      position = skip(text, position)
      if byte(text, position) ~= 0x22 then
        bad(text, position, "a key in double quotes")
      end
    end
    local key
    key, position = read_string(text, position)
    if byte(text, position) ~= 0x3a then
      position = skip(text, position)
      if byte(text, position) ~= 0x3a then
        bad(text, position, '":"')
      end
    end
    object[key], position = read(text, position + 1, depth)
    local c = byte(text, position)
    if c ~= 0x2c and c ~= 0x7d then
      position = skip(text, position)
      c = byte(text, position)
    end
    if c == 0x7d then
      if next(object) == nil then -- all its values were null
        decoded_objects[object] = true
      end
      return object, position + 1
    elseif c ~= 0x2c then
      bad(text, position, '"," or "}"')
    end
    position = position + 1
  end
end

local function word(expected, value)
  return function(text, position)
    if sub(text, position, position + #expected - 1) ~= expected then
      bad(text, position, "a value")
    end
    return value, position + #expected
  end
end

local function deeper(reader)
  return function(text, position, depth)
    if depth >= MAX_DEPTH then
      stop("Internal", "cannot decode values nested deeper than " .. MAX_DEPTH .. " levels")
    end
    return reader(text, position, depth + 1)
  end
end

-- By the first character of a value.
local READERS = {
  [0x22] = read_string,
  [0x5b] = deeper(read_array),
  [0x7b] = deeper(read_object),
  [0x74] = word("true", true),
  [0x66] = word("false", false),
  [0x6e] = word("null", nil),
}

function read(text, position, depth)
  local reader = READERS[byte(text, position)]
  if not reader then
    position = skip(text, position)
    reader = READERS[byte(text, position)] or read_number
  end
  return reader(text, position, depth)
end

-- Results of a protected encode or decode as `value, err`.
local function settle(ok, value)
  if ok then
    return value, nil
  elseif metatable_of(value) == Stop then
    return failure(value.kind, value.message)
  end
  error(value, 0)
end

--- JSON text of a value.
function json.encode(value)
  return settle(pcall(function()
    local out = {}
    return concat(out, "", 1, write(value, out, 0, 0))
  end))
end

--- The value of JSON text. Text behind the first value is ignored.
function json.decode(text)
  if type(text) ~= "string" or text == "" then
    return failure("Invalid", "cannot decode " .. (text == "" and "an empty string" or "a " .. host.type(text)))
  end
  return settle(pcall(function()
    return (read(text, 1, 0))
  end))
end

return json
