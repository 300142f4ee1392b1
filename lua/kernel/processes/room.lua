-- Whether the memory of this worker has room for another process. Where there is none, a spawn is refused: a VM that is
-- full to the brim collects garbage at every allocation, and the next one that fails may be anybody's.
local use = ...
local errors = use("kernel/core/errors")
local now = host.now

local room = {}

-- Spawns between two looks.
local EVERY <const> = 64
-- Of the time, at most one part in so many is spent on collections that find no room.
local PAUSE <const> = 20

local most, step, next_look = math.maxinteger, 0, math.maxinteger
local again = 0
--- Spawns until the next look, and whether there is no room. A native (src/vm/natives/spawn.as.ts) reads and counts.
room.state = { left = EVERY, full = false }
local state = room.state

--- Sets the bytes that the VM may take. Processes may take three quarters: a table of the kernel that holds them all
--- takes twice its place when it grows, in one piece.
function room.configure(limit)
  most, step = limit // 4 * 3, limit // 20
  next_look, again = most, 0
  state.left, state.full = EVERY, false
end

-- What is in use may be garbage, and only a collection tells.
local function look()
  state.left = EVERY
  if host.memory() <= (state.full and most or next_look) then
    state.full = false
    return
  end
  local began = now()
  if state.full and began <= again then
    return
  end
  collectgarbage()
  local alive, ended = host.memory(), now()
  state.full = alive > most
  next_look = math.max(most, alive + step)
  again = ended + (ended - began) * PAUSE
end

--- Sets the bytes that the VM may take from now on.
local function limit(bytes)
  room.configure(host.limit_memory(bytes))
end

room.operations = { limit_memory = limit }

--- Why there can be no further process: an Error (Unavailable), or nil.
function room.refusal()
  local left = state.left - 1
  state.left = left
  if left > 0 and not state.full then
    return nil
  end
  look()
  return state.full
      and errors.make(
        "Unavailable",
        "there is not enough memory for another process; end some, or give the runtime more (--memory-limit)",
        true
      )
    or nil
end

--- Whether little is left of what processes may not take, which is for what those do that are there.
function room.is_short()
  return host.memory() > most + 2 * step
end

return room
