-- Types as values: `T:is(v)`, `T(v)`, and what a type is made of. They have no state that a program can change, so all
-- units of a worker share them.
local use = ...
local object = use("kernel/core/object")
local shapes = use("kernel/types/shapes")
local fits = use("kernel/types/relate")
local text_of = use("kernel/types/text")
local validate = use("kernel/types/validate")
local bare, force, type_of = shapes.bare, shapes.force, host.type

local types = {}

-- Where a value has its shape: no program can name this key.
local SHAPE <const>, METHODS <const> = {}, {}

local kinds = {}
for kind in
  (
    "nil boolean number integer string any unknown never optional union intersection tuple function array map"
    .. " record generic"
  ):gmatch("%a+")
do
  kinds[kind] = kind
end

local make, meta

local function is_type(value)
  return type(value) == "table" and debug.getmetatable(value) == meta
end

-- The value of a shape, always the same one. A name of a declared type is that type.
local function value_of(shape)
  if shape == nil then
    return nil
  end
  if shape.kind == "ref" and not shape.args[1] then
    local declared = shape.scope.declared[shape.name]
    shape = declared and declared.shape or shapes.builtin[shape.name] or shape
  elseif shape.kind == "import" then
    shape = force(shape)
  end
  local value = shape.value_object
  if not value then
    value = make({ [SHAPE] = shape })
    shape.value_object = value
  end
  return value
end

local function name_of(shape)
  return shape.declared_name or shapes.builtin[shape.name] == shape and shape.name or nil
end

local function title_of(shape)
  return name_of(shape) or text_of(shape)
end

local function over(list, each)
  return function()
    local i = 0
    return function()
      i = i + 1
      if list[i] == nil then
        return nil
      end
      return each(list[i])
    end
  end
end

local methods = {}

function methods.is(shape, value)
  local err = validate(shape, value)
  if err then
    return nil, err
  end
  return value, nil
end

function methods.kind(shape)
  if shape.kind == "ref" and shape.args[1] then
    return "instantiated"
  end
  return kinds[bare(shape).kind] or "unknown"
end

methods.name = name_of

function methods.elem(shape)
  shape = bare(shape)
  return shape.kind == "array" and value_of(shape.inner) or nil
end

function methods.key(shape)
  shape = bare(shape)
  return shape.kind == "map" and value_of(shape.key) or nil
end

function methods.val(shape)
  shape = bare(shape)
  return shape.kind == "map" and value_of(shape.value) or nil
end

function methods.inner(shape)
  shape = bare(shape)
  return shape.kind == "optional" and value_of(shape.inner) or nil
end

function methods.ret(shape)
  local results = bare(shape).results
  if not results or #results == 0 then
    return nil
  elseif #results == 1 then
    return value_of(results[1])
  end
  shape = bare(shape)
  shape.result_tuple = shape.result_tuple or { kind = "tuple", members = results }
  return value_of(shape.result_tuple)
end

function methods.fields(shape)
  local record = bare(shape)
  return record.kind == "record"
      and over(record.fields, function(field)
        return field.name, value_of(field.type)
      end)()
    or nil
end

function methods.variants(shape)
  local union = bare(shape)
  return union.kind == "union" and over(union.members, value_of)() or nil
end

function methods.params(shape)
  local params = bare(shape).params
  return params and over(params, value_of)() or nil
end

function methods.tparams(shape)
  local generic = force(shape)
  return generic.kind == "generic"
      and over(generic.declared.params, function(param)
        return param.name,
          param.bound and value_of(shapes.of(param.bound, generic.declared.scope)) or nil
      end)()
    or nil
end

-- A method works with `:` and with `.`.
local function bound(value, shape, name)
  local made = value[METHODS]
  if not made then
    made = {}
    rawset(value, METHODS, made)
  end
  local method = methods[name]
  made[name] = made[name]
    or function(first, ...)
      if rawequal(first, value) then
        return method(shape, ...)
      end
      return method(shape, first)
    end
  return made[name]
end

local function instantiate(shape, args)
  local generic = force(shape)
  local title = title_of(shape)
  if generic.kind ~= "generic" then
    error("type " .. title .. " is not generic", 3)
  end
  local declared, wanted = generic.declared, #generic.declared.params
  if #args ~= wanted then
    error(("type %s expects %d type arguments, got %d"):format(title, wanted, #args), 3)
  end
  local list = {}
  for i, arg in ipairs(args) do
    list[i] = arg[SHAPE]
  end
  return value_of({ kind = "ref", name = declared.name, scope = declared.scope, args = list })
end

local function call(self, ...)
  local shape, count = self[SHAPE], select("#", ...)
  local title = title_of(shape)
  if count == 0 then
    error("type " .. title .. " expects at least 1 argument", 3)
  end
  local of_types = 0
  for i = 1, count do
    of_types = of_types + (is_type((select(i, ...))) and 1 or 0)
  end
  if of_types == count then
    return instantiate(shape, { ... })
  elseif of_types > 0 then
    error("type " .. title .. " expects either values or types, got both", 3)
  elseif count > 1 then
    error("type " .. title .. ": validation expects 1 value, got " .. count, 3)
  end
  local value = ...
  if validate(shape, value) then
    error("expected " .. title .. ", got " .. type_of(value), 3)
  end
  return value
end

make, meta = object.define("type", nil, {
  -- What `type` says of it.
  [1] = "type",
  __index = function(self, key)
    local shape = rawget(self, SHAPE)
    if key == METHODS or shape == nil then
      return nil
    elseif methods[key] then
      return bound(self, shape, key)
    end
    local record = bare(shape)
    local field = record.by_name and record.by_name[key]
    return field and value_of(field.type) or nil
  end,
  -- Its caller's line is where the position points, in a tail call too.
  __call = host.delegate(call),
  __tostring = function(self)
    return title_of(self[SHAPE])
  end,
  __eq = function(a, b)
    return fits(a[SHAPE], b[SHAPE]) and fits(b[SHAPE], a[SHAPE])
  end,
  __lt = function(a, b)
    return is_type(a) and is_type(b) and fits(a[SHAPE], b[SHAPE]) and not fits(b[SHAPE], a[SHAPE])
  end,
  __le = function(a, b)
    return is_type(a) and is_type(b) and fits(a[SHAPE], b[SHAPE])
  end,
})

--- Types that every program has, by name.
types.builtin = {}
for name in ("nil boolean number integer string any unknown never"):gmatch("%a+") do
  types.builtin[name] = value_of(shapes.builtin[name])
end

-- The shape of a type value, or nil.
local function shape_of(value)
  return is_type(value) and value[SHAPE] or nil
end

-- Where a chunk's `alias.Type` is looked for: among the types of the library behind it, then in the value of the alias.
local function importer(scope)
  return function(module, name)
    local library = scope.library and scope.library(module)
    local declared = library and library.declared[name]
    if declared then
      return declared.shape
    end
    local env = scope.environment.env
    local value = env and rawget(env, module)
    if value == nil and env then
      local require = rawget(env, "require")
      local ok, found = pcall(require, module)
      value = ok and found or nil
    end
    local given = type(value) == "table" and shape_of(rawget(value, name))
    return given or { kind = "host", name = module .. "." .. name }
  end
end

--- What a chunk declares, from the front end's descriptions: `values` is the table that its code uses. `library(alias)`
--- gives the scope of an imported library, or nil.
function types.scope(descriptions, library)
  local scope = {
    declared = {},
    library = library,
    environment = setmetatable({}, { __mode = "v" }),
    values = {},
  }
  scope.import = importer(scope)
  for _, description in ipairs(descriptions) do
    local name = description.name
    local declared = {
      name = name,
      params = description.params,
      description = description.type,
      scope = scope,
    }
    if description.params[1] then
      declared.shape = { kind = "generic", declared = declared, declared_name = name }
    else
      declared.shape = shapes.of(description.type, scope)
      declared.shape.declared_name = name
    end
    scope.declared[name] = declared
  end
  for name, value in pairs(types.builtin) do
    scope.values[name] = value
  end
  for name, declared in pairs(scope.declared) do
    local shape = declared.shape
    shape.value_object = shape.value_object or make({ [SHAPE] = shape })
    scope.values[name] = shape.value_object
  end
  return scope
end

local function global(env, name)
  return env[name]
end

--- Gives globals the types that they have not. A program may have made the look at one that is not there an error.
function types.share(scope, env)
  for name, declared in pairs(scope.declared) do
    local ok, value = pcall(global, env, name)
    if not ok or value == nil then
      rawset(env, name, declared.shape.value_object)
    end
  end
end

--- Lets a scope look into the globals of a unit that runs the chunk, and gives these the types that they have not.
function types.enter(scope, env)
  scope.environment.env = env
  types.share(scope, env)
end

types.is = is_type

return types
