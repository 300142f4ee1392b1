-- What types are made of: tables that the front end's descriptions become. A name of another type becomes that type
-- when it is first looked at, so that types may mention themselves.
local shapes = {}

-- A chain of names that is longer leads nowhere.
local MOST_HOPS <const> = 64

local function primitive(kind)
  return { kind = kind, name = kind }
end

local builtin = {}
for name in
  ("nil boolean number integer string any unknown never table thread userdata"):gmatch("%a+")
do
  builtin[name] = primitive(name)
end
builtin.error = primitive("error")
builtin.Error = builtin.error
builtin.Self, builtin.self = builtin.any, builtin.any
builtin.Channel = { kind = "host", name = "channel" }
shapes.builtin = builtin

local of = {}

--- The shape of a description. `scope` knows the names of its chunk; `args` are the shapes of type parameters, by name.
function shapes.of(description, scope, args)
  return of[description.kind](description, scope, args)
end

local function list_of(descriptions, scope, args)
  local list = {}
  for i, description in ipairs(descriptions) do
    list[i] = shapes.of(description, scope, args)
  end
  return list
end

function of.name(d, scope, args)
  return args and args[d.name]
    or { kind = "ref", name = d.name, scope = scope, args = list_of(d.args, scope, args) }
end

function of.import(d, scope)
  return { kind = "import", module = d.module, name = d.name, scope = scope }
end

function of.literal(d)
  return { kind = "literal", value = d.value }
end

local function with_inner(d, scope, args)
  return { kind = d.kind, inner = shapes.of(d.inner, scope, args) }
end
of.optional, of.array, of.keyof = with_inner, with_inner, with_inner

local function with_members(d, scope, args)
  return { kind = d.kind, members = list_of(d.members, scope, args) }
end
of.union, of.intersection, of.tuple = with_members, with_members, with_members

function of.map(d, scope, args)
  return {
    kind = "map",
    key = shapes.of(d.key, scope, args),
    value = shapes.of(d.value, scope, args),
  }
end

local function with_fields(d, scope, args)
  local fields, by_name = {}, {}
  for i, field in ipairs(d.fields) do
    local made = {
      name = field.name,
      optional = field.optional,
      type = shapes.of(field.type, scope, args),
    }
    fields[i] = made
    by_name[field.name] = made
  end
  return { kind = d.kind, fields = fields, by_name = by_name }
end
of.record, of.interface = with_fields, with_fields

of["function"] = function(d, scope, args)
  return {
    kind = "function",
    params = list_of(d.params, scope, args),
    vararg = d.vararg and shapes.of(d.vararg, scope, args),
    results = list_of(d.results, scope, args),
  }
end

function of.validated(d, scope, args)
  return { kind = "validated", inner = shapes.of(d.inner, scope, args), checks = d.checks }
end

function of.indexed(d, scope, args)
  return {
    kind = "indexed",
    inner = shapes.of(d.inner, scope, args),
    index = shapes.of(d.index, scope, args),
  }
end

function of.conditional(d, scope, args)
  return { kind = "conditional", parts = list_of(d.parts, scope, args) }
end

--- The shape of a generic declaration with these arguments.
function shapes.instantiate(declared, args)
  local by_name = {}
  for i, param in ipairs(declared.params) do
    by_name[param.name] = args[i]
  end
  return shapes.of(declared.description, declared.scope, by_name)
end

-- Whether one type fits another, see types/relate.
local fits

--- Takes that question's answer over.
function shapes.connect(relation)
  fits = relation
end

-- Whether arguments fit the bounds of a generic, which may mention its parameters.
local function within_bounds(declared, args)
  local by_name = {}
  for i, param in ipairs(declared.params) do
    by_name[param.name] = args[i]
  end
  for i, param in ipairs(declared.params) do
    if param.bound and not fits(args[i], shapes.of(param.bound, declared.scope, by_name)) then
      return false
    end
  end
  return true
end

local expand = {}

function expand.ref(shape)
  local declared = shape.scope.declared[shape.name]
  if not declared then
    return builtin[shape.name] or { kind = "unresolved", name = shape.name }
  end
  local given, wanted = #shape.args, #declared.params
  if given == 0 then
    return declared.shape
  elseif given ~= wanted or not within_bounds(declared, shape.args) then
    return builtin.unknown
  end
  return shapes.instantiate(declared, shape.args)
end

function expand.import(shape)
  return shape.scope.import(shape.module, shape.name)
end

function expand.keyof(shape)
  local record, members = shapes.force(shape.inner), {}
  for i, field in ipairs(record.fields or {}) do
    members[i] = { kind = "literal", value = field.name }
  end
  return members[1] and { kind = "union", members = members } or builtin.never
end

function expand.indexed(shape)
  local object, index = shapes.force(shape.inner), shapes.force(shape.index)
  if object.by_name then
    local field = index.kind == "literal" and object.by_name[index.value]
    if not field then
      return builtin.never
    end
    return field.optional and { kind = "optional", inner = field.type } or field.type
  end
  return object.kind == "array" and object.inner
    or object.kind == "map" and object.value
    or builtin.unknown
end

function expand.conditional(shape)
  local left, right, yes, no = table.unpack(shape.parts)
  return fits(left, right) and yes or no
end

--- The shape that a name, or a type that is computed, stands for.
function shapes.force(shape)
  for _ = 1, MOST_HOPS do
    local step = expand[shape.kind]
    if not step then
      return shape
    end
    local forced = shape.forced
    if not forced then
      forced = step(shape)
      shape.forced = forced
    end
    shape = forced
  end
  return { kind = "unresolved", name = shape.name or "?" }
end

--- The shape without its validators.
function shapes.bare(shape)
  shape = shapes.force(shape)
  while shape.kind == "validated" do
    shape = shapes.force(shape.inner)
  end
  return shape
end

return shapes
