--- Module `workflow`: starts, updates and queries workflows, and steers the one that runs.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local check = runtime.check
local effects, errors = runtime.effects, runtime.errors
local security = runtime.use("kernel/security/security")
local processes = runtime.use("kernel/processes/processes")
local scheduler = runtime.use("kernel/core/scheduler")
local tostring = runtime.tostring

local workflow = {}

local function invalid(message)
  return errors.fail("Invalid", message)
end

--- Runs another workflow and waits: `result, nil` or `nil, err`. Inside a workflow it is a child; elsewhere a new
--- durable run, which goes on when the caller ends first.
function workflow.exec(id, ...)
  check.string(id, 1, "exec")
  if id == "" then
    return nil, invalid("workflow ID required")
  elseif not id:find("^[^:]+:.+") then
    return nil, invalid("invalid id format: '" .. id .. "' (namespace:name expected)")
  end
  local self = scheduler.current
  if not security.allowed(self, "workflow.exec", id) then
    return nil, security.denied("not allowed to execute workflow: " .. id)
  end
  local value, err = effects.workflow_exec(id, ...)
  if err and self.context.kind == "workflow" then
    local retryable = err:retryable()
    if retryable == nil then
      retryable = true
    end
    return nil,
      errors.make(
        err:kind(),
        "workflow exec failed: " .. err:message(),
        retryable,
        err:details(),
        err._stack
      )
  end
  return value, err
end

--- The older name of `exec`.
workflow.execute = workflow.exec

--- The version of a change that this run is on; outside a workflow `max`.
function workflow.version(change, minimum, maximum)
  check.string(change, 1, "version")
  minimum = check.integer(minimum, 2, "version")
  maximum = check.integer(maximum, 3, "version")
  if change == "" then
    return nil, invalid("change id is empty")
  elseif minimum > maximum then
    return nil, invalid("min is greater than max")
  end
  return effects.version(change, minimum, maximum), nil
end

local function unsupported(key, what)
  return nil, invalid("unsupported type of attribute '" .. key .. "': " .. what)
end

-- A list of texts, or nil and an Error.
local function texts(key, list)
  local count = 0
  for _ in pairs(list) do
    count = count + 1
  end
  if count ~= #list then
    return unsupported(key, "a table that is no list")
  end
  for i, element in ipairs(list) do
    if type(element) ~= "string" then
      return unsupported(key, "element " .. i .. " is no string")
    end
  end
  return list
end

-- The attributes that have a name, checked; or nil and an Error.
local function attributes_of(search)
  local found = {}
  for key, value in pairs(search) do
    local kind = host.type(value)
    if type(key) == "string" then
      if kind == "table" then
        local list, err = texts(key, value)
        if not list then
          return nil, err
        end
      elseif kind ~= "string" and kind ~= "boolean" and kind ~= "number" then
        return unsupported(key, kind)
      end
      found[key] = value
    end
  end
  return found
end

local function named(memo)
  local found = {}
  for key, value in pairs(memo) do
    if type(key) == "string" then
      found[key] = value
    end
  end
  return found
end

--- Merges search attributes and memo values into the run: `true` or `nil, err`.
function workflow.attrs(attributes)
  check.table(attributes, 1, "attrs")
  local search, memo = attributes.search, attributes.memo
  if search == nil and memo == nil then
    return nil, invalid("search or memo is required")
  elseif (search ~= nil and type(search) ~= "table") or (memo ~= nil and type(memo) ~= "table") then
    return nil, invalid("search and memo must be tables")
  end
  local err
  if search then
    search, err = attributes_of(search)
    if err then
      return nil, err
    end
  end
  local ok
  ok, err = effects.attributes(search, memo and named(memo))
  return ok, err
end

-- The PID of the workflow that `dest` (a PID or a registered name) is, if the unit may do `action` to it.
local function target_of(self, dest, action)
  local pid, err = processes.resolve(dest)
  if not pid then
    return nil, err
  elseif not security.allowed(self, "workflow." .. action, pid) then
    return nil, security.denied("not allowed to " .. action .. " workflow: " .. pid)
  end
  return pid
end

local function check_function(value, n, name)
  if type(value) ~= "function" then
    error(
      ("bad argument #%d to '%s' (function expected, got %s)"):format(n, name, host.type(value)),
      3
    )
  end
  return value
end

local stages = { accepted = true, completed = true }

-- Why an update cannot be sent, or nil.
local function update_refusal(id, stage, name)
  if id ~= nil and (type(id) ~= "string" or id == "") then
    return invalid("option id: a text that is not empty expected")
  elseif not stages[stage] then
    return invalid("option wait: accepted or completed expected")
  elseif name == "" then
    return invalid("the name of the update is empty")
  end
  return nil
end

--- Sends an update to a run and waits until it is completed: its value, or `nil, err`. With `options.wait` "accepted"
--- it waits only until the run has taken it, and returns the update's id.
function workflow.update(dest, name, ...)
  return workflow.update_with({}, dest, name, ...)
end

--- As `update`, with `options`: `id` and `wait`.
function workflow.update_with(options, dest, name, ...)
  check.table(options, 1, "update_with")
  check.string(dest, 2, "update_with")
  check.string(name, 3, "update_with")
  local id, stage = options.id, options.wait or "completed"
  local refusal = update_refusal(id, stage, name)
  if refusal then
    return nil, refusal
  end
  local self = scheduler.current
  local pid, err = target_of(self, dest, "update")
  if not pid then
    return nil, err
  end
  return effects.workflow_update(pid, name, { id = id, stage = stage }, ...)
end

-- Why a unit may not start `id` on a host and update the run `pid`, or nil.
local function start_refusal(self, id, host_id, pid)
  for _, need in ipairs({
    { "process.spawn", id, "spawn process: " },
    { "process.host", host_id, "spawn on host: " },
    { "workflow.update", pid, "update workflow: " },
  }) do
    local action, resource, what = table.unpack(need)
    if not security.allowed(self, action, resource) then
      return security.denied("not allowed to " .. what .. resource)
    end
  end
  return nil
end

--- Starts a run with these start options (`workflow.id` is needed) and arguments, or joins the open run of the id, and
--- sends it an update, both or neither; waits and answers as `update_with`. `update`: `name`, and, where wanted,
--- `args`, `id` and `wait`.
function workflow.update_with_start(options, id, host_id, update, ...)
  check.table(options, 1, "update_with_start")
  check.string(id, 2, "update_with_start")
  check.string(host_id, 3, "update_with_start")
  check.table(update, 4, "update_with_start")
  local workflow_id = options["workflow.id"] or options["temporal.workflow.id"]
  if type(workflow_id) ~= "string" or workflow_id == "" then
    return nil, invalid("option workflow.id: a text that is not empty expected")
  end
  local name, args, stage = update.name, update.args or {}, update.wait or "completed"
  if type(name) ~= "string" then
    return nil, invalid("name of the update: a text expected")
  elseif type(args) ~= "table" then
    return nil, invalid("args of the update: a list expected")
  end
  local self = scheduler.current
  local refusal = update_refusal(update.id, stage, name)
    or start_refusal(self, id, host_id, "{" .. host_id .. "|" .. workflow_id .. "}")
  if refusal then
    return nil, refusal
  end
  return effects.workflow_update_with_start(
    { id = id, host = host_id, options = options, args = table.pack(...) },
    { name = name, id = update.id, stage = stage, args = table.pack(table.unpack(args, 1, args.n)) }
  )
end

--- Lets `handler(...)` answer the updates of that name; `options.validator(...)` may reject them before.
function workflow.set_update_handler(name, handler, options)
  check.string(name, 1, "set_update_handler")
  check_function(handler, 2, "set_update_handler")
  local validator
  if options ~= nil then
    check.table(options, 3, "set_update_handler")
    if options.validator ~= nil then
      validator = check_function(options.validator, 3, "set_update_handler")
    end
  end
  local _, err = effects.set_update_handler(name, handler, validator)
  if err then
    return nil, err
  end
  return true
end

--- Queries a run, open or closed. Returns its answer, `value, err`. Nothing of it is recorded in that run.
function workflow.query(dest, name, ...)
  check.string(dest, 1, "query")
  check.string(name, 2, "query")
  local self = scheduler.current
  local pid, err = target_of(self, dest, "query")
  if not pid then
    return nil, err
  end
  return effects.workflow_query(pid, name, ...)
end

--- Lets `handler(...)` answer the queries of that name.
function workflow.set_query_handler(name, handler)
  check.string(name, 1, "set_query_handler")
  check_function(handler, 2, "set_query_handler")
  local _, err = effects.set_query_handler(name, handler)
  if err then
    return nil, err
  end
  return true
end

--- Whether no update is being handled; true outside a workflow.
function workflow.all_handlers_finished()
  return effects.all_handlers_finished()
end

local scope_methods = {}
local new_scope_object = runtime.object("workflow.Scope", scope_methods)
-- The kernel's scope of each object, out of the reach of programs.
local scope_of = setmetatable({}, { __mode = "k" })

local function own_scope(scope, name)
  return scope_of[scope]
    or error("bad argument #1 to '" .. name .. "' (workflow.Scope expected; call it with ':')", 3)
end

--- Cancels what the scope holds: its activities, sleeps, children, and the scopes inside of it.
function scope_methods:cancel(reason)
  local scope = own_scope(self, "cancel")
  if reason ~= nil then
    check.string(reason, 2, "cancel")
  end
  effects.cancel_scope(scope, reason)
end

--- Whether the scope was canceled.
function scope_methods:is_canceled()
  return own_scope(self, "is_canceled").canceled ~= nil
end

--- A channel that is closed when the scope is canceled.
function scope_methods:done()
  return own_scope(self, "done").done
end

local function run_in_scope(name, shielded, ns, fn, ...)
  local scope = effects.new_scope(shielded)
  if not scope then
    return nil, invalid(name .. " is available only inside a workflow")
  end
  local object = new_scope_object({})
  scope_of[object] = scope
  if not ns then
    return effects.run_in_scope(scope, fn, object, ...)
  end
  local timer = effects.timer(ns, function()
    effects.cancel_scope(scope, "scope timed out")
  end)
  return effects.run_in_scope(scope, function(...)
    local results = table.pack(pcall(fn, ...))
    effects.cancel_timer(timer)
    if not results[1] then
      error(results[2], 0)
    end
    return table.unpack(results, 2, results.n)
  end, object, ...)
end

--- Runs `fn(scope, ...)`: `scope:cancel(reason)` cancels what was started inside. Returns its results, or `nil, err`
--- when it raises the cancellation.
function workflow.cancellation_scope(fn, ...)
  check_function(fn, 1, "cancellation_scope")
  return run_in_scope("cancellation_scope", false, nil, fn, ...)
end

--- The same, canceled after `timeout`.
function workflow.with_timeout(timeout, fn, ...)
  local ns = runtime.duration(timeout)
  check_function(fn, 2, "with_timeout")
  if not ns or ns <= 0 then
    return nil, invalid("timeout must be a duration above 0, not " .. tostring(timeout))
  end
  return run_in_scope("with_timeout", false, ns, fn, ...)
end

--- Runs `fn(scope, ...)` out of the reach of the scopes around it: for cleaning up.
function workflow.non_cancellable(fn, ...)
  check_function(fn, 1, "non_cancellable")
  return run_in_scope("non_cancellable", true, nil, fn, ...)
end

--- What is known of the run; nil outside a workflow.
function workflow.info()
  return effects.workflow_info(), nil
end

--- Events in the history so far; 0 outside a workflow.
function workflow.history_length()
  local info = workflow.info()
  return info and info.history_length or 0, nil
end

--- Bytes in the history so far; 0 outside a workflow.
function workflow.history_size()
  local info = workflow.info()
  return info and info.history_size or 0, nil
end

return workflow
