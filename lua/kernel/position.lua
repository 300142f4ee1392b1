-- Where application code is: the nearest frame that is not the kernel's own.
local getinfo = debug.getinfo
local position = {}

local function is_application(info)
  return info.currentline > 0 and info.source:sub(1, 5) ~= "=lua/"
end

--- `ns:name:LINE` of the running application code, or "" when there is none.
function position.here()
  local level = 2
  while true do
    local info = getinfo(level, "Sl")
    if not info then
      return ""
    end
    if is_application(info) then
      return info.source:sub(2) .. ":" .. info.currentline
    end
    level = level + 1
  end
end

--- The same of a suspended coroutine.
function position.of(co)
  local level = 0
  while true do
    local info = getinfo(co, level, "Sl")
    if not info then
      return ""
    end
    if is_application(info) then
      return info.source:sub(2) .. ":" .. info.currentline
    end
    level = level + 1
  end
end

return position
