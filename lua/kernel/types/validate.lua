-- Whether a value is of a type: it is looked at with raw reads, and never changed.
local use = ...
local errors = use("kernel/core/errors")
local object = use("kernel/core/object")
local order = use("kernel/core/order")
local shapes = use("kernel/types/shapes")
local stable = use("kernel/core/stable")
local text_of = use("kernel/types/text")
local content = use("kernel/core/view").content
local force, type_of = shapes.force, host.type

-- Nested values at most; and how many are looked at before others have their turn.
local MOST_DEPTH <const>, TURN <const> = 64, 32768

local validate

-- A failure: what it says, its path (from inside out), what `details` of the Error hold.
local function mismatch(expected, value)
  local got = type_of(value)
  return {
    message = "expected " .. expected .. ", got " .. got,
    details = { expected = expected, got = got },
  }
end

local function inside(failure, segment)
  failure.path = segment .. (failure.path or "")
  return failure
end

local function is_field(failure)
  failure.path = failure.path:gsub("^%.", "")
  return failure
end

local function is_integer(value)
  return math.type(value) ~= nil and math.tointeger(value) ~= nil
end

local function text_of_key(key)
  return type(key) == "string" and "." .. key or "[" .. stable.tostring(key) .. "]"
end

local checks = {}

local function accept() end
checks.any, checks.unknown = accept, accept

function checks.never(shape, value)
  return mismatch(shape.name, value)
end

for _, name in ipairs({ "nil", "boolean", "number", "string", "table", "thread", "userdata" }) do
  checks[name] = function(_, value)
    if type_of(value) ~= name then
      return mismatch(name, value)
    end
    return nil
  end
end

function checks.integer(_, value)
  if not is_integer(value) then
    return mismatch("integer", value)
  end
  return nil
end

function checks.error(_, value)
  if not errors.is_error(value) then
    return mismatch("error", value)
  end
  return nil
end

-- An object of a module. Where no kind of objects has the name, any object will do.
function checks.host(shape, value)
  local short = shape.name:match("[%w_]+$")
  for _, name in ipairs({ shape.name, short, short:lower() }) do
    if object.is_kind(name) then
      return not object.is(name, value) and mismatch(shape.name, value) or nil
    end
  end
  local kind = type_of(value)
  return kind ~= "userdata" and kind ~= "table" and mismatch(shape.name, value) or nil
end

function checks.unresolved(shape)
  return { message = "unresolved type " .. shape.name, details = { expected = shape.name } }
end

function checks.generic(shape, value)
  return mismatch(shape.declared.name, value)
end

checks["function"] = function(_, value)
  if type(value) ~= "function" then
    return mismatch("function", value)
  end
  return nil
end

function checks.literal(shape, value)
  if
    not rawequal(value, shape.value) and not (type(value) == "number" and value == shape.value)
  then
    return mismatch(text_of(shape), value)
  end
  return nil
end

function checks.optional(shape, value, state, depth)
  if value == nil then
    return nil
  end
  return validate(shape.inner, value, state, depth)
end

function checks.union(shape, value, state, depth)
  for _, member in ipairs(shape.members) do
    if not validate(member, value, state, depth) then
      return nil
    end
  end
  return mismatch(text_of(shape), value)
end

function checks.intersection(shape, value, state, depth)
  for _, member in ipairs(shape.members) do
    local failure = validate(member, value, state, depth)
    if failure then
      return failure
    end
  end
  return nil
end

function checks.interface(_, value)
  if type_of(value) ~= "table" then
    return mismatch("table", value)
  end
  return nil
end

function checks.array(shape, value, state, depth)
  if type_of(value) ~= "table" then
    return mismatch(text_of(shape), value)
  end
  value = content(value)
  for i = 1, rawlen(value) do
    local element = rawget(value, i)
    local failure = element ~= nil and validate(shape.inner, element, state, depth)
    if failure then
      return inside(failure, "[" .. i .. "]")
    end
  end
  return nil
end

-- Whether a key of a map is one that its type speaks of.
local function counts(key, length, kind)
  if type(key) == "string" then
    return kind == "string"
  elseif math.type(key) == "integer" and key >= 1 and key <= length then
    return kind == "number" or kind == "integer" or kind == "any"
  end
  return true
end

-- The keys of a map in an order that a workflow's replay has too.
local function each(value)
  local run = stable.current_run()
  if run then
    return order.pairs(run, value)
  end
  return next, value
end

function checks.map(shape, value, state, depth)
  if type_of(value) ~= "table" then
    return mismatch(text_of(shape), value)
  end
  value = content(value)
  local kind, length = shapes.bare(shape.key).kind, rawlen(value)
  for key, element in each(value) do
    if counts(key, length, kind) then
      local failure = validate(shape.key, key, state, depth)
      if failure then
        failure.path = "map[" .. stable.tostring(key) .. "]"
        return failure
      end
      failure = validate(shape.value, element, state, depth)
      if failure then
        return inside(failure, text_of_key(key))
      end
    end
  end
  return nil
end

function checks.record(shape, value, state, depth)
  if type_of(value) ~= "table" then
    return mismatch(text_of(shape), value)
  end
  value = content(value)
  for _, field in ipairs(shape.fields) do
    local element = rawget(value, field.name)
    if element ~= nil or not field.optional then
      local failure = validate(field.type, element, state, depth)
      if failure then
        if element == nil and not failure.path and not failure.details.constraint then
          failure.message = "required field missing"
        end
        inside(failure, "." .. field.name)
        return depth == 1 and is_field(failure) or failure
      end
    end
  end
  return nil
end

local function below(value, limit)
  return value < limit
end

local function above(value, limit)
  return value > limit
end

local function compare_value(test, message)
  return function(value, limit)
    if type(limit) == "number" and type(value) == "number" and test(value, limit) then
      return message
    end
    return nil
  end
end

local function compare_length(test, message)
  return function(value, limit)
    local kind = type_of(value)
    local sized = kind == "string" or kind == "table"
    if sized and type(limit) == "number" and limit >= 0 and test(rawlen(content(value)), limit) then
      return message
    end
    return nil
  end
end

local validators = {
  min = compare_value(below, "value below minimum"),
  max = compare_value(above, "value above maximum"),
  min_len = compare_length(below, "length below minimum"),
  max_len = compare_length(above, "length above maximum"),
}

function validators.pattern(value, pattern)
  if type(value) ~= "string" then
    return nil
  elseif type(pattern) ~= "string" then
    return "invalid pattern argument"
  end
  local found, err = host.pure("text.matches", pattern, value, 1)
  if err then
    return "invalid regex"
  end
  return (not found or not found[1]) and "pattern mismatch" or nil
end

function checks.validated(shape, value, state, depth)
  local failure = validate(shape.inner, value, state, depth)
  if failure or value == nil then
    return failure
  end
  for _, check in ipairs(shape.checks) do
    local validator = validators[check.name]
    local message = validator and validator(value, check.argument)
    if message then
      return {
        message = message,
        details = {
          constraint = check.name,
          expected = stable.tostring(check.argument),
          got = stable.tostring(value),
        },
      }
    end
  end
  return nil
end

-- Containers whose check calls for a look at what is in them.
local containers = { array = true, map = true, record = true }

--- The failure of a value; nil when it is of the type. A pair of a type and a value that is being looked at holds.
function validate(shape, value, state, depth)
  shape = force(shape)
  local check = checks[shape.kind]
  if not containers[shape.kind] or type(value) ~= "table" then
    return check(shape, value, state, depth)
  end
  local seen = state[shape]
  if not seen then
    seen = {}
    state[shape] = seen
  elseif seen[value] then
    return nil
  end
  if depth >= MOST_DEPTH then
    return mismatch(text_of(shape), value)
  end
  state.count = state.count + 1
  if state.count % TURN == 0 then
    host.pause()
  end
  seen[value] = true
  local failure = check(shape, value, state, depth + 1)
  seen[value] = nil
  return failure
end

--- The Error (Invalid) that says why a value is not of a type; nil when it is.
return function(shape, value)
  local failure = validate(shape, value, { count = 0 }, 0)
  if not failure then
    return nil
  end
  local path, message = failure.path, failure.message
  local details = failure.details or {}
  details.field = path
  return errors.make("Invalid", path and path .. ": " .. message or message, nil, details)
end
