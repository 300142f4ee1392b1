-- How a workflow answers effects. Lay it beside function.lua and process.lua.
-- Whatever could differ in a second run becomes a command, recorded by the provider, and is answered by a job: on replay
-- the same job comes from history. `self.run` is the state of the run (see kernel/workflows/workflows.lua).
local use = ...
local activity_options = use("kernel/workflows/activity_options")
local copies = use("kernel/core/copy")
local errors = use("kernel/core/errors")
local future = use("kernel/messaging/future")
local local_activities = use("kernel/workflows/local_activities")
local mailbox = use("kernel/messaging/mailbox")
local operations = use("kernel/functions/operations")
local permissions = use("kernel/security/permissions")
local record_size = use("kernel/workflows/record_size")
local run_info = use("kernel/workflows/run_info")
local position = use("kernel/core/position")
local queries = use("kernel/workflows/queries")
local scheduler = use("kernel/core/scheduler")
local scopes = use("kernel/workflows/scopes")
local start_refusal = use("kernel/workflows/start_checks")
local unit = use("kernel/core/unit")
local updates = use("kernel/workflows/updates")
local workflows = use("kernel/workflows/workflows")
local command, next_seq = workflows.command, workflows.next_seq

local function refused(name)
  return function()
    return nil,
      errors.fail(
        "Invalid",
        name .. " is not available in a workflow; the provider watches over it"
      )
  end
end

-- Copies of values that leave the run, as a list with its length: what the code does to them later changes nothing.
-- `nil, err` when one of them cannot be copied, or they are too large for a history.
local function copied(...)
  local values = table.pack(pcall(copies.all, ...))
  local ok, first = values[1], values[2]
  if not ok then
    return nil, errors.from_raised(first)
  end
  local n = values.n - 1
  table.move(values, 2, n + 2, 1)
  values.n = nil
  local bytes = record_size.of_all(values, n)
  local refusal = record_size.refusal(bytes, "what the workflow passes on")
  if refusal then
    return nil, refusal
  end
  workflows.takes(scheduler.current, bytes)
  return values, n
end

-- The frame of what a run starts, as the journal keeps it; nil when it is the run's.
local function own_frame(self, frame)
  return frame and frame ~= self.frame and permissions.durable(frame) or nil
end

local function schedule(self, waiter, entry, spec, operation, frame, args, argc)
  local seq = next_seq(self, "activities")
  self.run.activities[seq] = waiter
  scopes.enter(self, "activities", seq)
  local body = {
    type = "schedule_activity",
    seq = seq,
    activityId = spec.activityId,
    entry = entry,
    args = args,
    argc = argc,
    options = spec.options,
    operation = operation,
    frame = own_frame(self, frame),
  }
  if spec["local"] then
    local_activities.schedule(self, body)
  else
    command(self, body)
  end
  return seq
end

local function no_options()
  return { options = {} }
end

-- What `compute()` answers, `value, err`: computed once and recorded; on replay the record. `what` names it in the error
-- when it is too large.
local function record(self, compute, what)
  local seq = next_seq(self, "records")
  local recorded = self.run.recorded[seq]
  local value, err
  if recorded then
    self.run.recorded[seq] = nil
    value, err = recorded.value, recorded.failure
  else
    value, err = compute()
    -- What the code is given now must be what a replay gives it.
    value = copies.copy(value)
    local refusal =
      record_size.refusal(record_size.of(value), "the answer of " .. (what or "a check"))
    if refusal then
      value, err = nil, refusal
    end
    err = record_size.bounded(err, "the error")
  end
  workflows.takes(self, record_size.of(value))
  command(self, { type = "record", seq = seq, value = copies.copy(value), failure = err })
  return value, err
end

local function operation(self, name, ...)
  local refusal = permissions.operation_refusal(self, name, ...) or scopes.refusal(self)
  if refusal then
    return nil, refusal
  end
  local args, n = copied(...)
  if not args then
    return nil, n
  end
  schedule(self, scheduler.co, name, no_options(), true, nil, args, n)
  return host.park()
end

-- Schedules a call of a function entry. A wrong option is `nil, err`, and nothing is scheduled.
local function activity(self, waiter, target, frame, options, ...)
  local spec, err = nil, scopes.refusal(self)
  if not err then
    spec, err = activity_options.of(target, options)
  end
  if err then
    return nil, err
  end
  local args, n = copied(...)
  if not args then
    return nil, n
  end
  return schedule(self, waiter, target, spec or no_options(), nil, frame, args, n)
end

local function check_child(self, id, host_id)
  if host_id ~= self.run.host then
    return errors.fail(
      "Invalid",
      "a child runs on the host of its parent: " .. self.run.host .. ", not " .. host_id
    )
  end
  return start_refusal(self, id, record)
end

local function start_child(self, id, host_id, frame, extra, waiter, on_close, ...)
  extra = extra or {}
  local spec = no_options()
  local err = scopes.refusal(self) or check_child(self, id, host_id)
  if not err and extra.options then
    spec, err = host.pure("workflow.child_options", extra.options)
  end
  if err then
    return nil, err
  end
  local args, n = copied(...)
  if not args then
    return nil, n
  end
  -- Its memo, attributes, startup messages and context are recorded as well.
  err = record_size.refusal(
    record_size.of({ extra.options, extra.messages, own_frame(self, frame) }),
    "what the child is started with"
  )
  if err then
    return nil, err
  end
  local seq = next_seq(self, "children")
  self.run.child_starts[seq], self.run.children[seq] = waiter, on_close
  scopes.enter(self, "children", seq)
  command(self, {
    type = "start_child",
    seq = seq,
    entry = id,
    hostId = host_id,
    workflowId = spec.workflowId or extra.name,
    args = args,
    argc = n,
    options = spec.options,
    memo = spec.memo,
    searchAttributes = spec.searchAttributes,
    frame = own_frame(self, frame),
    messages = extra.messages,
  })
  return host.park()
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
  return host_id == self.run.host and "here" or "elsewhere"
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

return {
  kind = "workflow",

  now = function(self)
    return self.run.time
  end,

  sleep = function(self, ns)
    local canceled = scopes.refusal(self)
    if ns > 0 and not canceled then
      scopes.enter(self, "timers", workflows.start_timer(self, ns, scheduler.co))
      canceled = host.park()
    end
    -- What it is woken with otherwise is the time.
    if errors.is_error(canceled) then
      error(canceled, 0)
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
    local seq, err = activity(self, scheduler.co, target, frame, options, ...)
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

  request = function(self, op, ...)
    return operation(self, "node." .. op, ...)
  end,

  record = record,

  immediate = function(self, name, ...)
    local refusal = permissions.operation_refusal(self, name, ...)
    if refusal then
      return nil, refusal
    end
    local args = table.pack(...)
    return record(self, function()
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
    workflows.takes(self, #topic)
    if place == "self" then
      workflows.refuse_in_read_only(self.run)
      local value = values
      if n < 2 then
        value = values[1]
      end
      mailbox.deliver(self, mailbox.message(topic, pid, n, value))
      return true
    elseif place == "here" then
      local seq = next_seq(self, "signals")
      self.run.signals[seq] = scheduler.co
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
    if unit.node_hosts[host_id] == nil then
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
    return start_child(self, id, host_id, frame, extra, scheduler.co, "event", ...)
  end,

  exec = function(self, id, host_id, frame, extra, ...)
    if unit.node_hosts[host_id] == nil then
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
    if place_of(self, pid) == "elsewhere" then
      return operation(self, "process.cancel", pid, reason or "")
    end
    workflows.takes(self, #(reason or ""))
    local seq = next_seq(self, "cancels")
    self.run.cancels[seq] = scheduler.co
    command(self, { type = "cancel_external", seq = seq, pid = pid, reason = reason })
    return host.park()
  end,

  terminate = function(self, pid)
    if place_of(self, pid) == "elsewhere" then
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
    local err = id and check_child(self, id, self.run.host)
    if err then
      return nil, err
    end
    local args, n = copied(...)
    if not args then
      return nil, n
    end
    command(self, { type = "continue_as_new", entry = id or self.entry.id, args = args, argc = n })
    workflows.close(self)
    host.park()
  end,

  version = function(self, change, minimum, maximum)
    return workflows.version(self, change, minimum, maximum)
  end,

  workflow_exec = function(self, id, ...)
    return self.context.exec(self, id, self.run.host, self.frame, nil, ...)
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
