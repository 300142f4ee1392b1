--- Durations: Go's text form ("1h30m", "250ms", "-1.5s"), the Duration object and what a duration
-- argument may be. In the kernel, because `runtime.duration` and `time` need the same.
local use = ...
local object = use("kernel/core/object")
local errors = use("kernel/core/errors")

local find, sub, byte, format = string.find, string.sub, string.byte, string.format
local math_type, type_of = math.type, host.type

local UNITS = {
  ns = 1,
  us = 1000,
  ["\u{b5}s"] = 1000, -- micro sign
  ["\u{3bc}s"] = 1000, -- Greek letter mu
  ms = 1000000,
  s = 1000000000,
  m = 60000000000,
  h = 3600000000000,
}

local MAX = math.maxinteger
-- Bytes of a duration's text, at most: it is walked through without a pause.
local LONGEST <const> = 1024

local duration = {}

local function invalid(text, why)
  return nil,
    format(
      "invalid duration %q: %s; write for example %q, %q or %q",
      text,
      why,
      "1h30m",
      "250ms",
      "1.5s"
    )
end

--- Reads a duration.
-- @param text a string such as "1h30m"; an optional sign comes first, units are ns us µs ms s m h
-- @return the duration in nanoseconds (integer), or nil and a message that says what is wrong
function duration.parse(text)
  if #text > LONGEST then
    return nil,
      format("invalid duration: a text of at most %d bytes expected, got %d", LONGEST, #text)
  end
  local position, negative = 1, false
  local first = byte(text, 1)
  if first == 0x2d or first == 0x2b then
    negative = first == 0x2d
    position = 2
  end
  if sub(text, position) == "0" then
    return 0
  end
  if position > #text then
    return invalid(text, "it is empty")
  end
  local total = 0
  while position <= #text do
    local _, last, whole, fraction = find(text, "^(%d*)%.?(%d*)", position)
    if whole == "" and fraction == "" then
      return invalid(text, "a number is expected at character " .. position)
    end
    local _, unit_end, unit = find(text, "^([^%d%.%+%-]+)", last + 1)
    if not unit then
      return invalid(text, "a unit (ns us ms s m h) is missing after " .. sub(text, position, last))
    end
    local scale = UNITS[unit]
    if not scale then
      return invalid(text, format("%q is not a unit (ns us ms s m h)", unit))
    end
    local count = math.tointeger(tonumber(whole == "" and "0" or whole))
    if not count or #whole > 19 or count > MAX // scale then
      return invalid(text, "it is longer than 292 years")
    end
    local part = count * scale
    if fraction ~= "" then
      -- In floating point as Go does: what is finer than a nanosecond is dropped.
      fraction = sub(fraction, 1, 18)
      part = part + math.floor(tonumber(fraction) * (scale / 10 ^ #fraction))
    end
    if part < 0 or total > MAX - part then
      return invalid(text, "it is longer than 292 years")
    end
    total = total + part
    position = unit_end + 1
  end
  return negative and -total or total
end

--- The sum of two numbers of nanoseconds; what 64 bits cannot hold becomes the largest or the least of them.
function duration.sum(a, b)
  local sum = a + b
  if a > 0 and b > 0 and sum < 0 then
    return math.maxinteger
  elseif a < 0 and b < 0 and sum >= 0 then
    return math.mininteger
  end
  return sum
end

-- Appends `value / 10^digits` without trailing zeros.
local function decimal(value, digits)
  local scale = math.tointeger(10 ^ digits)
  local whole, rest = value // scale, value % scale
  if rest == 0 then
    return format("%d", whole)
  end
  local text = format("%d.%0" .. digits .. "d", whole, rest)
  return (string.gsub(text, "0+$", ""))
end

--- Writes a duration as Go does: "1h30m45.5s", "250ms", "0s".
-- @param ns integer nanoseconds
function duration.format(ns)
  if ns == 0 then
    return "0s"
  end
  if ns == math.mininteger then
    return "-2562047h47m16.854775808s"
  end
  local sign = ""
  if ns < 0 then
    sign, ns = "-", -ns
  end
  if ns < 1000 then
    return sign .. ns .. "ns"
  elseif ns < 1000000 then
    return sign .. decimal(ns, 3) .. "\u{b5}s"
  elseif ns < 1000000000 then
    return sign .. decimal(ns, 6) .. "ms"
  end
  local minutes = ns // UNITS.m
  local seconds = decimal(ns % UNITS.m, 9) .. "s"
  if minutes == 0 then
    return sign .. seconds
  elseif minutes < 60 then
    return sign .. minutes .. "m" .. seconds
  end
  return sign .. minutes // 60 .. "h" .. minutes % 60 .. "m" .. seconds
end

-- Nanoseconds of either Lua subtype as an integer, truncated toward zero; nil when 64 bits cannot
-- hold them.
local function from_number(value)
  if math_type(value) == "integer" then
    return value
  elseif value ~= value or value >= 0x1p63 or value < -0x1p63 then
    return nil
  end
  return math.tointeger(value >= 0 and math.floor(value) or math.ceil(value))
end

-- A whole number of units, truncated toward zero.
local function whole(ns, unit)
  local count = ns // unit
  return (count < 0 and count * unit ~= ns) and count + 1 or count
end

-- Nanoseconds, under a key that no program can get at.
local NS <const> = {}
local methods = {}

function methods:nanoseconds()
  return self[NS]
end

function methods:microseconds()
  return whole(self[NS], UNITS.us)
end

function methods:milliseconds()
  return whole(self[NS], UNITS.ms)
end

function methods:seconds()
  return self[NS] / UNITS.s
end

function methods:minutes()
  return self[NS] / UNITS.m
end

function methods:hours()
  return self[NS] / UNITS.h
end

local make = object.define("Duration", methods, {
  __tostring = function(self)
    return duration.format(self[NS])
  end,
})

--- A Duration object.
-- @param ns integer nanoseconds
function duration.new(ns)
  return make({ [NS] = ns })
end

--- What a duration argument means: a number is nanoseconds, a string is parsed, a Duration is taken
-- as it is.
-- @return integer nanoseconds, or nil and an Error (Invalid)
function duration.of(value)
  local kind = type_of(value)
  if kind == "number" then
    local ns = from_number(value)
    if ns then
      return ns
    end
    return nil,
      errors.fail("Invalid", "invalid duration: " .. value .. " nanoseconds do not fit 64 bits")
  elseif kind == "string" then
    local ns, message = duration.parse(value)
    if ns then
      return ns
    end
    return nil, errors.fail("Invalid", message)
  elseif object.is("Duration", value) then
    return value[NS]
  end
  return nil,
    errors.fail(
      "Invalid",
      'invalid duration: a number of nanoseconds, a string such as "1h30m" or a Duration is expected, got '
        .. kind
    )
end

return duration
