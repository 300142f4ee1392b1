--- Module `time`: instants, durations, zones, layouts, sleeping and timers.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local check, effects, errors = runtime.check, runtime.effects, runtime.errors
local use = runtime.use
local alarms = use("library/alarms", runtime)
local calendar = use("library/calendar")
local durations = use("kernel/core/duration")
local layouts = use("library/layout")
local read_layout = use("library/layout_parse")
local zones = use("library/zone")

local SECOND <const> = 1000000000
-- Unix seconds of year 1, January 1, 00:00 UTC, where rounding counts from.
local YEAR_ONE <const> = -62135596800

local time = {
  NANOSECOND = 1,
  MICROSECOND = 1000,
  MILLISECOND = 1000000,
  SECOND = SECOND,
  MINUTE = 60 * SECOND,
  HOUR = 3600 * SECOND,
  RFC3339 = "2006-01-02T15:04:05Z07:00",
  RFC3339NANO = "2006-01-02T15:04:05.999999999Z07:00",
  RFC822 = "02 Jan 06 15:04 MST",
  RFC822Z = "02 Jan 06 15:04 -0700",
  RFC850 = "Monday, 02-Jan-06 15:04:05 MST",
  RFC1123 = "Mon, 02 Jan 2006 15:04:05 MST",
  RFC1123Z = "Mon, 02 Jan 2006 15:04:05 -0700",
  DATE_TIME = "2006-01-02 15:04:05",
  DATE_ONLY = "2006-01-02",
  TIME_ONLY = "15:04:05",
  KITCHEN = "3:04PM",
  STAMP = "Jan _2 15:04:05",
  STAMP_MILLI = "Jan _2 15:04:05.000",
  STAMP_MICRO = "Jan _2 15:04:05.000000",
  STAMP_NANO = "Jan _2 15:04:05.000000000",
  utc = zones.UTC,
  localtz = zones.LOCAL,
}

for number, name in ipairs(calendar.MONTHS) do
  time[name:upper()] = number
end
for number = 0, 6 do
  time[calendar.WEEKDAYS[number]:upper()] = number
end

local function invalid(message)
  return errors.new({ message = message, kind = errors.INVALID, retryable = false })
end

-- A number argument as an integer: fractions are cut off, what is not finite raises.
local function whole(value, n, name)
  local kind = math.type(value)
  if kind == "integer" then
    return value
  elseif not kind then
    local got = value == nil and "no value" or host.type(value)
    error("bad argument #" .. n .. " to '" .. name .. "' (number expected, got " .. got .. ")", 3)
  end
  local cut = value == value and math.tointeger(value < 0 and math.ceil(value) or math.floor(value))
  if not cut then
    error("bad argument #" .. n .. " to '" .. name .. "' (number has no integer representation)", 3)
  end
  return cut
end

local function of_kind(kind, value, n, name)
  if not runtime.is(kind, value) then
    local got = host.type(value)
    error(
      "bad argument #" .. n .. " to '" .. name .. "' (" .. kind .. " expected, got " .. got .. ")",
      3
    )
  end
  return value
end

-- The fields of a Time, under keys that no program can get at: a Time may be shared.
local SEC <const>, NSEC <const>, LOC <const> = {}, {}, {}
-- Bytes of a layout, and of a text that is read by one, at most: the kernel walks through them without a pause.
local LONGEST_LAYOUT <const> = 65536

local function check_length(text, n, name)
  if #text > LONGEST_LAYOUT then
    error(
      ("bad argument #%d to '%s' (a text of at most %d bytes expected, got %d)"):format(
        n,
        name,
        LONGEST_LAYOUT,
        #text
      ),
      3
    )
  end
end

local methods = {}

local make_time = runtime.object("Time", methods, {
  __tostring = function(self)
    return self:format("2006-01-02 15:04:05.999999999 -0700 MST")
  end,
})

-- A Time from Unix seconds and any number of nanoseconds.
local function new_time(seconds, nanoseconds, location)
  return make_time({
    [SEC] = seconds + nanoseconds // SECOND,
    [NSEC] = nanoseconds % SECOND,
    [LOC] = location,
  })
end

local function from_fields(year, month, day, hour, minute, second, nanosecond, location)
  local wall = calendar.seconds(year, month, day, hour, minute, second) + nanosecond // SECOND
  return new_time(zones.to_unix(location, wall), nanosecond % SECOND, location)
end

local function now(location)
  local ns = effects.now()
  return new_time(ns // SECOND, ns % SECOND, location or zones.LOCAL)
end

-- Seconds since 1970 that the clocks of the time's location show, with its offset and abbreviation.
local function wall_clock(self)
  local offset, abbreviation = zones.at(self[LOC], self[SEC])
  return self[SEC] + offset, offset, abbreviation
end

local function date_of(self)
  return calendar.civil(wall_clock(self) // 86400)
end

function methods:add(d)
  local ns, err = durations.of(d)
  if not ns then
    error("bad argument #1 to 'add' (" .. err:message() .. ")", 2)
  end
  -- Seconds and rest apart: the sum of two nanosecond counts may not fit 64 bits.
  return new_time(self[SEC] + ns // SECOND, self[NSEC] + ns % SECOND, self[LOC])
end

function methods:sub(other)
  of_kind("Time", other, 1, "sub")
  local seconds = self[SEC] - other[SEC]
  local rest = self[NSEC] - other[NSEC]
  if seconds > math.maxinteger // SECOND - 1 then
    return durations.new(math.maxinteger)
  elseif seconds < math.mininteger // SECOND + 2 then
    return durations.new(math.mininteger)
  end
  return durations.new(seconds * SECOND + rest)
end

function methods:add_date(years, months, days)
  years, months = whole(years, 1, "add_date"), whole(months, 2, "add_date")
  days = whole(days, 3, "add_date")
  local wall = wall_clock(self)
  local year, month, day = calendar.civil(wall // 86400)
  local moved = calendar.days(year + years, month + months, day + days) * 86400 + wall % 86400
  return new_time(zones.to_unix(self[LOC], moved), self[NSEC], self[LOC])
end

function methods:before(other)
  of_kind("Time", other, 1, "before")
  return self[SEC] < other[SEC] or (self[SEC] == other[SEC] and self[NSEC] < other[NSEC])
end

function methods:after(other)
  of_kind("Time", other, 1, "after")
  return self[SEC] > other[SEC] or (self[SEC] == other[SEC] and self[NSEC] > other[NSEC])
end

function methods:equal(other)
  of_kind("Time", other, 1, "equal")
  return self[SEC] == other[SEC] and self[NSEC] == other[NSEC]
end

function methods:format(layout)
  check.string(layout, 1, "format")
  check_length(layout, 1, "format")
  local wall, offset, abbreviation = wall_clock(self)
  local days, seconds = wall // 86400, wall % 86400
  local year, month, day = calendar.civil(days)
  return layouts.format(layout, {
    year = year,
    month = month,
    day = day,
    weekday = calendar.weekday(days),
    hour = seconds // 3600,
    minute = seconds // 60 % 60,
    second = seconds % 60,
    nanosecond = self[NSEC],
    offset = offset,
    abbreviation = abbreviation,
  })
end

function methods:format_rfc3339()
  return self:format(time.RFC3339)
end

function methods:unix()
  return self[SEC]
end

--- Nanoseconds since 1970; the largest or least integer for what 64 bits cannot hold.
function methods:unix_nano()
  if self[SEC] > math.maxinteger // SECOND - 1 then
    return math.maxinteger
  elseif self[SEC] < math.mininteger // SECOND + 1 then
    return math.mininteger
  end
  return self[SEC] * SECOND + self[NSEC]
end

function methods:date()
  return date_of(self)
end

function methods:clock()
  local seconds = wall_clock(self) % 86400
  return seconds // 3600, seconds // 60 % 60, seconds % 60
end

function methods:year()
  return (date_of(self))
end

function methods:month()
  return (select(2, date_of(self)))
end

function methods:day()
  return (select(3, date_of(self)))
end

function methods:hour()
  return wall_clock(self) % 86400 // 3600
end

function methods:minute()
  return wall_clock(self) // 60 % 60
end

function methods:second()
  return wall_clock(self) % 60
end

function methods:nanosecond()
  return self[NSEC]
end

function methods:weekday()
  return calendar.weekday(wall_clock(self) // 86400)
end

function methods:year_day()
  return calendar.year_day(date_of(self))
end

function methods:is_zero()
  return self[SEC] == YEAR_ONE and self[NSEC] == 0
end

function methods:utc()
  return new_time(self[SEC], self[NSEC], zones.UTC)
end

function methods:in_local()
  return new_time(self[SEC], self[NSEC], zones.LOCAL)
end

function methods:in_location(location)
  of_kind("Location", location, 1, "in_location")
  return new_time(self[SEC], self[NSEC], location)
end

function methods:location()
  return self[LOC]
end

-- (a + b) % d of numbers in 0 .. d-1, where the sum may exceed 64 bits.
local function add_modulo(a, b, d)
  if a >= d - b then
    return a - (d - b)
  end
  return a + b
end

-- The nanoseconds since the zero time, modulo d: seconds * 10^9 by doubling, as the product exceeds
-- 64 bits.
local function since_zero_modulo(self, d)
  local term, rest, factor = (self[SEC] - YEAR_ONE) % d, 0, SECOND
  while factor > 0 do
    if factor & 1 == 1 then
      rest = add_modulo(rest, term, d)
    end
    term = add_modulo(term, term, d)
    factor = factor >> 1
  end
  return add_modulo(rest, self[NSEC] % d, d)
end

local function shifted(self, ns)
  return new_time(self[SEC] + ns // SECOND, self[NSEC] + ns % SECOND, self[LOC])
end

function methods:truncate(d)
  of_kind("Duration", d, 1, "truncate")
  local step = d:nanoseconds()
  if step <= 0 then
    return self
  end
  return shifted(self, -since_zero_modulo(self, step))
end

function methods:round(d)
  of_kind("Duration", d, 1, "round")
  local step = d:nanoseconds()
  if step <= 0 then
    return self
  end
  local rest = since_zero_modulo(self, step)
  if rest < step - rest then
    return shifted(self, -rest)
  end
  return shifted(self, step - rest)
end

function time.now()
  return now()
end

function time.date(year, month, day, hour, minute, second, nanosecond, location)
  local fields = { year, month, day, hour, minute, second, nanosecond }
  for index = 1, 7 do
    fields[index] = whole(fields[index], index, "date")
  end
  if location == nil then
    location = zones.LOCAL
  else
    of_kind("Location", location, 8, "date")
  end
  year, month, day, hour, minute, second, nanosecond = table.unpack(fields)
  return from_fields(year, month, day, hour, minute, second, nanosecond, location)
end

function time.unix(seconds, nanoseconds)
  return new_time(whole(seconds, 1, "unix"), whole(nanoseconds, 2, "unix"), zones.LOCAL)
end

function time.parse(layout, value, location)
  check.string(layout, 1, "parse")
  check.string(value, 2, "parse")
  check_length(layout, 1, "parse")
  check_length(value, 2, "parse")
  if location == nil then
    location = zones.LOCAL
  else
    of_kind("Location", location, 3, "parse")
  end
  local f, message = read_layout(layout, value)
  if not f then
    return nil, invalid(message)
  end
  local wall = calendar.seconds(f.year, f.month, f.day, f.hour, f.minute, f.second)
  local place, offset = zones.of_parsed(f, location, wall)
  local seconds = offset and wall - offset or zones.to_unix(place, wall)
  return new_time(seconds, f.nanosecond, place), nil
end

function time.parse_duration(value)
  local ns, err = durations.of(value)
  if not ns then
    return nil, err
  end
  return durations.new(ns), nil
end

function time.load_location(name)
  check.string(name, 1, "load_location")
  if name == "" then
    return nil,
      invalid("empty location name; give an IANA name such as Europe/Berlin, UTC or Local")
  elseif name == "UTC" then
    return zones.UTC, nil
  elseif name == "Local" then
    return zones.LOCAL, nil
  end
  local found, err = zones.find(name)
  if not found then
    return nil, err
  end
  return zones.named(name), nil
end

function time.fixed_zone(name, offset)
  check.string(name, 1, "fixed_zone")
  return zones.fixed(name, whole(offset, 2, "fixed_zone"))
end

function time.sleep(d)
  local ns, err = durations.of(d)
  if not ns then
    return nil, err
  end
  if ns > 0 then
    effects.sleep(ns)
  end
end

--- A Timer that fires once after `d`.
function time.timer(d)
  return alarms.timer(now, d)
end

--- The channel of a timer that fires once after `d`.
function time.after(d)
  local timer, err = alarms.timer(now, d)
  if not timer then
    return nil, err
  end
  return timer:response(), nil
end

--- A Ticker that fires again and again, each time after `d`.
function time.ticker(d)
  return alarms.ticker(now, d)
end

return time
