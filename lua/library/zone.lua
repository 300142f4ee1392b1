--- Time zones: the offset that a Location has at an instant, and the instant of a wall-clock
-- reading in it. IANA data comes from the host (`time.zone`), one interval between two transitions
-- at a time, and is kept.
local use = ...
local object = use("kernel/core/object")
local scheduler = use("kernel/core/scheduler")

local zones = {}
local intervals = {} -- zone name -> list of intervals, the last used one first

-- What a Location is: { name, offset } or { name, zone }. It is kept out of the object, whose fields a program could
-- assign, since units share Locations (`time.utc`).
local described = setmetatable({}, { __mode = "k" })

local function name_of(location)
  return described[location].name
end

local make = object.define("Location", { string = name_of }, { __tostring = name_of })

local function location_of(description)
  local location = make({})
  described[location] = description
  return location
end

zones.UTC = location_of({ name = "UTC", offset = 0 })
-- The machine's zone; UTC in workflows, so that a replay on another machine sees the same.
zones.LOCAL = location_of({ name = "Local", zone = "Local" })

--- A Location with one offset for ever.
-- @param offset integer seconds east of UTC
function zones.fixed(name, offset)
  return location_of({ name = name, offset = offset })
end

--- A Location of the IANA data base; the name must be known to be good (`zones.find`).
function zones.named(name)
  return location_of({ name = name, zone = name })
end

-- The interval of a zone that holds an instant, or nil and the host's Error.
local function interval(name, seconds)
  local list = intervals[name]
  if list then
    local first = list[1]
    if seconds >= first.from and seconds < first.to then
      return first
    end
    for index = 2, #list do
      local candidate = list[index]
      if seconds >= candidate.from and seconds < candidate.to then
        list[1], list[index] = candidate, first
        return candidate
      end
    end
  else
    list = {}
  end
  local found, err = host.pure("time.zone", name, seconds)
  if not found then
    return nil, err
  end
  intervals[name] = list
  list[#list + 1] = list[1]
  list[1] = found
  return found
end

--- Checks that the host knows a zone.
-- @return true, or nil and an Error (NotFound)
function zones.find(name)
  local found, err = interval(name, 0)
  if not found then
    return nil, err
  end
  return true
end

--- What a location's clocks show at an instant.
-- @param seconds Unix seconds
-- @return offset in seconds east of UTC, abbreviation, whether it is daylight saving time, and the
-- Unix seconds from and to which that holds
function zones.at(location, seconds)
  local description = described[location]
  local name = description.zone
  if name == "Local" then
    local unit = scheduler.current
    if unit and unit.context.kind == "workflow" then
      return 0, "UTC", false, math.mininteger, math.maxinteger
    end
  elseif not name then
    return description.offset, description.name, false, math.mininteger, math.maxinteger
  end
  local found, err = interval(name, seconds)
  if not found then
    error(err, 0)
  end
  return found.offset, found.abbreviation, found.dst, found.from, found.to
end

--- The Unix seconds at which a location's clocks show a reading. In the hour that is skipped or
-- repeated by a transition, one of the two offsets is taken, as Go does.
-- @param wall seconds since 1970-01-01 00:00 of the reading, as if it were UTC
function zones.to_unix(location, wall)
  local offset, _, _, from, to = zones.at(location, wall)
  local seconds = wall - offset
  if seconds < from or seconds >= to then
    seconds = wall - zones.at(location, seconds)
  end
  return seconds
end

--- The offset that a zone abbreviation such as "CEST" means in a location near an instant, or nil.
function zones.offset_of(location, abbreviation, seconds)
  local offset, name, _, from, to = zones.at(location, seconds)
  if name == abbreviation then
    return offset
  end
  -- The neighbouring intervals hold the other name of a zone that changes between two.
  if to < math.maxinteger then
    offset, name = zones.at(location, to)
    if name == abbreviation then
      return offset
    end
  end
  if from > math.mininteger then
    offset, name = zones.at(location, from - 1)
    if name == abbreviation then
      return offset
    end
  end
  return nil
end

--- The location of a parsed time (library/layout_parse) and the offset where the text has one.
-- @param location where it is when the text says nothing
-- @param wall seconds since 1970-01-01 00:00 of the reading, as if it were UTC
function zones.of_parsed(fields, location, wall)
  local offset, name = fields.offset, fields.zone_name
  if fields.utc then
    return zones.UTC, 0
  elseif offset then
    local actual, abbreviation = zones.at(location, wall - offset)
    if actual == offset and (not name or name == abbreviation) then
      return location, offset
    end
    return zones.fixed(name or "", offset), offset
  elseif name then
    local known = zones.offset_of(location, name, wall)
    if known then
      return location, known
    end
    -- As in Go, an abbreviation that the location does not know has no offset, except GMT+3 and
    -- +03.
    local hours = name:match("^GMT([+-]%d+)$") or name:match("^([+-]%d+)$")
    local guess = hours and math.tointeger(tonumber(hours)) * 3600 or 0
    return zones.fixed(name, guess), guess
  end
  return location, nil
end

return zones
