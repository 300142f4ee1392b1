-- Runs and activities that fail, take too long or are canceled: counts what became of them.
local funcs = require("funcs")
local time = require("time")
local workflow = require("workflow")

local function main(name, rounds, state)
  state = state or { round = 1, outcomes = {} }

  local function count(what)
    state.outcomes[what] = (state.outcomes[what] or 0) + 1
  end

  local function calling(options)
    return funcs.new():with_options(options)
  end

  while state.round <= rounds do
    local id = name .. "/" .. state.round

    local pid = assert(
      process
        .with_options({
          ["workflow.id"] = id .. "/stubborn",
          ["workflow.retry_policy"] = { initial_interval = 2, maximum_attempts = 5 },
        })
        :spawn("chaos:stubborn", "chaos:durable", id .. "/stubborn")
    )
    local event = process.events():receive()
    assert(event.from == pid and event.result.value == 3, tostring(event.result.error))
    count("third attempt")

    assert(calling({
      ["activity.heartbeat_timeout"] = "30s",
      ["activity.retry_policy"] = { initial_interval = 2 },
    }):call("chaos:import", id .. "/import", 3))
    count("imported")

    -- The last attempt may be one that the runtime's end has cut off.
    local _, err = calling({
      ["activity.start_to_close_timeout"] = 8,
      ["activity.retry_policy"] = { initial_interval = 2, maximum_attempts = 2 },
    }):call("chaos:slow")
    assert(err:kind() == "Timeout" or err:kind() == "Unavailable", tostring(err))
    count("timed out")

    _, err = calling({ ["activity.schedule_to_close_timeout"] = 12 }):call("chaos:slow")
    assert(err:kind() == "Timeout", tostring(err))
    count("timed out in all")

    _, err = funcs.call("chaos:refuse")
    assert(err:message() == "no", tostring(err))
    count("refused")

    local future = funcs.async("chaos:slow")
    time.sleep("2ms")
    future:cancel()
    assert(future:is_canceled())
    count("canceled")

    _, err = process
      .with_options({ ["workflow.id"] = id .. "/sleeper", ["workflow.run_timeout"] = 10 })
      :exec("chaos:sleeper", "chaos:durable")
    assert(err:kind() == "Timeout", tostring(err))
    count("run timed out")

    local _, late = workflow.with_timeout("5ms", function()
      time.sleep("1h")
    end)
    assert(late:kind() == "Canceled", tostring(late))
    count("scope timed out")

    state.round = state.round + 1
    if state.round % 3 == 0 then
      process.upgrade(nil, name, rounds, state)
    end
  end
  return state.outcomes
end

return { main = main }
