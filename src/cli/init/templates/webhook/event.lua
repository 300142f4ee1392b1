local funcs = require("funcs")

local function main(event)
  local result = assert(funcs.call("app:handle", event)) -- retried until it succeeds, recorded once
  process.send("board", "handled", event.id)
  return result
end

return { main = main }
