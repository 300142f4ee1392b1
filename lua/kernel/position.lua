-- Where application code is: the nearest frame that is not the kernel's own.
local getinfo = debug.getinfo
local position = {}

--- `ns:name:LINE` of the running application code, or "" when there is none.
function position.here()
  local level = 2
  while true do
    local info = getinfo(level, "Sl")
    if not info then
      return ""
    end
    local source = info.source
    if info.currentline > 0 and source:sub(1, 5) ~= "=lua/" then
      return source:sub(2) .. ":" .. info.currentline
    end
    level = level + 1
  end
end

return position
