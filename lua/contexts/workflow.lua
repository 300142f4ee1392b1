-- How a workflow answers effects. Lay it beside function.lua and process.lua.
-- Whatever could differ in a second run becomes a command, recorded by the provider, and is answered by a job: on
-- replay the same job comes from history. `self.run` is the state of the run (see kernel/workflows/workflows.lua).
local use = ...
local children = use("kernel/workflows/children")
local commands = use("kernel/workflows/commands")
local copies = use("kernel/core/copy")
local errors = use("kernel/core/errors")
local future = use("kernel/messaging/future")
local groups = use("kernel/workflows/groups")
local local_activities = use("kernel/workflows/local_activities")
local messaging = use("kernel/messaging/messaging")
local operations = use("kernel/functions/operations")
local security = use("kernel/security/security")
local record_size = use("kernel/workflows/record_size")
local recording = use("kernel/workflows/recording")
local run_info = use("kernel/workflows/run_info")
local position = use("kernel/core/position")
local publications = use("kernel/workflows/publications")
local queries = use("kernel/workflows/queries")
local scopes = use("kernel/workflows/scopes")
local unit = use("kernel/core/unit")
local updates = use("kernel/workflows/updates")
local versions = use("kernel/workflows/versions")
local activity, copied, operation = recording.activity, recording.copied, recording.operation
local command, next_seq, own_frame = commands.add, commands.next_seq, recording.own_frame

local function refused(name)
  return function()
    return nil,
      errors.fail(
        "Invalid",
        name .. " not supported in workflow context: the provider watches over its runs"
      )
  end
end

-- Where a PID is: "self", "here" (a workflow of the same journal), "elsewhere" (a process, or a workflow of another
-- journal), nil when it is no PID.
local function place_of(self, pid)
  if pid == self.pid then
    return "self"
  end
  local worker = unit.worker_of(pid)
  if worker ~= -1 then
    return worker and "elsewhere"
  end
  local host_id = pid:match("^{([^|]*)|")
  host_id = host_id:match("@(.*)$") or host_id
  return groups.same(host_id, self.run.host) and "here" or "elsewhere"
end

-- What a start of a plain process takes of a builder.
local function process_extra(extra)
  return extra and { name = extra.name, messages = extra.messages }
end

-- The same when the runtime ends between the update and its record.
local function own_update_id(self)
  return self.run.id .. "_" .. (self.run.sequences.activities or 0) + 1
end

local function no_process(pid)
  return errors.fail("NotFound", "process not found: " .. pid)
end

-- What the node is asked for is recorded, and so is what it is notified of.
local function request(self, op, ...)
  return operation(self, "node." .. op, ...)
end

local function exec(self, id, host_id, frame, extra, ...)
  if not unit.is_node_host(host_id) then
    return operation(
      self,
      "process.exec",
      id,
      host_id,
      own_frame(self, frame),
      process_extra(extra),
      ...
    )
  end
  local co = commands.waiter(self)
  local pid, err = children.start(self, id, host_id, frame, extra, co, co, ...)
  if not pid then
    return nil, err
  end
  return host.park()
end

local function cancel(self, pid, reason)
  if place_of(self, pid) == "elsewhere" then
    return operation(self, "process.cancel", pid, reason or "")
  end
  commands.takes(self, #(reason or ""))
  local co = commands.waiter(self)
  local seq = next_seq(self, "cancels")
  self.run.cancels[seq] = co
  command(self, { type = "cancel_external", seq = seq, pid = pid, reason = reason })
  return host.park()
end

return {
  kind = "workflow",
  delivers = false,

  now = function(self)
    return self.run.time
  end,

  sleep = function(self, ns)
    local canceled = scopes.refusal(self)
    if ns > 0 and not canceled then
      scopes.enter(self, "timers", commands.start_timer(self, ns, commands.waiter(self)))
      canceled = host.park()
    end
    -- What it is woken with otherwise is the time.
    if errors.is_error(canceled) then
      error(canceled, 0)
    end
  end,

  timer = function(self, ns, callback)
    return commands.start_timer(self, ns, callback)
  end,

  cancel_timer = function(self, seq)
    if not self.run.timers[seq] then
      return false
    end
    self.run.timers[seq] = nil
    command(self, { type = "cancel_timer", seq = seq })
    return true
  end,

  random = use("kernel/workflows/random"),

  call = function(self, target, frame, options, ...)
    local seq, err = activity(self, commands.waiter(self), target, frame, options, ...)
    if not seq then
      return nil, err
    end
    return host.park()
  end,

  async = function(self, target, frame, options, ...)
    local result, seq, err
    result = future.new(function()
      self.run.activities[seq] = nil
      local_activities.cancel(self, seq)
    end)
    seq, err = activity(self, function(value, failure)
      future.complete(result, value, failure)
    end, target, frame, options, ...)
    if not seq then
      return nil, err
    end
    return result
  end,

  operation = operation,

  publish = publications.publish,

  request = request,
  notify = request,

  record = recording.record,

  immediate = function(self, name, ...)
    local refusal = security.operation_refusal(self, name, ...)
    if refusal then
      return nil, refusal
    end
    local args = table.pack(...)
    return recording.record(self, function()
      return operations.unchecked(self, name, table.unpack(args, 1, args.n))
    end, name)
  end,

  log = function(self, ...)
    if not self.run.replaying then
      operations.log(self, ...)
    end
  end,

  send = function(self, pid, topic, n, ...)
    local update = updates.id_of(pid)
    if update then
      return updates.answer(self, update, topic, (...))
    end
    local place = place_of(self, pid)
    if not place then
      return nil, no_process(pid)
    end
    local values, err = copied(...)
    if not values then
      return nil, err
    end
    commands.takes(self, #topic)
    if place == "self" then
      commands.refuse_in_read_only(self.run)
      local value = values
      if n < 2 then
        value = values[1]
      end
      messaging.deliver(self, messaging.message(topic, pid, n, value))
      return true
    elseif place == "here" then
      local co = commands.waiter(self)
      local seq = next_seq(self, "signals")
      self.run.signals[seq] = co
      command(self, {
        type = "signal_external",
        seq = seq,
        pid = pid,
        name = topic,
        payloads = values,
        argc = n,
      })
      return host.park()
    elseif unit.worker_of(pid) == -1 then
      return operation(self, "process.send", pid, topic, n, ...)
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
    if not unit.is_node_host(host_id) then
      return operation(
        self,
        "process.spawn",
        id,
        host_id,
        own_frame(self, frame),
        process_extra(extra),
        ...
      )
    end
    return children.start(self, id, host_id, frame, extra, commands.waiter(self), "event", ...)
  end,

  exec = exec,

  monitor = refused("process.monitor"),
  unmonitor = refused("process.unmonitor"),
  link = refused("process.link"),
  unlink = refused("process.unlink"),

  cancel = cancel,

  terminate = function(self, pid)
    if place_of(self, pid) == "elsewhere" then
      return operation(self, "process.terminate", pid)
    end
    return cancel(self, pid, "terminated")
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
    local err = id and children.refusal(self, id, self.run.host)
    if err then
      return nil, err
    end
    local args, n = copied(...)
    if not args then
      return nil, n
    end
    local messages, cancel, refusal = recording.handed_on(self)
    if refusal then
      return nil, refusal
    end
    -- Raises where the code could not be left.
    commands.waiter(self)
    command(self, {
      type = "continue_as_new",
      entry = id or self.entry.id,
      args = args,
      argc = n,
      messages = messages,
      cancelRequest = cancel,
    })
    commands.close(self)
    host.park()
  end,

  version = versions.of,

  workflow_exec = function(self, id, ...)
    return exec(self, id, self.run.host, self.frame, nil, ...)
  end,

  workflow_update = function(self, pid, name, spec, ...)
    if pid == self.pid then
      return nil, errors.fail("Invalid", "a workflow cannot wait for an update of itself")
    end
    return operation(
      self,
      "workflow.update",
      pid,
      name,
      { id = spec.id or own_update_id(self), stage = spec.stage },
      select("#", ...),
      ...
    )
  end,

  workflow_update_with_start = function(self, start, update)
    update.id = update.id or own_update_id(self)
    return operation(self, "workflow.update_with_start", start, update)
  end,

  workflow_query = function(self, pid, name, ...)
    if pid == self.pid then
      return nil, errors.fail("Invalid", "a workflow cannot query itself")
    end
    return operation(self, "workflow.query", pid, name, select("#", ...), ...)
  end,

  schedule = function(self, op, ...)
    -- The same when the runtime ends between the creation and its record.
    local request = self.run.id .. "_" .. (self.run.sequences.activities or 0) + 1
    return operation(self, "schedule." .. op, request, ...)
  end,

  new_scope = scopes.new,
  run_in_scope = scopes.run,
  cancel_scope = scopes.cancel,

  set_query_handler = queries.set_handler,

  set_update_handler = updates.set_handler,

  all_handlers_finished = updates.all_finished,

  workflow_info = run_info.of,

  attributes = function(self, search, memo)
    local values, err = copied(search, memo)
    if not values then
      return nil, err
    end
    err = run_info.refusal(self, values[1], values[2])
    if err then
      return nil, err
    end
    command(self, { type = "upsert_attributes", search = values[1], memo = values[2] })
    run_info.merge(self, values[1], values[2])
    return true
  end,

  ended = function(self, value, err)
    if self.run.closed then
      return
    end
    err = err and record_size.bounded(err, "the error of the workflow")
      or copies.refusal(value)
      or record_size.refusal(record_size.of(value), "the result of the workflow")
    if not err then
      command(self, { type = "complete_workflow", result = value })
    elseif err:kind() == "Canceled" and self.run.cancel_requested then
      command(self, { type = "cancel_workflow_execution", failure = err })
    else
      command(
        self,
        { type = "fail_workflow", failure = err, at = position.in_stack(err._stack or "") }
      )
    end
    self.run.closed = true
  end,
}
