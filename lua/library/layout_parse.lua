--- Reads times written in a layout of Go's reference time (library/layout). Returns fields, not
-- instants: which zone applies to them is the caller's knowledge.
local use = ...
local calendar = use("library/calendar")
local layouts = use("library/layout")

local find, format, lower, match, sub =
  string.find, string.format, string.lower, string.match, string.sub
local tointeger = math.tointeger

local function number(text)
  return tointeger(tonumber(text))
end

-- A reader takes (fields, value, position, piece) and returns the position behind what it took, or
-- nil and, where the text was a number out of range, the name of the field.
local READERS = {}

-- Reads a number of `from` to `to` digits into a field.
local function digits_reader(field, pattern, low, high)
  return function(fields, value, position)
    local _, last, digits = find(value, pattern, position)
    if not digits then
      return nil
    end
    local n = number(digits)
    if n < low or n > high then
      return nil, field
    end
    fields[field] = n
    return last + 1
  end
end

local ONE_OR_TWO, TWO = "^(%d%d?)", "^(%d%d)"

READERS.year = digits_reader("year", "^(%d%d%d%d)", 0, 9999)
READERS.month = digits_reader("month", ONE_OR_TWO, 1, 12)
READERS.month_zero = digits_reader("month", TWO, 1, 12)
READERS.day = digits_reader("day", ONE_OR_TWO, 0, 99)
READERS.day_zero = digits_reader("day", TWO, 0, 99)
READERS.day_space = digits_reader("day", "^ ?(%d%d?)", 0, 99)
READERS.year_day_zero = digits_reader("year_day", "^(%d%d%d)", 1, 366)
READERS.year_day_space = digits_reader("year_day", "^ ? ?(%d%d?%d?)", 1, 366)
READERS.hour = digits_reader("hour", ONE_OR_TWO, 0, 23)
READERS.hour12 = digits_reader("hour", ONE_OR_TWO, 0, 12)
READERS.hour12_zero = digits_reader("hour", TWO, 0, 12)
READERS.minute = digits_reader("minute", ONE_OR_TWO, 0, 59)
READERS.minute_zero = digits_reader("minute", TWO, 0, 59)

function READERS.year_short(fields, value, position)
  local digits = match(value, TWO, position)
  if not digits then
    return nil
  end
  local year = number(digits)
  fields.year = year >= 69 and year + 1900 or year + 2000
  return position + 2
end

local function fraction(fields, digits)
  fields.nanosecond = number(sub(digits .. "000000000", 1, 9))
end

-- A fraction may follow the seconds even where the layout has none.
local function second_reader(pattern)
  local read = digits_reader("second", pattern, 0, 59)
  return function(fields, value, position, _, following)
    local behind, out_of_range = read(fields, value, position)
    if not behind or following == "fraction" or following == "fraction_trimmed" then
      return behind, out_of_range
    end
    local _, last, digits = find(value, "^[.,](%d+)", behind)
    if digits then
      fraction(fields, digits)
      return last + 1
    end
    return behind
  end
end

READERS.second = second_reader(ONE_OR_TWO)
READERS.second_zero = second_reader(TWO)

function READERS.fraction(fields, value, position, piece)
  local _, last, digits = find(value, "^[.,](%d+)", position)
  if not digits or #digits < piece.digits then
    return nil
  end
  fraction(fields, sub(digits, 1, piece.digits))
  return last - #digits + piece.digits + 1
end

function READERS.fraction_trimmed(fields, value, position)
  local _, last, digits = find(value, "^[.,](%d+)", position)
  if not digits then
    return position
  end
  fraction(fields, digits)
  return last + 1
end

-- Reads one of a list of names, whole or their first three letters, in any case.
local function name_reader(names, first, length, field)
  return function(fields, value, position)
    for index = first, #names do
      local name = length and sub(names[index], 1, length) or names[index]
      if lower(sub(value, position, position + #name - 1)) == lower(name) then
        fields[field] = index
        return position + #name
      end
    end
    return nil
  end
end

READERS.month_name = name_reader(calendar.MONTHS, 1, nil, "month")
READERS.month_short = name_reader(calendar.MONTHS, 1, 3, "month")
READERS.weekday_name = name_reader(calendar.WEEKDAYS, 0, nil, "weekday")
READERS.weekday_short = name_reader(calendar.WEEKDAYS, 0, 3, "weekday")

local function meridiem_reader(am, pm)
  return function(fields, value, position)
    local text = sub(value, position, position + 1)
    if text ~= am and text ~= pm then
      return nil
    end
    fields.meridiem = text == am and "am" or "pm"
    return position + 2
  end
end

READERS.meridiem_upper = meridiem_reader("AM", "PM")
READERS.meridiem_lower = meridiem_reader("am", "pm")

-- Reads "Z" (where the layout allows it) or a sign with hours, minutes and seconds by the pattern.
local function offset_reader(pattern, z)
  return function(fields, value, position)
    if z and sub(value, position, position) == "Z" then
      fields.utc = true
      return position + 1
    end
    local _, last, sign, hours, minutes, seconds = find(value, pattern, position)
    if not sign then
      return nil
    end
    local h, m, s = number(hours), number(minutes or "0"), number(seconds or "0")
    if h > 24 or m > 59 or s > 59 then
      return nil, "time zone offset"
    end
    local offset = h * 3600 + m * 60 + s
    fields.offset = sign == "-" and -offset or offset
    return last + 1
  end
end

for suffix, pattern in pairs({
  offset = "^([+-])(%d%d)(%d%d)",
  offset_colon = "^([+-])(%d%d):(%d%d)",
  offset_hour = "^([+-])(%d%d)",
  offset_seconds = "^([+-])(%d%d)(%d%d)(%d%d)",
  offset_colon_seconds = "^([+-])(%d%d):(%d%d):(%d%d)",
}) do
  READERS[suffix] = offset_reader(pattern, false)
  READERS["z_" .. suffix] = offset_reader(pattern, true)
end

-- Three letters, or four or five that end in T, or a signed hour, as the names of zones are.
function READERS.zone_name(fields, value, position)
  if sub(value, position, position + 2) == "UTC" then
    fields.utc = true
    return position + 3
  end
  local name = match(value, "^GMT[+-]%d%d?", position)
    or match(value, "^[+-]%d%d", position)
    or match(value, "^ChST", position)
    or match(value, "^MeST", position)
  if not name then
    name = match(value, "^%u%u%u%u*", position)
    local long = name and #name
    if not name or long > 5 or (long == 5 and sub(name, 5) ~= "T") then
      return nil
    elseif long == 4 and sub(name, 4) ~= "T" and name ~= "WITA" then
      return nil
    end
  end
  fields.zone_name = name
  return position + #name
end

-- Literal text must match; a space of the layout matches any number of spaces.
local function skip(value, position, literal)
  local index = 1
  while index <= #literal do
    if sub(literal, index, index) == " " then
      if position <= #value and sub(value, position, position) ~= " " then
        return nil
      end
      index = find(literal, "[^ ]", index) or #literal + 1
      position = find(value, "[^ ]", position) or #value + 1
    else
      if sub(value, position, position) ~= sub(literal, index, index) then
        return nil
      end
      index, position = index + 1, position + 1
    end
  end
  return position
end

local function failure(text, value, why)
  return nil, format("parsing time %q as %q: %s", value, text, why)
end

-- Puts day of the year, am and pm into month, day and hour. Returns the name of what is out of
-- range.
local function settle(fields)
  if fields.meridiem == "pm" and fields.hour < 12 then
    fields.hour = fields.hour + 12
  elseif fields.meridiem == "am" and fields.hour == 12 then
    fields.hour = 0
  end
  if fields.year_day then
    if fields.year_day == 366 and not calendar.is_leap(fields.year) then
      return "day of the year"
    end
    local _, month, day = calendar.civil(calendar.days(fields.year, 1, fields.year_day))
    if (fields.month and fields.month ~= month) or (fields.day and fields.day ~= day) then
      return "day of the year"
    end
    fields.month, fields.day = month, day
  end
  fields.month, fields.day = fields.month or 1, fields.day or 1
  if fields.day < 1 or fields.day > calendar.days_in_month(fields.year, fields.month) then
    return "day"
  end
end

--- Reads a time.
-- @param text the layout
-- @param value what to read
-- @return fields `year month day hour minute second nanosecond` and, where given, `utc` (true),
-- `offset` (seconds) or `zone_name`; or nil and a message. Missing date parts are year 0, January
-- 1.
return function(text, value)
  local fields = { year = 0, hour = 0, minute = 0, second = 0, nanosecond = 0 }
  local position = 1
  local pieces = layouts.compile(text)
  for index, piece in ipairs(pieces) do
    local behind, out_of_range
    if piece.literal then
      behind = skip(value, position, piece.literal)
    else
      local following = pieces[index + 1]
      behind, out_of_range =
        READERS[piece.kind](fields, value, position, piece, following and following.kind)
    end
    if out_of_range then
      return failure(text, value, out_of_range .. " out of range")
    elseif not behind then
      return failure(
        text,
        value,
        format("cannot read %q as %q", sub(value, position), piece.literal or piece.text)
      )
    end
    position = behind
  end
  if position <= #value then
    return failure(text, value, format("extra text %q", sub(value, position)))
  end
  local out_of_range = settle(fields)
  if out_of_range then
    return failure(text, value, out_of_range .. " out of range")
  end
  return fields
end
