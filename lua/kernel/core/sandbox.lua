-- What application code sees: read-only standard libraries, the modules that its entry lists, an environment of its
-- own. A source is compiled once per worker into a factory; each unit calls it with its environment.
local use = ...
local core = use("kernel/core/core")
local casts = use("kernel/core/casts")
local check = use("kernel/core/check")
local compiler = use("kernel/core/compiler")
local effects = use("kernel/core/effects")
local errors = use("kernel/core/errors")
local freeze = use("kernel/core/freeze")
local frozen = use("kernel/core/frozen")
local line_counts = use("kernel/core/line_counts")
local raw_access = use("kernel/core/raw_access")
local scheduler = use("kernel/core/scheduler")
local shortage = use("kernel/core/shortage")
local stable = use("kernel/core/stable")
local types_of = use("kernel/types/types")
local metatable_of = debug.getmetatable

local sandbox = {}

-- The globals of a script's entry, see standard/standard.
local script_globals
sandbox.connect = core.hooks("kernel/core/sandbox", { "script_globals" }, function(globals)
  script_globals = globals
end)

local base = {}
for _, name in ipairs({
  "tonumber",
  "assert",
  "error",
  "pcall",
  "xpcall",
  "ipairs",
  "getmetatable",
  "rawequal",
  "select",
  "_VERSION",
}) do
  base[name] = _G[name]
end
base.tostring = stable.tostring
base.type = host.type
base.unpack = table.unpack

-- The globals of the unit whose chunk runs at this moment: it is not known as the running unit yet.
local loading

local function running_globals()
  if loading then
    return loading
  end
  local current = scheduler.current
  local instance = current and current.instance
  return current and (current.env or instance and instance.env) or nil
end

for name, fn in pairs(raw_access.functions) do
  base[name] = fn
end
local environments = raw_access.environments

local libraries = {}

local function library(name, source, names, extra)
  local real = {}
  for key in names:gmatch("%S+") do
    real[key] = source[key]
  end
  for key, value in pairs(extra or {}) do
    real[key] = value
  end
  libraries[name] = real
  base[name] = freeze(real, name)
end

library("table", table, "insert remove concat sort unpack pack move", {
  -- The room that is asked for is not made in advance: Lua has no way to.
  create = function(items, keys)
    check.integer(items, 1, "create")
    check.optional(check.integer, keys, 2, "create")
    return {}
  end,
  getn = function(t)
    return #t
  end,
  maxn = function(t)
    return #t
  end,
})
library(
  "string",
  string,
  "find match gmatch gsub upper lower sub len byte char rep reverse format pack unpack packsize",
  { gfind = string.gmatch }
)
libraries.table.freeze, libraries.table.isfrozen = frozen.functions(libraries.table)
libraries.table.make_immutable, libraries.table.is_immutable =
  libraries.table.freeze, libraries.table.isfrozen
metatable_of(base.string).__call = casts.call_string
for name, type_value in pairs(casts.types) do
  if name ~= "string" and name ~= "nil" then
    base[name] = type_value
  end
end
library("utf8", utf8, "char charpattern codepoint codes len offset")
library(
  "math",
  math,
  "pi huge mininteger maxinteger abs min max floor ceil modf fmod sqrt exp log sin cos tan asin acos atan deg rad"
    .. " tointeger type ult",
  {
    pow = function(x, y)
      return x ^ y
    end,
    log10 = function(x)
      return math.log(x, 10)
    end,
    atan2 = math.atan,
    mod = math.fmod,
    frexp = function(x)
      if x == 0 or x ~= x or x == math.huge or x == -math.huge then
        return x, 0
      end
      -- Twice, as a tiny number is of a power that the first step rounds.
      local exponent = math.floor(math.log(math.abs(x), 2)) + 1
      local mantissa = x / 2.0 ^ (exponent // 2) / 2.0 ^ (exponent - exponent // 2)
      if math.abs(mantissa) >= 1 then
        return mantissa / 2, exponent + 1
      elseif math.abs(mantissa) < 0.5 then
        return mantissa * 2, exponent - 1
      end
      return mantissa, exponent
    end,
    ldexp = function(x, exponent)
      local half = exponent // 2
      return x * 2.0 ^ half * 2.0 ^ (exponent - half)
    end,
    sinh = function(x)
      return (math.exp(x) - math.exp(-x)) / 2
    end,
    cosh = function(x)
      return (math.exp(x) + math.exp(-x)) / 2
    end,
    tanh = function(x)
      local e = math.exp(2 * x)
      return e == math.huge and 1.0 or (e - 1) / (e + 1)
    end,
    random = effects.random,
    randomseed = function() end,
  }
)
library("coroutine", coroutine, "create resume yield status wrap close isyieldable", {
  running = function()
    local co, main = coroutine.running()
    local current = scheduler.current
    if main or (current and current.main == co) then
      return nil
    end
    return co
  end,
})

--- While a workflow runs, which it does alone, these are its own; for the others Lua's own costs nothing more.
function sandbox.alone(alone)
  libraries.string.format = alone and stable.format or string.format
  libraries.coroutine.resume = alone and shortage.resume or coroutine.resume
end

-- `s:upper()` finds the methods in the real table; nobody gets at the metatable. What a script has added to its own
-- `string` is a method in its unit.
local string_meta = metatable_of("")
string_meta.__index = libraries.string
string_meta.__metatable = false
setmetatable(libraries.string, {
  __index = function(_, name)
    local env = running_globals()
    local own = env and rawget(env, "string")
    if type(own) == "table" and own ~= base.string then
      return rawget(own, name)
    end
    return casts.string_methods[name]
  end,
})

base.package = freeze({
  path = "",
  cpath = "",
  loadlib = function()
    return "dynamic libraries are not available"
  end,
  seeall = function() end,
}, "package")

--- Adds a table or function that every unit sees without listing it.
function sandbox.always(name, value)
  base[name] = value
end

--- Adds functions to a standard library (`coroutine.spawn`).
function sandbox.extend(name, key, value)
  libraries[name][key] = value
end

-- Modules that an entry may list: name -> function that returns the frozen module, at first use.
local providers, modules = {}, {}

--- Declares a module; `provide()` is called when the first entry that lists it is loaded, never for a global.
function sandbox.provide(name, provide)
  if base[name] == nil then
    providers[name] = provide
  end
end

--- Names of the modules that an entry may list, sorted.
function sandbox.module_names()
  local names = {}
  for name in pairs(providers) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

-- A module and the tables in it are shared by all units: none of them can be changed.
local function freeze_all(real, name)
  for key, value in next, real do
    if type(value) == "table" and metatable_of(value) == nil then
      real[key] = freeze_all(value, name .. "." .. stable.tostring(key))
    end
  end
  return freeze(real, name)
end

local function module_of(name)
  local value = modules[name]
  if value == nil then
    local provide = providers[name]
    if not provide then
      return nil
    end
    value = freeze_all(provide(), name)
    modules[name] = value
  end
  return value
end

-- Entries that were loaded: id -> {id, kind, method, factory, meta (of environments), imports, options, pool}.
local entries = {}

local function not_found(message)
  return errors.fail("NotFound", message)
end

--- The Error for an entry that is not there, with the id of one of these kinds (separated by blanks) that may be meant.
--- `details` defaults to `{ id = id }`.
function sandbox.missing(message, id, kinds, details)
  local near = type(id) == "string" and host.pure("entry.nearest", id, kinds)
  local text = message
    .. ": "
    .. stable.tostring(id)
    .. (near and "; did you mean " .. near .. "?" or "")
  return errors.make("NotFound", text, false, details or { id = id })
end

-- `library(alias)` gives the types of an imported library.
local function compile(id, definition, library_types)
  local name = definition.chunk or id
  if name:sub(1, 4) == "lua/" then
    -- Code under such a name would count as the kernel's own, which is not preempted.
    return nil, errors.fail("Invalid", "the namespace of " .. id .. " is reserved; choose another")
  end
  local factory, types = compiler.factory(definition.source, name, definition.text, library_types)
  if not factory then
    return nil, errors.fail("Invalid", types)
  end
  return factory, types
end

local unlisted = "; list it under modules: or imports: of the entry"
local unknown = "; wippy has no such module, or --sandbox keeps it away"

-- `require` only looks up what the entry lists, which is there as a global already. A script lists all there are.
local function add_require(env, visible, script)
  rawset(env, "require", function(name)
    if type(name) ~= "string" then
      error("bad argument #1 to 'require' (string expected, got " .. host.type(name) .. ")", 2)
    end
    local value = rawget(env, name)
    if value == nil then
      value = visible[name]
    end
    if value == nil then
      error("module '" .. name .. "' not found" .. (script and unknown or unlisted), 2)
    end
    return value
  end)
end

-- What code sees: the globals and the modules that it lists; or nil and an Error. `hidden(name)`: which globals not.
local function visible_of(definition, hidden)
  -- A flat copy: a global is found in one step, only `_G` (and a typo) takes the slow way.
  local visible = {}
  for key, value in pairs(base) do
    if not hidden or not hidden(key) then
      visible[key] = value
    end
  end
  if definition.kind == "workflow.lua" or definition.kind == "library.lua" then
    visible.pcall, visible.xpcall = shortage.pcall, shortage.xpcall
  end
  for _, name in ipairs(definition.modules) do
    local value = base[name] or module_of(name)
    if value == nil then
      return nil, not_found("module '" .. name .. "' not found")
    end
    visible[name] = value
  end
  return setmetatable(visible, {
    __index = function(_, key)
      return key == "_G" and running_globals() or nil
    end,
  })
end

--- An entry for code that is in no registry: `{id, modules, imports}` and the code's factory, with further names that
--- it sees. Returns it, or nil and an Error.
function sandbox.unregistered(definition, factory, hidden, names)
  local visible, missing = visible_of(definition, hidden)
  if not visible then
    return nil, missing
  end
  for name, value in pairs(names) do
    visible[name] = value
  end
  local environment = { __index = visible, __metatable = false }
  environments[environment] = true
  add_require(visible, visible)
  return {
    id = definition.id,
    kind = "function.lua",
    method = "",
    factory = factory,
    visible = visible,
    environment = environment,
    imports = definition.imports,
  }
end

--- The loaded entry; nil when there is none of that id; `nil, err` when it cannot be loaded.
function sandbox.entry(id)
  local entry = entries[id]
  if entry then
    return entry
  end
  local definition = host.entry(id)
  if not definition then
    return nil
  end
  local factory, types = compile(id, definition, function(alias)
    local imported = definition.imports and definition.imports[alias]
    local known = imported and sandbox.entry(imported)
    return known and known.types
  end)
  if not factory then
    return nil, types
  end
  local visible, missing = visible_of(definition)
  if not visible then
    return nil, missing
  end
  visible.__lines = line_counts.of(id, definition.source)
  local environment = { __index = visible, __metatable = false }
  if definition.script then
    environment = script_globals(visible, libraries, definition)
  else
    add_require(visible, visible, definition.chunk)
  end
  entry = {
    id = id,
    chunk = definition.chunk or id,
    kind = definition.kind,
    method = definition.method,
    factory = factory,
    types = types,
    visible = visible,
    environment = environment,
    imports = definition.imports,
    options = definition.options,
    pool = definition.pool,
    host = definition.host,
    class = definition.class,
    script = definition.script ~= nil,
  }
  environments[entry.environment] = true
  entries[id] = entry
  return entry
end

--- Forgets a loaded entry, so that new units load its new definition. Returns what it forgot.
function sandbox.forget(id)
  local entry = entries[id]
  entries[id] = nil
  return entry
end

local kept

--- Loads what is asked for beside what is loaded (`true`), until all of that is as before (`false`).
function sandbox.scratch(on)
  if on then
    kept, entries = entries, {}
  else
    entries = kept
  end
end

local instantiate

-- The values of imported libraries for one unit, dependencies first; each library body runs once per unit. An import is
-- an id, or the library itself.
local function import(env, entry, loaded)
  for alias, id in pairs(entry.imports) do
    local value = loaded[id]
    if value == nil then
      -- A name without a namespace is that of a built-in module.
      value = base[id] or module_of(id)
    end
    if value == nil then
      local library_entry, err = id, nil
      if type(id) == "string" then
        library_entry, err = sandbox.entry(id)
      end
      if not library_entry then
        return err or not_found("import '" .. alias .. "': entry not found: " .. id)
      end
      local result
      result, err = instantiate(library_entry, loaded)
      if err then
        return err
      end
      value = result == nil and true or result
      loaded[id] = value
    end
    rawset(env, alias, value)
    local known = type(id) == "table" and id or entries[id]
    local library_types = known and known.types
    if library_types then
      types_of.share(library_types, env)
    end
  end
  return nil
end

--- Runs an entry's chunk in a new environment, without suspending. Returns what it returned and nil, or nil and an
--- Error; third the environment.
function instantiate(entry, loaded)
  local env = setmetatable({}, entry.environment)
  if entry.imports then
    add_require(env, entry.visible)
    local err = import(env, entry, loaded or {})
    if err then
      return nil, err
    end
  end
  local outer = loading
  loading = env
  local ok, value = host.call_unyieldable(entry.factory(env))
  loading = outer
  if not ok then
    local cause = errors.from_raised(value)
    return nil,
      errors.make("Internal", "failed to execute script: " .. cause._message, false, cause._details)
  end
  return value, nil, env
end
sandbox.instantiate = instantiate

--- The function to run as `method` of an entry: `fn, nil, env` or `nil, err`.
function sandbox.method(entry, method)
  local value, err, env = instantiate(entry)
  if err then
    return nil, err
  end
  if type(value) == "function" then
    return value, nil, env
  end
  local fn = type(value) == "table" and value[method]
  if type(fn) ~= "function" then
    return nil, not_found('method "' .. method .. '" not found in module')
  end
  return fn, nil, env
end

sandbox.module_of = module_of

return sandbox
