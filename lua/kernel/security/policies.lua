-- Policies: what one rule, and a set of them, decide about an action on a resource. See docs/guide/security.md.
-- A policy is a plain table {id, effect, actions, resources, conditions, expression}, so that it crosses threads as it
-- is; an actor is {id, meta}. Evaluation has no effects: the same in every context and replay.
local use = ...
local effects = use("kernel/core/effects")
local tostring = use("kernel/core/stable").tostring
local policies = {}

local function matches(patterns, text)
  for _, pattern in ipairs(patterns) do
    if pattern == "*" or pattern == text then
      return true
    elseif string.byte(pattern, -1) == 42 then
      -- `prefix.*` means the prefix without its dot; policies are written against that.
      local cut = string.byte(pattern, -2) == 46 and -3 or -2
      local prefix = string.sub(pattern, 1, cut)
      if string.sub(text, 1, #prefix) == prefix then
        return true
      end
    end
  end
  return false
end

-- A number, of a text too where it is written in decimal; nil when it is none.
local function number_of(value)
  if type(value) == "number" then
    return value
  elseif type(value) == "string" and value:find("^[%d.eE+-]+$") then
    return tonumber(value)
  end
  return nil
end

local function text_of(value)
  return tostring(math.type(value) == "float" and math.tointeger(value) or value)
end

local function equal(a, b)
  if type(a) == "table" or type(b) == "table" then
    return false
  elseif a == b then
    return true
  end
  local x, y = number_of(a), number_of(b)
  if x and y then
    return x == y
  end
  return text_of(a) == text_of(b)
end

local function is_in_list(list, value)
  for _, item in ipairs(list) do
    if equal(item, value) then
      return true
    end
  end
  return false
end

-- What a condition fails with: its policy says nothing then.
local FAILED <const> = {}

local function nested(value, path)
  for part in path:gmatch("[^.]+") do
    if type(value) ~= "table" then
      return nil
    end
    value = value[part]
  end
  return value
end

-- The value that a path of a condition stands for; nil when there is none.
local function resolve(path, request)
  local actor = request.actor
  if path == "actor" or path == "meta" then
    error(FAILED)
  elseif path:sub(1, 6) == "actor." then
    if actor.id == "" and actor.meta == nil then
      error(FAILED)
    elseif path == "actor.id" then
      return actor.id
    elseif path == "actor.meta" then
      return actor.meta
    elseif path:sub(1, 11) == "actor.meta." then
      return nested(actor.meta, path:sub(12))
    end
    error(FAILED)
  elseif path:sub(1, 5) == "meta." then
    return nested(request.meta, path:sub(6))
  elseif path == "action" then
    return request.action
  elseif path == "resource" then
    return request.resource
  end
  return request.meta and request.meta[path]
end

local function compared(holds)
  return function(field, value)
    local a, b = number_of(field), number_of(value)
    if not a or not b then
      error(FAILED)
    end
    return holds(a, b)
  end
end

local operators = { eq = equal }

operators.lt = compared(function(a, b)
  return a < b
end)
operators.gt = compared(function(a, b)
  return a > b
end)
operators.lte = compared(function(a, b)
  return a <= b
end)
operators.gte = compared(function(a, b)
  return a >= b
end)

operators["in"] = function(field, value)
  if type(value) == "string" then
    return equal(field, value)
  elseif type(value) ~= "table" then
    error(FAILED)
  end
  return is_in_list(value, field)
end

function operators.contains(field, value)
  if type(value) == "table" then
    error(FAILED)
  elseif type(field) == "table" then
    return is_in_list(field, value)
  end
  return text_of(field):find(text_of(value), 1, true) ~= nil
end

function operators.matches(field, value, fixed)
  if not fixed or type(value) ~= "string" then
    error(FAILED)
  end
  local found, err = host.pure("security.matches", value, text_of(field))
  if err then
    error(FAILED)
  end
  return found
end

local opposites = { ne = "eq", nin = "in", ncontains = "contains", nmatches = "matches" }

local function holds(condition, request)
  local field = resolve(condition.field, request)
  local fixed = condition.value_from == nil or condition.value_from == ""
  local value
  if fixed then
    value = condition.value
  else
    value = resolve(condition.value_from, request)
  end
  local name = condition.operator
  if name == "exists" or name == "nexists" then
    local wanted = value ~= false
    if name == "nexists" then
      wanted = not wanted
    end
    return (field ~= nil) == wanted
  elseif field == nil or value == nil then
    return false
  end
  local opposite = opposites[name]
  if opposite then
    return not operators[opposite](field, value, fixed)
  end
  return operators[name](field, value, fixed)
end

local function all_hold(conditions, request)
  for _, condition in ipairs(conditions) do
    if not holds(condition, request) then
      return false
    end
  end
  return true
end

-- Whether an expression is true. One that fails, or that yields anything else, says nothing.
local function is_true(expression, request)
  local actor = { id = request.actor.id, meta = request.actor.meta or {} }
  local names = {
    actor = actor,
    action = request.action,
    resource = request.resource,
    meta = request.meta or {},
  }
  local ok, value = pcall(host.pure, "expr.run", expression, names, effects.now())
  return ok and value == true
end

local function applies(policy, request)
  if
    not matches(policy.actions, request.action) or not matches(policy.resources, request.resource)
  then
    return false
  end
  if #policy.conditions > 0 then
    local ok, result = pcall(all_hold, policy.conditions, request)
    if not ok and result ~= FAILED then
      error(result, 0)
    elseif not ok or not result then
      return false
    end
  end
  return policy.expression == nil or is_true(policy.expression, request)
end

--- What one policy says: "allow", "deny" or "undefined".
function policies.evaluate(policy, actor, action, resource, meta)
  local request = { actor = actor, action = action, resource = resource, meta = meta }
  return applies(policy, request) and policy.effect or "undefined"
end

--- What a set of policies says: "deny" when one denies, else "allow" when one allows, else "undefined".
function policies.evaluate_all(set, actor, action, resource, meta)
  local request = { actor = actor, action = action, resource = resource, meta = meta }
  local result = "undefined"
  for _, policy in ipairs(set) do
    if (policy.effect == "deny" or result == "undefined") and applies(policy, request) then
      if policy.effect == "deny" then
        return "deny"
      end
      result = "allow"
    end
  end
  return result
end

return policies
