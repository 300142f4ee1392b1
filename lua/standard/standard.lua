-- The globals of a script: all that Lua 5.4 has, beside the modules of the product. Each unit has libraries of its own,
-- which it may extend and change; they are made when the unit first asks for them, so that a unit that does not costs
-- nothing more.
local use = ...
local casts = use("kernel/core/casts")
local chunks = use("standard/chunks")
local effects = use("kernel/core/effects")
local io_library = use("standard/io")
local freeze = use("kernel/core/freeze")
local random = use("standard/random")
local raw_access = use("kernel/core/raw_access")
local scheduler = use("kernel/core/scheduler")
local stable = use("kernel/core/stable")
local tostring = use("kernel/core/stable").tostring
local system = use("standard/system")
local trace = use("standard/trace")
local debug_setmetatable, metatable_of = debug.setmetatable, debug.getmetatable

local standard = {}

-- What Lua's own tables hold that the sandbox's do not.
local raw = {
  utf8 = utf8,
  string = string,
  coroutine = coroutine,
}

local function copy(from)
  local result = {}
  for key, value in pairs(from) do
    result[key] = value
  end
  return result
end

local function is_main(co)
  local current = scheduler.current
  return current ~= nil and current.main == co
end

local write = host.write

local function print_values(...)
  local count = select("#", ...)
  if count == 1 then
    -- A string or an integer is its own text.
    if write(false, 1, (...), "\n") == nil then
      return
    end
    write(false, 1, tostring((...)), "\n")
    return
  end
  local parts = { ... }
  for i = 1, count do
    parts[i] = tostring(parts[i])
  end
  write(false, 1, table.concat(parts, "\t"), "\n")
end

-- In a workflow a line is written once, and not in each replay.
local function print_record(...)
  local parts = table.pack(...)
  for i = 1, parts.n do
    parts[i] = tostring(parts[i])
  end
  effects.log("info", scheduler.current.entry.id, table.concat(parts, "\t", 1, parts.n))
end

local warnings = false

local function warn(...)
  local parts = { ... }
  for i = 1, math.max(1, select("#", ...)) do
    if type(parts[i]) ~= "string" and type(parts[i]) ~= "number" then
      local got = host.type(parts[i])
      error("bad argument #" .. i .. " to 'warn' (string expected, got " .. got .. ")", 2)
    end
  end
  local message = table.concat(parts)
  if #parts == 1 and message:sub(1, 1) == "@" then
    if message == "@on" then
      warnings = true
    elseif message == "@off" then
      warnings = false
    end
  elseif warnings then
    write(false, 2, "Lua warning: " .. message .. "\n")
  end
end

local collections = { collect = true, step = true }
-- Which way memory is collected is the runtime's to choose; a script is told what Lua would say.
local answers = {
  stop = 0,
  restart = 0,
  setpause = 200,
  setstepmul = 100,
  isrunning = true,
}
local modes = { generational = true, incremental = true }
local mode = "incremental"

local function collect_garbage(option)
  option = option or "collect"
  local current = scheduler.current
  local recorded = current ~= nil and current.run ~= nil
  if option == "count" then
    -- How much is in use differs in each replay.
    return recorded and 0.0 or collectgarbage("count")
  elseif collections[option] then
    if not recorded then
      collectgarbage(option)
    end
    return option == "step" and true or 0
  elseif modes[option] then
    local before = mode
    mode = option
    return before
  elseif answers[option] == nil then
    error("bad argument #1 to 'collectgarbage' (invalid option '" .. tostring(option) .. "')", 2)
  end
  return answers[option]
end

-- The own libraries of a unit: name -> function of its globals, what the sandbox has under that name, and the script.
local make = {}

function make.string(_, base, _, workflow)
  local own = copy(base)
  own.dump = function()
    error("unable to dump given function", 2)
  end
  own.upper, own.lower = raw.string.upper, raw.string.lower
  own.format = workflow and stable.format or raw.string.format
  return setmetatable(own, {
    __call = casts.call_string,
    __index = function(_, name)
      return casts.string_methods[name]
    end,
  })
end

function make.table(_, base)
  return copy(base)
end

function make.math(_, base)
  local own = copy(base)
  own.huge = math.huge
  own.random, own.randomseed = random.generator(base.random)
  return own
end

function make.utf8()
  return copy(raw.utf8)
end

function make.coroutine(_, base, _, workflow)
  local own = copy(base)
  own.resume = workflow and stable.resume or raw.coroutine.resume
  function own.running()
    local co = coroutine.running()
    return co, is_main(co)
  end
  function own.isyieldable(co)
    co = co or coroutine.running()
    return not is_main(co) and coroutine.isyieldable(co)
  end
  return own
end

-- The product's module has some functions that Lua's library lacks.
function make.io(_, base)
  local own = io_library()
  for name, value in pairs(base or {}) do
    if own[name] == nil then
      own[name] = value
    end
  end
  return own
end

function make.os(_, base)
  return system.library(base)
end

function make.debug()
  return trace.library()
end

function make.arg(_, _, script)
  local own = { [-1] = "wippy", [0] = script.name }
  for i, argument in ipairs(script.args) do
    own[i] = argument
  end
  return own
end

local LIBRARIES <const> = "string table math utf8 coroutine io os debug"
local is_library = {}
for name in LIBRARIES:gmatch("%w+") do
  is_library[name] = true
end

-- The metatable of strings is shared by all units: a unit sees it as it is, and cannot change it.
local function string_metatable(env)
  return freeze({ __index = env.string, __name = nil }, "string metatable")
end

-- What a file gets that requires a module of the product. Lua's files are a part of its module `io`.
local function product_module(env, visible, name)
  local value = visible[name]
  if name ~= "io" or value == nil then
    return value
  end
  local own = copy(env.io)
  for key in pairs(value) do
    own[key] = value[key]
  end
  return own
end

--- Prepares the globals of a script's entry. `visible` holds what every unit has, as name -> value, and is changed:
--- what a unit has for itself is taken out. `libraries` are the real tables of the sandbox; `definition.script` holds
--- `name`, `args`, `file` and the `path` on which its modules are. Returns the metatable of the units' globals.
function standard.environment(visible, libraries, definition)
  local script = definition.script
  local workflow = definition.kind == "workflow.lua"
  local modules = {}
  for _, name in ipairs(definition.modules) do
    modules[name] = visible[name]
  end
  local own = {}
  for name in LIBRARIES:gmatch("%w+") do
    local base = libraries[name] or visible[name]
    visible[name] = nil
    own[name] = function(env)
      return make[name](env, base, script, workflow)
    end
  end
  own.arg = function(env)
    return make.arg(env, nil, script)
  end
  visible.package, visible.require, visible.getmetatable = nil, nil, nil
  visible.print = workflow and print_record or print_values
  visible.warn = warn
  visible.rawlen, visible.tonumber = raw_access.rawlen, tonumber
  -- Methods of strings are found there.
  libraries.string.upper, libraries.string.lower = raw.string.upper, raw.string.lower
  visible.collectgarbage = collect_garbage

  local meta = { __metatable = false }

  -- Modules of the product that no file of the path stands before. Most units require nothing else: they are spared
  -- a `package` of their own.
  local settled = {}

  local made = setmetatable({}, { __mode = "k" })

  local function packages_of(env)
    local known = made[env]
    if not known then
      local package, require = chunks.package(env, script, function(name)
        if name == "_G" or (is_library[name] and not modules[name]) then
          return env[name]
        end
        return nil
      end, function(name)
        local value = product_module(env, modules, name)
        if value == nil then
          value = rawget(visible, name)
        end
        if name ~= "io" then
          settled[name] = value
        end
        return value
      end)
      known = { package = package, require = require }
      made[env] = known
    end
    return known
  end

  own.require = function(env)
    return function(name)
      local value = name ~= nil and not made[env] and settled[name]
      if value then
        return value
      end
      return packages_of(env).require(name)
    end
  end
  own.package = function(env)
    local package = packages_of(env).package
    for name in LIBRARIES:gmatch("%w+") do
      package.loaded[name] = env[name]
    end
    package.loaded._G, package.loaded.package = env, package
    return package
  end
  own.load = chunks.load
  own.loadfile = function(env)
    return chunks.loadfile(env, function()
      return env.io
    end)
  end
  own.dofile = function(env)
    return chunks.dofile(env.loadfile)
  end
  own.getmetatable = function(env)
    local strings
    local raw_getmetatable = getmetatable
    return function(...)
      if type((...)) == "string" then
        strings = strings or string_metatable(env)
        return strings
      elseif select("#", ...) == 0 then
        error("bad argument #1 to 'getmetatable' (value expected)", 2)
      end
      return raw_getmetatable(...)
    end
  end

  -- All globals at once, without a metatable: a table like any other.
  local function fill(env)
    if metatable_of(env) ~= meta then
      return env
    end
    rawset(env, "_G", env)
    for name, value in pairs(visible) do
      if rawget(env, name) == nil then
        rawset(env, name, value)
      end
    end
    for name in pairs(own) do
      if rawget(env, name) == nil then
        rawset(env, name, env[name])
      end
    end
    debug_setmetatable(env, nil)
    return env
  end
  own._G = fill
  meta.fill = fill
  visible._G = nil

  function meta.__index(env, name)
    local value = rawget(visible, name)
    if value == nil then
      local maker = own[name]
      if maker == nil then
        return nil
      end
      value = maker(env)
    end
    if rawget(env, name) == nil then
      rawset(env, name, value)
    end
    return value
  end

  function meta.__pairs(env)
    return next, fill(env), nil
  end

  return meta
end

return standard
