--- Module `os`: clock and calendar only. In workflows the clock is the recorded one and
-- the zone is UTC. A global of every unit.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local check, effects = runtime.check, runtime.effects
local calendar = runtime.use("library/calendar")
local zones = runtime.use("library/zone")
local tostring = runtime.tostring

local SECOND <const> = 1000000000

local os = { platform = "wippy" }

local function now()
  return effects.now() // SECOND
end

-- Calendar fields of Unix seconds in a location.
local function fields_of(seconds, location)
  local offset, abbreviation, dst = zones.at(location, seconds)
  local wall = seconds + offset
  local days, rest = wall // 86400, wall % 86400
  local year, month, day = calendar.civil(days)
  return {
    year = year,
    month = month,
    day = day,
    hour = rest // 3600,
    min = rest // 60 % 60,
    sec = rest % 60,
    wday = calendar.weekday(days) + 1,
    yday = calendar.year_day(year, month, day),
    isdst = dst,
  },
    days,
    offset,
    abbreviation
end

local function whole(value, key)
  local integer = math.type(value) == "integer" and value or math.tointeger(tonumber(value))
  if not integer then
    error("field '" .. key .. "' is not an integer", 3)
  end
  return integer
end

--- Unix seconds: now, or of a table of local calendar fields. Year, month and day default to today,
-- the time of day to 0; values out of range count on.
function os.time(t)
  if t == nil then
    return now()
  end
  check.table(t, 1, "time")
  local today = (t.year and t.month and t.day) and t or fields_of(now(), zones.LOCAL)
  local wall = calendar.seconds(
    whole(t.year or today.year, "year"),
    whole(t.month or today.month, "month"),
    whole(t.day or today.day, "day"),
    whole(t.hour or 0, "hour"),
    whole(t.min or 0, "min"),
    whole(t.sec or 0, "sec")
  )
  return zones.to_unix(zones.LOCAL, wall)
end

local function two(n)
  return string.format("%02d", n)
end

local SPECIFIERS = {
  a = function(f)
    return calendar.WEEKDAYS[f.wday - 1]:sub(1, 3)
  end,
  A = function(f)
    return calendar.WEEKDAYS[f.wday - 1]
  end,
  b = function(f)
    return calendar.MONTHS[f.month]:sub(1, 3)
  end,
  B = function(f)
    return calendar.MONTHS[f.month]
  end,
  d = function(f)
    return two(f.day)
  end,
  H = function(f)
    return two(f.hour)
  end,
  I = function(f)
    return two((f.hour + 11) % 12 + 1)
  end,
  j = function(f)
    return string.format("%03d", f.yday)
  end,
  m = function(f)
    return two(f.month)
  end,
  M = function(f)
    return two(f.min)
  end,
  p = function(f)
    return f.hour >= 12 and "PM" or "AM"
  end,
  S = function(f)
    return two(f.sec)
  end,
  U = function(_, days)
    return two(calendar.iso_week(days))
  end,
  w = function(f)
    return tostring(f.wday - 1)
  end,
  x = function(f)
    return string.format("%02d/%02d/%02d", f.month, f.day, f.year % 100)
  end,
  X = function(f)
    return string.format("%02d:%02d:%02d", f.hour, f.min, f.sec)
  end,
  y = function(f)
    return two(f.year % 100)
  end,
  Y = function(f)
    return tostring(f.year)
  end,
  z = function(_, _, offset)
    local sign = offset < 0 and "-" or "+"
    offset = math.abs(offset)
    return string.format("%s%02d%02d", sign, offset // 3600, offset // 60 % 60)
  end,
  Z = function(_, _, _, abbreviation)
    return abbreviation
  end,
  ["%"] = function()
    return "%"
  end,
}

SPECIFIERS.W = SPECIFIERS.U

function SPECIFIERS.c(f)
  return string.format(
    "%s %s %2d %02d:%02d:%02d %d",
    SPECIFIERS.a(f),
    SPECIFIERS.b(f),
    f.day,
    f.hour,
    f.min,
    f.sec,
    f.year
  )
end

--- A time as text or, for the formats `*t` and `!*t`, as a table. A leading `!` means UTC.
function os.date(format, seconds)
  format = check.optional(check.string, format, 1, "date") or "%c"
  if seconds == nil then
    seconds = now()
  else
    seconds = math.floor(check.number(seconds, 2, "date"))
    if math.type(seconds) ~= "integer" then
      error("bad argument #2 to 'date' (number has no integer representation)", 2)
    end
  end
  local location = zones.LOCAL
  if format:sub(1, 1) == "!" then
    location, format = zones.UTC, format:sub(2)
  end
  local fields, days, offset, abbreviation = fields_of(seconds, location)
  if format:sub(1, 2) == "*t" then
    return fields
  end
  return (
    format:gsub("%%(.)", function(specifier)
      local write = SPECIFIERS[specifier]
      return write and write(fields, days, offset, abbreviation)
    end)
  )
end

--- Seconds (float) since the runtime started; in a workflow since the run started.
function os.clock()
  local frame = runtime.frame()
  if frame.kind == "workflow" then
    return (effects.now() - frame.started) / SECOND
  end
  return runtime.pure("os.clock") + 0.0
end

function os.difftime(later, earlier)
  return check.number(later, 1, "difftime") - check.number(earlier, 2, "difftime")
end

return os
