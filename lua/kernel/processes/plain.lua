-- The most frequent kind of spawn: without arguments, of an entry that has run here before, without monitors and links.
-- It makes what `here.spawn` of kernel/processes/spawning makes, without the calls that pass arguments on. On the only
-- worker, a native (src/vm/natives/spawn.as.ts) does the same for an entry without imports, from its second process on.
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

--- `blank`: what a native copies, too.
local plain = { blank = BLANK }

-- Makes a process known, and runs it.
local function launch(self, fn)
  by_pid[self.pid] = self
  unit.start(self, make_coroutine(fn))
end

-- Starts the process, whose chunk has run, and returns its PID; or `nil, err`.
local function complete(self, env, ok, fn, failure)
  if not ok then
    error(fn, 0)
  elseif failure then
    return nil, failure
  end
  self.env = env
  local raised
  ok, raised = pcall(launch, self, fn)
  if not ok then
    by_pid[self.pid] = nil
    error(raised, 0)
  end
  return self.pid
end

local function method_in(entry, ran, value)
  if not ran then
    return nil, sandbox.failed(value)
  end
  return sandbox.method_in(value, entry.method)
end

--- Goes on where a native has stopped, since the chunk has raised, or its value has the method by a metatable or not at
--- all. `env` is nil when not even the chunk could be made.
function plain.complete(self, env, ran, value)
  if not env then
    error(value, 0)
  end
  local pid, err = complete(self, env, try_as(self, method_in, self.entry, ran, value))
  return pid, err
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
  local self = clone(BLANK)
  self.pid, self.entry, self.context, self.frame = new_pid(host_id), entry, context, frame
  self.parent, self.started = parent.pid or false, scheduler.turn
  local ok, fn, failure, env = try_as(self, sandbox.method, entry, entry.method)
  return complete(self, env, ok, fn, failure)
end

return plain
