-- What scripts get of Lua's `debug`: looking at the stack, without the kernel's part of it.
local use = ...
local traceback = use("kernel/core/traceback")
local raw_getinfo = debug.getinfo

local trace = {}

local function is_kernel(info)
  return info.source ~= nil and info.source:sub(1, 5) == "=lua/"
end

--- The stack as text, behind `message`; a message that is no text is given back as it is.
local function debug_traceback(...)
  local thread, message, level = ...
  if type(thread) ~= "thread" then
    thread, message, level = coroutine.running(), ...
    level = (level or 1) + 2
  else
    level = level or 0
  end
  if message ~= nil and type(message) ~= "string" and type(message) ~= "number" then
    return message
  end
  local text = traceback(thread, message, level)
  return text
end

-- A frame of the kernel looks like one of C: its functions are out of reach.
local function covered(info)
  if info and is_kernel(info) then
    info.what, info.source, info.short_src, info.currentline = "C", "=[C]", "[C]", -1
    info.linedefined, info.lastlinedefined, info.func, info.activelines = -1, -1, nil, nil
  end
  return info
end

local function getinfo(...)
  local thread, subject, what = ...
  local own = type(thread) == "thread"
  if not own then
    subject, what = ...
  end
  what = what or "nSlutfr"
  if what:find("[^SlnrutLf]") then
    error("bad argument #" .. (own and 3 or 2) .. " to 'getinfo' (invalid option)", 2)
  end
  -- Whose frame it is has to be known, whatever was asked for.
  local wanted = what:find("S", 1, true) and what or what .. "S"
  local info
  if type(subject) == "function" then
    info = raw_getinfo(subject, wanted)
  elseif math.type(subject) == "integer" or math.tointeger(subject) then
    if own then
      info = raw_getinfo(thread, math.tointeger(subject), wanted)
    else
      local level = math.tointeger(subject)
      info = raw_getinfo(level == 0 and 0 or level + 1, wanted)
    end
  else
    error("bad argument #" .. (own and 2 or 1) .. " to 'getinfo' (function or level expected)", 2)
  end
  info = covered(info)
  if info and wanted ~= what then
    info.source, info.short_src, info.what, info.linedefined, info.lastlinedefined =
      nil, nil, nil, nil, nil
  end
  return info
end

--- The library `debug` of one unit.
function trace.library()
  return {
    traceback = debug_traceback,
    getinfo = getinfo,
    gethook = function()
      return nil
    end,
  }
end

return trace
