-- Sleeping and timers for units that use the real clock (functions and processes).
local use = ...
local scheduler = use("kernel/core/scheduler")
local now, park, at, run_as = host.now, host.park, scheduler.at, scheduler.run_as

local timers = {}

--- Suspends the running coroutine for `ns` nanoseconds.
function timers.sleep(_, ns)
  if ns > 0 then
    at(now() + ns, scheduler.co)
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
  at(now() + ns, timer)
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
