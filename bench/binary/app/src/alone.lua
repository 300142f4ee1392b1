-- Makes COUNT runs of ten steps one after another, and prints the milliseconds of each as a list.

local io = require("io")
local json = require("json")
local time = require("time")

local function main()
  local milliseconds = {}
  for round = 1, math.tointeger(tonumber(io.args()[1])) do
    local began = time.now()
    local value, err = process.exec("durable:ten", "durable:runs")
    if err then
      return nil, err
    end
    if value ~= 10 then
      return nil, "a run made " .. tostring(value) .. " steps, not 10"
    end
    milliseconds[round] = time.now():sub(began):seconds() * 1000
  end
  io.print((json.encode(milliseconds)))
end

return { main = main }
