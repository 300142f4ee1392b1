-- Asks each of the closed runs replay-1 to replay-COUNT, AT_ONCE at a time, ROUNDS times, and prints the
-- seconds of each round. A closed run is replayed whole for each query.

local io = require("io")
local json = require("json")
local many = require("many")
local time = require("time")
local workflow = require("workflow")

local function round(count, at_once)
  local began = time.now()
  many(count, at_once, function(i)
    local pid = "{durable:runs|replay-" .. i .. "}"
    local answer = assert(workflow.query(pid, "pid"))
    assert(answer == pid, answer)
  end)
  return time.now():sub(began):seconds()
end

local function main()
  local count, at_once, rounds = table.unpack(io.args())
  count, at_once = math.tointeger(tonumber(count)), math.tointeger(tonumber(at_once))
  local seconds = {}
  for i = 1, math.tointeger(tonumber(rounds)) do
    seconds[i] = round(count, at_once)
  end
  io.print((json.encode(seconds)))
end

return { main = main }
