--- Module `ctx`: the context values that the caller of this unit passed along. Read-only.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local check, errors = runtime.check, runtime.errors

local copy = runtime.use("kernel/core/copy").copy

local ctx = {}

local function failure(kind, message)
  return nil, errors.new({ message = message, kind = kind, retryable = false })
end

--- The value of a key, a fresh copy.
function ctx.get(key)
  check.string(key, 1, "get")
  if key == "" then
    return failure(errors.INVALID, "empty key")
  end
  local value = runtime.frame().values[key]
  if value == nil then
    return failure(errors.NOT_FOUND, "key not found: " .. key)
  end
  return copy(value), nil
end

--- All values, a fresh copy; an empty table when nothing is set.
function ctx.all()
  return copy(runtime.frame().values), nil
end

return ctx
