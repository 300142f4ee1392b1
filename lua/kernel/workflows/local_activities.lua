-- Local activities of a workflow, as its code asks for them: they run on this worker while the task is open, outside of
-- the kernel (src/workflows/replay/local-activities.ts); here is what the run remembers of them. `run.locals`: seq ->
-- the command, `timer` while it waits between two attempts, `canceled` once the code wants its end.
local use = ...
local commands = use("kernel/workflows/commands")
local errors = use("kernel/core/errors")

local local_activities = {}

--- Asks for a local activity, whose waiter is in `run.activities`; `command` lacks only what makes it one.
function local_activities.schedule(self, command)
  local run = self.run
  command.type = "schedule_local_activity"
  command.attempt = 1
  command.originalScheduleTime = run.time / 1000000
  run.locals = run.locals or {}
  run.locals[command.seq] = { command = command }
  commands.add(self, command)
end

-- Ends one that has no attempt under way.
local function end_canceled(self, seq)
  self.run.locals[seq] = nil
  local waiter = commands.take(self.run.activities, seq)
  commands.resolve(waiter, nil, errors.fail("Canceled", "operation canceled"))
end

--- Cancels an activity, local or not, that has no outcome.
function local_activities.cancel(self, seq)
  local pending = self.run.locals and self.run.locals[seq]
  if not pending then
    commands.add(self, { type = "cancel_activity", seq = seq })
  elseif pending.timer then
    self.run.timers[pending.timer] = nil
    commands.add(self, { type = "cancel_timer", seq = pending.timer })
    end_canceled(self, seq)
  elseif not pending.canceled then
    pending.canceled = true
    commands.add(self, { type = "cancel_local_activity", seq = seq })
  end
end

-- The next attempt has to wait for long: that is a durable timer.
local function back_off(self, seq, pending, result)
  if pending.canceled then
    return end_canceled(self, seq)
  end
  pending.timer = commands.start_timer(self, math.floor(result.duration * 1000000), function()
    pending.timer = nil
    pending.command.attempt = result.attempt
    commands.add(self, pending.command)
  end)
end

--- Takes the outcome of an attempt. Returns whether it is that of the activity: it is not when there is to be another
--- attempt, nor when there is no such activity, as when the code does not fit its history (the replay finds that out).
function local_activities.concludes(self, job)
  local locals, seq = self.run.locals, job.seq
  local pending = locals and locals[seq]
  if not pending then
    return false
  elseif job.result.status == "backoff" then
    back_off(self, seq, pending, job.result)
    return false
  end
  locals[seq] = nil
  return true
end

return local_activities
