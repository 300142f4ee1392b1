-- The spawn that most are: without arguments, of an entry that has run here before, watched by nobody.
-- It makes what `here.spawn` of kernel/processes/spawning makes, without the calls that pass arguments on.
local use = ...
local limits = use("kernel/processes/limits")
local placement = use("kernel/processes/placement")
local sandbox = use("kernel/core/sandbox")
local scheduler = use("kernel/core/scheduler")
local unit = use("kernel/core/unit")
local by_pid, new_pid, try_as = unit.by_pid, unit.new_pid, scheduler.try_as
local place = placement.place

local plain = {}

-- Makes a process known, and runs it.
local function launch(self, fn)
  by_pid[self.pid] = self
  unit.start(self, coroutine.create(fn))
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
  local pid = new_pid(host_id)
  local self = {
    pid = pid,
    entry = entry,
    context = context,
    frame = frame,
    env = false,
    main = false,
    inbox = false,
    ended = false,
    parent = parent.pid or false,
    started = scheduler.turn,
    steps = 0,
  }
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
