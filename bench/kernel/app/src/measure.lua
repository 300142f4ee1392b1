-- `wippy run measure FIGURE COUNT` does COUNT rounds of FIGURE after a warm-up of a third as many,
-- and prints { figure =, count =, seconds = }. bench/kernel/beam.erl does the same in Erlang.

local funcs = require("funcs")
local io = require("io")
local json = require("json")
local time = require("time")

local HOST = "bench:processes"
local GROUP = 1000 -- processes between two waits
local FLIGHT = 100 -- calls in the air

local figures = {}

-- Starts and ends processes. Of every group the last one is monitored: the run queue is fair, so
-- its end is the end of all.
function figures.spawn(count)
  local events = process.events()
  for _ = 1, count // GROUP do
    for _ = 2, GROUP do
      process.spawn("bench:brief", HOST)
    end
    process.spawn_monitored("bench:brief", HOST)
    events:receive()
  end
end

-- One message there and one back.
function figures.pingpong(count)
  local inbox = process.inbox()
  local echo = process.spawn("bench:echo", HOST)
  for round = 1, count do
    process.send(echo, "ping", round)
    inbox:receive()
  end
  process.terminate(echo)
end

-- Messages one way, until the receiver has read them all.
function figures.messages(count)
  local done = process.listen("done")
  local sink = process.spawn("bench:sink", HOST, count, process.pid())
  for round = 1, count do
    process.send(sink, "data", round)
  end
  done:receive()
  process.unlisten(done)
end

-- Calls, one after another.
function figures.calls(count)
  for round = 1, count do
    funcs.call("bench:answer", round)
  end
end

-- Calls, a hundred in the air at any time.
function figures.calls_in_flight(count)
  local flight = {}
  for round = 1, count do
    local slot = round % FLIGHT
    local earlier = flight[slot]
    if earlier then
      earlier:channel():receive()
    end
    flight[slot] = funcs.async("bench:answer", round)
  end
  for _, future in pairs(flight) do
    future:channel():receive()
  end
end

local function main()
  local name, count = io.args()[1], math.tointeger(tonumber(io.args()[2]))
  local figure = figures[name]
  if not figure then
    return nil, "unknown figure: " .. tostring(name)
  end
  if not count or count < 3 * GROUP then
    return nil, "a count of " .. 3 * GROUP .. " or more"
  end

  figure(count // 3)
  local began = time.now()
  figure(count)
  local seconds = time.now():sub(began):seconds()
  io.print((json.encode({ figure = name, count = count, seconds = seconds })))
end

return { main = main }
