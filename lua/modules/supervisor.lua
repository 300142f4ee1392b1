--- Module `supervisor`: supervision trees with the words and rules of Erlang/OTP's supervisor.
-- @workflows no
-- @sandbox yes
local runtime = ...
local use, check, errors = runtime.use, runtime.check, runtime.errors
local request = use("library/request", runtime)
local run = use("library/supervision", runtime)
local specs = use("library/supervisor_spec", runtime)

local supervisor = {}

-- A child may take its time to end; so may a call that ends one.
local DEFAULT_TIMEOUT <const> = "1m"

--- Runs the calling process as a supervisor until it ends: for `return supervisor.run(spec)` in a main.
function supervisor.run(spec)
  check.table(spec, 1, "run")
  local err = runtime.not_in_workflow("supervisor.run")
  if err then
    return nil, err
  end
  return run(spec)
end

local function starter(name, spawn)
  --- Starts a supervisor on a host and waits until its children run: pid, or `nil, err` with the child that failed.
  supervisor[name] = function(host_id, spec)
    check.string(host_id, 1, name)
    check.table(spec, 2, name)
    local given = {}
    for key, value in pairs(spec) do
      given[key] = value
    end
    given.host = given.host or host_id
    local pid, started, err = request.start("supervisor", function(builder)
      return builder[spawn](builder, specs.ENTRY, host_id, given)
    end)
    if not started then
      return nil, err
    end
    return pid
  end
end

starter("start", "spawn")
starter("start_link", "spawn_linked")

local function operation(name)
  supervisor[name] = function(dest, value, timeout)
    check.string(dest, 1, name)
    timeout = request.timeout(timeout or DEFAULT_TIMEOUT, 3, name)
    return request.ask("supervisor", dest, "$supervisor", { op = name, value = value }, timeout)
  end
end

--- start_child(sup, spec) starts a further child and returns its PID; of a simple_one_for_one, start_child(sup, {…})
--- starts one with these further arguments.
operation("start_child")
--- terminate_child(sup, id or pid) ends a child by its rule; it is not restarted.
operation("terminate_child")
--- restart_child(sup, id) starts a child that was terminated or has ended: its PID.
operation("restart_child")
--- delete_child(sup, id) forgets a child that does not run.
operation("delete_child")
--- which_children(sup[, {after = id, limit = n}]): { {id, pid, type, process, status, restarts}, … } in start order.
operation("which_children")
--- count_children(sup): { specs, active, supervisors, workers }.
operation("count_children")
--- get_childspec(sup, id or pid): the specification with every default; durations in nanoseconds.
operation("get_childspec")
--- stop(sup[, reason[, timeout]]) ends the supervisor, its children first, in reverse order.
operation("stop")

--- Checks a specification without starting anything: `true`, or `nil, err` Invalid with what is wrong.
function supervisor.check(spec)
  check.table(spec, 1, "check")
  local ok, err = pcall(specs.supervisor, spec)
  if ok then
    return true
  end
  return nil, errors.from_raised(err)
end

return supervisor
