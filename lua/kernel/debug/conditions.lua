-- Whether a breakpoint holds a unit that has come to it: its condition, how often it was come to, what it only logs.
local use = ...
local frames = use("kernel/debug/frames")
local show = use("kernel/inspect/show")

local conditions = {}

local comparisons = {
  ["=="] = function(count, n)
    return count == n
  end,
  [">="] = function(count, n)
    return count >= n
  end,
  [">"] = function(count, n)
    return count > n
  end,
  ["<="] = function(count, n)
    return count <= n
  end,
  ["<"] = function(count, n)
    return count < n
  end,
  ["%"] = function(count, n)
    return n > 0 and count % n == 0
  end,
}

-- `5` and `>= 5`: from the fifth time on; `== 5`, `> 5`, `<= 5`, `< 5`; `% 5`: every fifth time.
local function is_due(hits, count)
  local operator, number = hits:match("^%s*([=<>%%]*)%s*(%d+)%s*$")
  if operator == "" then
    operator = ">="
  elseif operator == "=" then
    operator = "=="
  end
  local compare = operator and comparisons[operator]
  if not compare then
    return nil, "a number of hits is written 5, == 5, > 5, < 5 or % 5, not " .. show(hits)
  end
  return compare(count, math.tointeger(number) or 0)
end

-- The text of a log point: each `{expression}` is replaced by its value.
local function logged(text, frame)
  return (
    text:gsub("{([^{}]+)}", function(code)
      local ok, value = frames.evaluate(frame, code)
      if not ok then
        return "<" .. value .. ">"
      end
      return type(value) == "string" and value or show(value)
    end)
  )
end

--- Whether code must run to know what these breakpoints say.
function conditions.need_to_run(list)
  for _, breakpoint in ipairs(list) do
    if breakpoint.condition or breakpoint.log then
      return true
    end
  end
  return false
end

--- Whether a breakpoint holds a coroutine of the unit, and a message, if there is one for people.
function conditions.met(breakpoint, self, co)
  local frame = frames.innermost(self, co)
  if breakpoint.condition then
    local ok, value = frames.evaluate(frame, breakpoint.condition)
    if not ok then
      return true, "condition: " .. value
    elseif not value then
      return false
    end
  end
  breakpoint.count = breakpoint.count + 1
  if breakpoint.hits then
    local due, message = is_due(breakpoint.hits, breakpoint.count)
    if not due then
      return message ~= nil, message
    end
  end
  if breakpoint.log then
    return false, logged(breakpoint.log, frame)
  end
  return true
end

return conditions
