-- Runs coroutines: one FIFO queue for all units of this worker, a heap of timers, one slice at a time.
-- `scheduler.current` is the unit that runs now, `scheduler.co` its outermost coroutine (what wakes must name).
local use = ...
local core = use("kernel/core/core")
local resume, park, now, slice, burnt = host.resume, host.park, host.now, host.slice, host.burnt
local steps, waiting, exchange, set_queue = host.steps, host.waiting, host.exchange, host.queue
local fuel_left, steps_taken = host.fuel, host.steps_taken

-- About 5 ms of Lua on the development machine: what one coroutine may run before the others get their turn.
local SLICE <const> = 300000
-- Fuel of a step from which on it is a costly one; src/vm/natives/queue.as.ts has the same.
local COSTLY <const> = 16384
-- The worker's event loop gets control back after this many nanoseconds of Lua.
local round = 5000000

-- In the place of a first value: the coroutine yielded by itself and is resumed without values.
local NOTHING = {}

-- `turn`: when the turn at hand began, in ns since the epoch. `current` and `co` are false while nobody runs: natives
-- write to them, so they are always there.
local scheduler = { unit_of = {}, turn = 0, current = false, co = false, NOTHING = NOTHING }
local unit_of = scheduler.unit_of

--- The unit of the step that is taken, and its coroutine: what natives keep of the two meanwhile.
scheduler.running = { false, false }
local running = scheduler.running

-- The run queue is a table that natives alone look into (src/vm/natives/queue.as.ts); it is kept alive here.
local queue = {}
set_queue(queue, 0, 0)

--- `ready(co, a, b)` makes a coroutine runnable; `a` and `b` are what its `park` returns (or its function's arguments).
local ready = host.ready
scheduler.ready = ready

--- Suspends the running coroutine until somebody makes it ready. Returns the two values that `ready` was given.
scheduler.park = park

--- Returns the coroutine that `park` is about to suspend, for who is to wake it: once, and nobody else. Raises where
--- nothing may stop (below a comparator of `table.sort`, in the body of an entry), before anybody knows of a wait that
--- does not come about: such a wake would reach the next wait, or another unit on the same coroutine.
scheduler.waiter = host.waiter

--- Returns whether the running code may wait.
function scheduler.may_wait()
  return (pcall(host.waiter))
end

-- Timers: a binary heap over three arrays, ordered by due time, then by creation.
local due, order, action = {}, {}, {}
local timers, created, cancelled = 0, 0, 0

local function sift_up(i, at, seq, item)
  while i > 1 do
    local parent = i // 2
    local parent_due = due[parent]
    if parent_due < at or (parent_due == at and order[parent] < seq) then
      break
    end
    due[i], order[i], action[i] = parent_due, order[parent], action[parent]
    i = parent
  end
  due[i], order[i], action[i] = at, seq, item
end

local function sift_down(i, at, seq, item)
  local last = timers
  while true do
    local child = i * 2
    if child > last then
      break
    end
    if child < last then
      local left, right = due[child], due[child + 1]
      if right < left or (right == left and order[child + 1] < order[child]) then
        child = child + 1
      end
    end
    local child_due = due[child]
    if at < child_due or (at == child_due and seq < order[child]) then
      break
    end
    due[i], order[i], action[i] = child_due, order[child], action[child]
    i = child
  end
  due[i], order[i], action[i] = at, seq, item
end

--- At `at` (ns since the epoch): wakes `item` if it is a coroutine, else calls `item.fire()` unless
--- `item.cancelled` is set by then.
function scheduler.at(at, item)
  created = created + 1
  -- The heap has its item once all three arrays have room: one that cannot grow raises.
  local i = timers + 1
  due[i], order[i], action[i] = at, created, item
  timers = i
  sift_up(i, at, created, item)
end

local function pop_timer()
  local item = action[1]
  local last = timers
  local at, seq, moved = due[last], order[last], action[last]
  due[last], order[last], action[last] = nil, nil, nil
  timers = last - 1
  if last > 1 then
    sift_down(1, at, seq, moved)
  end
  return item
end

-- Long timers that are always cancelled would fill the heap: when most of it is dead it is built anew.
local function drop_cancelled()
  local kept = 0
  local old_due, old_order, old_action, n = due, order, action, timers
  due, order, action, timers, cancelled = {}, {}, {}, 0, 0
  for i = 1, n do
    local item = old_action[i]
    if type(item) == "thread" or not item.cancelled then
      kept = kept + 1
      timers = kept
      sift_up(kept, old_due[i], old_order[i], item)
    end
  end
end

--- Takes a timer table back before it fired.
function scheduler.cancel(item)
  if not item.cancelled then
    item.cancelled = true
    cancelled = cancelled + 1
    if cancelled > 64 and cancelled * 2 > timers then
      drop_cancelled()
    end
  end
end

local function fire_due(time)
  while timers > 0 and due[1] <= time do
    local item = pop_timer()
    if type(item) == "thread" then
      if unit_of[item] then
        ready(item)
      end
    elseif item.cancelled then
      cancelled = cancelled - 1
    else
      item.cancelled = true
      item.fire()
    end
  end
end

local finished, failed, costly, alone, stopped

--- `finished(unit, co, values…)` and `failed(unit, co, error)` hear that a coroutine returned or raised, `costly(unit,
--- fuel)` that a step burnt much, `alone(on)` that `run_alone` begins (true) or ends (false), `stopped(unit, co)` that
--- a debugger has stopped a coroutine.
scheduler.connect = core.hooks(
  "kernel/core/scheduler",
  { "finished", "failed", "costly", "alone", "stopped" },
  function(...)
    finished, failed, costly, alone, stopped = ...
  end
)

local function back(previous, ...)
  scheduler.current = previous
  return ...
end

--- `pcall(fn, ...)` as if `unit` were running. `fn` must not suspend.
function scheduler.try_as(unit, fn, ...)
  local previous = scheduler.current
  scheduler.current = unit
  return back(previous, pcall(fn, ...))
end
local try_as = scheduler.try_as

local function results(ok, ...)
  if not ok then
    error((...), 0)
  end
  return ...
end

--- Runs `fn(...)`, which must not suspend, as if `unit` were running, and returns its results. What it raises is raised
--- once the unit that was running is so again.
function scheduler.run_as(unit, fn, ...)
  return results(try_as(unit, fn, ...))
end

--- Makes the running coroutine one of `unit`, in the middle of its step; that of the unit before is none any more.
function scheduler.pass_to(unit)
  local co = running[2]
  unit_of[co], running[1], scheduler.current = unit, unit, unit
  return co
end

--- Resumes a coroutine of `unit` at once, inside of `run_alone`: what `host.resume` returns.
function scheduler.resume_as(unit, co)
  scheduler.current, scheduler.co = unit, co
  return resume(co)
end

-- Takes what a step of a coroutine has answered. Returns the coroutine when it spent a whole slice: it is not in the
-- queue then, so that whom a timer wakes meanwhile comes before it.
local function after(status, value, second)
  local unit, co = scheduler.current, scheduler.co
  local taken = unit.steps
  local fuel = SLICE - fuel_left()
  if fuel >= COSTLY then
    costly(unit, fuel)
  end
  -- Fuel is counted beside the coroutine, in a word that so many steps cannot fill.
  if taken and taken & 8191 == 0 then
    unit.fuel = (unit.fuel or 0) + burnt(co)
  end
  if status == 0 then
    finished(unit, co, value, second)
  elseif status == -1 then
    failed(unit, co, value)
  elseif taken and unit.exceeded and unit.exceeded(unit) then
    return nil
  elseif status == 3 then
    return co
  elseif status == 5 then
    stopped(unit, co)
  elseif status == 1 then
    ready(co, NOTHING)
  end
  return nil
end

-- First in, first out, whatever `shuffle` does.
local next_steps, shuffled = steps, false

--- For simulations: from now on `seed` chooses which unit's coroutine runs next, and the event loop gets control back
--- after few steps.
function scheduler.shuffle(seed)
  local state = seed
  shuffled = true
  round = 0
  function next_steps()
    for _ = 1, 64 do
      if waiting() == 0 then
        break
      end
      state = state * 6364136223846793005 + 1442695040888963407
      exchange((state >> 33) % waiting())
      local status, value, second = steps(1)
      if status == 3 then
        host.emit("spent")
      end
      if status then
        return status, value, second
      end
    end
    return nil
  end
end

-- What runnable coroutines are expected to take, for who places new units. Steps of units that exchange messages are
-- short; work on another worker begins to pay where a step takes longer than the way there and back.
local FUEL_PER_MICROSECOND <const>, CROSSING <const> = 60, 20
-- Number of steps after which the older ones count half.
local REMEMBERED <const> = 1024
-- Steps so far, in all; the latest ones that did not spend a slice, and their fuel.
local taken, recent, recent_fuel = 0, 0, 0
-- Those that have spent a slice and are in the queue again: the numbers of their next steps, from `first_spent` on.
local next_of_spent, first_spent, last_spent = {}, 1, 0

local function note_steps()
  local steps, fuel = steps_taken()
  taken, recent, recent_fuel = taken + steps, recent + steps, recent_fuel + fuel
end

local function note_spent()
  note_steps()
  taken = taken + 1
  last_spent = last_spent + 1
  next_of_spent[last_spent] = taken + waiting() + 1
end

-- Microseconds of computation that are in the queue, or false when nothing is.
local function backlog()
  note_steps()
  local count = waiting()
  local past = count == 0 and math.maxinteger or taken
  while first_spent <= last_spent and next_of_spent[first_spent] <= past do
    next_of_spent[first_spent] = nil
    first_spent = first_spent + 1
  end
  if recent > REMEMBERED then
    recent, recent_fuel = recent // 2, recent_fuel // 2
  end
  if count == 0 then
    return false
  end
  local spent = math.min(last_spent - first_spent + 1, count)
  local step = recent_fuel // math.max(recent, 1) // FUEL_PER_MICROSECOND
  return spent * (SLICE // FUEL_PER_MICROSECOND) + (count - spent) * math.max(step - CROSSING, 0)
end

-- Who has spent its slice, while timers fire: it is in no queue, and runnable nevertheless.
local resting

--- Runs what is runnable for about 5 ms. Returns the microseconds of computation that are still runnable, as far as can
--- be told, or false when nothing is; and in how many milliseconds the next timer is due (nil: there is none).
function scheduler.run()
  local start = now()
  steps_taken()
  scheduler.turn = start
  fire_due(start)
  while waiting() > 0 do
    local status, value, second = next_steps()
    local spent = status and after(status, value, second)
    if spent or not status then
      local time = now()
      scheduler.current, scheduler.co = false, false
      resting = spent
      fire_due(time)
      resting = nil
      if spent then
        note_spent()
        ready(spent)
      end
      if time - start >= round then
        break
      end
    end
  end
  scheduler.current, scheduler.co = false, false
  host.tidy()
  return backlog(), timers > 0 and (due[1] - now()) / 1000000 or nil
end

--- Runs the only coroutine that is runnable for a slice: a turn of its own that is much shorter than `run`, for what
--- comes one at a time. Returns whether nothing else came of it: nothing is runnable, and the same timer is next.
function scheduler.step()
  local first = due[1]
  scheduler.turn = now()
  local status, value, second = next_steps(1)
  local spent = status and after(status, value, second)
  scheduler.current, scheduler.co = false, false
  if spent then
    ready(spent)
  end
  return waiting() == 0 and due[1] == first
end

--- The units that have a coroutine that is runnable, as a set.
function scheduler.ready_units()
  local set = {}
  if resting and unit_of[resting] then
    set[unit_of[resting]] = true
  end
  for i = 0, waiting() - 1 do
    local unit = unit_of[host.entry_at(i)]
    if unit then
      set[unit] = true
    end
  end
  return set
end

-- The queue of `run_alone` between two calls, as it never nests and mostly leaves it empty.
local spare = {}

-- Calls `start(...)`, then runs what is runnable until `slices` are spent.
local function drain(slices, start, ...)
  if start then
    start(...)
  end
  while waiting() > 0 and slices > 0 do
    -- In order, and who has spent its slice goes on before the others: a slice is over by the clock too, and a replay
    -- must not see when. A coroutine that only yields spends no slice; a thousand such steps count as one.
    local status, value, second = steps(1)
    local spent = status and after(status, value, second)
    if spent then
      host.ready_first(spent)
      if shuffled then
        host.emit("spent")
      end
    end
    slices = slices - (spent and 1 or 0.001)
  end
end

--- Runs only the coroutines that `start(...)` makes ready (those of one unit) until they are all parked or `slices`
--- slices are spent; the other units wait meanwhile. Returns nil when they are all parked, else what is still runnable,
--- to be given as `pending` to a later call; `first` is the coroutine that is next.
function scheduler.run_alone(pending, slices, start, ...)
  local saved, saved_head, saved_count = queue, nil, nil
  if pending then
    queue = pending.queue
    saved_head, saved_count = set_queue(queue, pending.head, pending.count)
  else
    queue = spare
    saved_head, saved_count = set_queue(queue, 0, 0)
  end
  alone(true)
  local ok, raised = pcall(drain, slices, start, ...)
  alone(false)
  local first = host.entry_at(0)
  local head, count = set_queue(saved, saved_head, saved_count)
  local rest
  if count > 0 then
    rest = { queue = queue, head = head, count = count, first = first }
    if queue == spare then
      spare = {}
    end
  else
    -- It has its room: the beginning of each run leaves what is runnable, and takes another one.
    spare = queue
  end
  queue = saved
  scheduler.current, scheduler.co = false, false
  if not ok then
    -- The other units have their queue back; what was runnable of this one is gone.
    error(raised, 0)
  end
  return rest
end

--- Sets the slice; it is not part of a VM's image.
function scheduler.set_slice()
  slice(SLICE)
end

return scheduler
