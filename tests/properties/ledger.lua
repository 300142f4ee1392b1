-- Takes updates until it is told to finish; how often each has happened is its result.
local funcs = require("funcs")
local workflow = require("workflow")

local quick = { ["activity.retry_policy"] = { initial_interval = 700 } }

local function main()
  local times = {}
  workflow.set_update_handler("add", function(id, n)
    times[id] = (times[id] or 0) + 1
    local how = n % 2 == 0 and "flaky" or "ok"
    assert(funcs.new():with_options(quick):call("app:effect", id, how, "-"))
    return n * 2
  end, {
    validator = function(_, n)
      return n > 0, "a positive number is needed"
    end,
  })
  workflow.set_query_handler("one", function()
    return 1
  end)
  process.listen("finish"):receive()
  return times
end

return { main = main }
