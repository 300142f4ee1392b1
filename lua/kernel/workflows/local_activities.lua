-- Local activities of a workflow, as its code asks for them: they run on this worker while the task is open, outside of
-- the kernel (src/workflows/replay/local-activities.ts); here is what the run remembers of them. `run.locals`: seq -> the
-- command, `timer` while it waits between two attempts, `canceled` once the code wants its end.
local use = ...
local errors = use("kernel/core/errors")
local workflows = use("kernel/workflows/workflows")

local local_activities = {}

local resolve = workflows.apply.resolve_activity

--- Asks for a local activity, whose waiter is in `run.activities`; `command` lacks only what makes it one.
function local_activities.schedule(self, command)
  local run = self.run
  command.type = "schedule_local_activity"
  command.attempt = 1
  command.originalScheduleTime = run.time / 1000000
  run.locals = run.locals or {}
  run.locals[command.seq] = { command = command }
  workflows.command(self, command)
end

-- Ends one that has no attempt under way.
local function end_canceled(self, seq)
  self.run.locals[seq] = nil
  local failure = errors.fail("Canceled", "operation canceled")
  resolve(self, { seq = seq, result = { status = "canceled", failure = failure } })
end

--- Cancels an activity, local or not, that has no outcome.
function local_activities.cancel(self, seq)
  local pending = self.run.locals and self.run.locals[seq]
  if not pending then
    workflows.command(self, { type = "cancel_activity", seq = seq })
  elseif pending.timer then
    self.run.timers[pending.timer] = nil
    workflows.command(self, { type = "cancel_timer", seq = pending.timer })
    end_canceled(self, seq)
  elseif not pending.canceled then
    pending.canceled = true
    workflows.command(self, { type = "cancel_local_activity", seq = seq })
  end
end

-- The next attempt has to wait for long: that is a durable timer.
local function back_off(self, seq, pending, result)
  if pending.canceled then
    return end_canceled(self, seq)
  end
  pending.timer = workflows.start_timer(self, math.floor(result.duration * 1000000), function()
    pending.timer = nil
    pending.command.attempt = result.attempt
    workflows.command(self, pending.command)
  end)
end

function workflows.apply.resolve_activity(self, job)
  if not job.isLocal then
    return resolve(self, job)
  end
  local locals, seq = self.run.locals, job.seq
  local pending = locals and locals[seq]
  -- Without one the code does not fit its history, which the replayer finds out.
  if pending and job.result.status == "backoff" then
    back_off(self, seq, pending, job.result)
  elseif pending then
    locals[seq] = nil
    resolve(self, job)
  end
end

return local_activities
