-- Objects: tables that applications see as userdata, with a locked metatable and read-only methods.
-- [1] in the metatable, which is marked, is what `host.type` (and so the sandbox's `type`) looks at: `true`, or "type"
-- for a type.
local use = ...
local tostring = use("kernel/core/stable").tostring
local metatable_of = debug.getmetatable
local names, known = {}, {}

local object = {}

local function read_only(_, key)
  error("cannot assign field '" .. tostring(key) .. "' of a read-only object", 2)
end

-- Methods are called with any self: `method` runs only with an object of the kind.
local function guard(name, meta, method)
  if type(method) ~= "function" then
    return method
  end
  -- A function of any number of arguments copies them, which takes longer than most methods.
  local info = debug.getinfo(method, "u")
  if not info.isvararg and info.nparams <= 3 then
    return function(self, a, b)
      if metatable_of(self) ~= meta then
        error("bad self (" .. name .. " expected; call it with ':')", 2)
      end
      return method(self, a, b)
    end
  end
  return function(self, ...)
    if metatable_of(self) ~= meta then
      error("bad self (" .. name .. " expected; call it with ':')", 2)
    end
    return method(self, ...)
  end
end

-- Guards the methods that are there, and those that are added later.
local function guard_all(name, meta, methods)
  for key, method in pairs(methods) do
    methods[key] = guard(name, meta, method)
  end
  return setmetatable(methods, {
    __newindex = function(_, key, method)
      rawset(methods, key, guard(name, meta, method))
    end,
  })
end

-- Where an object has its content: no program can name this key.
local CONTENT <const> = {}

--- Defines a kind of object. `metamethods` may add to or replace the defaults. A method called with another self
--- raises; methods of a kind with `own_check` see to that themselves, as they are called very often.
--- Returns the constructor, which turns a table of fields into the object, and the metatable. A program can assign the
--- fields that have a name: nothing that a decision depends on may be in one. See `opaque`.
function object.define(name, methods, metamethods, own_check)
  local meta = {
    [1] = true,
    __name = name,
    __index = methods,
    __newindex = read_only,
    __metatable = false,
  }
  for key, value in pairs(metamethods or {}) do
    meta[key] = value
  end
  if methods and not own_check then
    guard_all(name, meta, methods)
  end
  names[name] = host.mark(meta)
  known[meta] = true
  return function(fields)
    return setmetatable(fields, meta)
  end, meta
end

--- Defines a kind of object whose content is out of the reach of programs. Returns the constructor, which takes the
--- content, and a function that returns the content of an object of the kind.
function object.opaque(name, methods, metamethods)
  local _, meta = object.define(name, methods, metamethods)
  return function(content)
    return setmetatable({ [CONTENT] = content }, meta)
  end, function(self)
    return self[CONTENT]
  end
end

--- The methods of every kind, by its name: for the test that calls each of them with a wrong self.
function object.methods()
  local result = {}
  for name, meta in pairs(names) do
    result[name] = meta.__index
  end
  return result
end

--- True when `value` was made by the constructor of `name`.
function object.is(name, value)
  return type(value) == "table" and metatable_of(value) == names[name]
end

--- True when a kind of objects has the name.
function object.is_kind(name)
  return names[name] ~= nil
end

--- True for the metatable of a defined kind: its metamethods are the kernel's.
function object.is_defined(meta)
  return known[meta] == true
end

return object
