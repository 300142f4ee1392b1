-- Lua's own `os` for scripts. In a workflow only its clock and calendar are there, which are the recorded ones.
local use = ...
local actors = use("kernel/processes/processes")
local calendar = use("library/calendar")
local date = use("library/date")
local effects = use("kernel/core/effects")
local outcome = use("standard/outcome")
local scheduler = use("kernel/core/scheduler")
local tostring = use("kernel/core/stable").tostring
local unit = use("kernel/core/unit")
local zones = use("library/zone")

local system = {}

local SECOND <const> = 1000000000

local function text_argument(value, n, name)
  if type(value) == "number" then
    return tostring(value)
  elseif type(value) ~= "string" then
    local got = value == nil and "no value" or host.type(value)
    error("bad argument #" .. n .. " to '" .. name .. "' (string expected, got " .. got .. ")", 3)
  end
  return value
end

-- Every conversion that C99 has, as in the locale "C".
local SPECIFIERS = setmetatable({}, { __index = date.SPECIFIERS })

local function two(n)
  return ("%02d"):format(n)
end

-- The year to which the ISO week of a day belongs: that of its Thursday.
local function iso_year(days)
  return (calendar.civil(days - (days + 3) % 7 + 3))
end

function SPECIFIERS.C(f)
  return two(f.year // 100)
end
function SPECIFIERS.D(f)
  return ("%02d/%02d/%02d"):format(f.month, f.day, f.year % 100)
end
function SPECIFIERS.e(f)
  return ("%2d"):format(f.day)
end
function SPECIFIERS.F(f)
  return ("%d-%02d-%02d"):format(f.year, f.month, f.day)
end
function SPECIFIERS.G(_, days)
  return tostring(iso_year(days))
end
function SPECIFIERS.g(_, days)
  return two(iso_year(days) % 100)
end
SPECIFIERS.h = SPECIFIERS.b
function SPECIFIERS.n()
  return "\n"
end
function SPECIFIERS.R(f)
  return ("%02d:%02d"):format(f.hour, f.min)
end
function SPECIFIERS.r(f)
  return ("%02d:%02d:%02d %s"):format((f.hour + 11) % 12 + 1, f.min, f.sec, SPECIFIERS.p(f))
end
function SPECIFIERS.T(f)
  return ("%02d:%02d:%02d"):format(f.hour, f.min, f.sec)
end
function SPECIFIERS.t()
  return "\t"
end
function SPECIFIERS.U(f)
  return two((f.yday + 7 - f.wday) // 7)
end
function SPECIFIERS.u(f)
  return tostring((f.wday + 5) % 7 + 1)
end
function SPECIFIERS.V(_, days)
  return two(calendar.iso_week(days))
end
function SPECIFIERS.W(f)
  return two((f.yday + 6 - (f.wday + 5) % 7) // 7)
end
function SPECIFIERS.s(_, _, _, _, seconds)
  return tostring(seconds)
end

--- `os.date` of Lua 5.4.
local function os_date(format, seconds)
  format = format == nil and "%c" or text_argument(format, 1, "date")
  local location = zones.LOCAL
  if seconds == nil then
    seconds = effects.now() // SECOND
  else
    local integer = math.tointeger(tonumber(seconds))
    if not integer then
      local what = type(seconds) == "number" and "number has no integer representation"
        or "number expected, got " .. host.type(seconds)
      error("bad argument #2 to 'date' (" .. what .. ")", 2)
    end
    seconds = integer
  end
  if format:sub(1, 1) == "!" then
    location, format = zones.UTC, format:sub(2)
  end
  local fields, days, offset, abbreviation = date.fields(seconds, location)
  if format:sub(1, 2) == "*t" then
    return fields
  end
  if location == zones.UTC then
    abbreviation = "GMT"
  end
  local wrong
  local text = format:gsub("%%([EO]?)(.?)", function(modifier, letter)
    local write = SPECIFIERS[letter]
    local modified = modifier == ""
      or (modifier == "E" and ("cCxXyY"):find(letter, 1, true))
      or (modifier == "O" and ("deHImMSuUVwWy"):find(letter, 1, true))
    if write and letter ~= "" and modified then
      return write(fields, days, offset, abbreviation, seconds)
    end
    wrong = wrong or "%" .. modifier .. letter
  end)
  if wrong then
    error("bad argument #1 to 'date' (invalid conversion specifier '" .. wrong .. "')", 2)
  end
  return text
end

local function field(t, key, default)
  local value = t[key]
  if value == nil then
    if not default then
      error("field '" .. key .. "' missing in date table", 3)
    end
    return default
  end
  local integer = math.tointeger(tonumber(value))
  if not integer then
    error("field '" .. key .. "' is not an integer", 3)
  elseif integer < -(1 << 31) or integer >= 1 << 31 then
    error("field '" .. key .. "' is out-of-bound", 3)
  end
  return integer
end

--- `os.time` of Lua 5.4, which also puts the fields of its table in order.
local function os_time(t)
  if t == nil then
    return effects.now() // SECOND
  elseif type(t) ~= "table" then
    error("bad argument #1 to 'time' (table expected, got " .. host.type(t) .. ")", 2)
  end
  local year, month, day = field(t, "year"), field(t, "month"), field(t, "day")
  local wall =
    calendar.seconds(year, month, day, field(t, "hour", 12), field(t, "min", 0), field(t, "sec", 0))
  local seconds = zones.to_unix(zones.LOCAL, wall)
  local isdst = t.isdst
  if isdst ~= nil then
    local _, _, dst = zones.at(zones.LOCAL, seconds)
    if isdst and not dst then
      seconds = seconds - 3600
    elseif not isdst and dst then
      seconds = seconds + 3600
    end
  end
  for key, value in pairs((date.fields(seconds, zones.LOCAL))) do
    t[key] = value
  end
  return seconds
end

local function ended(result, message, number)
  if not result then
    return nil, message, number
  end
  return result.how == "exit" and result.code == 0 or nil, result.how, result.code
end

-- Ends the script. Nothing of the unit runs on.
local function exit(code)
  if code == nil or code == true then
    code = 0
  elseif code == false then
    code = 1
  else
    code = math.tointeger(tonumber(code))
    if not code then
      error("bad argument #1 to 'exit' (number expected)", 3)
    end
  end
  if not scheduler.may_wait() then
    return effects.immediate("os.exit", code)
  end
  local current = scheduler.current
  if unit.pid_of(current):find("^{script:terminal|") then
    -- The end of this unit is the end of the script, and its value the status.
    unit.finish(current, code)
  else
    -- Beyond what the node takes, any number is as good: it is no status.
    actors.ask(-1, "system.exit", math.max(-1, math.min(code, 256)))
  end
  while true do
    host.park()
  end
end

--- The library `os` of one unit. `base` is the one that applications have.
function system.library(base)
  local os = {
    platform = base.platform,
    difftime = function(later, earlier)
      return base.difftime(later, earlier) + 0.0
    end,
    date = os_date,
    time = os_time,
    clock = base.clock,
  }

  function os.setlocale(locale, category)
    category = category or "all"
    if not ("all collate ctype monetary numeric time"):find(category, 1, true) then
      error("bad argument #2 to 'setlocale' (invalid option '" .. tostring(category) .. "')", 2)
    end
    if locale == nil or locale == "C" or locale == "" or locale == "POSIX" then
      return "C"
    end
    return nil
  end

  local current = scheduler.current
  if current and current.context.kind == "workflow" then
    for name in ("execute exit getenv remove rename tmpname"):gmatch("%a+") do
      os[name] = function()
        error("'os." .. name .. "' cannot be used in a workflow; call a function that does it", 2)
      end
    end
    return os
  end

  function os.clock()
    return (effects.immediate("os.cputime"))
  end

  function os.getenv(name)
    return (outcome(nil, effects.immediate("os.getenv", text_argument(name, 1, "getenv"))))
  end

  function os.remove(name)
    name = text_argument(name, 1, "remove")
    return outcome(name, effects.immediate("os.remove", name))
  end

  function os.rename(from, to)
    from, to = text_argument(from, 1, "rename"), text_argument(to, 2, "rename")
    -- Lua names no file here, as it cannot know which one it was.
    return outcome(nil, effects.immediate("os.rename", from, to))
  end

  function os.tmpname()
    local name, message = outcome(nil, effects.immediate("os.tmpname"))
    if not name then
      error("unable to generate a unique filename: " .. message, 2)
    end
    return name
  end

  function os.execute(command)
    if command == nil then
      return true
    end
    command = text_argument(command, 1, "execute")
    if coroutine.isyieldable() then
      return ended(outcome(nil, effects.operation("os.execute", command)))
    end
    return ended(outcome(nil, effects.immediate("os.execute_now", command)))
  end

  function os.exit(code)
    return exit(code)
  end

  return os
end

return system
