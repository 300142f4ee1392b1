-- Where application code is: the nearest frame that is not the kernel's own.
local getinfo = debug.getinfo
local position = {}

-- Names of application functions, false for the kernel's own. A description of a function costs as much as a small
-- spawn, so each is made once; commands of workflows carry their position.
local names = setmetatable({}, { __mode = "k" })

local function name_of(fn)
  local name = names[fn]
  if name == nil then
    local info = getinfo(fn, "S")
    name = info.what ~= "C" and info.source:sub(1, 5) ~= "=lua/" and info.source:sub(2)
    names[fn] = name
  end
  return name
end

--- `ns:name:LINE` of the running application code, or "" when there is none.
function position.here()
  local level = 3
  while true do
    local info = getinfo(level, "f")
    if not info then
      return ""
    end
    local name = name_of(info.func)
    if name then
      return name .. ":" .. getinfo(level, "l").currentline
    end
    level = level + 1
  end
end

--- `ns:name:LINE` of the end of a function.
function position.last_line(fn)
  local info = getinfo(fn, "S")
  return info.what ~= "C" and info.source:sub(2) .. ":" .. info.lastlinedefined or nil
end

--- The place of application code that a stack (of an Error) begins with, or nil.
function position.in_stack(stack)
  return stack:match("([^%s:]+:[^%s:]+:%d+): in ")
end

--- The same of a suspended coroutine.
function position.of(co)
  local level = 0
  while true do
    local info = getinfo(co, level, "fl")
    if not info then
      return ""
    end
    local name = name_of(info.func)
    if name then
      return name .. ":" .. info.currentline
    end
    level = level + 1
  end
end

return position
