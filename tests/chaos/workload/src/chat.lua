-- One of several runs that send each other numbers: each has to hear those of each other one in their order, all of them,
-- once, though it continues as new in between.
local funcs = require("funcs")
local time = require("time")

local quick = { ["activity.retry_policy"] = { initial_interval = 2 } }

local function main(name, peers, rounds, state)
  state = state or { round = 1, heard = {}, wrong = {} }
  local numbers = process.listen("number")

  local function hear(message)
    local from, number = message[1], message[2]
    if number ~= (state.heard[from] or 0) + 1 then
      table.insert(state.wrong, from .. " said " .. number .. " after " .. (state.heard[from] or 0))
    end
    state.heard[from] = number
  end

  local function all_heard()
    for _, peer in ipairs(peers) do
      if peer ~= name and state.heard[peer] ~= rounds then
        return false
      end
    end
    return true
  end

  while state.round <= rounds do
    for _, peer in ipairs(peers) do
      local pid = "{chaos:durable|" .. peer .. "}"
      -- It may not have been started yet.
      while peer ~= name and not process.send(pid, "number", name, state.round) do
        time.sleep("3ms")
      end
    end
    assert(funcs.new():with_options(quick):call("chaos:step", name .. "/" .. state.round, 0))
    state.round = state.round + 1
    if state.round % 3 == 0 then
      -- What it was shown and has not taken would be gone.
      local got = channel.select({ numbers:case_receive(), default = true })
      while got.channel == numbers do
        hear(got.value)
        got = channel.select({ numbers:case_receive(), default = true })
      end
      process.upgrade(nil, name, peers, rounds, state)
    end
  end
  while not all_heard() do
    hear(numbers:receive())
  end
  return { heard = state.heard, wrong = state.wrong }
end

return { main = main }
