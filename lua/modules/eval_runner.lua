--- Module `eval_runner`: runs Lua code that is made while the application runs, with the modules that it is given.
-- @workflows no: what it runs is not recorded
-- @sandbox no: code with the rights of the caller
local runtime = ...
local check, errors = runtime.check, runtime.errors
local class_of = runtime.use("library/module_classes")
local eval = runtime.use("kernel/functions/eval")
local object = runtime.use("kernel/core/object")
local sandbox = runtime.use("kernel/core/sandbox")

local eval_runner = {}

-- Classes that keep a module away from programs, unless they are allowed.
local KEPT_AWAY <const> = { process = true, storage = true, network = true }

local program = {}
local new_program, content = object.opaque("eval_runner.Program", program)

local function fail(kind, message)
  return errors.fail(kind, message)
end

local function list(value, what)
  if value == nil then
    return {}
  elseif type(value) ~= "table" then
    return nil, fail("Invalid", what .. " must be a list of strings")
  end
  for _, name in ipairs(value) do
    if type(name) ~= "string" then
      return nil, fail("Invalid", what .. " must be a list of strings")
    end
  end
  return value
end

local WORDS <const> = {
  ["eval.run"] = "not allowed to run code",
  ["eval.compile"] = "not allowed to compile code",
  ["eval.module"] = "not allowed to use module: ",
  ["eval.import"] = "not allowed to import: ",
  ["eval.class"] = "not allowed to use class: ",
}

local function refusal(action, resource, attributes)
  attributes = attributes or {}
  attributes.entry_id = runtime.frame().entry
  if runtime.allowed(action, resource, attributes) then
    return nil
  end
  return fail("PermissionDenied", WORDS[action] .. resource)
end

-- Libraries by alias, each `{id, modules}`: `{alias = "ns:lib"}` or `{alias = {id = "ns:lib", modules = {…}}}`.
local function read_imports(imports)
  local found = {}
  if imports == nil then
    return found
  elseif type(imports) ~= "table" then
    return nil, fail("Invalid", "imports must be a table of identifiers by alias")
  end
  for alias, target in pairs(imports) do
    local given = type(target) == "table" and target or { id = target }
    if type(alias) ~= "string" or type(given.id) ~= "string" then
      return nil, fail("Invalid", "imports must be a table of identifiers by alias")
    end
    local modules, err = list(given.modules, "the modules of import '" .. alias .. "'")
    if not modules then
      return nil, err
    end
    found[alias] = { id = given.id, modules = modules }
  end
  return found
end

-- Names, sorted, so that permissions are asked in the same order each time.
local function sorted(names)
  local keys = {}
  for key in pairs(names) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

-- Everything that a program asks for, checked; or nil and an Error.
local function read(config, action)
  local modules, err = list(config.modules, "modules")
  if not modules then
    return nil, err
  end
  local classes
  classes, err = list(config.allow_classes, "allow_classes")
  if not classes then
    return nil, err
  end
  local imports
  imports, err = read_imports(config.imports)
  if not imports then
    return nil, err
  end
  err = refusal(action, "")
  for _, name in ipairs(modules) do
    err = err or refusal("eval.module", name)
  end
  for _, alias in ipairs(sorted(imports)) do
    local import = imports[alias]
    err = err or refusal("eval.import", import.id, { alias = alias })
    for _, name in ipairs(import.modules) do
      err = err or refusal("eval.module", name)
    end
  end
  local allowed = {}
  for _, class in ipairs(classes) do
    if not KEPT_AWAY[class] then
      return nil,
        fail("Invalid", "unknown class: " .. class .. "; there are process, storage and network")
    end
    err = err or refusal("eval.class", class)
    allowed[class] = true
  end
  if err then
    return nil, err
  end
  return { modules = modules, imports = imports, allowed = allowed }
end

-- Why a module is kept away: the class; nil for one that is not.
local function blocking(name, allowed)
  for _, class in ipairs(class_of(name)) do
    if KEPT_AWAY[class] and not allowed[class] then
      return class
    end
  end
  return nil
end

-- Names of all modules that the classes let through.
local function permitted(allowed)
  local names = {}
  for _, name in ipairs(sandbox.module_names()) do
    if not blocking(name, allowed) then
      names[#names + 1] = name
    end
  end
  return names
end

-- The Error for the first module that the classes keep away, or nil.
local function blocked(names, allowed)
  for _, name in ipairs(names) do
    local class = blocking(name, allowed)
    if class then
      return fail(
        "Internal",
        "module '" .. name .. "' is of the class " .. class .. ", which is not allowed"
      )
    end
  end
  return nil
end

-- The names of the modules that a program sees; or nil and an Error.
local function choose(request)
  local err = blocked(request.modules, request.allowed)
  for _, alias in ipairs(sorted(request.imports)) do
    err = err or blocked(request.imports[alias].modules, request.allowed)
  end
  if err then
    return nil, err
  elseif #request.modules == 0 then
    return permitted(request.allowed)
  end
  return table.move(request.modules, 1, #request.modules, 1, {})
end

-- A copy of a table that a program is given: functions stay as they are.
local function copied(value, done)
  if type(value) ~= "table" or debug.getmetatable(value) ~= nil then
    return value
  elseif done[value] then
    return done[value]
  end
  local copy = {}
  done[value] = copy
  for key, item in next, value do
    copy[key] = copied(item, done)
  end
  return copy
end

local function source_of(source)
  if type(source) ~= "string" or source == "" then
    return nil, fail("Invalid", "source is required")
  end
  return source
end

local function method_of(method)
  if method == nil or method == "" then
    return nil
  elseif type(method) ~= "string" then
    return nil, fail("Invalid", "method must be a string")
  end
  return method
end

local function custom(tables)
  local names = {}
  if tables == nil then
    return names
  elseif type(tables) ~= "table" then
    return nil, fail("Invalid", "custom_modules must be a table of tables by name")
  end
  for name, value in pairs(tables) do
    if type(name) ~= "string" or type(value) ~= "table" then
      return nil, fail("Invalid", "custom_modules must be a table of tables by name")
    end
    names[name] = copied(value, {})
  end
  return names
end

--- Runs code and returns what it returns: `value, nil` or `nil, err` (Invalid; PermissionDenied; Internal).
-- `config`: `source`, `method`, `args`, `modules`, `imports`, `context`, `allow_classes`, `custom_modules`.
function eval_runner.run(config)
  check.table(config, 1, "run")
  local source, err = source_of(config.source)
  if not source then
    return nil, err
  end
  local method
  method, err = method_of(config.method)
  if err then
    return nil, err
  end
  local args = config.args == nil and {} or config.args
  if type(args) ~= "table" then
    return nil, fail("Invalid", "args must be a list")
  elseif config.context ~= nil and type(config.context) ~= "table" then
    return nil, fail("Invalid", "context must be a table of values by name")
  end
  local names
  names, err = custom(config.custom_modules)
  if not names then
    return nil, err
  end
  local request
  request, err = read(config, "eval.run")
  if not request then
    return nil, err
  end
  local modules
  modules, err = choose(request)
  if not modules then
    return nil, err
  end
  local count = 0
  for index in pairs(args) do
    if math.type(index) == "integer" and index > count then
      count = index
    end
  end
  if count > 200 then
    return nil, fail("Invalid", "args holds more than 200 values")
  end
  local given = table.move(args, 1, count, 1, {})
  given.n = count
  return eval.run({
    source = source,
    method = method,
    args = given,
    modules = modules,
    imports = request.imports,
    values = config.context,
    names = names,
    hidden = function(name)
      return blocking(name, request.allowed) ~= nil
    end,
  })
end

--- Checks that code compiles: `Program, nil` or `nil, err` (Invalid; PermissionDenied; Internal).
function eval_runner.compile(source, method, options)
  options = check.optional(check.table, options, 3, "compile") or {}
  local text, err = source_of(source)
  if not text then
    return nil, err
  end
  local name
  name, err = method_of(method)
  if err then
    return nil, err
  end
  local request
  request, err = read({ modules = options.modules, imports = options.imports }, "eval.compile")
  if not request then
    return nil, err
  end
  local modules
  modules, err = choose(request)
  if not modules then
    return nil, err
  end
  local _
  _, err = eval.compile(text)
  if err then
    return nil, err
  end
  return new_program({ method = name or "", modules = modules }), nil
end

--- Returns the name of the method; "" for the code itself.
function program:method()
  return content(self).method
end

--- Returns the names of the modules that the program sees.
function program:modules()
  local modules = content(self).modules
  return table.move(modules, 1, #modules, 1, {})
end

return eval_runner
