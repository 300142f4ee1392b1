-- Prints "empty", waits for a line, starts COUNT idle processes, prints "full", waits for a line.
-- So whoever started it can weigh the runtime at both moments.

local io = require("io")

local function main()
  local count = math.tointeger(tonumber(io.args()[1]))
  io.print("empty")
  io.readline()
  for _ = 1, count do
    assert(process.spawn("bench:idle", "bench:processes"))
  end
  io.print("full")
  io.readline()
end

return { main = main }
