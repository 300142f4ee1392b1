-- The kernel of one worker. This file alone puts the others together: it connects their hooks, gathers the operations
-- that other workers may ask for, and declares the modules. What it returns is what the worker (TypeScript) calls.
local use = ...
local acts = use("kernel/workflows/acts")
local announced = use("kernel/processes/announced")
local call_counts = use("kernel/functions/call_counts")
local channel = use("kernel/messaging/channel")
local check = use("kernel/core/check")
local core = use("kernel/core/core")
local debugger = use("kernel/debug/debug")
local deliveries = use("kernel/functions/deliveries")
local duration = use("kernel/core/duration")
local effects = use("kernel/core/effects")
local errors = use("kernel/core/errors")
local eval = use("kernel/functions/eval")
local functions = use("kernel/functions/functions")
local groups = use("kernel/workflows/groups")
local inspect = use("kernel/inspect/inspect")
local limits = use("kernel/processes/limits")
local line_counts = use("kernel/core/line_counts")
local links = use("kernel/processes/links")
local make_known = use("kernel/core/known")
local measures = use("kernel/inspect/measures")
local node_calls = use("kernel/functions/node_calls")
local object = use("kernel/core/object")
local operations = use("kernel/functions/operations")
local payload = use("kernel/messaging/payload")
local security = use("kernel/security/security")
local placement = use("kernel/processes/placement")
local pool = use("kernel/functions/pool")
local processes = use("kernel/processes/processes")
local queries = use("kernel/workflows/queries")
local remote = use("kernel/processes/remote")
local repl = use("kernel/inspect/repl")
local requests = use("kernel/processes/requests")
local room = use("kernel/processes/room")
local sandbox = use("kernel/core/sandbox")
local scheduler = use("kernel/core/scheduler")
local serving = use("kernel/functions/serving")
local spawning = use("kernel/processes/spawning")
local stable = use("kernel/core/stable")
local stopping = use("kernel/processes/stopping")
local subscriptions = use("kernel/processes/subscriptions")
local unit = use("kernel/core/unit")
local upgrade = use("kernel/processes/upgrade")
local workflows = use("kernel/workflows/workflows")

local of_functions = effects.context(use("contexts/function"))
local of_processes = effects.context(use("contexts/process"))
local of_workflows = effects.context(use("contexts/workflow"))

local kernel = {}

-- Does what follows the steps of units. Returns whether workflows have more to do.
local function settle()
  local more = workflows.turn()
  deliveries.flush()
  remote.publish()
  inspect.flush()
  return more
end

make_known(of_processes, of_functions)
scheduler.connect({
  finished = unit.returned,
  failed = debugger.raised,
  costly = placement.burnt,
  alone = sandbox.alone,
  stopped = debugger.stopped,
})
sandbox.connect({ script_globals = use("standard/standard").environment })
unit.connect({
  cancel_call = functions.cancel,
  leave_host = limits.leave,
  announce = links.announce,
})
spawning.connect({ context = of_processes })
pool.connect({ context = of_functions })
functions.connect({ context = of_functions })
eval.connect({ context = of_functions })
workflows.connect({ context = of_workflows })
acts.connect({ context = of_processes })
serving.connect({
  turn = function(record)
    if record and host.waiting() == 1 and scheduler.step() and record.outcome and not settle() then
      return nil
    end
    return kernel.run()
  end,
})

requests.add(links.operations)
requests.add(processes.operations)
requests.add(spawning.operations)
requests.add_deferred(spawning.deferred)
requests.add(upgrade.operations)
requests.add(subscriptions.operations)
requests.add_deferred(operations.deferred)
requests.add_deferred(deliveries.deferred)
requests.add_deferred(serving.deferred)
requests.add(pool.operations)
requests.add(call_counts.operations)
requests.add(inspect.operations)
requests.add(measures.operations)
requests.add(room.operations)
requests.add(eval.operations)
requests.add(repl.operations)
requests.add_deferred(repl.deferred)
requests.add_deferred(debugger.deferred)

-- What modules are given.
local runtime = {
  use = use,
  errors = errors,
  effects = effects,
  tostring = stable.tostring,
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

--- The Error (Invalid) that refuses function `name` in a workflow, nil elsewhere. For what is bound to the live unit,
--- its worker or its present moment, so that a record of it would say nothing in a replay.
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

--- The network that the running unit was given, a network entry's id; nil: that of the configuration.
function runtime.network()
  return scheduler.current.frame.network
end

--- Whether the running unit may do `action` on `resource`.
function runtime.allowed(action, resource, attributes)
  return security.allowed(scheduler.current, action, resource, attributes)
end

--- Whether nothing that the running unit does is checked, so that nobody need be asked.
function runtime.unrestricted()
  return security.unrestricted(scheduler.current)
end

--- The request that the running unit was called for: see kernel/functions/serving.
runtime.served, runtime.describe_served, runtime.ask_server =
  serving.current, serving.describe, serving.ask

--- Nanoseconds of a duration as programs write it: a number of ns, "1h30m", or a Duration object.
runtime.duration = duration.of

use("kernel/globals", runtime)
local modules = use("modules")
for _, name in ipairs(modules) do
  sandbox.provide(name, function()
    return use("modules/" .. name, runtime)
  end)
end

payload.connect({
  json = function()
    return use("modules/json", runtime)
  end,
})
core.assert_connected()

--- Which worker this is: its index, the first number of its PIDs, whether it is the only one, the ids of the hosts
--- that live on the node; whether a unit without an identity may do nothing; what `math.random` begins with; and how
--- many bytes the VM may take.
function kernel.configure(index, first, alone, strict, seed, memory_limit)
  math.randomseed(seed)
  scheduler.set_slice()
  security.set_strict(strict)
  unit.configure(index, first)
  room.configure(memory_limit)
  -- JavaScript looks at `current` while a unit is in a long call of C.
  host.watch(scheduler)
  kernel.alone(alone)
end

--- For simulations: lets `seed` choose the order of the run queue.
kernel.shuffle = scheduler.shuffle

--- Says whether other workers are there to place units on, and which.
function kernel.alone(alone, others)
  placement.set_alone(alone)
  remote.alone(alone)
  for _, worker in ipairs(others or {}) do
    remote.prepare(worker)
  end
end

--- A host entry, what runs on it ("processes", "terminal", "workflows", "connections") and its state: "running",
--- "stopping", "stopped". Workflow hosts of one group keep their runs in one place.
function kernel.host(id, kind, units, state, own_limits, group)
  if units == "workflows" or units == "connections" then
    unit.add_node_host(id)
  end
  if units ~= "connections" then
    limits.set(id, own_limits)
    spawning.set_host(id, kind, units, state)
    groups.set(id, group)
  end
  remote.forget_routes()
end

--- Runs for one turn. Returns how many microseconds what there is to run takes, about (false: there is nothing), how
--- many units are alive, and in how many milliseconds the next timer is due (nil: there is none).
function kernel.run()
  local more, due = scheduler.run()
  if settle() then
    more = more or 0
  end
  return more, unit.live, due
end

kernel.complete = unit.complete
kernel.complete_all = unit.complete_all
kernel.complete_each = unit.complete_each
kernel.request = requests.serve
kernel.serve = serving.serve_here
kernel.arrived = requests.serve_all
kernel.take_mail = requests.take_mail
kernel.congested = remote.congested
kernel.activate = workflows.activate
kernel.replay = workflows.replay
kernel.evict = workflows.evict
kernel.query = queries.answer
kernel.where = queries.where
kernel.call = node_calls.run
kernel.cancel_call = node_calls.cancel
kernel.act = acts.run
kernel.cancel_all = stopping.cancel_all
kernel.stopping = stopping.count

--- A worker died: its units are gone, and what they called here is cancelled.
function kernel.worker_down(worker, err)
  placement.forget(worker)
  announced.worker_down(worker)
  operations.worker_down(worker)
  links.worker_down(worker, err)
end

--- Runs an entry's chunk to see that it loads and has its method: nil, or the Error.
function kernel.check(id)
  local entry, err = sandbox.entry(id)
  if not entry then
    return err
  end
  local self = { pid = "{check|0x00000}", entry = entry, context = of_processes, frame = {} }
  local _, failure
  if entry.kind == "library.lua" then
    _, failure = scheduler.run_as(self, sandbox.instantiate, entry)
  else
    _, failure = scheduler.run_as(self, sandbox.method, entry, entry.method)
  end
  return failure
end

--- An entry was changed or removed: new units load its new definition. Where there is none, calls that wait for an
--- instance of the old one fail; those that run end in their time.
function kernel.forget(id)
  local entry = sandbox.forget(id)
  functions.simple[id] = nil
  if entry and not host.entry(id) then
    pool.close(entry)
  end
end
kernel.scratch = sandbox.scratch
kernel.count_lines = line_counts.begin
kernel.line_counts = line_counts.all

--- Loads all modules, for an image of the VM: later they are there at once.
function kernel.preload()
  for _, name in ipairs(modules) do
    sandbox.module_of(name)
  end
end

--- Loads entries, whose code does not run, for an image of the VM. One that cannot be loaded is left for later.
function kernel.load_entries(...)
  for _, id in ipairs({ ... }) do
    sandbox.entry(id)
  end
end

kernel.make_error = errors.make
kernel.error_meta = errors.meta

return kernel
