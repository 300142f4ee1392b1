-- What units may do: docs/guide/security.md. A frame carries the actor and the scope, a list of policies. A check
-- in a unit without a scope costs one look at its frame, unless the application is strict.
local use = ...
local effects = use("kernel/core/effects")
local errors = use("kernel/core/errors")
local policies = use("kernel/security/policies")
local unit = use("kernel/core/unit")

local security = { strict = false }

--- Whether a unit without an actor and a scope may do nothing that is checked.
function security.set_strict(strict)
  security.strict = strict
end

local function decide(frame, action, resource, attributes)
  local actor, scope = frame.actor, frame.scope
  if actor and scope then
    return policies.evaluate_all(scope, actor, action, resource, attributes) == "allow"
  end
  return not security.strict
end

--- Whether nothing is checked in a unit: it has no scope, and the application is not strict.
function security.unrestricted(self)
  return not self.frame.scope and not security.strict
end

--- Whether a unit may do `action` on `resource`. Workflows record the answer: policies may change before a replay.
function security.allowed(self, action, resource, attributes)
  local frame = self.frame
  if not frame.scope and not security.strict then
    return true
  end
  return effects.record(function()
    return decide(frame, action, resource, attributes)
  end)
end

--- As `allowed`, for what programs ask by themselves: never without an actor and a scope.
function security.can(frame, action, resource, attributes)
  local actor, scope = frame.actor, frame.scope
  return actor ~= nil
    and scope ~= nil
    and policies.evaluate_all(scope, actor, action, resource, attributes) == "allow"
end

function security.denied(message)
  return errors.fail("PermissionDenied", message)
end

--- The Error when a unit may not do `action` of `process.*` on `resource`, else nil. `what` ends the sentence.
function security.process_refusal(self, action, resource, what)
  if not self.frame.scope and not security.strict then
    return nil
  elseif security.allowed(self, action, resource, { pid = unit.pid_of(self) }) then
    return nil
  end
  return security.denied("not allowed to " .. what)
end

-- How the texts of some denials end, before the key or the resource.
local DENIALS <const> = {
  ["store.get"] = "access store: ",
  ["store.key.get"] = "read key: ",
  ["store.key.set"] = "write key: ",
  ["store.key.delete"] = "delete key: ",
  ["store.key.has"] = "check key existence: ",
}

--- The Error when a unit may not run a host operation, else nil. Operations name the permission that they need.
function security.operation_refusal(self, name, ...)
  if not self.frame.scope and not security.strict then
    return nil
  end
  local needed = host.pure("operation.permission", name, ...)
  if not needed or security.allowed(self, needed.action, needed.resource, needed.attributes) then
    return nil
  end
  local text = DENIALS[needed.action]
  if text then
    local attributes = needed.attributes
    return security.denied(
      "not allowed to " .. text .. (attributes and attributes.key or needed.resource)
    )
  end
  return security.denied("permission denied: " .. needed.action .. " on " .. needed.resource)
end

--- A frame for the journal: policies by their ids, since a run outlives them, and without the activity or the delivery
--- of a message that may have started the run.
function security.durable(frame)
  local scope = frame.scope
  if not scope and not frame.activity and not frame.delivery then
    return frame
  end
  local result = {}
  for key, value in pairs(frame) do
    result[key] = value
  end
  result.activity = nil
  result.delivery = nil
  if scope then
    local ids = {}
    for i, policy in ipairs(scope) do
      ids[i] = policy.id
    end
    result.scope = ids
  end
  return result
end

--- A frame from the journal, its policies as this runtime's registry has them. What is gone is left out; an empty
--- scope stays one, and allows nothing.
function security.resolved(frame)
  local scope = frame.scope
  if scope and type(scope[1]) == "string" then
    frame.scope = host.pure("security.resolve", scope) or {}
  end
  return frame
end

--- A copy of a frame with another actor and/or scope.
function security.with(frame, changes)
  local result = {}
  for key, value in pairs(frame) do
    result[key] = value
  end
  for key, value in pairs(changes) do
    result[key] = value
  end
  return result
end

return security
