-- Makes COUNT runs of ten steps one after another, and prints the milliseconds of each as a list.
-- Two seconds of runs go before, to warm up: virtual machines take that long to reach their speed.

local io = require("io")
local json = require("json")
local time = require("time")

local function run(kind)
  local value, err = process.exec("durable:ten", "durable:runs", kind)
  if err then
    error(err)
  end
  if value ~= 10 then
    error("a run made " .. tostring(value) .. " steps, not 10")
  end
end

local function main()
  local kind, count = io.args()[1], math.tointeger(tonumber(io.args()[2]))
  local began = time.now()
  repeat
    run(kind)
  until time.now():sub(began):seconds() >= 2
  io.eprint("measuring")
  local milliseconds = {}
  for round = 1, count do
    began = time.now()
    run(kind)
    milliseconds[round] = time.now():sub(began):seconds() * 1000
  end
  io.print((json.encode(milliseconds)))
end

return { main = main }
