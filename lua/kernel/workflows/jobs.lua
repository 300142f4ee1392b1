-- What each kind of job does to a run. Jobs are what an activation brings: what happened since the last one.
local use = ...
local commands = use("kernel/workflows/commands")
local errors = use("kernel/core/errors")
local local_activities = use("kernel/workflows/local_activities")
local messaging = use("kernel/messaging/messaging")
local updates = use("kernel/workflows/updates")
local resolve, take = commands.resolve, commands.take
local deliver, message, post = messaging.deliver, messaging.message, messaging.post

local jobs = {
  do_update = updates.deliver,
  update_verdict = updates.note_verdict,
}

local function failure_of(result)
  return result.failure or errors.make("Internal", "failed without a reason", false)
end

function jobs.fire_timer(self, job)
  resolve(take(self.run.timers, job.seq), self.run.time)
end

function jobs.resolve_activity(self, job)
  if job.isLocal and not local_activities.concludes(self, job) then
    return
  end
  local waiter = take(self.run.activities, job.seq)
  if job.result.status == "completed" then
    resolve(waiter, job.result.value)
  else
    resolve(waiter, nil, failure_of(job.result))
  end
end

--- An activity has completed: `{ true, its number, its value }`.
function jobs.completed(self, list)
  resolve(take(self.run.activities, list[2]), list[3])
end

--- Signals that follow one another: how many items follow in the list, then of each signal its name, its sender, the
--- number of its values (-1: one, in a list), and those: one as itself, others as a list.
function jobs.signals(self, list)
  for i = 2, list[1], 4 do
    local name, sender, n, value = list[i], list[i + 1], list[i + 2], list[i + 3]
    if n == -1 then
      n, value = 1, value[1]
    elseif n == 0 then
      value = nil
    end
    if n == 1 then
      post(self, name, sender, value)
    else
      deliver(self, message(name, sender, n, value))
    end
  end
end

function jobs.cancel_workflow(self, job)
  self.run.cancel_requested = true
  messaging.event(self, {
    kind = "pid.cancel",
    from = job.sender,
    at = self.run.time // 1000000000,
    reason = job.reason or "",
  })
end

function jobs.resolve_child_start(self, job)
  local waiter = take(self.run.child_starts, job.seq)
  if job.pid then
    self.run.child_pids[job.seq] = job.pid
    resolve(waiter, job.pid)
  else
    self.run.children[job.seq] = nil
    resolve(waiter, nil, job.failure)
  end
end

function jobs.resolve_child(self, job)
  local waiter = take(self.run.children, job.seq)
  local value, err = job.result.value, nil
  if job.result.status ~= "completed" then
    value, err = nil, failure_of(job.result)
  end
  if waiter == "event" then
    messaging.event(self, {
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

function jobs.resolve_signal_external(self, job)
  resolve_external(self.run.signals, job)
end

function jobs.resolve_cancel_external(self, job)
  resolve_external(self.run.cancels, job)
end

function jobs.recorded(self, job)
  self.run.recorded[job.seq] = job
end

function jobs.publish_refused(self, job)
  self.run.refused[job.seq] = job
end

function jobs.notify_patch(self, job)
  self.run.patches[job.changeId] = job
end

return jobs
