-- What functions and processes do outside their unit: call functions, run host operations, write logs.
local use = ...
local copies = use("kernel/core/copy")
local errors = use("kernel/core/errors")
local functions = use("kernel/functions/functions")
local future = use("kernel/messaging/future")
local interceptors = use("kernel/functions/interceptors")
local security = use("kernel/security/security")
local position = use("kernel/core/position")
local placement = use("kernel/processes/placement")
local processes = use("kernel/processes/processes")
local scheduler = use("kernel/core/scheduler")
local spawning = use("kernel/processes/spawning")
local unit = use("kernel/core/unit")
local unread = use("kernel/functions/unread")
local park, publish, waiter = host.park, host.publish, scheduler.waiter

local operations = {}
local host_works = 0

-- A number by which the host knows the unit's operations in flight and its open resources.
local function host_work(self)
  local id = self.host_work
  if not id then
    host_works = host_works + 1
    id = host_works
    self.host_work = id
  end
  return id
end

operations.host_work = host_work

--- Runs a host operation and waits: `value, err`. It is aborted when the unit ends.
function operations.run(self, name, ...)
  local refusal = security.operation_refusal(self, name, ...)
  if refusal then
    return nil, refusal
  end
  local ticket = unit.ticket(scheduler.waiter())
  unit.emit_request(
    ticket,
    "operation",
    ticket,
    host_work(self),
    unit.pid_of(self),
    self.entry.id,
    name,
    ...
  )
  return host.park()
end

--- Puts a message into a queue and waits until it is there: `true`, or `nil, err`.
function operations.publish(self, id, data, headers, message_id, delay)
  local ticket = unit.ticket(waiter())
  local work, pid = self.host_work or host_work(self), self.pid or unit.pid_of(self)
  local ok, err = pcall(publish, ticket, work, pid, id, data, headers, message_id, delay)
  if not ok then
    unit.complete(ticket, nil, errors.from_raised(err))
  end
  return park()
end

--- Runs a host operation that answers at once: `value, err`.
function operations.immediate(self, name, ...)
  local refusal = security.operation_refusal(self, name, ...)
  if refusal then
    return nil, refusal
  end
  return operations.unchecked(self, name, ...)
end

--- The same, of a unit that was found to be allowed to.
function operations.unchecked(self, name, ...)
  return host.immediate(host_work(self), unit.pid_of(self), self.entry.id, name, ...)
end

--- Writes a log record with the unit's PID and the place in its code.
function operations.log(self, level, logger, message, fields)
  host.log(level, logger, message, fields, unit.pid_of(self), position.here())
end

local function needs_copy(value)
  local kind = type(value)
  return kind == "table" or kind == "function" or kind == "thread"
end

local function copy_all(...)
  local n = select("#", ...)
  local a, b = ...
  if n <= 2 and not needs_copy(a) and not needs_copy(b) then
    return true, ...
  end
  return pcall(copies.all, ...)
end

-- A function that was called without options: later calls of it are shorter.
local function note_simple(target, entry)
  if entry.pool and not entry.context then
    functions.simple[target] = entry
  end
end

local function call_copied(self, target, frame, options, ok, ...)
  if not ok then
    return nil, errors.from_raised((...))
  end
  local entry, err = functions.entry(target)
  if not entry then
    return nil, err
  end
  if not options and not entry.options then
    note_simple(target, entry)
    return functions.wait(self, entry, frame, ...)
  end
  local settings, failure = interceptors.settings(entry, options)
  if failure then
    return nil, failure
  elseif not settings then
    return functions.wait(self, entry, frame, ...)
  end
  local args = table.pack(...)
  return functions.wait_for(self, function(done)
    return interceptors.run(self, settings, entry, frame, done, table.unpack(args, 1, args.n))
  end)
end

--- Calls a function on this worker and waits: `value, err`.
function operations.call(self, target, frame, options, ...)
  return call_copied(self, target, frame, options, copy_all(...))
end

-- A call that another worker runs. Returns the function that cancels it.
local function async_elsewhere(done, worker, target, frame, ...)
  local ticket = unit.ticket(done, worker)
  unit.emit_request(ticket, "route", worker, ticket, "call", target, frame, ...)
  return function()
    unit.drop_ticket(ticket)
    host.emit("route", worker, 0, "cancel_call", unit.index(), ticket)
  end
end

-- The future of a call that ends at once, with an Error.
local function failed(self, target, err)
  local result = future.new()
  unread.note(self, functions.owned_by(self), result, target, err)
  future.complete(result, nil, err)
  return result
end

-- A call that waits for an instance, has interceptors or runs elsewhere. `worker`: where it runs.
local function async_slowly(self, target, frame, entry, settings, worker, ...)
  local owned = functions.owned_by(self)
  local stop
  local function release()
    if stop then
      owned[stop] = nil
    end
  end
  local result = future.new(function()
    release()
    stop()
  end)
  local function done(value, problem)
    release()
    if problem and not future.is_done(result) then
      unread.note(self, owned, result, target, problem)
    end
    future.complete(result, value, problem)
  end
  if settings then
    stop = interceptors.run(self, settings, entry, frame, done, ...)
  elseif worker == unit.index() then
    stop = functions.run(entry, frame, done, ...)
  else
    stop = async_elsewhere(done, worker, target, frame, ...)
  end
  if not future.is_done(result) then
    owned[stop] = true
  end
  return result
end

local function async_copied(self, target, frame, options, ok, ...)
  if not ok then
    return nil, errors.from_raised((...))
  end
  local entry, err = functions.entry(target)
  if not entry then
    return failed(self, target, err)
  end
  local settings, failure = interceptors.settings(entry, options)
  if failure then
    return failed(self, target, failure)
  end
  if not options and not settings then
    note_simple(target, entry)
  end
  local here = settings or entry.kind == "process.lua"
  local worker = here and unit.index() or placement.place(entry)
  return not settings and worker == unit.index() and functions.begin(self, entry, frame, ...)
    or async_slowly(self, target, frame, entry, settings, worker, ...)
end

--- Starts a call, on the least loaded worker. Returns its future.
function operations.async(self, target, frame, options, ...)
  local entry = not options and placement.alone and functions.simple[target]
  if entry and entry.load and select("#", ...) <= 1 and not needs_copy((...)) then
    -- What most are where there is one worker: there is nothing to copy and no other place.
    local begun = functions.begin(self, entry, frame, ...)
    if begun then
      return begun
    end
  end
  return async_copied(self, target, frame, options, copy_all(...))
end

--- Starts a durable run of a workflow and waits for its end; the run goes on when the waiter ends first.
function operations.workflow_exec(self, id, ...)
  local pid, err = processes.ask(-1, "workflows.start", {
    entry = id,
    frame = security.durable(self.frame),
    options = {},
    sender = unit.pid_of(self),
    args = table.pack(...),
  })
  if not pid then
    return nil, err
  end
  return spawning.wait(self, pid)
end

--- Sends an update to a run: its value, or its id when `spec.stage` is "accepted"; `nil, err`.
function operations.workflow_update(self, pid, name, spec, ...)
  return processes.ask(-1, "workflows.update", {
    pid = pid,
    sender = unit.pid_of(self),
    name = name,
    id = spec.id or nil,
    stage = spec.stage,
    args = table.pack(...),
  })
end

--- Starts a run, or joins one, and sends it an update: as `workflow_update`. `start`: `id`, `host`, `options` and, as
--- `table.pack` gives them, `args`; `update`: `name`, `id`, `stage`, `args`.
function operations.workflow_update_with_start(self, start, update)
  return processes.ask(-1, "workflows.update_with_start", {
    start = {
      entry = start.id,
      host = start.host,
      frame = security.durable(self.frame),
      options = start.options,
      sender = unit.pid_of(self),
      args = start.args,
    },
    update = {
      name = update.name,
      id = update.id or nil,
      stage = update.stage,
      args = update.args,
    },
  })
end

-- The arguments of what is done with schedules, as workflows record them.
local schedule_arguments = {
  create = { "schedule" },
  describe = { "id", "host" },
  list = { "limit", "after", "host" },
  update = { "id", "change", "host" },
  pause = { "id", "note", "host" },
  unpause = { "id", "note", "host" },
  trigger = { "id", "overlap", "host" },
  backfill = { "id", "ranges", "host" },
  delete = { "id", "host" },
}

--- Does something with the schedules of the workflow hosts: `value, err`. `request_id` names what must not be done
--- twice, or is false.
function operations.schedule(self, op, request_id, ...)
  local fields = { frame = security.durable(self.frame), request_id = request_id or nil }
  for i, name in ipairs(schedule_arguments[op]) do
    fields[name] = (select(i, ...))
  end
  return processes.ask(-1, "schedules." .. op, fields)
end

--- Asks a run: `value, err`.
function operations.workflow_query(_, pid, name, ...)
  return processes.ask(-1, "workflows.query", { pid = pid, name = name, args = table.pack(...) })
end

-- Calls that others run here: origin -> ticket -> what `functions.withdraw` ends.
local running = setmetatable({}, {
  __index = function(self, origin)
    local calls = {}
    self[origin] = calls
    return calls
  end,
})

--- Runs a call for another worker; `reply(value, err)` sends its outcome.
function operations.serve(reply, origin, ticket, target, frame, ...)
  local entry, err = functions.entry(target)
  if not entry then
    reply(nil, err)
    return
  end
  local calls, answered = running[origin], false
  local call = functions.run(entry, frame, function(value, failure)
    answered = true
    calls[ticket] = nil
    reply(value, failure)
  end, ...)
  if not answered then
    calls[ticket] = call
  end
end

--- Has a call withdrawn, see `functions.withdraw`, when whoever asked for it cancels it, or dies.
function operations.keep_served(origin, ticket, call)
  running[origin][ticket] = call
end

--- What was asked for has ended.
function operations.forget_served(origin, ticket)
  running[origin][ticket] = nil
end

--- Cancels a call that another worker asked for.
function operations.cancel_served(origin, ticket)
  local calls = running[origin]
  local call = calls[ticket]
  if call then
    calls[ticket] = nil
    functions.withdraw(call)
  end
end

--- Cancels all calls that a worker asked for, which has died.
function operations.worker_down(origin)
  local calls = running[origin]
  running[origin] = nil
  for _, call in pairs(calls) do
    functions.withdraw(call)
  end
end

-- What other workers ask of this one; see kernel/processes/requests.
operations.deferred = {
  call = operations.serve,
  cancel_call = function(_, _, _, origin, ticket)
    operations.cancel_served(origin, ticket)
  end,
}

return operations
