--- Module `funcs`: calls functions, at once or later.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local check = runtime.check
local copies = runtime.use("kernel/core/copy")
local effects, errors = runtime.effects, runtime.errors
local identity = runtime.use("kernel/security/identity")
local networks = runtime.use("kernel/security/networks")
local context_value = runtime.use("kernel/core/context_value")
local security = runtime.use("kernel/security/security")
local scheduler = runtime.use("kernel/core/scheduler")

local funcs = {}

local function target_error(target)
  if target == "" then
    return errors.fail("Invalid", "function ID required")
  end
  local namespace, name = target:match("^(.-):(.*)$")
  if not namespace or namespace == "" then
    return errors.fail("Invalid", "namespace required in function ID")
  elseif name == "" then
    return errors.fail("Invalid", "name required in function ID")
  end
  return nil
end

local known = {}

local function check_target(target, name)
  if known[target] then
    return nil
  end
  check.string(target, 1, name)
  local err = target_error(target)
  if not err then
    known[target] = true
  end
  return err
end

-- Why the unit may not call `target`, or nil.
local function refusal(self, target)
  if (self.frame.scope or security.strict) and not security.allowed(self, "funcs.call", target) then
    return security.denied("not allowed: " .. target)
  end
  return nil
end

--- Calls a function and waits: `value, nil` or `nil, err`.
function funcs.call(target, ...)
  local err = check_target(target, "call")
  local self = scheduler.current
  err = err or refusal(self, target)
  if err then
    return nil, err
  end
  return effects.call(target, self.frame, nil, ...)
end
funcs.call = host.bind(host.call_plain, funcs.call) -- with one plain value, as most calls are

--- Starts a call. Returns its Future.
function funcs.async(target, ...)
  local err = check_target(target, "async")
  local self = scheduler.current
  err = err or refusal(self, target)
  if err then
    return nil, err
  end
  local future
  future, err = effects.async(target, self.frame, nil, ...)
  return future, err
end

-- What executors hold, out of the reach of programs: a frame belongs to other units too.
local held = setmetatable({}, { __mode = "k" })
local methods = {}
local new_executor = runtime.object("funcs.Executor", methods)

local function make(frame, options)
  local executor = new_executor({})
  held[executor] = { frame = frame, options = options }
  return executor
end

local function fields_of(executor, name)
  return held[executor]
    or error("bad argument #1 to '" .. name .. "' (funcs.Executor expected; call it with ':')", 3)
end

--- An Executor: an immutable builder of calls. Without context of its own it calls in its caller's frame.
function funcs.new()
  return make(nil, nil)
end

function methods:with_context(values)
  check.table(values, 1, "with_context")
  local from = fields_of(self, "with_context")
  if not security.allowed(scheduler.current, "funcs.context", "context") then
    return nil, security.denied("not allowed to call functions with custom context")
  end
  local base = from.frame or scheduler.current.frame
  local context = {}
  for key, value in pairs(base.values or {}) do
    context[key] = value
  end
  for key, value in pairs(values) do
    if type(key) == "string" then
      context[key] = context_value(value)
    end
  end
  return make(security.with(base, { values = context }), from.options)
end

for _, name in ipairs({ "with_actor", "with_scope" }) do
  methods[name] = function(self, value)
    local from = fields_of(self, name)
    local frame = identity[name](from.frame or scheduler.current.frame, value)
    if not security.allowed(scheduler.current, "funcs.security", "security") then
      return nil, security.denied("not allowed to call functions with custom security context")
    end
    return make(frame, from.options)
  end
end

function methods:with_options(options)
  check.table(options, 1, "with_options")
  local from = fields_of(self, "with_options")
  local err = networks.refusal(options)
  if err then
    return nil, err
  end
  return make(from.frame, copies.copy(options))
end

for _, name in ipairs({ "call", "async" }) do
  local perform = effects[name]
  methods[name] = function(executor, target, ...)
    local from = fields_of(executor, name)
    local err = check_target(target, name)
    local self = scheduler.current
    err = err or refusal(self, target)
    if err then
      return nil, err
    end
    local frame = networks.frame(from.frame or self.frame, from.options)
    local result
    result, err = perform(target, frame, from.options, ...)
    return result, err
  end
end

return funcs
