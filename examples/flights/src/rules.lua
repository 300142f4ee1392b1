-- What a usable flight record is. Pure Lua: no module, no effect.

local DAYS_IN_MONTH = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

-- Bounds that no scheduled flight inside the United States crosses.
local EARLIEST, LATEST = -120, 24 * 60 -- minutes of delay
local FARTHEST = 6000 -- miles

local function days_in(year, month)
  local leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  return month == 2 and leap and 29 or DAYS_IN_MONTH[month]
end

local function integer(value)
  return type(value) == "number" and math.tointeger(value) or nil
end

local rules = {}

-- The day ("2001-01-31") and the minute of the day of a date such as "2001/01/31 23:59",
-- or nil when there is no such moment in the calendar.
function rules.moment(date)
  if type(date) ~= "string" then
    return nil
  end
  local year, month, day, hour, minute = date:match("^(%d%d%d%d)/(%d%d)/(%d%d) (%d%d):(%d%d)$")
  if not year then
    return nil
  end
  local m, d, h, min = tonumber(month), tonumber(day), tonumber(hour), tonumber(minute)
  if m < 1 or m > 12 or d < 1 or d > days_in(tonumber(year), m) or h > 23 or min > 59 then
    return nil
  end
  return year .. "-" .. month .. "-" .. day, h * 60 + min
end

-- A clean record, or nil, the name of the broken rule and a sentence for people.
function rules.clean(raw)
  if type(raw) ~= "table" then
    return nil, "shape", "the row is not a record"
  end

  local day, minute = rules.moment(raw.date)
  if not day then
    return nil, "date", "no such date: " .. tostring(raw.date)
  end

  for _, field in ipairs({ "origin", "destination" }) do
    local code = raw[field]
    if type(code) ~= "string" or not code:find("^%u%u%u$") then
      return nil, "airport", "no airport code in " .. field .. ": " .. tostring(code)
    end
  end
  if raw.origin == raw.destination then
    return nil, "circle", "the flight ends where it began: " .. raw.origin
  end

  local delay = integer(raw.delay)
  if not delay or delay < EARLIEST or delay > LATEST then
    return nil, "delay", "no credible delay in minutes: " .. tostring(raw.delay)
  end
  local distance = integer(raw.distance)
  if not distance or distance < 1 or distance > FARTHEST then
    return nil, "distance", "no credible distance in miles: " .. tostring(raw.distance)
  end

  return {
    day = day,
    minute = minute,
    origin = raw.origin,
    destination = raw.destination,
    delay = delay,
    distance = distance,
  }
end

return rules
