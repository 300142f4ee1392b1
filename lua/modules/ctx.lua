--- Module `ctx`: the context values that the caller of this unit passed along. Read-only.
local runtime = ...
local check, errors = runtime.check, runtime.errors

local ctx = {}

-- Values are tables of plain data without cycles, as they were copied on their way here.
local function copy(value)
  if type(value) ~= "table" then
    return value
  end
  local result = {}
  for key, item in pairs(value) do
    result[key] = copy(item)
  end
  return result
end

local function failure(kind, message)
  return nil, errors.new({ message = message, kind = kind, retryable = false })
end

--- The value of a key, a fresh copy.
function ctx.get(key)
  check.string(key, 1, "get")
  local frame = runtime.frame()
  if not frame then
    return failure(errors.INTERNAL, "no context")
  elseif key == "" then
    return failure(errors.INVALID, "empty key")
  end
  local value = frame.values and frame.values[key]
  if value == nil then
    return failure(errors.NOT_FOUND, "key not found: " .. key)
  end
  return copy(value), nil
end

--- All values, a fresh copy; an empty table when nothing is set.
function ctx.all()
  local frame = runtime.frame()
  if not frame then
    return failure(errors.INTERNAL, "no context")
  end
  return copy(frame.values or {}), nil
end

return ctx
