-- The `funcs` module (spec core-api §8).
local runtime = ...
local check = runtime.check
local copies = runtime.use("kernel/copy")
local errors = runtime.errors
local scheduler = runtime.use("kernel/scheduler")

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

--- Calls a function and waits: `value, nil` or `nil, err`.
function funcs.call(target, ...)
  local err = check_target(target, "call")
  if err then
    return nil, err
  end
  local self = scheduler.current
  return self.context.call(self, target, self.frame, nil, ...)
end

--- Starts a call and gives its Future.
function funcs.async(target, ...)
  local err = check_target(target, "async")
  if err then
    return nil, err
  end
  local self = scheduler.current
  return self.context.async(self, target, self.frame, nil, ...)
end

local methods = {}
local make = runtime.object("funcs.Executor", methods)

--- An Executor: an immutable builder of calls (spec §8.1).
function funcs.new()
  return make({ _frame = false, _options = false })
end

function methods:with_context(values)
  check.table(values, 1, "with_context")
  local frame = {}
  local base = self._frame or scheduler.current.frame
  for key, value in pairs(base) do
    frame[key] = value
  end
  local context = {}
  for key, value in pairs(base.values or {}) do
    context[key] = value
  end
  for key, value in pairs(values) do
    if type(key) == "string" then
      context[key] = copies.copy(value)
    end
  end
  frame.values = context
  return make({ _frame = frame, _options = self._options })
end

function methods:with_options(options)
  check.table(options, 1, "with_options")
  return make({ _frame = self._frame, _options = copies.copy(options) })
end

function methods:call(target, ...)
  local err = check_target(target, "call")
  if err then
    return nil, err
  end
  local self_unit = scheduler.current
  return self_unit.context.call(self_unit, target, self._frame or self_unit.frame, self._options or nil, ...)
end

function methods:async(target, ...)
  local err = check_target(target, "async")
  if err then
    return nil, err
  end
  local self_unit = scheduler.current
  return self_unit.context.async(self_unit, target, self._frame or self_unit.frame, self._options or nil, ...)
end

return funcs
