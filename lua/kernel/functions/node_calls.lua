-- Calls of the node: attempts of activities, and calls by the command line and the admin API. The outcome of each is
-- emitted as "called".
local use = ...
local activities = use("kernel/workflows/activities")
local errors = use("kernel/core/errors")
local functions = use("kernel/functions/functions")
local security = use("kernel/security/security")
local unit = use("kernel/core/unit")

local node_calls = {}

-- By token: the function that cancels one.
local running = {}

--- Emits the outcome of what the node knows under a token, or, when that is too large to leave this VM, the Error.
function node_calls.report(token, value, failure)
  local err = unit.emit("called", token, value, failure)
  if err then
    host.emit("called", token, nil, err)
  end
end

--- Calls a function for the node.
function node_calls.run(token, target, frame, ...)
  frame = security.resolved(frame)
  local entry, err = functions.entry(target)
  if not entry then
    host.emit("called", token, nil, err)
    return
  end
  local answered = false
  activities.begin(token)
  local cancel = functions.run(entry, frame, function(value, failure)
    answered = true
    running[token] = nil
    activities.finish(token)
    node_calls.report(token, value, failure)
  end, ...)
  if not answered then
    running[token] = cancel
  end
end

--- Ends a call, or, gently, asks an activity that listens to end.
function node_calls.cancel(token, gently)
  local cancel = running[token]
  if cancel and not (gently and activities.ask_to_end(token)) then
    running[token] = nil
    activities.finish(token)
    cancel()
    host.emit("called", token, nil, errors.fail("Canceled", "operation canceled"))
  end
end

return node_calls
