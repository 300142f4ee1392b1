-- How functions and processes answer effects alike: what they do happens at once, on the real clock, to the units and
-- hosts that are there. function.lua and process.lua show what differs; lay workflow.lua beside it.
local use = ...
local errors = use("kernel/core/errors")
local operations = use("kernel/functions/operations")
local processes = use("kernel/processes/processes")
local spawning = use("kernel/processes/spawning")
local timers = use("kernel/core/timers")

local function only_in_workflows(what)
  return function()
    return nil, errors.fail("Invalid", what .. " only inside a workflow")
  end
end

local base = {
  delivers = true,

  now = host.now,
  sleep = timers.sleep,
  timer = timers.start,
  cancel_timer = timers.cancel,
  random = math.random,

  call = operations.call,
  async = operations.async,
  operation = operations.run,
  publish = operations.publish,
  immediate = operations.immediate,
  record = function(_, compute)
    return compute()
  end,
  log = operations.log,
  request = processes.request,
  notify = processes.notify,

  send = processes.send,
  spawn = spawning.spawn,
  exec = spawning.exec,
  monitor = processes.monitor,
  unmonitor = processes.unmonitor,
  link = processes.link,
  unlink = processes.unlink,
  cancel = processes.cancel,
  terminate = processes.terminate,
  register = processes.register,
  unregister = processes.unregister,
  lookup = processes.lookup,

  workflow_exec = operations.workflow_exec,
  workflow_update = operations.workflow_update,
  workflow_update_with_start = operations.workflow_update_with_start,
  workflow_query = operations.workflow_query,
  schedule = function(self, op, ...)
    return operations.schedule(self, op, false, ...)
  end,

  version = function(_, _, _, maximum)
    return maximum
  end,
  workflow_info = function() end,
  attributes = only_in_workflows("workflow attributes can be set"),
  new_scope = only_in_workflows("cancellation scopes are available"),
  run_in_scope = only_in_workflows("cancellation scopes are available"),
  cancel_scope = only_in_workflows("cancellation scopes are available"),
  set_query_handler = only_in_workflows("query handlers can be set"),
  set_update_handler = only_in_workflows("update handlers can be set"),
  all_handlers_finished = function()
    return true
  end,
}

--- A context: these handlers and traits, with `own` over them.
return function(own)
  local context = {}
  for name, handler in pairs(base) do
    context[name] = handler
  end
  for name, handler in pairs(own) do
    context[name] = handler
  end
  return context
end
