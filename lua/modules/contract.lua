--- Module `contract`: what a service can do, apart from which functions do it.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local use = runtime.use
local check, effects, errors = runtime.check, runtime.effects, runtime.errors
local copies = use("kernel/core/copy")
local identity = use("kernel/security/identity")
local networks = runtime.use("kernel/security/networks")
local context_value = use("kernel/core/context_value")
local security = use("kernel/security/security")
local scheduler = use("kernel/core/scheduler")

local contract = {}

-- What contracts and instances stand for, out of the reach of programs.
local held = setmetatable({}, { __mode = "k" })
local contract_methods = {}
local new_contract = runtime.object("contract.Contract", contract_methods)

local function refusal(action, resource, what)
  if runtime.allowed("contract." .. action, resource) then
    return nil
  end
  return security.denied("not allowed to " .. what)
end

-- The values of `more` that have text keys, laid over those of `base`.
local function overlaid(base, more)
  local result = {}
  for key, value in pairs(base or {}) do
    result[key] = value
  end
  for key, value in pairs(more or {}) do
    if type(key) == "string" then
      result[key] = context_value(value)
    end
  end
  return result
end

local function missing_keys(required, values)
  local missing = {}
  for _, key in ipairs(required) do
    if values[key] == nil then
      missing[#missing + 1] = key
    end
  end
  return #missing > 0 and table.concat(missing, ", ") or nil
end

-- The frame of a call: the caller's, with the instance's identity and values over it.
local function frame_of(self, instance)
  local frame = self.frame
  local changes = { values = overlaid(frame.values, instance.values) }
  changes.actor, changes.scope = instance.actor, instance.scope
  return security.with(frame, changes)
end

-- The function that an instance has for `method`, called as the effect `call` or `async`.
local function caller(method, effect)
  return function(object, ...)
    local instance = held[object]
    if not instance then
      check.fail(1, method, "contract instance", object)
    end
    local err = refusal("call", method, "call method: " .. method)
    if err then
      return nil, err
    end
    local bound = instance.methods[method]
    if not bound.target then
      return nil, errors.fail("NotFound", "method '" .. method .. "' not bound")
    end
    local self = scheduler.current
    local frame = networks.frame(frame_of(self, instance), instance.options)
    local missing = missing_keys(bound.required, frame.values)
    if missing then
      return nil, errors.fail("Invalid", "missing required context keys: [" .. missing .. "]")
    end
    local result
    result, err = effects[effect](bound.target, frame, instance.options, ...)
    return result, err
  end
end

local new_instance = runtime.object("contract.Instance", nil, {
  __index = function(object, key)
    local instance = held[object]
    if type(key) ~= "string" then
      return nil
    end
    local short = key:match("^(.+)_async$")
    local method = short or key
    if not instance.methods[method] then
      return nil
    end
    return caller(method, short and "async" or "call")
  end,
})

-- Opens a binding. `from` may have values, actor, scope, options, contract (which it must implement).
local function open(reference, scope, from)
  local parsed, err = runtime.pure("contract.parse", reference)
  if err then
    return nil, err
  end
  err = refusal("open", parsed.id, "open binding: " .. parsed.id)
  if err then
    return nil, err
  end
  local implemented
  implemented, err = effects.immediate("contract.binding", parsed.id)
  if err then
    return nil, err
  end
  local methods, contracts = {}, {}
  for _, one in ipairs(implemented) do
    contracts[one.contract] = true
    for _, name in ipairs(one.methods) do
      methods[name] = methods[name]
        or { target = one.functions[name], required = one.context_required }
    end
  end
  if from.contract and not contracts[from.contract] then
    return nil,
      errors.fail("NotFound", "binding " .. parsed.id .. " does not implement " .. from.contract)
  end
  local instance = new_instance({})
  held[instance] = {
    methods = methods,
    contracts = contracts,
    values = overlaid(overlaid(parsed.values, from.values), scope),
    actor = from.actor,
    scope = from.scope,
    options = from.options,
  }
  return instance, nil
end

--- The contract of that id: its Contract, or `nil, err`.
function contract.get(id)
  check.string(id, 1, "get")
  local err = refusal("get", id, "access contract: " .. id)
  if err then
    return nil, err
  end
  local methods
  methods, err = effects.immediate("contract.definition", id)
  if err then
    return nil, err
  end
  local object = new_contract({})
  held[object] = { id = id, methods = methods }
  return object, nil
end

--- Opens a binding, whose id may carry context values (`ns:name?key=value`): an Instance, or `nil, err`.
function contract.open(binding, scope, options)
  check.string(binding, 1, "open")
  check.optional(check.table, scope, 2, "open")
  check.optional(check.table, options, 3, "open")
  local err = networks.refusal(options)
  if err then
    return nil, err
  end
  return open(binding, scope, { options = copies.copy(options) })
end

local function implementations(id)
  local err = refusal("implementations", id, "list implementations of contract: " .. id)
  if err then
    return nil, err
  end
  return effects.immediate("contract.implementations", id)
end

--- Ids of the bindings of a contract, sorted.
function contract.find_implementations(id)
  return implementations(check.string(id, 1, "find_implementations"))
end

--- Whether an Instance implements a contract.
function contract.is(instance, id)
  if host.type(instance) ~= "userdata" then
    check.fail(1, "is", "contract instance", instance)
  end
  check.string(id, 2, "is")
  local state = held[instance]
  return state ~= nil and state.contracts ~= nil and state.contracts[id] == true
end

local function state_of(object, name)
  local state = held[object]
  if not state or state.contracts then
    check.fail(1, name, "contract.Contract", object)
  end
  return state
end

local function changed(state, changes)
  local object = new_contract({})
  held[object] = security.with(state, changes)
  return object
end

function contract_methods:id()
  return state_of(self, "id").id
end

function contract_methods:methods()
  return copies.copy(state_of(self, "methods").methods)
end

--- The table of one method: `{name, description, input_schemas?, output_schemas?}`, or `nil, err` NotFound.
function contract_methods:method(name)
  local state = state_of(self, "method")
  check.string(name, 1, "method")
  for _, method in ipairs(state.methods) do
    if method.name == name then
      return copies.copy(method), nil
    end
  end
  return nil, errors.fail("NotFound", "method not found: " .. name)
end

function contract_methods:implementations()
  return implementations(state_of(self, "implementations").id)
end

--- Opens a binding of this contract, or the default one.
function contract_methods:open(binding, scope)
  local state = state_of(self, "open")
  check.optional(check.string, binding, 1, "open")
  check.optional(check.table, scope, 2, "open")
  if binding == nil then
    local err
    binding, err = effects.immediate("contract.default", state.id)
    if err then
      return nil, err
    end
  end
  return open(binding, scope, security.with(state, { contract = state.id }))
end

function contract_methods:with_context(values)
  local state = state_of(self, "with_context")
  check.table(values, 1, "with_context")
  local err = refusal("context", "context", "use contracts with custom context")
  if err then
    return nil, err
  end
  return changed(state, { values = overlaid(state.values, values) })
end

function contract_methods:with_options(options)
  local state = state_of(self, "with_options")
  check.table(options, 1, "with_options")
  local err = networks.refusal(options)
  if err then
    return nil, err
  end
  return changed(state, { options = copies.copy(options) })
end

for _, name in ipairs({ "with_actor", "with_scope" }) do
  contract_methods[name] = function(self, value)
    local state = state_of(self, name)
    local changes = identity[name]({}, value)
    local err = refusal("security", "security", "use contracts with custom security context")
    if err then
      return nil, err
    end
    return changed(state, changes)
  end
end

return contract
