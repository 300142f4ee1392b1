-- Units that another worker starts on this one under PIDs that are reserved for it. Workers talk to each other
-- directly, so a third worker may learn of such a PID, and send to it, before the order to start the unit arrives here:
-- requests for the unit wait until then.
local use = ...
local scheduler = use("kernel/core/scheduler")
local unit = use("kernel/core/unit")
local by_pid = unit.by_pid

local announced = {}

-- Each is { owner, next, last, waiting }: the worker that the numbers are reserved for, the first that it has not used
-- so far, the last one, and number -> list of functions.
local blocks = {}

--- Reserves sequence numbers for PIDs that `owner` assigns in order. Returns the first.
function announced.reserve(owner, count)
  local first = unit.reserve(count)
  blocks[#blocks + 1] = { owner = owner, next = first, last = first + count - 1, waiting = {} }
  return first
end

-- The block whose unit is still to come, and its number; nil for any other PID.
local function block_of(pid)
  if #blocks == 0 then
    return nil
  end
  local worker, sequence = unit.worker_of(pid)
  if worker ~= unit.index() then
    return nil
  end
  for _, block in ipairs(blocks) do
    if sequence >= block.next and sequence <= block.last then
      return block, sequence
    end
  end
  return nil
end

--- Calls `fn` when the unit has been started, or never will be. Returns false if no unit is expected under that PID.
function announced.hold(pid, fn)
  if by_pid[pid] then
    return false
  end
  local block, sequence = block_of(pid)
  if not block then
    return false
  end
  local list = block.waiting[sequence] or {}
  block.waiting[sequence] = list
  list[#list + 1] = fn
  return true
end

--- Suspends the running coroutine while the unit is still to be started.
function announced.wait(pid)
  if by_pid[pid] or not block_of(pid) then
    return
  end
  local co = scheduler.waiter()
  announced.hold(pid, function()
    scheduler.ready(co)
  end)
  host.park()
end

local function run(list)
  for _, fn in ipairs(list or {}) do
    fn()
  end
end

--- The unit with that number has been started, or has failed to.
function announced.started(sequence)
  for i, block in ipairs(blocks) do
    if sequence >= block.next and sequence <= block.last then
      block.next = sequence + 1
      if sequence == block.last then
        table.remove(blocks, i)
      end
      local list = block.waiting[sequence]
      block.waiting[sequence] = nil
      return run(list)
    end
  end
end

--- Handles the death of a worker: releases the numbers that it has not used.
function announced.worker_down(owner)
  for i = #blocks, 1, -1 do
    local block = blocks[i]
    if block.owner == owner then
      table.remove(blocks, i)
      local numbers = {}
      for sequence in pairs(block.waiting) do
        numbers[#numbers + 1] = sequence
      end
      table.sort(numbers)
      for sequence = block.next, block.last do
        unit.note_gone(unit.pid_at("", sequence, unit.index()))
      end
      for _, sequence in ipairs(numbers) do
        run(block.waiting[sequence])
      end
    end
  end
end

return announced
