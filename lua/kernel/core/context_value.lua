-- A context value or an option as units keep it: in the terms of JSON. What is too deep or too large raises an Error
-- (Invalid).
local use = ...
local copies = use("kernel/core/copy")
local plain = use("kernel/core/plain")

return function(value)
  copies.copy(value)
  return plain(value)
end
