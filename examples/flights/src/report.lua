-- The report of one batch, as a durable run. Every step is an activity: it runs at least once, its
-- result is recorded, and after a crash the run goes on behind the last recorded result.

local funcs = require("funcs")
local time = require("time")

-- A durable timer between steps. It makes the run long enough to be killed in the middle.
local PAUSE = "150ms"

local function main(batch)
  local activities = funcs.new():with_options({
    ["activity.start_to_close_timeout"] = "30s",
    ["activity.retry_policy"] = { initial_interval = "200ms", maximum_interval = "5s" },
  })
  local function step(name, ...)
    local value, err = activities:call("flights:step." .. name, batch, ...)
    if err then
      error(errors.wrap(err, name .. " of " .. batch))
    end
    return value
  end

  local rows = step("load")
  time.sleep(PAUSE)
  local sorted = step("clean", rows)
  time.sleep(PAUSE)
  local report = step("aggregate", sorted)
  time.sleep(PAUSE)
  step("write", report)
  time.sleep(PAUSE)
  step("record", report.flights, #report.rejected)
  time.sleep(PAUSE)
  step("publish", report.airports)

  return { batch = batch, flights = report.flights, rejected = #report.rejected }
end

return { main = main }
