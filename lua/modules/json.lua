--- Module `json`: text from Lua values and back. Natives of the VM do the usual values; what they leave to the host
-- (errors with their places, numbers of many digits, objects with a metatable) is read and written there.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local errors = runtime.errors
local pure = runtime.use("library/crossing", runtime)
local next, type = next, type
local decode, encode = host.json_decode, host.json_encode

local json = {}

-- Empty tables that were JSON objects when they were decoded: they are written `{}` again and not
-- `[]`. A weak set and not a metatable, so that the tables are plain for whoever decoded them.
local empty_objects = setmetatable({}, { __mode = "k" })

-- Lists the tables of `empty_objects` in a value that are still empty. Nesting that the host will
-- refuse is not followed to its end, which may not exist.
local function collect(value, found, depth)
  if empty_objects[value] and next(value) == nil then
    found[#found + 1] = value
  elseif depth < 128 then
    for _, item in next, value do
      if type(item) == "table" then
        collect(item, found, depth + 1)
      end
    end
  end
end

--- JSON text of a value.
function json.encode(value)
  local text = encode(value, empty_objects)
  if text then
    return text, nil
  end
  if type(value) == "table" and next(empty_objects) ~= nil then
    local found = {}
    collect(value, found, 0)
    if found[1] then
      return pure("json.encode", { value, found }, true)
    end
  end
  return pure("json.encode", value)
end

--- The value of JSON text. Text behind the first value is ignored.
function json.decode(text)
  if type(text) ~= "string" or text == "" then
    local what = text == "" and "an empty string" or "a " .. host.type(text)
    local message = "cannot decode " .. what .. "; give JSON text"
    return nil, errors.new({ message = message, kind = errors.INVALID, retryable = false })
  end
  local done, known = decode(text, empty_objects)
  if done then
    return known, nil
  end
  local value, err = pure("json.decode", text)
  if type(value) == "table" and value[true] ~= nil then
    for _, object in next, value[false] do
      empty_objects[object] = true
    end
    value = value[true]
  end
  return value, err
end

local function invalid(message)
  return false, errors.new({ message = message, kind = errors.INVALID, retryable = false })
end

local function validate(schema, data, is_text)
  if schema == nil then
    return invalid("schema is required")
  elseif type(schema) ~= "table" and type(schema) ~= "string" then
    return invalid("schema must be a table or JSON text, not a " .. host.type(schema))
  elseif data == nil then
    return invalid("data is required")
  elseif is_text and type(data) ~= "string" then
    return invalid("data must be a JSON string")
  end
  local found = {}
  if next(empty_objects) ~= nil then
    collect({ schema, data }, found, 0)
  end
  local _, err = pure("json.validate", { schema, data, found }, is_text)
  if err then
    return false, err
  end
  return true
end

--- Whether a value matches a JSON Schema: `true`, or `false, err`. The schema is a table or JSON text.
function json.validate(schema, data)
  return validate(schema, data, false)
end

--- As `json.validate`, with JSON text in place of the value.
function json.validate_string(schema, text)
  return validate(schema, text, true)
end

return json
