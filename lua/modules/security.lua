--- Module `security`: who acts, and what is allowed.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local use = runtime.use
local check, errors = runtime.check, runtime.errors
local copies = use("kernel/core/copy")
local identity = use("kernel/security/identity")
local permissions = use("kernel/security/security")
local scheduler = use("kernel/core/scheduler")

local security = {}

local function refused(action, resource)
  return not permissions.allowed(scheduler.current, action, resource)
end

--- The Actor of the running unit, or nil.
function security.actor()
  local actor = scheduler.current.frame.actor
  return actor and identity.actor(actor) or nil
end

--- The Scope of the running unit, or nil.
function security.scope()
  local scope = scheduler.current.frame.scope
  return scope and identity.scope(scope) or nil
end

--- Whether the running unit's actor and scope allow `action` on `resource`: false when either is missing.
function security.can(action, resource, meta)
  check.string(action, 1, "can")
  check.string(resource, 2, "can")
  if meta ~= nil then
    check.table(meta, 3, "can")
  end
  local self = scheduler.current
  local function decide()
    return permissions.can(self.frame, action, resource, meta)
  end
  if self.frame.scope then
    return runtime.effects.record(decide)
  end
  return decide()
end

local function text_keys(meta)
  local result = {}
  for key, value in pairs(copies.copy(meta)) do
    if type(key) == "string" then
      result[key] = value
    end
  end
  return result
end

--- A new Actor; raises when the unit may not make it.
function security.new_actor(id, meta)
  check.string(id, 1, "new_actor")
  if meta ~= nil then
    check.table(meta, 2, "new_actor")
  end
  if refused("security.actor.create", id) then
    error(permissions.denied("not allowed to create actor with ID: " .. id), 0)
  end
  return identity.actor({ id = id, meta = text_keys(meta or {}) })
end

--- A new Scope of these policies; raises when the unit may not make it.
function security.new_scope(list)
  if list ~= nil then
    check.table(list, 1, "new_scope")
  end
  if refused("security.scope.create", "custom") then
    error(permissions.denied("not allowed to create custom scopes"), 0)
  end
  return identity.scope_of(list or {})
end

--- A registered policy: the Policy, or `nil, err`.
function security.policy(id)
  check.string(id, 1, "policy")
  if refused("security.policy.get", id) then
    return nil, errors.fail("Invalid", "permission denied: access policy")
  end
  local policy, err = runtime.effects.immediate("security.policy", id)
  if err then
    return nil, err
  end
  return identity.policy(policy)
end

--- The Scope of a policy group, by its full id; or `nil, err`.
function security.named_scope(group)
  check.string(group, 1, "named_scope")
  if refused("security.policy_group.get", group) then
    return nil, errors.fail("Invalid", "permission denied: access policy group")
  end
  local list, err = runtime.effects.immediate("security.group", group)
  if err then
    return nil, err
  end
  return identity.scope(list)
end

--- A token store. This runtime has no entries of that kind yet, so there is none to be found.
function security.token_store(id)
  check.string(id, 1, "token_store")
  if id == "" then
    return nil, errors.fail("Invalid", "token store ID required")
  elseif refused("security.token_store.get", id) then
    error(permissions.denied("not allowed to access token store: " .. id), 0)
  end
  return nil, errors.fail("Internal", "token store not found: " .. id)
end

return security
