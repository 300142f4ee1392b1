-- The kernel of one worker: what the worker (TypeScript) calls, and what modules are given as `runtime`.
local use = ...
local activities = use("kernel/workflows/activities")
local actors = use("kernel/processes/processes")
local calls = use("kernel/functions/functions")
local channel = use("kernel/messaging/channel")
local check = use("kernel/core/check")
local duration = use("kernel/core/duration")
local effects = use("kernel/core/effects")
local errors = use("kernel/core/errors")
local inspect = use("kernel/inspect/inspect")
local limits = use("kernel/processes/limits")
local links = use("kernel/processes/links")
local object = use("kernel/core/object")
local operations = use("kernel/functions/operations")
local permissions = use("kernel/security/permissions")
local pool = use("kernel/functions/pool")
local prompt = use("kernel/inspect/repl")
local queries = use("kernel/workflows/queries")
local remote = use("kernel/processes/remote")
local sandbox = use("kernel/core/sandbox")
local scheduler = use("kernel/core/scheduler")
local unit = use("kernel/core/unit")
use("kernel/processes/spawning")
local workflows = use("kernel/workflows/workflows")

calls.context = use("contexts/function")
pool.context = calls.context
actors.context = use("contexts/process")
workflows.context = use("contexts/workflow")

local runtime = {
  use = use,
  errors = errors,
  effects = effects,
  check = check,
  channel = channel.new,
  object = object.define,
  is = object.is,
  replaying = function()
    local run = scheduler.current.run
    return run ~= nil and run.replaying
  end,
  on_end = function(fn)
    unit.on_end(scheduler.current, fn)
  end,
  log = effects.log,
  pure = host.pure,
}

--- The Error (Invalid) that refuses function `name` in a workflow, nil elsewhere. For what is bound to the live unit, its
--- worker or its present moment, so that a record of it would say nothing in a replay.
function runtime.not_in_workflow(name)
  if scheduler.current.context.kind ~= "workflow" then
    return nil
  end
  return errors.fail(
    "Invalid",
    name .. " is not available in a workflow; call a function that does it"
  )
end

--- The running unit, as modules may know it.
function runtime.frame()
  local current = scheduler.current
  return {
    pid = unit.pid_of(current),
    entry = current.entry.id,
    kind = current.context.kind,
    values = current.frame.values or {},
    started = current.run and current.run.started,
  }
end

--- Whether the running unit may do `action` on `resource`.
function runtime.allowed(action, resource, attributes)
  return permissions.allowed(scheduler.current, action, resource, attributes)
end

--- Nanoseconds of a duration as programs write it: a number of ns, "1h30m", or a Duration object.
runtime.duration = duration.of

use("kernel/globals", runtime)
local modules = use("modules")
for _, name in ipairs(modules) do
  sandbox.provide(name, function()
    return use("modules/" .. name, runtime)
  end)
end

local kernel = {}

--- Which worker this is: its index, the first number of its PIDs, whether it is the only one, the ids of the hosts
--- that live on the node; whether a unit without an identity may do nothing; and what `math.random`
--- begins with.
function kernel.configure(index, first, alone, strict, seed)
  math.randomseed(seed)
  scheduler.set_slice()
  permissions.strict = strict
  unit.configure(index, first)
  kernel.alone(alone)
end

--- For simulations: lets `seed` choose the order of the run queue.
kernel.shuffle = scheduler.shuffle

--- Says whether other workers are there to place units on.
function kernel.alone(alone)
  actors.alone = alone
  remote.alone(alone)
end

--- A host entry and its state: "running", "stopping", "stopped".
function kernel.host(id, kind, state, own_limits)
  limits.set(id, own_limits)
  actors.hosts[id] = { kind = kind, state = state }
  if kind == "workflow.host" then
    unit.node_hosts[id] = true
  end
end

--- Runs for one turn. Returns whether there is more to run, how many units are alive, and in how many milliseconds the
--- next timer is due (nil: there is none).
function kernel.run()
  local more, due = scheduler.run()
  if workflows.turn() then
    more = true
  end
  remote.publish()
  inspect.flush()
  return more, unit.live, due
end

--- A page of this worker's units; see kernel/inspect/inspect.
actors.here.units = inspect.units
--- The pools of this worker's functions.
actors.here.functions = pool.describe
--- Begins or ends the stream of starts and ends.
actors.here.observe = inspect.observe

kernel.complete = unit.complete
kernel.activate = workflows.activate
kernel.replay = workflows.replay
kernel.evict = workflows.evict
kernel.query = queries.answer
kernel.where = queries.where

-- Requests that answer later, through `reply`; the others are the operations of `actors.here`.
local deferred = {}

function deferred.call(reply, origin, ticket, ...)
  operations.serve(reply, origin, ticket, ...)
end

function deferred.cancel_call(_, _, _, origin, ticket)
  operations.cancel_served(origin, ticket)
end

function deferred.exec(reply, _, _, ...)
  actors.run(reply, ...)
end

-- Outcomes go out as they are, or, when they are too large to leave this VM, as the error that says so.
local function reply_to(origin, ticket, value, failure)
  local err = unit.emit("reply", origin, ticket, value, failure)
  if err then
    host.emit("reply", origin, ticket, nil, err)
  end
end

local function called(token, value, failure)
  local err = unit.emit("called", token, value, failure)
  if err then
    host.emit("called", token, nil, err)
  end
end

--- A spawn of which the asker gets two answers: the PID, and, under `end_ticket`, the outcome.
function deferred.spawn_watched(reply, origin, _, end_ticket, id, host_id, frame, ...)
  local pid, err = actors.here.spawn(id, host_id, frame, nil, false, false, nil, ...)
  if pid then
    links.wait(pid, function(value, failure)
      reply_to(origin, end_ticket, value, failure)
    end)
  end
  reply(pid, err)
end

deferred.evaluate = prompt.evaluate

function deferred.wait(reply, _, _, pid)
  if not links.wait(pid, reply) then
    reply(nil, errors.fail("NotFound", "process not found: " .. pid))
  end
end

--- An operation that another worker (or the node, -1) asks for; ticket 0 wants no answer.
function kernel.request(origin, ticket, op, ...)
  local function reply(a, b)
    if ticket ~= 0 then
      reply_to(origin, ticket, a, b)
    end
  end
  local later = deferred[op]
  if later then
    later(reply, origin, ticket, ...)
  else
    reply(actors.here[op](...))
  end
end

--- Runs an activity or another call of the node; the outcome is emitted as "called".
--- Gives nothing; `kernel.cancel_call` ends it, or, gently, asks an activity that listens to end.
local node_calls = {}

function kernel.call(token, target, frame, ...)
  frame = permissions.resolved(frame)
  local entry, err = calls.entry(target)
  if not entry then
    host.emit("called", token, nil, err)
    return
  end
  local answered = false
  activities.begin(token)
  local function done(value, failure)
    answered = true
    node_calls[token] = nil
    activities.finish(token)
    called(token, value, failure)
  end
  local cancel = calls.run(entry, frame, done, ...)
  if not answered then
    node_calls[token] = cancel
  end
end

function kernel.cancel_call(token, gently)
  local cancel = node_calls[token]
  if cancel and not (gently and activities.ask_to_end(token)) then
    node_calls[token] = nil
    activities.finish(token)
    cancel()
    host.emit("called", token, nil, errors.fail("Canceled", "operation canceled"))
  end
end

local function acting_frame(self, frame)
  return frame and permissions.resolved(frame) or self.frame
end

local function act_on_schedule(op)
  return function(self, request, ...)
    return operations.schedule(self, op, request, ...)
  end
end

-- What a workflow does to plain processes (and workflows of other hosts), recorded as its operation: name -> what runs,
-- given the acting unit. `node.NAME` is what a module asks the node for.
local acts = {
  ["process.send"] = actors.send,
  ["process.spawn"] = function(self, id, host_id, frame, extra, ...)
    return actors.spawn(self, id, host_id, acting_frame(self, frame), false, false, extra, ...)
  end,
  ["process.exec"] = function(self, id, host_id, frame, extra, ...)
    return actors.exec(self, id, host_id, acting_frame(self, frame), extra, ...)
  end,
  ["process.cancel"] = actors.cancel,
  ["process.terminate"] = actors.terminate,
  ["process.register"] = function(self, name, pid)
    local ok, err = actors.register(self, name, pid)
    -- The name is the workflow's: the end of what registers it in its name does not free it.
    self.named = nil
    return ok, err
  end,
  ["process.unregister"] = actors.unregister,
  ["process.lookup"] = actors.lookup,
  ["workflow.query"] = function(self, pid, name, n, ...)
    local args = table.pack(...)
    return operations.workflow_query(self, pid, name, table.unpack(args, 1, n))
  end,
  ["schedule.create"] = act_on_schedule("create"),
  ["schedule.describe"] = act_on_schedule("describe"),
  ["schedule.list"] = act_on_schedule("list"),
  ["schedule.update"] = act_on_schedule("update"),
  ["schedule.pause"] = act_on_schedule("pause"),
  ["schedule.unpause"] = act_on_schedule("unpause"),
  ["schedule.trigger"] = act_on_schedule("trigger"),
  ["schedule.backfill"] = act_on_schedule("backfill"),
  ["schedule.delete"] = act_on_schedule("delete"),
  ["workflow.update"] = function(self, pid, name, spec, n, ...)
    local args = table.pack(...)
    return operations.workflow_update(self, pid, name, spec, table.unpack(args, 1, n))
  end,
  ["workflow.update_with_start"] = operations.workflow_update_with_start,
}

--- Does one of these in the name of the workflow `pid`; the outcome is emitted as "called".
function kernel.act(token, pid, frame, name, ...)
  local args = table.pack(...)
  local self = {
    pid = pid,
    entry = { id = name },
    context = actors.context,
    frame = permissions.resolved(frame),
  }
  self.waiters = {
    function(value, err)
      called(token, value, err)
    end,
  }
  unit.start(
    self,
    coroutine.create(function()
      local act = acts[name]
      if act then
        return act(self, table.unpack(args, 1, args.n))
      end
      return actors.ask(-1, name:match("^node%.(.+)$"), table.unpack(args, 1, args.n))
    end)
  )
end

--- A worker died: its units are gone, and what they called here is cancelled.
function kernel.worker_down(worker, err)
  operations.worker_down(worker)
  links.worker_down(worker, err)
end

--- Asks every process of a host (all hosts when nil) to stop: a CANCEL event each. Returns how many there are.
function kernel.cancel_all(host_id, reason)
  local pids = {}
  for pid, self in pairs(unit.by_pid) do
    if
      self.context.kind == "process"
      and (host_id == nil or pid:sub(2, #host_id + 2) == host_id .. "|")
    then
      pids[#pids + 1] = pid
    end
  end
  table.sort(pids)
  for _, pid in ipairs(pids) do
    actors.here.cancel(pid, "{|}", reason)
  end
  return #pids
end

--- How many processes of a host would still react to their CANCEL event: those that opened their events, and those
--- that have a call or a host operation under way.
function kernel.stopping(host_id)
  local n = 0
  for pid, self in pairs(unit.by_pid) do
    if self.context.kind == "process" and pid:sub(2, #host_id + 2) == host_id .. "|" then
      local busy = (self.calls and next(self.calls)) or self.host_work
      if busy or (self.events and self.events_opened) then
        n = n + 1
      end
    end
  end
  return n
end

--- Runs an entry's chunk to see that it loads and has its method: nil, or the Error.
function kernel.check(id)
  local entry, err = sandbox.entry(id)
  if not entry then
    return err
  end
  local self = { pid = "{check|0x00000}", entry = entry, context = actors.context, frame = {} }
  scheduler.current = self
  local failure
  if entry.kind == "library.lua" then
    local _
    _, failure = sandbox.instantiate(entry)
  else
    local _
    _, failure = sandbox.method(entry, entry.method)
  end
  scheduler.current = nil
  return failure
end

--- An entry was changed or removed: new units load its new definition. Where there is none, calls that wait for an
--- instance of the old one fail; those that run end in their time.
function kernel.forget(id)
  local entry = sandbox.forget(id)
  if entry and not host.entry(id) then
    pool.close(entry)
  end
end
kernel.scratch = sandbox.scratch

--- Loads all modules, for an image of the VM: later they are there at once.
function kernel.preload()
  for _, name in ipairs(modules) do
    sandbox.module_of(name)
  end
end

kernel.make_error = errors.make
kernel.error_meta = errors.meta

return kernel
