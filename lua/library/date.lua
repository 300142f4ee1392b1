-- Times as text and as calendar fields, for `os.date`.
local use = ...
local calendar = use("library/calendar")
local tostring = use("kernel/core/stable").tostring
local zones = use("library/zone")

local date = {}

--- Calendar fields of Unix seconds in a location; then days since the epoch, offset from UTC in seconds, abbreviation.
function date.fields(seconds, location)
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

local function two(n)
  return string.format("%02d", n)
end

--- What each letter behind a `%` stands for: a function of what `date.fields` returned.
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

date.SPECIFIERS = SPECIFIERS

return date
