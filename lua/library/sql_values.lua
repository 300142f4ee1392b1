--- Values of SQL in Lua: NULL and values of a certain type, and lists of parameters as the host takes them.
local use = ...
local errors = use("kernel/core/errors")
local object = use("kernel/core/object")
local tostring = use("kernel/core/stable").tostring

local values = {}

-- What they stand for is nowhere that a program could write.
local make, content_of = object.opaque("sql.Value", {})

local function typed(tag, value)
  return make({ tag = tag, value = value })
end

--- NULL: in a list nil would be a hole.
values.NULL = typed("n", false)

values.as = {}

local function number_of(value)
  if type(value) == "boolean" then
    return value and 1 or 0
  end
  return tonumber(value) or 0
end

--- An integer; what cannot be one is 0.
function values.as.int(value)
  local number = number_of(value)
  local whole = math.tointeger(number)
  if not whole then
    local towards_zero = number >= 0 and math.floor(number) or math.ceil(number)
    whole = math.tointeger(towards_zero) or 0
  end
  return typed("v", whole)
end

--- A float; what cannot be one is 0.0.
function values.as.float(value)
  return typed("v", number_of(value) + 0.0)
end

--- A text; what cannot be one is empty.
function values.as.text(value)
  local kind = type(value)
  if kind == "number" or kind == "boolean" then
    value = tostring(value)
  elseif kind ~= "string" then
    value = ""
  end
  return typed("t", value)
end

--- Bytes; what is no string is NULL.
function values.as.binary(value)
  if type(value) ~= "string" then
    return values.NULL
  end
  return typed("b", value)
end

--- NULL.
function values.as.null()
  return values.NULL
end

--- Whether a value stands for NULL.
function values.is_null(value)
  return value == nil or object.is("sql.Value", value) and content_of(value).tag == "n"
end

-- Values of these types are passed on as they are.
local PLAIN <const> = { string = true, number = true, boolean = true }

--- The letter and the plain value of a parameter.
function values.split(value)
  if object.is("sql.Value", value) then
    local content = content_of(value)
    return content.tag, content.value
  end
  if PLAIN[type(value)] then
    return "v", value
  end
  return "n", false
end

--- A list of parameters as the host takes it: the values, and a letter for each; or `nil, nil, err`.
function values.list(params)
  if params == nil then
    return {}, ""
  elseif host.type(params) ~= "table" then
    return nil, nil, errors.fail("Invalid", "parameters must be a table, got " .. host.type(params))
  end
  local list, tags, n = {}, nil, #params
  for i = 1, n do
    local value = params[i]
    if PLAIN[type(value)] then
      list[i] = value
    else
      tags = tags or {}
      tags[i], list[i] = values.split(value)
    end
  end
  if not tags then
    return list, string.rep("v", n)
  end
  for i = 1, n do
    tags[i] = tags[i] or "v"
  end
  return list, table.concat(tags)
end

return values
