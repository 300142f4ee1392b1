-- Pure operations on values of any size: one that is too large to leave the VM is a failure like any other.
local runtime = ...
local errors, pure, tostring = runtime.errors, runtime.pure, runtime.tostring

local function settle(ok, value, err)
  if ok then
    return value, err
  end
  local message = errors.is_error(value) and value:message() or tostring(value)
  return nil, errors.fail("Internal", message)
end

--- Returns what the pure operation `name` answers: `value, nil` or `nil, err`. Never raises.
return function(name, ...)
  return settle(pcall(pure, name, ...))
end
