--- Module `security`: who acts, and what is allowed.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local use = runtime.use
local check, effects, errors = runtime.check, runtime.effects, runtime.errors
local copies = use("kernel/core/copy")
local identity = use("kernel/security/identity")
local object = use("kernel/core/object")
local permissions = use("kernel/security/security")
local scheduler = use("kernel/core/scheduler")

local security = {}

local function refused(action, resource, attributes)
  return not permissions.allowed(scheduler.current, action, resource, attributes)
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
    return effects.record(decide)
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
  local policy, err = effects.immediate("security.policy", id)
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
  local list, err = effects.immediate("security.group", group)
  if err then
    return nil, err
  end
  return identity.scope(list)
end

local token_methods = {}
local make_token_store, token_store_of = object.opaque("security.TokenStore", token_methods)

-- The id of an open token store on which the unit may do `action`; or `nil, err`.
local function open_store(self, action, attributes)
  local state = token_store_of(self)
  if state.closed then
    return nil, errors.fail("Internal", "token store is closed")
  elseif refused("security.token." .. action, state.id, attributes) then
    return nil, errors.fail("Invalid", "not allowed to " .. action .. " token")
  end
  return state.id
end

--- A token for an Actor and a Scope: `text, nil` or `nil, err`. `options`: `expiration`, a duration or a number of
--- milliseconds; `meta`, which is kept with the token.
function token_methods:create(actor, scope, options)
  local who = identity.plain_actor(actor, 1, "create")
  local policies = identity.policy_ids(scope, 2, "create")
  options = check.optional(check.table, options, 3, "create") or {}
  local expiration, meta = options.expiration, options.meta
  local id, err = open_store(self, "create", { actor = who.id })
  if not id then
    return nil, err
  end
  local kind = type(expiration)
  if expiration ~= nil and kind ~= "string" and kind ~= "number" then
    return nil, errors.fail("Invalid", "invalid expiration format")
  end
  return effects.operation("security.token_create", id, who, policies, expiration, meta)
end

--- The Actor and the Scope behind a token: `actor, scope, nil`; or `nil, nil, err`.
function token_methods:validate(token)
  check.string(token, 1, "validate")
  local id, err = open_store(self, "validate", { token = token })
  if not id then
    return nil, nil, err
  end
  local found, failure = effects.operation("security.token_validate", id, token)
  if not found then
    return nil, nil, failure
  end
  return identity.actor(found.actor), identity.scope(found.scope), nil
end

--- Forgets a token: `true, nil` or `nil, err`.
function token_methods:revoke(token)
  check.string(token, 1, "revoke")
  local id, err = open_store(self, "revoke", { token = token })
  if not id then
    return nil, err
  end
  return effects.operation("security.token_revoke", id, token)
end

--- Lets go of the handle: later operations are Internal.
function token_methods:close()
  token_store_of(self).closed = true
  return true
end

--- A token store, by its full id: the TokenStore, or `nil, err` (Invalid, Internal). Raises where it is not allowed.
function security.token_store(id)
  check.string(id, 1, "token_store")
  if id == "" then
    return nil, errors.fail("Invalid", "token store ID required")
  elseif refused("security.token_store.get", id) then
    error(permissions.denied("not allowed to access token store: " .. id), 0)
  end
  local _, err = effects.immediate("security.token_store", id)
  if err then
    return nil, err
  end
  return make_token_store({ id = id })
end

return security
