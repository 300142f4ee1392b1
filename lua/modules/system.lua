--- Module `system`: the runtime as seen from inside: memory, hosts, services, locks, the end of it all.
-- @workflows no
-- @sandbox yes
local runtime = ...
local use, check, errors = runtime.use, runtime.check, runtime.errors
local processes = use("kernel/processes/processes")
local class_of = use("library/module_classes")
local freeze = use("kernel/core/freeze")
local sandbox = use("kernel/core/sandbox")
local scheduler = use("kernel/core/scheduler")
local unit = use("kernel/core/unit")

local system = {}

local function denied(action, resource)
  if not runtime.allowed(action, resource) then
    local kind = action == "system.lock" and "PermissionDenied" or "Invalid"
    return errors.fail(kind, "permission denied: " .. action .. " on " .. resource)
  end
  return nil
end

-- Asks the node what needs the permission to read `resource`.
local function read(operation, resource, fields)
  local err = denied("system.read", resource)
  if err then
    return nil, err
  end
  return processes.ask(-1, "system." .. operation, fields)
end

-- A function that asks without arguments.
local function reader(operation, resource)
  return function()
    return read(operation, resource, {})
  end
end

-- What only a cluster could answer.
local function without_cluster(resource, message)
  return function()
    return nil, denied("system.read", resource) or errors.fail("Internal", message)
  end
end

local function constant(resource, value)
  return function()
    local err = denied("system.read", resource)
    if err then
      return nil, err
    end
    local found
    found, err = runtime.effects.record(function()
      return type(value) == "function" and value() or value
    end)
    return found, err
  end
end

--- Begins an orderly end of the runtime with an exit status (0 unless given): `true`.
function system.exit(code)
  if code ~= nil then
    code = check.integer(code, 1, "exit")
  end
  local err = runtime.not_in_workflow("system.exit") or denied("system.exit", "")
  if err then
    return nil, err
  end
  code = code or 0
  return processes.ask(-1, "system.exit", {
    status = (code < -2147483648 or code > 2147483647) and 1 or code,
  })
end

--- The modules that an entry may list: { name, description, class }.
system.modules = constant("modules", function()
  local list = {}
  for _, name in ipairs(sandbox.module_names()) do
    local class = table.move(class_of(name), 1, #class_of(name), 1, {})
    list[#list + 1] = { name = name, description = "module " .. name, class = class }
  end
  return list
end)

local memory = { stats = reader("memory.stats", "memory") }

--- Bytes of JavaScript's heap in use.
function memory.allocated()
  local stats, err = memory.stats()
  return stats and stats.alloc, err
end

--- Objects in JavaScript's heap.
function memory.heap_objects()
  local stats, err = memory.stats()
  return stats and stats.heap_objects, err
end

--- Bytes that the Lua VM of a worker may have; -1: as many as it can.
memory.get_limit = reader("memory.limit", "memory_limit")

--- Sets that for all workers, -1 to as much as a VM can have; what a VM has taken stays. Returns the limit before.
function memory.set_limit(n)
  local err = runtime.not_in_workflow("system.memory.set_limit")
    or denied("system.control", "memory_limit")
  if err then
    return nil, err
  end
  local bytes = math.tointeger(n)
  if not bytes or bytes < -1 then
    return nil, errors.fail("Invalid", "memory.set_limit needs an integer of -1 or more")
  end
  -- More than a double can count is no limit either.
  return processes.ask(-1, "system.memory.set_limit", { bytes = bytes > 1 << 53 and -1 or bytes })
end

-- Lua's collector of this worker. Go's percent, by how much memory may grow before a collection, is Lua's pause less
-- 100; Lua keeps pauses up to 1000.
local gc, MOST_PERCENT <const> = {}, 900

--- Collects all garbage of this worker's VM: `true`.
function gc.collect()
  local err = runtime.not_in_workflow("system.gc.collect") or denied("system.gc", "gc")
  if err then
    return nil, err
  end
  collectgarbage("collect")
  return true
end

-- What a program has set, and the pause that Lua made of it, which it keeps in steps of four.
local chosen, chosen_pause
local switched_off = false

local function percent()
  local pause = collectgarbage("setpause", 200)
  collectgarbage("setpause", pause)
  return pause == chosen_pause and chosen or math.max(0, pause - 100)
end

--- By how many percent this worker's memory may grow before the collector works.
function gc.get_percent()
  local err = runtime.not_in_workflow("system.gc.get_percent")
    or denied("system.read", "gc_percent")
  if err then
    return nil, err
  end
  return percent()
end

--- Sets that, up to 900; a negative value means 900, as the collector is never switched off.
--- Returns the value before, 100 if that was negative.
function gc.set_percent(n)
  n = check.integer(n, 1, "set_percent")
  local err = runtime.not_in_workflow("system.gc.set_percent") or denied("system.gc", "gc_percent")
  if err then
    return nil, err
  end
  local before = percent()
  chosen = (n < 0 or n > MOST_PERCENT) and MOST_PERCENT or n
  collectgarbage("setpause", 100 + chosen)
  chosen_pause = collectgarbage("setpause", 100 + chosen)
  local off = switched_off
  switched_off = n < 0
  -- As programs expect it of a collector that was switched off.
  return off and 100 or before
end

local procs = reader("runtime.max_procs", "gomaxprocs")

--- How many workers there may be. With `n` sets that, at most to the number that the runtime was started with, and
--- returns the number before.
local function max_procs(n)
  if n == nil then
    return procs()
  end
  local err = runtime.not_in_workflow("system.runtime.max_procs")
    or denied("system.control", "gomaxprocs")
  if err then
    return nil, err
  end
  local count = math.tointeger(n)
  if not count or count < 1 then
    return nil, errors.fail("Invalid", "runtime.max_procs needs an integer of 1 or more")
  end
  return processes.ask(-1, "system.runtime.set_max_procs", { count = math.min(count, 1 << 30) })
end

--- Processes of the operating system's view.
local os_process = {
  pid = reader("process.pid", "pid"),
  hostname = reader("process.hostname", "hostname"),
  cwd = reader("process.cwd", "cwd"),
}

local hosts = { list = reader("hosts.list", "hosts") }

--- The first thousand processes of a host: { pid, host, source, state, steps, mailbox, started_at, parent, actor_id }.
function hosts.processes(host_id)
  return read("hosts.processes", "hosts", { host = check.string(host_id, 1, "processes") })
end

local supervisor = { states = reader("supervisor.states", "supervisor") }

--- How a service is: { id, status, desired, retry_count, last_update, started_at, details }.
function supervisor.state(id)
  return read("supervisor.state", "supervisor", { id = check.string(id, 1, "state") })
end

local lock = {}

local function lock_operation(name)
  lock[name] = function(key)
    check.string(key, 1, name)
    local err = runtime.not_in_workflow("system.lock." .. name) or denied("system.lock", key)
    if err then
      return nil, err
    end
    local self = scheduler.current
    -- Its end is told to the node, which frees the lock.
    self.named = true
    local ok, failure = processes.ask(-1, "system.lock." .. name, {
      name = key,
      pid = unit.pid_of(self),
    })
    return ok or false, failure
  end
end

--- Takes a lock that ends with its owner: `true`, or `false, err` AlreadyExists.
lock_operation("acquire")
--- Releases a lock. Returns false when the caller does not hold it.
lock_operation("release")

local alone = "clustering is not available"
local no_raft = "raft not available"
local parts = {
  memory = memory,
  process = os_process,
  hosts = hosts,
  supervisor = supervisor,
  lock = lock,
  gc = gc,
  runtime = {
    cpu_count = reader("runtime.cpu_count", "cpu"),
    goroutines = reader("runtime.goroutines", "goroutines"),
    max_procs = max_procs,
  },
  node = {
    id = constant("node", "local"),
    addr = without_cluster("node", alone),
    role = constant("node", "non-member"),
  },
  cluster = {
    members = constant("cluster", function()
      return { { id = "local", is_local = true } }
    end),
    leader = constant("cluster", ""),
    size = constant("cluster", 1),
  },
  raft = {
    is_leader = without_cluster("raft", no_raft),
    is_member = without_cluster("raft", no_raft),
    role = without_cluster("raft", no_raft),
    term = without_cluster("raft", no_raft),
    commit_index = without_cluster("raft", no_raft),
    stats = without_cluster("raft_stats", no_raft),
  },
}
for name, part in pairs(parts) do
  system[name] = freeze(part, "system." .. name)
end

return system
