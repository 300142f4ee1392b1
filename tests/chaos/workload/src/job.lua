-- Uses all that a workflow can see. `seen` is a digest of it; every step is told the digest of its moment, and the result
-- holds the digests as the last replay had them: a replay that sees something else shows.
local fs = require("fs")
local funcs = require("funcs")
local time = require("time")
local uuid = require("uuid")
local workflow = require("workflow")

local quick = { ["activity.retry_policy"] = { initial_interval = 2 } }

local here = {
  ["activity.local"] = true,
  ["activity.retry_policy"] = { initial_interval = 2 },
}

local function digest(seen, value)
  for _, byte in ipairs({ string.byte(tostring(value), 1, -1) }) do
    seen = (seen * 31 + byte) & 0xffffffff
  end
  return seen
end

local function main(name, rounds, state)
  state = state or { seen = 0, round = 1, values = {}, told = {}, parts = 0, marks = {}, marked = 0 }
  local progress = process.listen("progress")
  local steps = funcs.new():with_options(quick)

  local function see(value)
    state.seen = digest(state.seen, value)
  end

  local function tell(id)
    state.told[id] = state.seen
    return state.seen
  end

  local function keep(id, value)
    state.values[id] = value
    see(value)
  end

  local marked = channel.new(rounds)
  workflow.set_update_handler("mark", function(id)
    state.marks[id] = (state.marks[id] or 0) + 1
    state.marked = state.marked + 1
    see(id)
    marked:send(true)
    return state.marks[id]
  end, {
    validator = function(id)
      return state.marks[id] == nil
    end,
  })
  workflow.set_query_handler("marks", function()
    return state.marked
  end)

  while state.round <= rounds do
    local id = name .. "/" .. state.round
    see(time.now():unix_nano())
    see(uuid.v4())
    see(math.random(1000000))
    see(workflow.version("round", 1, 3))
    for key in pairs({ [name] = 1, b = 2, [7] = 3, [id] = 4 }) do
      see(key)
    end

    keep(id .. "/a", assert(steps:call("chaos:step", id .. "/a", tell(id .. "/a"))))
    local b = steps:async("chaos:step", id .. "/b", tell(id .. "/b"))
    local c = steps:async("chaos:step", id .. "/c", tell(id .. "/c"))
    time.sleep(math.random(1, 12) .. "ms")
    local never = assert(time.timer("1h"))
    local ticker = assert(time.ticker("2ms"))
    ticker:channel():receive()
    ticker:channel():receive()
    see(tostring(never:stop()) .. tostring(ticker:stop()))
    assert(workflow.attrs({
      search = { round = state.round, job = name },
      memo = { seen = state.seen },
    }))
    keep(id .. "/b", b:channel():receive():data())
    keep(id .. "/c", c:channel():receive():data())
    see(#assert(fs.get("chaos:files"):readfile("wippy.lock")))
    local notes = funcs.new():with_options(here)
    keep(id .. "/local", assert(notes:call("chaos:note", id .. "/local", tell(id .. "/local"))))

    if state.round % 3 == 0 then
      local part = id .. "/part"
      local pid = assert(process.spawn("chaos:part", "chaos:durable", process.pid(), part, 3))
      for _ = 1, 3 do
        local told = progress:receive()
        keep(told[1], told[2])
      end
      local event = process.events():receive()
      assert(event.from == pid and event.result.value == 3)
      state.parts = state.parts + event.result.value
    end

    state.round = state.round + 1
    if state.round % 4 == 0 then
      process.upgrade(nil, name, rounds, state)
    end
  end
  while state.marked < rounds do
    marked:receive()
  end
  return { marks = state.marks, told = state.told, values = state.values, parts = state.parts, pid = process.pid() }
end

return { main = main }
