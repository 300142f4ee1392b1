-- What one task of a run may ask for. More would neither fit what crosses to the host at once nor be a step that a
-- replay can go through quickly.
local use = ...
local errors = use("kernel/core/errors")
local position = use("kernel/core/position")
local unit = use("kernel/core/unit")

local COMMANDS <const>, BYTES <const> = 10000, 8 * 1024 * 1024

local task_limits = {}

-- Ends a run whose task asks for too much. Nothing of the task is kept but its end.
local function overflow(self, what)
  local at = position.here()
  self.run.commands, self.run.task_bytes = {}, 0
  unit.finish(
    self,
    nil,
    errors.fail(
      "Invalid",
      "the workflow asks at "
        .. at
        .. " for more than "
        .. what
        .. " without waiting; wait in between, or let child workflows do parts of it"
    )
  )
  if coroutine.isyieldable() then
    host.park()
  end
end

--- Counts a command that the task at hand makes.
function task_limits.counts(self)
  if #self.run.commands >= COMMANDS and not self.run.closed and not self.ended then
    overflow(self, COMMANDS .. " things")
  end
end

--- Why a task cannot record so many bytes more, as text; nil when it can.
function task_limits.refusal(self, bytes)
  if self.run.task_bytes + bytes <= BYTES then
    return nil
  end
  return "they have about " .. bytes .. " bytes, and one step records at most " .. BYTES
end

--- Counts bytes that the task at hand records.
function task_limits.takes(self, bytes)
  local run = self.run
  run.task_bytes = run.task_bytes + bytes
  if run.task_bytes > BYTES and not run.closed then
    overflow(self, (BYTES // 1024 // 1024) .. " MB")
  end
end

return task_limits
