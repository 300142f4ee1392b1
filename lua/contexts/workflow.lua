-- How a workflow answers effects. Lay it beside function.lua and process.lua.
-- Whatever could differ in a second run becomes a command, recorded by the provider, and is answered by a job: on replay
-- the same job comes from history. `self.run` is the state of the run (see kernel/workflows.lua).
local use = ...
local errors = use("kernel/errors")
local future = use("kernel/future")
local mailbox = use("kernel/mailbox")
local operations = use("kernel/operations")
local scheduler = use("kernel/scheduler")
local unit = use("kernel/unit")
local workflows = use("kernel/workflows")
local command, next_seq = workflows.command, workflows.next_seq

local function refused(name)
  return function()
    return nil, errors.fail("Invalid", name .. " is not available in a workflow; the provider watches over it")
  end
end

local function schedule(self, waiter, entry, options, operation, frame, ...)
  local seq = next_seq(self, "activities")
  self.run.activities[seq] = waiter
  local args = table.pack(...)
  command(self, {
    type = "schedule_activity",
    seq = seq,
    entry = entry,
    args = args,
    argc = args.n,
    options = options or {},
    operation = operation,
    frame = frame ~= self.frame and frame or nil,
  })
  args.n = nil
  return seq
end

local function operation(self, name, ...)
  schedule(self, scheduler.co, name, nil, true, nil, ...)
  return host.park()
end

local function start_child(self, id, host_id, frame, extra, waiter, on_close, ...)
  local seq = next_seq(self, "children")
  local options = extra and extra.options or {}
  self.run.child_starts[seq], self.run.children[seq] = waiter, on_close
  local args = table.pack(...)
  command(self, {
    type = "start_child",
    seq = seq,
    entry = id,
    hostId = host_id or self.run.host,
    workflowId = extra and extra.name,
    args = args,
    argc = args.n,
    options = options,
    frame = frame ~= self.frame and frame or nil,
    messages = extra and extra.messages,
  })
  args.n = nil
  return host.park()
end

return {
  kind = "workflow",

  now = function(self)
    return self.run.time
  end,

  sleep = function(self, ns)
    if ns > 0 then
      workflows.start_timer(self, ns, scheduler.co)
      host.park()
    end
  end,

  timer = function(self, ns, callback)
    return workflows.start_timer(self, ns, callback)
  end,

  cancel_timer = function(self, seq)
    if not self.run.timers[seq] then
      return false
    end
    self.run.timers[seq] = nil
    command(self, { type = "cancel_timer", seq = seq })
    return true
  end,

  random = function(...)
    return workflows.random(scheduler.current, ...)
  end,

  call = function(self, target, frame, options, ...)
    schedule(self, scheduler.co, target, options, nil, frame, ...)
    return host.park()
  end,

  async = function(self, target, frame, options, ...)
    local result, seq
    result = future.new(function()
      self.run.activities[seq] = nil
      command(self, { type = "cancel_activity", seq = seq })
    end)
    seq = schedule(self, function(value, err)
      future.complete(result, value, err)
    end, target, options, nil, frame, ...)
    return result
  end,

  operation = operation,

  immediate = function(self, name, ...)
    local seq = next_seq(self, "records")
    local recorded = self.run.recorded[seq]
    local value, err
    if recorded then
      self.run.recorded[seq] = nil
      value, err = recorded.value, recorded.failure
    else
      value, err = operations.immediate(self, name, ...)
    end
    command(self, { type = "record", seq = seq, value = value, failure = err })
    return value, err
  end,

  log = function(self, ...)
    if not self.run.replaying then
      operations.log(self, ...)
    end
  end,

  send = function(self, pid, topic, n, ...)
    local mine = self.pid
    if pid == mine then
      mailbox.deliver(self, mailbox.message(topic, mine, n, n == 1 and (...) or n > 1 and { ... } or nil))
      return true
    end
    local values = { ... }
    if unit.worker_of(pid) == -1 then
      local seq = next_seq(self, "signals")
      self.run.signals[seq] = scheduler.co
      command(self, { type = "signal_external", seq = seq, pid = pid, name = topic, payloads = values, argc = n })
      return host.park()
    end
    command(self, {
      type = "send_message",
      seq = next_seq(self, "messages"),
      pid = pid,
      topic = topic,
      payloads = values,
      argc = n,
    })
    return true
  end,

  spawn = function(self, id, host_id, frame, _, _, extra, ...)
    if unit.node_hosts[host_id] == nil then
      return operation(self, "process.spawn", id, host_id, frame, extra and extra.name, ...)
    end
    return start_child(self, id, host_id, frame, extra, scheduler.co, "event", ...)
  end,

  exec = function(self, id, host_id, frame, extra, ...)
    local pid, err = start_child(self, id, host_id, frame, extra, scheduler.co, scheduler.co, ...)
    if not pid then
      return nil, err
    end
    return host.park()
  end,

  monitor = refused("process.monitor"),
  unmonitor = refused("process.unmonitor"),
  link = refused("process.link"),
  unlink = refused("process.unlink"),

  cancel = function(self, pid, reason)
    if unit.worker_of(pid) ~= -1 then
      return operation(self, "process.cancel", pid, reason or "")
    end
    local seq = next_seq(self, "cancels")
    self.run.cancels[seq] = scheduler.co
    command(self, { type = "cancel_external", seq = seq, pid = pid, reason = reason })
    return host.park()
  end,

  terminate = function(self, pid)
    if unit.worker_of(pid) ~= -1 then
      return operation(self, "process.terminate", pid)
    end
    return self.context.cancel(self, pid, "terminated")
  end,

  register = function(self, name, pid)
    return operation(self, "process.register", name, pid)
  end,

  unregister = function(self, name)
    return operation(self, "process.unregister", name)
  end,

  lookup = function(self, name)
    return operation(self, "process.lookup", name)
  end,

  upgrade = function(self, id, ...)
    local args = table.pack(...)
    command(self, { type = "continue_as_new", entry = id or self.entry.id, args = args, argc = args.n })
    args.n = nil
    workflows.close(self)
    host.park()
  end,

  version = function(self, change, minimum, maximum)
    return workflows.version(self, change, minimum, maximum)
  end,

  workflow_exec = function(self, id, ...)
    return self.context.exec(self, id, nil, self.frame, nil, ...)
  end,

  workflow_info = function(self)
    return self.run.info
  end,

  attributes = function(self, search, memo)
    command(self, { type = "upsert_attributes", search = search, memo = memo })
    return true
  end,

  ended = function(self, value, err)
    if self.run.closed then
      return
    elseif not err then
      command(self, { type = "complete_workflow", result = value })
    elseif err:kind() == "Canceled" and self.run.cancel_requested then
      command(self, { type = "cancel_workflow_execution", failure = err })
    else
      command(self, { type = "fail_workflow", failure = err })
    end
    self.run.closed = true
  end,
}
