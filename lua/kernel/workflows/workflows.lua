-- Durable runs on this worker: activations in, commands out (docs/contributing/architecture.md). A run is a unit
-- with `run`: {id, host, time (ns), replaying, commands, sequences, timers, activities, children …: seq -> who waits}.
local use = ...
local channel = use("kernel/messaging/channel")
local core = use("kernel/core/core")
local errors = use("kernel/core/errors")
local jobs = use("kernel/workflows/jobs")
local security = use("kernel/security/security")
local position = use("kernel/core/position")
local sandbox = use("kernel/core/sandbox")
local scheduler = use("kernel/core/scheduler")
local shortage = use("kernel/core/shortage")
local unit = use("kernel/core/unit")
local updates = use("kernel/workflows/updates")

-- Slices that one activation may run before it counts as an endless loop: about 10 s of Lua.
local TASK_SLICES <const> = 2000
-- Slices it may run before the other units of the worker get their turn.
local TURN_SLICES <const> = 1

local workflows = {}
local runs = {}

-- The handlers of workflow units.
local context

workflows.connect = core.hooks("kernel/workflows/workflows", { "context" }, function(workflow)
  context = workflow
end)

--- The live run with that id, or nil.
function workflows.find(run_id)
  return runs[run_id]
end

-- What an activation says of the task itself.
local function settle_activation(self, timestamp, replaying, length, size, explain)
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

local function initialize(run_id, job, ...)
  local self = {
    pid = job.pid,
    entry = { id = job.entry },
    context = context,
    frame = security.resolved(job.frame or {}),
    main = false,
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
      refused = {},
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
      publishes = job.publishes,
      started = math.floor(job.startTime * 1000000),
    },
  }
  unit.admit(self)
  runs[run_id] = self
  settle_activation(self, ...)
  local entry, err = sandbox.entry(job.entry)
  if not entry or entry.kind ~= "workflow.lua" then
    return unit.finish(
      self,
      nil,
      err or sandbox.missing("workflow not found", job.entry, "workflow.lua")
    )
  end
  self.entry = entry
  local fn, failure, env = scheduler.run_as(self, sandbox.method, entry, entry.method)
  if failure then
    if shortage.is_told(failure:message()) then
      self.run.failure = failure
    end
    return unit.finish(self, nil, failure)
  end
  if self.ended then
    -- Its body asked for more than a task may.
    return
  end
  self.env = env
  self.run.last_line = position.last_line(fn)
  local args, argc = job.args, job.argc
  unit.run(
    self,
    coroutine.create(function()
      return fn(table.unpack(args, 1, argc))
    end)
  )
end

local function apply_jobs(self, list, count)
  for i = 1, count do
    local job = list[i]
    -- Lists have no type.
    local apply = jobs[job.type or job[1] == true and "completed" or "signals"]
    if apply then
      apply(self, job)
    end
  end
end

-- What waits for a job may be a function of a module, which asks for effects of its unit. A fault of the runtime itself
-- fails the task; raised through the scheduler it would harm the other units.
local function begin(self, list, count)
  local ok, raised = scheduler.try_as(self, apply_jobs, self, list, count)
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
-- The commands of the tasks that are being delivered: those that are done in one turn are returned, not emitted.
local results = false

-- What a replay compares of commands: of activities, which are most of them, neither arguments nor options.
local function told(commands)
  for i = 1, #commands do
    local command = commands[i]
    if command.type == "schedule_activity" then
      command.args, command.argc, command.options, command.frame = nil, nil, nil, nil
    end
  end
  return commands
end

local function report(self)
  local run = self.run
  run.active = false
  if not run.closed and not run.failure then
    updates.settle(self)
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
  if results and not failure then
    results[#results + 1] = run.positions and commands or told(commands)
  else
    local err = unit.emit("activated", run.id, commands, failure)
    if err then
      host.emit("activated", run.id, nil, err)
    end
  end
end

local function go_on(self, pending, start, list, count)
  local run = self.run
  run.active = true
  local rest = scheduler.run_alone(pending, TURN_SLICES, start, self, list, count)
  if rest and not run.failure then
    run.slices = run.slices - TURN_SLICES
    if run.slices > 0 then
      unfinished[#unfinished + 1] = { self, rest }
      return
    end
    run.failure = errors.make(
      "Timeout",
      "the code at "
        .. position.of(rest.first)
        .. " ran too long without waiting (an endless loop?); wait for something, or move the work to a function",
      false,
      { task_failed = true }
    )
  end
  report(self)
end

local function deliver(run_id, timestamp, replaying, length, size, list, count, retain, explain)
  local self = runs[run_id]
  if self then
    self.run.retain = retain
    settle_activation(self, timestamp, replaying, length, size, explain)
    return go_on(self, nil, begin, list, count)
  end
  local first
  for i = 1, count do
    if list[i].type == "initialize_workflow" then
      first = list[i]
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
      begin(self, list, count)
    end
  end)
  go_on(self, rest)
end

--- Delivers an activation. Returns its commands (true: there are none) if all coroutines of the run are parked within
--- this turn; else they are emitted when they are. With `retain` the run is kept when it closes, for a query; with
--- `explain` commands have their place while replaying too.
function workflows.activate(...)
  local done = {}
  results = done
  deliver(...)
  results = false
  local commands = done[1]
  return commands and (#commands > 0 and commands or true)
end

--- Delivers tasks of one run that were completed before, each {timestamp, length, size, jobs, count}: one crossing for
--- many. Returns the commands of each, as far as each was done in one turn; the next is emitted like an activation's.
function workflows.replay(run_id, tasks, count, retain, explain)
  local done = {}
  for i = 1, count do
    local task = tasks[i]
    results = done
    deliver(run_id, task[1], true, task[2], task[3], task[4], task[5], retain, explain)
    results = false
    if #done < i then
      break
    end
  end
  return done, #done
end

--- Continues the activations that did not finish in one turn. Returns true when some are left.
function workflows.turn()
  local now = unfinished
  if #now == 0 then
    return false
  end
  unfinished = {}
  results = false
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
