--- Module `system`: the runtime as seen from inside: memory, hosts, services, locks, the end of it all.
local runtime = ...
local use, check, errors = runtime.use, runtime.check, runtime.errors
local actors = use("kernel/actors")
local object = use("kernel/object")
local sandbox = use("kernel/sandbox")
local scheduler = use("kernel/scheduler")
local unit = use("kernel/unit")

local system = {}

local function denied(action, resource)
  if not runtime.allowed(action, resource) then
    local kind = action == "system.lock" and "PermissionDenied" or "Invalid"
    return errors.fail(kind, "permission denied: " .. action .. " on " .. resource)
  end
  return nil
end

-- A question to the node that needs the permission to read `resource`.
local function reader(operation, resource)
  return function(...)
    local err = denied("system.read", resource)
    if err then
      return nil, err
    end
    return actors.ask(-1, "system." .. operation, ...)
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
    return type(value) == "function" and value() or value
  end
end

--- Begins an orderly end of the runtime with an exit status (0 unless given): `true`.
function system.exit(code)
  if code ~= nil then
    code = check.integer(code, 1, "exit")
  end
  local err = denied("system.exit", "")
  if err then
    return nil, err
  end
  code = code or 0
  return actors.ask(-1, "system.exit", (code < -2147483648 or code > 2147483647) and 1 or code)
end

--- The modules that an entry may list: { name, description, class }.
system.modules = constant("modules", function()
  local list = {}
  for _, name in ipairs(sandbox.module_names()) do
    list[#list + 1] = { name = name, description = "module " .. name, class = {} }
  end
  return list
end)

local memory = { stats = reader("memory.stats", "memory") }

--- Bytes of JavaScript's heap in use.
function memory.allocated()
  local stats, err = memory.stats()
  return stats and stats.alloc, err
end

--- Processes of the operating system's view.
local os_process = {
  pid = reader("process.pid", "pid"),
  hostname = reader("process.hostname", "hostname"),
  cwd = reader("process.cwd", "cwd"),
}

local hosts = { list = reader("hosts.list", "hosts") }
local processes = reader("hosts.processes", "hosts")

--- The first thousand processes of a host: { pid, host, source, state, steps, mailbox, started_at, parent, actor_id }.
function hosts.processes(host_id)
  return processes(check.string(host_id, 1, "processes"))
end

local supervisor = { states = reader("supervisor.states", "supervisor") }
local state = reader("supervisor.state", "supervisor")

--- How a service is: { id, status, desired, retry_count, last_update, started_at, details }.
function supervisor.state(id)
  return state(check.string(id, 1, "state"))
end

local lock = {}

local function lock_operation(name)
  lock[name] = function(key)
    check.string(key, 1, name)
    local err = denied("system.lock", key)
    if err then
      return nil, err
    end
    local self = scheduler.current
    -- Its end is told to the node, which frees the lock.
    self.named = true
    local ok, failure = actors.ask(-1, "system.lock." .. name, key, unit.pid_of(self))
    return ok or false, failure
  end
end

--- Takes a lock that ends with its owner: `true`, or `false, err` AlreadyExists.
lock_operation("acquire")
--- Gives a lock back: false when the caller does not hold it.
lock_operation("release")

local alone = "clustering is not available"
local no_raft = "raft not available"
local parts = {
  memory = memory,
  process = os_process,
  hosts = hosts,
  supervisor = supervisor,
  lock = lock,
  runtime = { cpu_count = reader("runtime.cpu_count", "cpu") },
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
  system[name] = object.freeze(part, "system." .. name)
end

return system
