-- Attempts of activities on this worker, as their functions know them: `frame.activity` tells of the attempt (see
-- `told` in src/worker/worker.ts) and reaches everything that the function calls.
local use = ...
local unit = use("kernel/core/unit")

local activities = {}

-- Attempts that listen for their cancellation, by token: "listens" or "canceled".
local listening = {}

--- Notes that an attempt is alive. Returns whether it should end, and the Error of details that are too large.
function activities.heartbeat(activity, ...)
  return activities.is_canceled(activity), unit.emit("heartbeat", activity.token, ...)
end

--- Whether the workflow has asked for the end of the attempt; from now on the attempt is asked, not ended.
function activities.is_canceled(activity)
  local state = listening[activity.token]
  if state == "open" then
    listening[activity.token] = "listens"
  end
  return state == "canceled"
end

--- An attempt begins.
function activities.begin(token)
  listening[token] = "open"
end

--- An attempt has ended.
function activities.finish(token)
  listening[token] = nil
end

--- Asks an attempt to end: whether it listens.
function activities.ask_to_end(token)
  if listening[token] == "open" then
    return false
  end
  listening[token] = "canceled"
  return true
end

return activities
