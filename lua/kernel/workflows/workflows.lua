-- Durable runs on this worker: activations in, commands out (docs/contributing/architecture.md). A run is a unit
-- with `run`: {id, host, time (ns), replaying, commands, sequences, timers, activities, children …: seq -> who waits}.
local use = ...
local channel = use("kernel/messaging/channel")
local check = use("kernel/core/check")
local errors = use("kernel/core/errors")
local mailbox = use("kernel/messaging/mailbox")
local permissions = use("kernel/security/permissions")
local position = use("kernel/core/position")
local sandbox = use("kernel/core/sandbox")
local scheduler = use("kernel/core/scheduler")
local stable = use("kernel/core/stable")
local task_limits = use("kernel/workflows/task_limits")
local unit = use("kernel/core/unit")
local versions = use("kernel/workflows/versions")

-- Slices that one activation may run before it counts as an endless loop: about 10 s of Lua.
local TASK_SLICES <const> = 2000
-- Slices it may run before the other units of the worker get their turn.
local TURN_SLICES <const> = 1

local workflows = { context = false }
local runs = {}

--- Queries and validators look at a run and must leave it as it is.
function workflows.refuse_in_read_only(run)
  if run.read_only then
    error(errors.fail("Invalid", run.read_only .. " must not have side effects"), 0)
  end
end

local refuse_in_read_only = workflows.refuse_in_read_only

--- The live run with that id, or nil.
function workflows.find(run_id)
  return runs[run_id]
end

--- The next sequence number of a kind of command; the same on every replay.
function workflows.next_seq(self, kind)
  refuse_in_read_only(self.run)
  local sequences = self.run.sequences
  local seq = (sequences[kind] or 0) + 1
  sequences[kind] = seq
  return seq
end

--- Counts bytes that the task at hand records.
function workflows.takes(self, bytes)
  refuse_in_read_only(self.run)
  task_limits.takes(self, bytes)
end

--- Adds a command with the place in the code that made it.
function workflows.command(self, body)
  refuse_in_read_only(self.run)
  local run = self.run
  task_limits.counts(self)
  local commands = run.commands
  if run.positions then
    local at = position.here()
    -- What main returned or raised has no frame any more.
    body.at = at ~= "" and at or body.at or run.last_line or self.entry.id
  end
  commands[#commands + 1] = body
end

--- Starts a durable timer; `waiter` is a coroutine or a function of the time of firing. Returns its number.
function workflows.start_timer(self, ns, waiter)
  local seq = workflows.next_seq(self, "timers")
  self.run.timers[seq] = waiter
  workflows.command(self, { type = "start_timer", seq = seq, duration = ns / 1000000 })
  return seq
end

--- Nothing of the run goes on after its closing command.
function workflows.close(self)
  self.run.closed = true
  unit.finish(self)
end

--- `workflow.version`: the version of a change that this run is on, decided once and recorded.
function workflows.version(self, change, minimum, maximum)
  local run = self.run
  local answer = run.versions[change]
  if answer == nil then
    refuse_in_read_only(run)
    local patch = run.patches[change]
    local recorded = patch and patch.version
    if recorded == nil and run.replaying then
      answer = -1
    else
      answer = recorded or maximum
      workflows.takes(self, #change)
      workflows.command(self, { type = "record_patch", changeId = change, version = answer })
    end
    run.versions[change] = answer
  end
  if answer < minimum or answer > maximum then
    run.failure =
      versions.refusal(change, answer, run.patches[change], minimum, maximum, position.here())
    host.park()
  end
  return answer
end

-- SplitMix64 over the run's seed: the same numbers in every replay without a record.
local function next_random(run)
  refuse_in_read_only(run)
  run.random = run.random + 0x9E3779B97F4A7C15
  local z = run.random
  z = (z ~ (z >> 30)) * 0xBF58476D1CE4E5B9
  z = (z ~ (z >> 27)) * 0x94D049BB133111EB
  return z ~ (z >> 31)
end

--- `math.random` of a workflow.
function workflows.random(self, low, high)
  local bits = next_random(self.run)
  if low == nil then
    return (bits >> 11) * (1.0 / 9007199254740992.0)
  elseif high == nil then
    if low == 0 then
      return bits
    end
    low, high = 1, low
  end
  low, high = check.integer(low, 1, "random"), check.integer(high, 2, "random")
  if low > high then
    error("bad argument to 'random' (interval is empty)", 3)
  end
  local span = high - low + 1
  if span > 0 then
    return low + (bits >> 1) % span
  end
  -- More than half of all integers: try until one is inside.
  while bits < low or bits > high do
    bits = next_random(self.run)
  end
  return bits
end

local function resolve(waiter, value, err)
  if type(waiter) == "thread" then
    scheduler.ready(waiter, value, err)
  elseif waiter then
    waiter(value, err)
  end
end

local function take(map, seq)
  local waiter = map[seq]
  map[seq] = nil
  return waiter
end

local function failure_of(result)
  return result.failure or errors.make("Internal", "failed without a reason", false)
end

local apply = {}
--- What each kind of job does; see also kernel/workflows/updates.
workflows.apply = apply

--- Answers the updates that nobody will take; see kernel/workflows/updates.
function workflows.settle_updates() end

function apply.fire_timer(self, job)
  resolve(take(self.run.timers, job.seq), self.run.time)
end

function apply.resolve_activity(self, job)
  local waiter = take(self.run.activities, job.seq)
  if job.result.status == "completed" then
    resolve(waiter, job.result.value)
  else
    resolve(waiter, nil, failure_of(job.result))
  end
end

function apply.signal_workflow(self, job)
  local n = job.argc
  local value
  if n == 1 then
    value = job.payloads[1]
  elseif n > 1 then
    value = job.payloads
  end
  mailbox.deliver(self, mailbox.message(job.name, job.sender, n, value))
end

function apply.cancel_workflow(self, job)
  self.run.cancel_requested = true
  mailbox.event(self, {
    kind = "pid.cancel",
    from = job.sender,
    at = self.run.time // 1000000000,
    reason = job.reason or "",
  })
end

function apply.resolve_child_start(self, job)
  local waiter = take(self.run.child_starts, job.seq)
  if job.pid then
    self.run.child_pids[job.seq] = job.pid
    resolve(waiter, job.pid)
  else
    self.run.children[job.seq] = nil
    resolve(waiter, nil, job.failure)
  end
end

function apply.resolve_child(self, job)
  local waiter = take(self.run.children, job.seq)
  local value, err = job.result.value, nil
  if job.result.status ~= "completed" then
    value, err = nil, failure_of(job.result)
  end
  if waiter == "event" then
    mailbox.event(self, {
      kind = "pid.exit",
      from = self.run.child_pids[job.seq],
      at = self.run.time // 1000000000,
      result = { value = value, error = err },
    })
  else
    resolve(waiter, value, err)
  end
end

local function resolve_external(map, job)
  local waiter = take(map, job.seq)
  if job.failure then
    resolve(waiter, nil, job.failure)
  else
    resolve(waiter, true)
  end
end

function apply.resolve_signal_external(self, job)
  resolve_external(self.run.signals, job)
end

function apply.resolve_cancel_external(self, job)
  resolve_external(self.run.cancels, job)
end

function apply.recorded(self, job)
  self.run.recorded[job.seq] = job
end

function apply.notify_patch(self, job)
  self.run.patches[job.changeId] = job
end

local function fail_start(self, err)
  self.main = coroutine.create(function() end)
  unit.finish(self, nil, err)
end

local function initialize(run_id, job, ...)
  local self = {
    pid = job.pid,
    entry = { id = job.entry },
    context = workflows.context,
    frame = permissions.resolved(job.frame or {}),
    run = {
      id = run_id,
      host = job.hostId,
      time = 0,
      commands = {},
      sequences = {},
      timers = {},
      activities = {},
      child_starts = {},
      children = {},
      child_pids = {},
      signals = {},
      cancels = {},
      recorded = {},
      patches = {},
      updates = {},
      verdicts = {},
      versions = {},
      random = job.randomSeed,
      workflow_id = job.workflowId,
      attempt = job.attempt,
      memo = job.memo,
      search = job.searchAttributes,
      parent = job.parent,
      continued_from = job.continuedFrom,
      started = math.floor(job.startTime * 1000000),
    },
  }
  unit.live = unit.live + 1
  runs[run_id] = self
  workflows.settle_activation(self, ...)
  local entry, err = sandbox.entry(job.entry)
  if not entry or entry.kind ~= "workflow.lua" then
    return fail_start(self, err or errors.fail("NotFound", "workflow not found: " .. job.entry))
  end
  self.entry = entry
  scheduler.current = self
  local fn, failure, env = sandbox.method(entry, entry.method)
  if failure then
    if stable.tells_shortage(failure:message()) then
      self.run.failure = failure
    end
    return fail_start(self, failure)
  end
  self.env = env
  self.run.last_line = position.last_line(fn)
  local args, argc = job.args, job.argc
  unit.live = unit.live - 1
  unit.start(
    self,
    coroutine.create(function()
      return fn(table.unpack(args, 1, argc))
    end)
  )
end

--- What an activation says of the task itself.
function workflows.settle_activation(self, timestamp, replaying, length, size, explain)
  local run = self.run
  -- Milliseconds with a fraction; whole nanoseconds are the same in every replay. The journal's clock and the worker's
  -- may differ where the machine's was set.
  run.time = math.max(run.time, math.floor(timestamp * 1000000))
  run.replaying = replaying
  -- Where a command is made takes as long to find out as the rest of its replay.
  run.positions = explain or not replaying
  run.slices = TASK_SLICES
  run.task_bytes = 0
  run.history_length, run.history_size = length, size
end

local function apply_jobs(self, jobs, count)
  -- What waits for a job may be a function of a module, which asks for effects of its unit.
  scheduler.current = self
  for i = 1, count do
    local job = jobs[i]
    local handler = apply[job.type]
    if handler then
      handler(self, job)
    end
  end
end

-- A fault of the runtime itself fails the task; raised through the scheduler it would harm the other units.
local function begin(self, jobs, count)
  local ok, raised = pcall(apply_jobs, self, jobs, count)
  if not ok then
    self.run.failure = errors.from_raised(raised)
  end
end

local function waits_for_mail(self)
  return self.listeners and next(self.listeners)
    or self.inbox and channel.awaited(self.inbox)
    or self.events and channel.awaited(self.events)
end

local function can_wake(self)
  local run = self.run
  return next(run.activities)
    or next(run.timers)
    or next(run.child_starts)
    or next(run.children)
    or next(run.signals)
    or next(run.cancels)
    or run.update_handlers
    or waits_for_mail(self)
end

local unfinished = {}
-- The commands of the tasks of `workflows.replay`, while it runs.
local replayed = false

local function report(self)
  local run = self.run
  run.active = false
  if not run.closed and not run.failure then
    workflows.settle_updates(self)
  end
  if not run.closed and not run.failure and not can_wake(self) then
    unit.finish(
      self,
      nil,
      errors.fail("Internal", "deadlock: all coroutines blocked with no pending operations")
    )
  end
  local commands, failure = run.commands, run.failure
  run.commands = {}
  if run.closed or failure then
    if failure or not run.retain then
      runs[run.id] = nil
    end
    if not self.ended then
      run.closed = true
      unit.finish(self)
    end
  end
  if replayed and not failure then
    replayed[#replayed + 1] = commands
  else
    local err = unit.emit("activated", run.id, commands, failure)
    if err then
      host.emit("activated", run.id, nil, err)
    end
  end
end

local function go_on(self, pending, start, jobs, count)
  local run = self.run
  run.active = true
  local rest = scheduler.run_alone(pending, TURN_SLICES, start, self, jobs, count)
  if rest and not run.failure then
    run.slices = run.slices - TURN_SLICES
    if run.slices > 0 then
      unfinished[#unfinished + 1] = { self, rest }
      return
    end
    run.failure = errors.make(
      "Timeout",
      "the code at "
        .. position.of(rest.queue[rest.head])
        .. " ran too long without waiting (an endless loop?); wait for something, or move the work to a function",
      false,
      { task_failed = true }
    )
  end
  report(self)
end

local function deliver(run_id, timestamp, replaying, length, size, jobs, count, retain, explain)
  local self = runs[run_id]
  if self then
    self.run.retain = retain
    workflows.settle_activation(self, timestamp, replaying, length, size, explain)
    return go_on(self, nil, begin, jobs, count)
  end
  local first
  for i = 1, count do
    if jobs[i].type == "initialize_workflow" then
      first = jobs[i]
    end
  end
  if not first then
    host.emit(
      "activated",
      run_id,
      nil,
      errors.fail("Internal", "run is not on this worker: " .. run_id)
    )
    return
  end
  local rest = scheduler.run_alone(nil, 0, function()
    initialize(run_id, first, timestamp, replaying, length, size, explain)
    self = runs[run_id]
    self.run.retain = retain
    if not self.ended then
      begin(self, jobs, count)
    end
  end)
  go_on(self, rest)
end

--- Delivers an activation; its commands are emitted when all coroutines of the run are parked. With `retain` the run
--- is kept when it closes, for a query; with `explain` commands have their place while replaying too.
function workflows.activate(...)
  replayed = false
  deliver(...)
end

--- Delivers tasks of one run that were completed before, each {timestamp, length, size, jobs, count}: one crossing for
--- many. Returns the commands of each, as far as each was done in one turn; the next is emitted like an activation's.
function workflows.replay(run_id, tasks, count, retain, explain)
  local results = {}
  for i = 1, count do
    local task = tasks[i]
    replayed = results
    deliver(run_id, task[1], true, task[2], task[3], task[4], task[5], retain, explain)
    replayed = false
    if #results < i then
      break
    end
  end
  return results, #results
end

--- Continues the activations that did not finish in one turn. Returns true when some are left.
function workflows.turn()
  local now = unfinished
  if #now == 0 then
    return false
  end
  unfinished = {}
  for _, item in ipairs(now) do
    go_on(item[1], item[2])
  end
  return #unfinished > 0
end

--- Drops a run from memory; it comes back by replay. An activation that is under way is answered with an error.
function workflows.evict(run_id)
  local self = runs[run_id]
  if not self then
    return
  end
  runs[run_id] = nil
  self.run.closed = true
  unit.finish(self)
  if self.run.active then
    for i = #unfinished, 1, -1 do
      if unfinished[i][1] == self then
        table.remove(unfinished, i)
      end
    end
    host.emit("activated", run_id, nil, errors.fail("Canceled", "the run was dropped from memory"))
  end
end

return workflows
