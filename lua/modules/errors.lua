--- Module `errors`: the errors of functions and their kinds. A global of every unit.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local errors = runtime.errors

local public = {
  -- These read the stack for the line that called them, which a tail call would take away.
  new = host.delegate(errors.new),
  wrap = host.delegate(errors.wrap),
  is = errors.is,
  call_stack = errors.call_stack,
}
-- The kinds.
for name, value in pairs(errors) do
  if type(value) == "string" then
    public[name] = value
  end
end

return public
