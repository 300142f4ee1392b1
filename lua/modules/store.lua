--- Module `store`: keys and values in the stores that entries of the kinds `store.*` describe.
-- @workflows yes
-- @sandbox no
local runtime = ...
local check, effects, errors = runtime.check, runtime.effects, runtime.errors
local freeze = runtime.use("kernel/core/freeze")
local object = runtime.use("kernel/core/object")
local operation = effects.operation

local DEFAULT_LIMIT <const> = 100

local store = {
  backend = freeze({
    MEMORY = "memory",
    SQL = "sql",
    SQLITE = "sqlite",
    KV_RAFT = "kv.raft",
    KV_CRDT = "kv.crdt",
    UNKNOWN = "unknown",
  }, "store.backend"),
  consistency = freeze({
    LINEARIZABLE = "linearizable",
    EVENTUAL = "eventual",
    LOCAL = "local",
    UNKNOWN = "unknown",
  }, "store.consistency"),
}

local methods = {}
local make_store, state_of = object.opaque("Store", methods)

local function ask(self, name, ...)
  local state = state_of(self)
  if state.released then
    return nil, errors.fail("Invalid", "the store is released")
  end
  return operation("store." .. name, state.id, ...)
end

-- For results that are only true or false.
local function verdict(result, err)
  if err then
    return false, err
  end
  return result, nil
end

--- The value of a key: `value, nil`, or `nil, err` (NotFound).
function methods:get(key)
  local entry, err = ask(self, "entry", check.string(key, 1, "get"))
  if not entry then
    return nil, err
  end
  return entry.value, nil
end

--- `{key, value, version}, nil`, or `nil, err` (NotFound).
function methods:entry(key)
  return ask(self, "entry", check.string(key, 1, "entry"))
end

--- Sets a key, for `ttl` seconds: `true, nil`.
function methods:set(key, value, ttl)
  check.string(key, 1, "set")
  ttl = check.optional(check.number, ttl, 3, "set")
  local entry, err = ask(self, "put", key, value, ttl, false)
  return verdict(entry ~= nil, err)
end

--- Sets a key on conditions: `{key, value, version}, nil`. `options`: `ttl`, `only_if_absent`, `if_version`.
function methods:put(key, value, options)
  check.string(key, 1, "put")
  options = check.optional(check.table, options, 3, "put") or {}
  return ask(
    self,
    "put",
    key,
    value,
    options.ttl,
    options.only_if_absent == true,
    options.if_version
  )
end

--- A page of entries in the order of their keys: `{items, cursor, has_more}, nil`. `options`: `prefix`, `after` (the
--- cursor of the page before), `limit` (100; 1000 at most).
function methods:list(options)
  options = check.optional(check.table, options, 1, "list") or {}
  return ask(
    self,
    "list",
    options.prefix or "",
    options.after or "",
    options.limit or DEFAULT_LIMIT
  )
end

function methods:has(key)
  return verdict(ask(self, "has", check.string(key, 1, "has")))
end

--- Deletes a key: `true, nil`, or `false, nil` when there was none.
function methods:delete(key)
  return verdict(ask(self, "delete", check.string(key, 1, "delete")))
end

--- `id backend consistency durable list versioned conditional_put ttl`.
function methods:info()
  return ask(self, "info")
end

--- Lets go of the handle: later calls are Invalid.
function methods:release()
  state_of(self).released = true
  return true, nil
end

--- A handle of a store: `Store, nil` or `nil, err` (Invalid, NotFound, PermissionDenied, Unavailable).
function store.get(id)
  check.string(id, 1, "get")
  local found, err = operation("store.get", id)
  if not found then
    return nil, err
  end
  return make_store({ id = id }), nil
end

return store
