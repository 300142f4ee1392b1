-- `wippy run drill ORD`: breaks the process of an airport with a message that it cannot read, then
-- waits until its supervisor has brought it back, and compares its totals before and after.

local ask = require("ask")
local board = require("board")
local io = require("io")
local time = require("time")

local function successor(name, former)
  for _ = 1, 100 do
    local pid = process.registry.lookup(name)
    if pid and pid ~= former then
      return pid
    end
    time.sleep("50ms")
  end
  return nil, name .. " does not come back"
end

local function main()
  local code = io.args()[1]
  if not code then
    return nil, "name an airport: `wippy run drill ORD`"
  end
  local ready, err = ask.ready()
  if not ready then
    return nil, err
  end

  local name = "airport." .. code
  local former = process.registry.lookup(name)
  if not former then
    return nil, "no process for " .. code .. ": make the reports first"
  end
  local before, before_err = ask.totals(code)
  if not before then
    return nil, before_err
  end

  local events = process.events()
  assert(process.monitor(former))
  assert(process.send(name, "add", "no such day", "these are no figures"))
  local ending = events:receive()
  io.print("process " .. former .. " of " .. code .. " failed: " .. ending.result.error:message())

  local pid, lost = successor(name, former)
  if not pid then
    return nil, lost
  end
  local after, after_err = ask.totals(code)
  if not after then
    return nil, after_err
  end
  io.print(
    "process " .. pid .. " took its place; its totals come from " .. after.batches .. " reports"
  )
  board.print({ after }, 1)
  for figure, value in pairs(before.figures) do
    if after.figures[figure] ~= value then
      return nil, figure .. " was " .. value .. " and is " .. tostring(after.figures[figure])
    end
  end
  io.print("the totals are the same as before")
end

return { main = main }
