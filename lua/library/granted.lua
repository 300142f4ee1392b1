-- Permissions that a host operation needs in the middle of its work, because only then it knows on what: the operation
-- stops and says which, and goes on with the list of what was granted.
local runtime = ...
local errors = runtime.errors

--- Asks for permissions { action, resource, message } and adds what is allowed to the list `granted`; without a list,
--- nothing is asked. Returns nil, or the Error (PermissionDenied) of the first that is refused.
return function(granted, needs)
  if not granted then
    return nil
  end
  for _, need in ipairs(needs) do
    if not runtime.allowed(need.action, need.resource) then
      return errors.fail("PermissionDenied", need.message)
    end
    granted[#granted + 1] = need.action .. " " .. need.resource
  end
  return nil
end
