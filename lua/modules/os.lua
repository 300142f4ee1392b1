--- Module `os`: clock and calendar only. In workflows the clock is the recorded one and
-- the zone is UTC. A global of every unit.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local check, effects = runtime.check, runtime.effects
local calendar = runtime.use("library/calendar")
local date = runtime.use("library/date")
local zones = runtime.use("library/zone")

local SECOND <const> = 1000000000

local os = { platform = "wippy" }

local function now()
  return effects.now() // SECOND
end

local function whole(value, key)
  local integer = math.type(value) == "integer" and value or math.tointeger(tonumber(value))
  if not integer then
    error("field '" .. key .. "' is not an integer", 3)
  end
  return integer
end

-- Years and months beyond this make more seconds than an integer holds.
local MOST_YEARS <const> = 1 << 31
local DAY <const> = 86400

-- Unix seconds of local wall time. Of an hour that comes twice, `isdst` says which one is meant.
local function to_unix(wall, isdst)
  local seconds = zones.to_unix(zones.LOCAL, wall)
  local _, _, dst = zones.at(zones.LOCAL, seconds)
  if isdst == nil or dst == isdst then
    return seconds
  end
  -- The other one has the offset of the day before or after.
  for _, distance in ipairs({ -DAY, DAY }) do
    local candidate = wall - (zones.at(zones.LOCAL, seconds + distance))
    local offset, _, found = zones.at(zones.LOCAL, candidate)
    if found == isdst and candidate + offset == wall then
      return candidate
    end
  end
  return seconds
end

--- Unix seconds: now, or of a table of local calendar fields, which is normalised. Year, month and day default to
--- today,
-- the time of day to 0; values out of range count on; `isdst` tells the two hours of an autumn night apart.
function os.time(t)
  if t == nil then
    return now()
  end
  check.table(t, 1, "time")
  local today = (t.year and t.month and t.day) and t or date.fields(now(), zones.LOCAL)
  local year, month = whole(t.year or today.year, "year"), whole(t.month or today.month, "month")
  if year > MOST_YEARS or year < -MOST_YEARS or month > MOST_YEARS or month < -MOST_YEARS then
    error("field 'year' is out-of-bound", 2)
  end
  local wall = calendar.seconds(
    year,
    month,
    whole(t.day or today.day, "day"),
    whole(t.hour or 0, "hour"),
    whole(t.min or 0, "min"),
    whole(t.sec or 0, "sec")
  )
  local seconds = to_unix(wall, t.isdst)
  for key, value in next, (date.fields(seconds, zones.LOCAL)) do
    t[key] = value
  end
  return seconds
end

-- Bytes of a format, at most: it is walked through without a pause.
local LONGEST_FORMAT <const> = 65536

--- A time as text or, for the formats `*t` and `!*t`, as a table. A leading `!` means UTC.
function os.date(format, seconds)
  format = check.optional(check.string, format, 1, "date") or "%c"
  if #format > LONGEST_FORMAT then
    error(
      ("bad argument #1 to 'date' (a text of at most %d bytes expected, got %d)"):format(
        LONGEST_FORMAT,
        #format
      ),
      2
    )
  end
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
  local fields, days, offset, abbreviation = date.fields(seconds, location)
  if format:sub(1, 2) == "*t" then
    return fields
  end
  return (
    format:gsub("%%(.)", function(specifier)
      local write = date.SPECIFIERS[specifier]
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
