-- What application code sees: read-only standard libraries, the modules that its entry lists, an environment of its
-- own. A source is compiled once per worker into a factory; each unit calls it with its environment.
local use = ...
local core = use("kernel/core/core")
local casts = use("kernel/core/casts")
local check = use("kernel/core/check")
local compiler = use("kernel/core/compiler")
local errors = use("kernel/core/errors")
local freeze = use("kernel/core/freeze")
local core_libraries = use("kernel/core/libraries")
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

local base, libraries = core_libraries.base, core_libraries.real
-- Libraries and the text of numbers are as docs/reference/sandbox.md describes them.
host.relaxed(true)
local environments = raw_access.environments

--- The globals of the unit whose chunk runs at this moment, which is not known as the running unit yet; else false.
sandbox.loading = false

local function running_globals()
  if sandbox.loading then
    return sandbox.loading
  end
  local current = scheduler.current
  local instance = current and current.instance
  return current and (current.env or instance and instance.env) or nil
end

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
  seeall = function(t)
    check.table(t, 1, "seeall")
    local meta = getmetatable(t) or {}
    meta.__index = running_globals()
    raw_access.functions.setmetatable(t, meta)
  end,
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

--- Entries that were loaded: id -> {id, kind, method, factory, environment (metatable), imports, options, pool}.
sandbox.entries = {}

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

--- Whether units see a global of that name, or can list it as a module.
function sandbox.is_global(name)
  return base[name] ~= nil or providers[name] ~= nil
end

-- `library(alias)` gives the types of an imported library.
local function compile(id, definition, library_types)
  local name = definition.chunk or id
  if name:sub(1, 4) == "lua/" then
    -- Code under such a name would count as the kernel's own, which is not preempted.
    return nil, errors.fail("Invalid", "the namespace of " .. id .. " is reserved; choose another")
  end
  local imports = definition.imports
  local is_global = not definition.script
    and function(global)
      return sandbox.is_global(global) or imports ~= nil and imports[global] ~= nil
    end
  local factory, types =
    compiler.factory(definition.source, name, definition.text, library_types, is_global)
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
  local is_library = definition.kind == "library.lua"
  return setmetatable(visible, {
    __index = function(_, key)
      if key == "_G" then
        return running_globals()
      elseif is_library then
        local globals = running_globals()
        return globals and rawget(globals, key)
      end
      return nil
    end,
  })
end

-- A unit has one table of globals: what a library assigns is there, and not in the library's own, which has what the
-- library lists.
local function assign_global(own, key, value)
  rawset(running_globals() or own, key, value)
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
  local entry = sandbox.entries[id]
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
  if definition.kind == "library.lua" then
    environment.__newindex = assign_global
  end
  if definition.script then
    host.relaxed(false)
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
  sandbox.entries[id] = entry
  return entry
end

--- Forgets a loaded entry, so that new units load its new definition. Returns what it forgot.
function sandbox.forget(id)
  local entry = sandbox.entries[id]
  sandbox.entries[id] = nil
  return entry
end

local kept

--- Loads what is asked for beside what is loaded (`true`), until all of that is as before (`false`).
function sandbox.scratch(on)
  if on then
    kept, sandbox.entries = sandbox.entries, {}
  else
    sandbox.entries = kept
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
    local known = type(id) == "table" and id or sandbox.entries[id]
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
  local outer = sandbox.loading
  -- Libraries run with the globals of the unit that they are loaded for.
  sandbox.loading = loaded and outer or env
  if entry.imports then
    add_require(env, entry.visible)
    local err = import(env, entry, loaded or {})
    if err then
      sandbox.loading = outer
      return nil, err
    end
  end
  local ok, value = host.call_unyieldable(entry.factory(env))
  sandbox.loading = outer
  if not ok then
    return nil, sandbox.failed(value)
  end
  return value, nil, env
end
sandbox.instantiate = instantiate

--- The Error of a chunk that has raised something.
function sandbox.failed(raised)
  local cause = errors.from_raised(raised)
  local message = "failed to execute script: " .. cause._message
  return errors.make("Internal", message, false, cause._details)
end

--- The function that is `method` of what a chunk has returned: `fn`, or `nil, err`.
function sandbox.method_in(value, method)
  if type(value) == "function" then
    return value
  end
  local fn = type(value) == "table" and value[method]
  if type(fn) ~= "function" then
    return nil, not_found('method "' .. method .. '" not found in module')
  end
  return fn
end

--- The function to run as `method` of an entry: `fn, nil, env` or `nil, err`.
function sandbox.method(entry, method)
  local value, err, env = instantiate(entry)
  if err then
    return nil, err
  end
  local fn
  fn, err = sandbox.method_in(value, method)
  return fn, err, env
end

sandbox.module_of = module_of

return sandbox
