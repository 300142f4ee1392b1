--- Layouts of Go's reference time, Mon Jan 2 15:04:05 MST 2006: the tokens, and times written by
-- them. Reading is in library/layout_parse.
local use = ...
local calendar = use("library/calendar")

local byte, find, format, sub = string.byte, string.find, string.format, string.sub
local concat = table.concat

local layouts = {}

-- Tokens by their first byte, longest first: the first that matches is taken. `lower` forbids a
-- lower-case letter behind ("Janitor" is no month); a token may also carry literal text before it
-- (`skip` characters).
local TOKENS = {}

local function token(text, kind, options)
  local entry = {
    text = text,
    kind = kind,
    lower = options and options.lower,
    skip = options and options.skip or 0,
  }
  local list = TOKENS[byte(text)] or {}
  TOKENS[byte(text)] = list
  list[#list + 1] = entry
end

token("January", "month_name")
token("Jan", "month_short", { lower = true })
token("Monday", "weekday_name")
token("Mon", "weekday_short", { lower = true })
token("MST", "zone_name")
token("002", "year_day_zero")
token("01", "month_zero")
token("02", "day_zero")
token("03", "hour12_zero")
token("04", "minute_zero")
token("05", "second_zero")
token("06", "year_short")
token("15", "hour")
token("1", "month")
token("2006", "year")
token("2", "day")
token("_2006", "year", { skip = 1 })
token("_2", "day_space")
token("__2", "year_day_space")
token("3", "hour12")
token("4", "minute")
token("5", "second")
token("PM", "meridiem_upper")
token("pm", "meridiem_lower")
token("-070000", "offset_seconds")
token("-07:00:00", "offset_colon_seconds")
token("-0700", "offset")
token("-07:00", "offset_colon")
token("-07", "offset_hour")
token("Z070000", "z_offset_seconds")
token("Z07:00:00", "z_offset_colon_seconds")
token("Z0700", "z_offset")
token("Z07:00", "z_offset_colon")
token("Z07", "z_offset_hour")

-- The token that begins at a position of a layout: kind, its first character, its last character,
-- digits.
local function token_at(text, position)
  local first = byte(text, position)
  local list = TOKENS[first]
  if list then
    for index = 1, #list do
      local entry = list[index]
      local last = position + #entry.text - 1
      if
        sub(text, position, last) == entry.text
        and not (entry.lower and find(text, "^%l", last + 1))
      then
        return entry.kind, position + entry.skip, last, 0
      end
    end
  end
  if first == 0x2e or first == 0x2c then
    local _, last, zeros = find(text, "^[.,](0+)", position)
    local kind = "fraction"
    if not zeros then
      _, last, zeros = find(text, "^[.,](9+)", position)
      kind = "fraction_trimmed"
    end
    if zeros and not find(text, "^%d", last + 1) then
      return kind, position, last, #zeros
    end
  end
end

local compiled, compiled_count = {}, 0

--- The pieces of a layout, kept for the next use: `{ literal = text }` or `{ kind =, text =, digits
-- = }`.
function layouts.compile(text)
  local pieces = compiled[text]
  if pieces then
    return pieces
  end
  pieces = {}
  local start, position = 1, 1
  while position <= #text do
    local kind, first, last, digits = token_at(text, position)
    if kind then
      if first > start then
        pieces[#pieces + 1] = { literal = sub(text, start, first - 1) }
      end
      pieces[#pieces + 1] = { kind = kind, text = sub(text, first, last), digits = digits }
      position = last + 1
      start = position
    else
      position = position + 1
    end
  end
  if start <= #text then
    pieces[#pieces + 1] = { literal = sub(text, start) }
  end
  -- Layouts are few and constant in sane programs; one that makes them up must not fill the VM.
  if compiled_count >= 256 then
    compiled, compiled_count = {}, 0
  end
  compiled[text] = pieces
  compiled_count = compiled_count + 1
  return pieces
end

local function hour12(hour)
  return (hour + 11) % 12 + 1
end

-- Writes an offset as sign, hours and, by the flags, minutes and seconds.
local function offset_text(offset, colon, minutes, seconds)
  local sign = "+"
  if offset < 0 then
    sign, offset = "-", -offset
  end
  local text = format("%s%02d", sign, offset // 3600)
  local separator = colon and ":" or ""
  if minutes then
    text = text .. format("%s%02d", separator, offset // 60 % 60)
  end
  if seconds then
    text = text .. format("%s%02d", separator, offset % 60)
  end
  return text
end

local function offset_writer(z, colon, minutes, seconds)
  return function(at)
    if z and at.offset == 0 then
      return "Z"
    end
    return offset_text(at.offset, colon, minutes, seconds)
  end
end

local function year_text(year)
  return year < 0 and format("-%04d", -year) or format("%04d", year)
end

local WRITERS = {
  month_name = function(at)
    return calendar.MONTHS[at.month]
  end,
  month_short = function(at)
    return sub(calendar.MONTHS[at.month], 1, 3)
  end,
  month_zero = function(at)
    return format("%02d", at.month)
  end,
  month = function(at)
    return format("%d", at.month)
  end,
  weekday_name = function(at)
    return calendar.WEEKDAYS[at.weekday]
  end,
  weekday_short = function(at)
    return sub(calendar.WEEKDAYS[at.weekday], 1, 3)
  end,
  year = function(at)
    return year_text(at.year)
  end,
  year_short = function(at)
    return format("%02d", at.year % 100)
  end,
  day = function(at)
    return format("%d", at.day)
  end,
  day_zero = function(at)
    return format("%02d", at.day)
  end,
  day_space = function(at)
    return format("%2d", at.day)
  end,
  year_day_zero = function(at)
    return format("%03d", calendar.year_day(at.year, at.month, at.day))
  end,
  year_day_space = function(at)
    return format("%3d", calendar.year_day(at.year, at.month, at.day))
  end,
  hour = function(at)
    return format("%02d", at.hour)
  end,
  hour12 = function(at)
    return format("%d", hour12(at.hour))
  end,
  hour12_zero = function(at)
    return format("%02d", hour12(at.hour))
  end,
  minute = function(at)
    return format("%d", at.minute)
  end,
  minute_zero = function(at)
    return format("%02d", at.minute)
  end,
  second = function(at)
    return format("%d", at.second)
  end,
  second_zero = function(at)
    return format("%02d", at.second)
  end,
  meridiem_upper = function(at)
    return at.hour >= 12 and "PM" or "AM"
  end,
  meridiem_lower = function(at)
    return at.hour >= 12 and "pm" or "am"
  end,
  fraction = function(at, piece)
    return sub(piece.text, 1, 1) .. sub(format("%09d", at.nanosecond) .. "000000", 1, piece.digits)
  end,
  fraction_trimmed = function(at, piece)
    local digits = sub(format("%09d", at.nanosecond), 1, piece.digits)
    digits = string.gsub(digits, "0+$", "")
    return digits == "" and "" or sub(piece.text, 1, 1) .. digits
  end,
  zone_name = function(at)
    if at.abbreviation ~= "" then
      return at.abbreviation
    end
    return offset_text(at.offset, false, true, false)
  end,
  offset_seconds = offset_writer(false, false, true, true),
  offset_colon_seconds = offset_writer(false, true, true, true),
  offset = offset_writer(false, false, true, false),
  offset_colon = offset_writer(false, true, true, false),
  offset_hour = offset_writer(false, false, false, false),
  z_offset_seconds = offset_writer(true, false, true, true),
  z_offset_colon_seconds = offset_writer(true, true, true, true),
  z_offset = offset_writer(true, false, true, false),
  z_offset_colon = offset_writer(true, true, true, false),
  z_offset_hour = offset_writer(true, false, false, false),
}

--- Writes a time.
-- @param text the layout
-- @param at fields `year month day weekday hour minute second nanosecond offset abbreviation`
function layouts.format(text, at)
  local out = {}
  for index, piece in ipairs(layouts.compile(text)) do
    out[index] = piece.literal or WRITERS[piece.kind](at, piece)
  end
  return concat(out)
end

return layouts
