-- The most frequent kind of spawn: without arguments, of an entry that has run here before, without monitors and links.
-- It makes what `here.spawn` of kernel/processes/spawning makes, without the calls that pass arguments on.
local use = ...
local limits = use("kernel/processes/limits")
local placement = use("kernel/processes/placement")
local room = use("kernel/processes/room")
local sandbox = use("kernel/core/sandbox")
local scheduler = use("kernel/core/scheduler")
local unit = use("kernel/core/unit")
local by_pid, new_pid, try_as = unit.by_pid, unit.new_pid, scheduler.try_as
local place, no_room = placement.place, room.refusal
local clone, make_coroutine = host.clone, host.coroutine

-- What a unit has from the start. The table has room for more, which one that grows would not have.
local BLANK <const> = {
  pid = false,
  entry = false,
  context = false,
  frame = false,
  env = false,
  main = false,
  inbox = false,
  ended = false,
  parent = false,
  started = 0,
  steps = 0,
}

local plain = {}

-- Makes a process known, and runs it.
local function launch(self, fn)
  by_pid[self.pid] = self
  unit.start(self, make_coroutine(fn))
end

--- Spawns on a host that runs: `pid`, or `nil, err`; false where the entry or the host is none of the kind; false and
--- the worker on which to spawn instead. `context` is that of processes.
function plain.spawn(parent, id, host_id, frame, context)
  local entry = sandbox.entry(id)
  -- With `vararg`, the program can tell how many arguments it got.
  if not entry or not entry.loaded or entry.vararg ~= false or limits.of(host_id) then
    return false
  end
  local worker = place(entry)
  if worker ~= unit.index() then
    return false, worker
  end
  local refusal = no_room()
  if refusal then
    return nil, refusal
  end
  local pid = new_pid(host_id)
  local self = clone(BLANK)
  self.pid, self.entry, self.context, self.frame = pid, entry, context, frame
  self.parent, self.started = parent.pid or false, scheduler.turn
  local ok, fn, failure, env = try_as(self, sandbox.method, entry, entry.method)
  if not ok then
    error(fn, 0)
  elseif failure then
    return nil, failure
  end
  self.env = env
  local raised
  ok, raised = pcall(launch, self, fn)
  if not ok then
    by_pid[pid] = nil
    error(raised, 0)
  end
  return pid
end

return plain
