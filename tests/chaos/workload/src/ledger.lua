-- Takes updates, with an activity in each, until all of them have come. Continues as new between them.
local funcs = require("funcs")
local workflow = require("workflow")

local quick = { ["activity.retry_policy"] = { initial_interval = 2 } }

local function main(name, expected, state)
  state = state or { count = 0, sum = 0, part = 0, times = {} }
  local done = channel.new(expected)
  workflow.set_update_handler("add", function(id, amount)
    state.times[id] = (state.times[id] or 0) + 1
    assert(funcs.new():with_options(quick):call("chaos:step", name .. "/" .. id, 0))
    state.count, state.sum = state.count + 1, state.sum + amount
    done:send(true)
    return state.times[id]
  end, {
    validator = function(_, amount)
      return amount > 0, "a positive number is needed"
    end,
  })
  workflow.set_query_handler("count", function()
    return state.count
  end)
  while state.count < expected do
    done:receive()
    if state.count // 4 > state.part and workflow.all_handlers_finished() then
      state.part = state.count // 4
      process.upgrade(nil, name, expected, state)
    end
  end
  return { count = state.count, sum = state.sum, times = state.times }
end

return { main = main }
