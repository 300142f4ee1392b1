-- Actors, policies and scopes as programs hold them: objects whose contents are out of reach, since frames of other
-- units hold them too.
local use = ...
local check = use("kernel/core/check")
local copies = use("kernel/core/copy")
local effects = use("kernel/core/effects")
local object = use("kernel/core/object")
local security = use("kernel/security/security")
local policies = use("kernel/security/policies")
local scheduler = use("kernel/core/scheduler")

-- A scope may hold the policies of today, of which a workflow must see those of its first time.
local once = effects.record

local identity = {}

local held = setmetatable({}, { __mode = "k" })

local function kind_of(name, methods)
  local new = object.define(name, methods)
  return function(content)
    local result = new({})
    held[result] = content
    return result
  end
end

local function content(value, name, position, caller)
  if not object.is(name, value) then
    check.fail(position, caller, name, value)
  end
  return held[value]
end

local function evaluator(name, evaluate)
  return function(self, actor, action, resource, meta)
    local rules = content(self, name, 1, "evaluate")
    local who = content(actor, "security.Actor", 1, "evaluate")
    check.string(action, 2, "evaluate")
    check.string(resource, 3, "evaluate")
    if meta ~= nil then
      check.table(meta, 4, "evaluate")
    end
    return once(function()
      return evaluate(rules, who, action, resource, meta)
    end)
  end
end

local actor_methods, policy_methods, scope_methods = {}, {}, {}

--- The object of an actor `{id, meta}`.
identity.actor = kind_of("security.Actor", actor_methods)
--- The object of a policy.
identity.policy = kind_of("security.Policy", policy_methods)
--- The object of a list of policies.
identity.scope = kind_of("security.Scope", scope_methods)

function actor_methods:id()
  return content(self, "security.Actor", 1, "id").id
end

function actor_methods:meta()
  return copies.copy(content(self, "security.Actor", 1, "meta").meta or {})
end

function policy_methods:id()
  return content(self, "security.Policy", 1, "id").id
end

policy_methods.evaluate = evaluator("security.Policy", policies.evaluate)
scope_methods.evaluate = evaluator("security.Scope", policies.evaluate_all)

local function check_edit(resource, message)
  local self = scheduler.current
  if not security.allowed(self, "security.scope.create", resource) then
    error(security.denied(message), 0)
  end
end

-- The id of what names a policy: its id, the policy, or {ns, name}.
local function id_of(value, caller)
  if type(value) == "string" then
    return value
  elseif object.is("security.Policy", value) then
    return held[value].id
  elseif type(value) == "table" and type(value.ns) == "string" and type(value.name) == "string" then
    return value.ns .. ":" .. value.name
  end
  return check.fail(1, caller, "policy ID, security.Policy or {ns, name}", value)
end

local function without(list, id)
  local result = {}
  for _, policy in ipairs(list) do
    if policy.id ~= id then
      result[#result + 1] = policy
    end
  end
  return result
end

scope_methods["with"] = function(self, policy)
  local list = content(self, "security.Scope", 1, "with")
  local added = content(policy, "security.Policy", 1, "with")
  check_edit("with", "not allowed to add policy to scope")
  local result = without(list, added.id)
  result[#result + 1] = added
  return identity.scope(result)
end

function scope_methods:without(policy)
  local list = content(self, "security.Scope", 1, "without")
  local id = id_of(policy, "without")
  check_edit("without", "not allowed to remove policy from scope")
  return identity.scope(without(list, id))
end

function scope_methods:contains(policy)
  local list = content(self, "security.Scope", 1, "contains")
  local id = id_of(policy, "contains")
  return once(function()
    for _, own in ipairs(list) do
      if own.id == id then
        return true
      end
    end
    return false
  end)
end

function scope_methods:policies()
  local result = {}
  local list = content(self, "security.Scope", 1, "policies")
  list = once(function()
    return list
  end)
  for i, policy in ipairs(list) do
    result[i] = identity.policy(policy)
  end
  return result
end

--- A new scope of these Policy objects; what is none is passed over, the last of an id wins.
function identity.scope_of(list)
  local result = {}
  for _, item in ipairs(list) do
    if object.is("security.Policy", item) then
      local policy = held[item]
      result = without(result, policy.id)
      result[#result + 1] = policy
    end
  end
  return identity.scope(result)
end

--- What is in an Actor, `{id, meta}`; anything else raises.
function identity.plain_actor(actor, position, caller)
  return content(actor, "security.Actor", position, caller)
end

--- The ids of a Scope's policies; anything but a Scope raises.
function identity.policy_ids(scope, position, caller)
  local ids = {}
  for i, policy in ipairs(content(scope, "security.Scope", position, caller)) do
    ids[i] = policy.id
  end
  return ids
end

--- The frame `frame` with another actor; anything but an Actor raises.
function identity.with_actor(frame, actor)
  return security.with(frame, { actor = content(actor, "security.Actor", 1, "with_actor") })
end

--- The frame `frame` with another scope; anything but a Scope raises.
function identity.with_scope(frame, scope)
  return security.with(frame, { scope = content(scope, "security.Scope", 1, "with_scope") })
end

return identity
