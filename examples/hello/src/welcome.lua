-- A workflow: every step is recorded, so a run continues where it was, even after a crash.
local funcs = require("funcs")
local time = require("time")

local function main(name)
  local greeting, err = funcs.call("hello:greet", name) -- runs once, its result is recorded
  if err then
    return nil, err
  end
  time.sleep("3s") -- a durable timer: it keeps running while wippy does not
  return greeting .. " This took three seconds, whatever happened meanwhile."
end

return { main = main }
