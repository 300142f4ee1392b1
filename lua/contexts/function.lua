-- How a function answers effects. Lay it beside process.lua and workflow.lua.
-- It works in its caller's frame, holds its place in the pool while it waits, and ends when its caller ends.
local use = ...
local actors = use("kernel/processes/processes")
local calls = use("kernel/functions/functions")
local errors = use("kernel/core/errors")
local operations = use("kernel/functions/operations")
local timers = use("kernel/core/timers")

return {
  kind = "function",
  now = host.now,
  sleep = timers.sleep,
  timer = timers.start,
  cancel_timer = timers.cancel,
  random = math.random,
  call = operations.call,
  async = operations.async,
  operation = operations.run,
  immediate = operations.immediate,
  log = operations.log,
  -- A message goes to its receiver at once; a workflow records it first.
  delivers = true,
  send = actors.send,
  spawn = actors.spawn,
  exec = actors.exec,
  monitor = actors.monitor,
  unmonitor = actors.unmonitor,
  link = actors.link,
  unlink = actors.unlink,
  cancel = actors.cancel,
  terminate = actors.terminate,
  register = actors.register,
  unregister = actors.unregister,
  lookup = actors.lookup,
  upgrade = calls.stop,
  version = function(_, _, _, maximum)
    return maximum
  end,
  workflow_exec = operations.workflow_exec,
  workflow_update = operations.workflow_update,
  workflow_update_with_start = operations.workflow_update_with_start,
  workflow_query = operations.workflow_query,
  schedule = function(self, op, ...)
    return operations.schedule(self, op, false, ...)
  end,
  workflow_info = function() end,
  attributes = function()
    return nil, errors.fail("Invalid", "workflow attributes can be set only inside a workflow")
  end,
  ended = calls.ended,
}
