-- Chooses where a new unit runs: here, unless more computation waits on this worker than on another. Units that wait
-- for messages and pass them on cause no load: a message to another worker takes longer than what they do. Units that
-- are started one after another mostly talk to each other, so they move to other workers in blocks.
local use = ...
local scheduler = use("kernel/core/scheduler")
local unit = use("kernel/core/unit")

--- `alone`: whether there is no other worker.
local placement = { alone = true }

-- Microseconds that a unit is expected to take: one that starts and waits; the first few of an entry that has not run
-- here, and its others.
local LIGHT <const>, UNKNOWN <const>, MANY_UNKNOWN <const> = 5, 2000, 50
local FEW <const> = 8
local MOST <const> = 100000
-- Number of units of an entry after which the older ones count half.
local REMEMBERED <const> = 256
-- Fuel per microsecond.
local FUEL <const> = 60

-- Where the next units go, and how many of them; the turn for which that holds.
local target, left, turn = 0, 0, 0
-- Units that this worker has placed in this turn and in the one before.
local placed, placed_before = 0, 0

--- Sets whether this is the only worker.
function placement.set_alone(on)
  placement.alone, left = on, 0
end

--- Handles the death of a worker.
function placement.forget(worker)
  if target == worker then
    left = 0
  end
end

-- The statistics of an entry, `load`: how many of its units were placed here, the fuel of their costly steps, and the
-- turn of the first.
local function load_of(entry)
  local load = entry.load
  if not load then
    load = { kept = 0, burnt = 0, first = scheduler.turn }
    entry.load = load
  end
  return load
end

local function expected(entry)
  local load = load_of(entry)
  if load.burnt > 0 then
    return math.min(LIGHT + load.burnt // FUEL // math.max(load.kept, 1), MOST), load
  elseif load.first ~= scheduler.turn then
    return LIGHT, load
  end
  return load.kept < FEW and UNKNOWN or MANY_UNKNOWN, load
end

local function keep(load)
  local kept = load.kept + 1
  if kept >= REMEMBERED then
    kept, load.burnt = kept // 2, load.burnt // 2
  end
  load.kept = kept
end

--- Returns the worker for a new unit of an entry.
function placement.place(entry)
  if placement.alone then
    if not entry.load then
      -- What is known of it when another worker has started.
      load_of(entry)
    end
    return unit.index()
  end
  if turn ~= scheduler.turn then
    -- A block on another worker continues in the next turn.
    turn, placed, placed_before = scheduler.turn, 0, placed
    if target == unit.index() then
      left = 0
    end
  end
  placed = placed + 1
  local cost, load = expected(entry)
  if left > 0 and (cost < UNKNOWN or target ~= unit.index()) then
    left = left - 1
  else
    target, left = host.place(cost, placed + placed_before)
    left = left - 1
  end
  if target == unit.index() then
    keep(load)
  end
  return target
end

--- Records the fuel of an expensive step of a unit.
function placement.burnt(self, fuel)
  local load = self.entry.load
  if load then
    load.burnt = load.burnt + fuel
    if placement.alone then
      -- Units are not counted then: each of these steps is taken for one.
      keep(load)
    end
  end
end

return placement
