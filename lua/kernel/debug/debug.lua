-- The debugger of this worker: where coroutines stop, why, and how they go on. Who debugs is outside, and asks by the
-- operation `debug`; a coroutine that stops is out of the run queue, and the others go on.
-- Only coroutines that may come to a breakpoint have a line hook (src/vm/transform/breakpoints.ts).
local use = ...
local raw_tostring = use("kernel/core/stable").tostring
local conditions = use("kernel/debug/conditions")
local errors = use("kernel/core/errors")
local frames = use("kernel/debug/frames")
local scheduler = use("kernel/core/scheduler")
local sources_of = use("kernel/debug/sources")
local threads = use("kernel/debug/threads")
local timers = use("kernel/core/timers")
local unit = use("kernel/core/unit")
local variables = use("kernel/debug/variables")
local unit_of, getinfo = scheduler.unit_of, debug.getinfo
local thread_of, find = threads.number, threads.find

local debugger = {}

-- Threads that one answer lists, at most.
local MOST_THREADS <const> = 1000
-- Lines for which the hook asks: none, all.
local NO_LINE <const>, EVERY_LINE <const> = 0, -1

-- `catch_errors`: at which errors units stop: those that end them ("uncaught"), all, none (false).
local active, catch_errors = false, false
-- Coroutines in which code of the debugger runs.
local of_debugger = setmetatable({}, { __mode = "k" })
-- Breakpoints by the source of their chunk, as Lua names it, and line: lists.
local breakpoints, any_breakpoint = {}, false
-- How the breakpoints' lines are marked for the hook.
local marks = NO_LINE
-- What coroutines do that take a step, and those that stand: both by the coroutine that the scheduler knows.
local steps, stops = {}, {}

local function tell(event)
  unit.emit("route", -1, 0, "debug.event", event)
end

-- How deep the stack of the running coroutine is below its caller.
local function depth()
  local level = 2
  while getinfo(level, "l") do
    level = level + 1
  end
  return level
end

-- Whether a coroutine that takes a step is where the step ends.
local function step_ends(step, co)
  if step.kind == "pause" or step.kind == "in" then
    return true
  elseif step.co ~= co then
    -- A generator that was left: its caller is where the step leads to.
    local status = coroutine.status(step.co)
    return status == "suspended" or status == "dead"
  end
  -- One level is that of this function.
  local now = depth() - 1
  return now < step.depth or step.kind == "over" and now == step.depth
end

-- Notes where a coroutine stands; nil: nowhere.
local function set_stop(co, stop)
  stops[co] = stop
  timers.hold(next(stops) ~= nil)
end

-- Asked by the hook before a line: whether the coroutine stops there.
local function stops_at(line)
  local outer = scheduler.co
  local step = steps[outer]
  local info = getinfo(2, "S")
  local found = any_breakpoint and breakpoints[info.source]
  local here = found and found[line]
  local co = coroutine.running()
  local stepped = step and step_ends(step, co)
  if not here and not stepped then
    return false
  end
  set_stop(outer, {
    inner = co,
    depth = depth(),
    here = here,
    reason = stepped and (step.kind == "pause" and "pause" or "step") or "breakpoint",
    stepped = stepped,
  })
  return true
end

local function mark_lines()
  host.mark_lines(stops_at, next(steps) and EVERY_LINE or marks)
end

-- Whether code of the unit may come to a breakpoint. A workflow's may not: its replay must not stand.
local function is_watched(self)
  if not any_breakpoint or self.context.kind == "workflow" then
    return false
  elseif self.entry.script or not self.entry.chunk then
    return true
  end
  local sources = sources_of(self.entry)
  for source in pairs(breakpoints) do
    if sources[source] then
      return true
    end
  end
  return false
end

local function watch(co, self)
  host.watch_lines(co, steps[co] ~= nil or is_watched(self))
end

local function watch_all()
  mark_lines()
  for co, self in pairs(unit_of) do
    watch(co, self)
  end
end

local function resume(co)
  local stop = stops[co]
  set_stop(co, nil)
  variables.release(co)
  if not stop or not unit_of[co] then
    return
  elseif stop.raised then
    unit.raised(stop.unit, co, stop.value)
  elseif not stop.waits then
    if not stop.raising then
      host.settle(stop.inner, false)
    end
    scheduler.ready(co)
  end
end

local function tell_stopped(co, stop, text)
  tell({
    kind = "stopped",
    thread = thread_of(co),
    reason = stop.reason,
    text = text,
    breakpoints = stop.hit,
    caught = stop.raising,
  })
end

local function end_step(co, self)
  if steps[co] then
    steps[co] = nil
    watch(co, self)
    mark_lines()
  end
end

-- Has a coroutine of the unit run code of the debugger.
local function run_in(self, fn)
  local co = unit.spawn_coroutine(self, fn)
  of_debugger[co] = true
  scheduler.ready(co)
end

-- Looks at the conditions of the breakpoints at which a coroutine stands, and has it stay or go on.
local function examine(self, co, stop)
  local hit, stays = {}, stop.stepped
  for _, breakpoint in ipairs(stop.here or {}) do
    local met, message = conditions.met(breakpoint, self, stop.inner)
    if message then
      tell({ kind = "output", thread = thread_of(co), text = message, breakpoint = breakpoint.id })
    end
    if met then
      hit[#hit + 1] = breakpoint.id
      stays = true
    end
  end
  -- The unit may have been let go, or have ended, while a condition ran.
  if stops[co] ~= stop then
    return
  elseif not stays then
    return resume(co)
  end
  if hit[1] then
    stop.hit, stop.reason = hit, "breakpoint"
  end
  end_step(co, self)
  tell_stopped(co, stop)
end

--- Takes a coroutine that the hook has stopped.
function debugger.stopped(self, co)
  local stop = stops[co]
  if not active or not stop then
    return scheduler.ready(co)
  end
  stop.unit = self
  if stop.raising then
    end_step(co, self)
    return tell_stopped(co, stop, errors.from_raised(stop.value)._message)
  end
  host.settle(stop.inner, true)
  if stop.here and conditions.need_to_run(stop.here) then
    run_in(self, function()
      examine(self, co, stop)
    end)
  else
    examine(self, co, stop)
  end
end

-- Asked where an error is raised that something catches: whether the coroutine stops there.
local function stops_at_raise(value)
  local co = scheduler.co
  local self = unit_of[co]
  if not self or self.context.kind == "workflow" or of_debugger[co] then
    return false
  end
  set_stop(co, {
    inner = coroutine.running(),
    depth = 0,
    raising = true,
    value = value,
    reason = "exception",
  })
  return true
end

--- Takes what a coroutine of a unit has raised; its stack is still there.
function debugger.raised(self, co, raised)
  if not active or not catch_errors or self.context.kind == "workflow" then
    return unit.raised(self, co, raised)
  end
  local stop = { inner = co, unit = self, raised = true, value = raised, reason = "exception" }
  set_stop(co, stop)
  tell_stopped(co, stop, errors.from_raised(raised)._message)
end

-- A coroutine whose unit has ended may serve another one.
local function forget(co)
  host.watch_lines(co, false)
  steps[co] = nil
  if stops[co] then
    set_stop(co, nil)
    variables.release(co)
    tell({ kind = "continued", thread = thread_of(co) })
  end
end

local function observe(kind, self)
  if kind == "start" or kind == "run" then
    if self.main then
      watch(self.main, self)
    end
  elseif kind == "exit" then
    if self.main then
      forget(self.main)
    end
    for co in pairs(self.others or {}) do
      forget(co)
    end
  end
end

local function missing(id)
  return errors.fail("NotFound", "no coroutine that stands has the number " .. raw_tostring(id))
end

-- A stopped coroutine and its stop by the coroutine's number; nil and an Error.
local function standing(id)
  local co = find(id)
  local stop = co and stops[co]
  if not stop then
    return nil, missing(id)
  end
  return co, stop
end

local commands = {}

--- Begins.
function commands.attach()
  active = true
  unit.set_observer("debug", observe)
  return true
end

--- Sets at which errors units stop: "uncaught", which would end them, "all", or false.
function commands.exceptions(which)
  catch_errors = which
  host.mark_raises(which == "all" and stops_at_raise or nil)
  return true
end

--- Ends: nothing stops any more, and what stands goes on.
function commands.detach()
  active = false
  commands.exceptions(false)
  breakpoints, any_breakpoint, marks = {}, false, NO_LINE
  steps = {}
  unit.set_observer("debug", false)
  watch_all()
  for co in pairs(stops) do
    resume(co)
  end
  return true
end

--- Sets all breakpoints in place of those that were: a list of { id, source, line, condition, hits, log }.
function commands.breakpoints(list)
  local before = {}
  for _, lines in pairs(breakpoints) do
    for _, here in pairs(lines) do
      for _, breakpoint in ipairs(here) do
        before[breakpoint.id] = breakpoint.count
      end
    end
  end
  breakpoints, any_breakpoint, marks = {}, false, NO_LINE
  for _, breakpoint in ipairs(list) do
    breakpoint.count = before[breakpoint.id] or 0
    local lines = breakpoints[breakpoint.source] or {}
    breakpoints[breakpoint.source] = lines
    local here = lines[breakpoint.line] or {}
    lines[breakpoint.line] = here
    here[#here + 1] = breakpoint
    any_breakpoint = true
    marks = marks | (1 << (breakpoint.line & 63))
  end
  watch_all()
  return true
end

local function describe(co, self)
  return {
    id = thread_of(co),
    name = self.entry.id,
    pid = self.pid or nil,
    main = co == self.main,
    stopped = stops[co] ~= nil,
  }
end

local function by_number(a, b)
  return a.id < b.id
end

--- The coroutines of a workflow run, which stand where they wait: a list as of `threads`. Nothing wakes them while
--- nothing is delivered to the run.
function commands.run(run_id)
  local list = {}
  for co, self in pairs(unit_of) do
    if self.run and self.run.id == run_id then
      stops[co] = stops[co] or { inner = co, unit = self, waits = true, reason = "step", depth = 0 }
      list[#list + 1] = describe(co, self)
    end
  end
  table.sort(list, by_number)
  return list
end

--- The coroutines of units: a list of { id, name, pid, stopped }, those that stand first.
function commands.threads()
  local list = {}
  local function add(co, self)
    if #list < MOST_THREADS then
      list[#list + 1] = describe(co, self)
    end
  end
  for co, stop in pairs(stops) do
    add(co, stop.unit or unit_of[co])
  end
  for co, self in pairs(unit_of) do
    if not stops[co] and self.context.kind ~= "workflow" then
      add(co, self)
    end
  end
  table.sort(list, by_number)
  return list
end

--- Lets a coroutine go on; `kind` is how far: "in", "over", "out", or nil for without end.
commands["continue"] = function(id, kind)
  local co, stop = standing(id)
  if not co then
    return nil, stop
  end
  if kind and not stop.raised then
    -- Behind an error the next line is wherever it is caught.
    kind = stop.waits and "pause" or stop.raising and "in" or kind
    steps[co] = { kind = kind, co = stop.inner, depth = stop.depth }
  else
    steps[co] = nil
  end
  if unit_of[co] then
    watch(co, unit_of[co])
    -- A generator has a hook of its own.
    if stop.inner ~= co and not stop.waits and not stop.raised then
      host.watch_lines(stop.inner, steps[co] ~= nil or is_watched(unit_of[co]))
    end
  end
  mark_lines()
  resume(co)
  return true
end

--- Has a coroutine stop at its next line. One that waits is said to stand at once, and goes on to wait.
function commands.pause(id)
  local co = find(id)
  local self = co and unit_of[co]
  if not self then
    return nil, missing(id)
  elseif self.context.kind == "workflow" then
    return nil, errors.fail("Invalid", "a workflow cannot be paused")
  elseif stops[co] then
    return true
  end
  steps[co] = { kind = "pause", co = co, depth = 0 }
  watch(co, self)
  mark_lines()
  if not scheduler.ready_units()[self] then
    set_stop(co, { inner = co, unit = self, waits = true, reason = "pause", depth = 0 })
    tell_stopped(co, stops[co])
  end
  return true
end

--- The frames of a coroutine that stands: a list of { id, name, source, line }, innermost first.
function commands.stack(id)
  local co, stop = standing(id)
  if not co then
    return nil, stop
  end
  return frames.list(co, stop)
end

--- The scopes of a frame: a list of { name, ref }.
commands.scopes = frames.scopes

--- What is in a table, a scope: a list of { name, value, type, ref, indexed }, `count` from `start`.
commands.variables = variables.list

local deferred = {}

-- Answers what code in a frame gives, which may wait; `take(value)` may refuse it with a message.
local function answer(reply, frame, name, code, take)
  run_in(frame.unit, function()
    local ok, value = frames.evaluate(frame, code)
    local message = not ok and value or take and take(value)
    if message then
      return reply(nil, errors.fail("Invalid", message))
    end
    reply(variables.describe(frame, name, value))
  end)
end

--- The value of an expression in a frame, or what a statement does.
function deferred.evaluate(reply, id, code)
  local frame, err = frames.find(id)
  if not frame then
    return reply(nil, err)
  end
  answer(reply, frame, "", code)
end

--- Gives a variable of a scope or a table the value of an expression.
function deferred.set(reply, ref, name, code)
  local item, err = variables.find(ref)
  if not item then
    return reply(nil, err)
  end
  answer(reply, item.frame, name, code, function(value)
    return variables.set(item, name, value)
  end)
end

--- What the node asks, see kernel/processes/requests: a command by name, with its arguments.
local function serve(reply, _, _, command, ...)
  if deferred[command] then
    return deferred[command](reply, ...)
  end
  reply(commands[command](...))
end

debugger.deferred = { debug = serve }

return debugger
