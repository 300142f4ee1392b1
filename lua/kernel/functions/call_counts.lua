-- Calls of functions as the configuration has them counted (`metrics.interceptor`): how many of each run, how many
-- ended well and how many failed, and how long they took. What has changed goes to the node ten times a second.
local use = ...
local pool = use("kernel/functions/pool")
local scheduler = use("kernel/core/scheduler")

local call_counts = {}

local PAUSE <const> = 100000000

-- Upper bounds (ns) by which times are counted.
local bounds = {}
-- By function, what the node does not know yet; and those that run or have changed are all there is.
local counts, due = {}, false

local function send()
  local rows = {}
  for id, own in pairs(counts) do
    if own.changed then
      rows[#rows + 1] = {
        id = id,
        running = own.running,
        succeeded = own.succeeded,
        failed = own.failed,
        time = own.time,
        within = own.within,
      }
      if own.running == 0 then
        counts[id] = nil
      else
        own.changed, own.succeeded, own.failed, own.time, own.within = false, 0, 0, 0, {}
      end
    end
  end
  host.emit("route", -1, 0, "measures.calls", { calls = rows })
end

local function changed(id)
  local own = counts[id]
  if not own then
    own = { running = 0, succeeded = 0, failed = 0, time = 0, within = {} }
    counts[id] = own
  end
  own.changed = true
  if not due then
    due = true
    scheduler.at(host.now() + PAUSE, {
      fire = function()
        due = false
        send()
      end,
    })
  end
  return own
end

--- A call of function `id` begins.
function call_counts.began(id)
  local own = changed(id)
  own.running = own.running + 1
end

--- A call of function `id` has ended after `time` (ns).
function call_counts.ended(id, time, err)
  local own = changed(id)
  own.running, own.time = own.running - 1, own.time + time
  local outcome = err and "failed" or "succeeded"
  own[outcome] = own[outcome] + 1
  local at = 1
  while bounds[at] and time > bounds[at] do
    at = at + 1
  end
  for i = #own.within + 1, at do
    own.within[i] = 0
  end
  own.within[at] = own.within[at] + 1
end

--- What the node asks of this worker; see kernel/processes/requests. `count_calls` has calls counted, and their times
--- by these bounds (ns).
call_counts.operations = {
  count_calls = function(given)
    bounds = given
    pool.count_calls()
  end,
}

return call_counts
