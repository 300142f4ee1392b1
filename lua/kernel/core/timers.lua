-- Sleeping and timers for units that use the real clock (functions and processes).
local use = ...
local scheduler = use("kernel/core/scheduler")
local sum = use("kernel/core/duration").sum
local now, park, at, run_as = host.now, host.park, scheduler.at, scheduler.run_as
local waiter = scheduler.waiter

-- A time limit that is over while a debugger holds a unit is looked at again after so long (ns).
local LOOK <const> = 200000000

local timers = {}

-- Whether a debugger holds a unit of this worker.
local held = false

--- Says whether a debugger holds a unit of this worker.
function timers.hold(on)
  held = on
end

--- The instant (ns since the epoch) in `ns` nanoseconds, or the last one that there is.
function timers.after(ns)
  return sum(now(), ns)
end
local after = timers.after

--- Suspends the running coroutine for `ns` nanoseconds.
function timers.sleep(_, ns)
  if ns > 0 then
    at(after(ns), waiter())
    park()
  end
end

--- Calls `callback(ns of firing)` once, after `ns` nanoseconds, unless the unit has ended. Returns a handle.
function timers.start(self, ns, callback)
  local timer = {}
  function timer.fire()
    if not self.ended then
      run_as(self, callback, now())
    end
  end
  at(after(ns), timer)
  return timer
end

--- Calls `callback()` once, when a time limit of `ns` nanoseconds is over: not while a debugger holds a unit of this
--- worker, which may be what takes so long. Returns a handle.
function timers.limit(ns, callback)
  local timer = {}
  function timer.fire()
    if held then
      timer.cancelled = nil
      return at(after(LOOK), timer)
    end
    callback()
  end
  at(after(ns), timer)
  return timer
end

--- Takes a timer back; true when it had not fired.
function timers.cancel(_, timer)
  if timer.cancelled then
    return false
  end
  scheduler.cancel(timer)
  return true
end

return timers
