-- What the code of a run asks for: commands, which the provider records and a job answers later. `run.commands` are
-- those of the task at hand; `run.timers`, `run.activities` and so on hold, by number, who waits for the answer.
local use = ...
local errors = use("kernel/core/errors")
local position = use("kernel/core/position")
local scheduler = use("kernel/core/scheduler")
local task_limits = use("kernel/workflows/task_limits")
local unit = use("kernel/core/unit")

local commands = {}

--- Queries and validators look at a run and must leave it as it is.
function commands.refuse_in_read_only(run)
  if run.read_only then
    error(errors.fail("Invalid", run.read_only .. " must not have side effects"), 0)
  end
end

local refuse_in_read_only = commands.refuse_in_read_only

--- The running coroutine of a run, which is about to wait for an answer; see `scheduler.waiter`.
function commands.waiter(self)
  refuse_in_read_only(self.run)
  return scheduler.waiter()
end

--- The next sequence number of a kind of command; the same on every replay.
function commands.next_seq(self, kind)
  refuse_in_read_only(self.run)
  local sequences = self.run.sequences
  local seq = (sequences[kind] or 0) + 1
  sequences[kind] = seq
  return seq
end

--- Counts bytes that the task at hand records.
function commands.takes(self, bytes)
  refuse_in_read_only(self.run)
  task_limits.takes(self, bytes)
end

--- Adds a command with the place in the code that made it.
function commands.add(self, body)
  refuse_in_read_only(self.run)
  local run = self.run
  task_limits.counts(self)
  local list = run.commands
  if run.positions then
    local at = position.here()
    -- What main returned or raised has no frame any more.
    body.at = at ~= "" and at or body.at or run.last_line or self.entry.id
  end
  list[#list + 1] = body
end

--- Starts a durable timer; `waiter` is a coroutine or a function of the time of firing. Returns its number.
function commands.start_timer(self, ns, waiter)
  local seq = commands.next_seq(self, "timers")
  self.run.timers[seq] = waiter
  commands.add(self, { type = "start_timer", seq = seq, duration = ns / 1000000 })
  return seq
end

--- Nothing of the run goes on after its closing command.
function commands.close(self)
  self.run.closed = true
  unit.finish(self)
end

--- Takes who waits for number `seq` out of `waiters`: a coroutine, a function, or nil.
function commands.take(waiters, seq)
  local waiter = waiters[seq]
  waiters[seq] = nil
  return waiter
end

--- Wakes a coroutine with the answer, or calls a function with it; nil: nobody waits.
function commands.resolve(waiter, value, err)
  if type(waiter) == "thread" then
    scheduler.ready(waiter, value, err)
  elseif waiter then
    waiter(value, err)
  end
end

return commands
