-- Payloads: values of messages and results with their format. A Payload is {value}, with `_format` when it is not a Lua
-- value.
local use = ...
local check = use("kernel/core/check")
local core = use("kernel/core/core")
local errors = use("kernel/core/errors")
local limits = use("kernel/core/limits")
local object = use("kernel/core/object")
local tostring = use("kernel/core/stable").tostring
local next, pcall, pure, type, type_of = next, pcall, host.pure, type, host.type

local payload = {}

-- Returns the module `json`, which is loaded at first use, as few programs transcode.
local json

payload.connect = core.hooks("kernel/messaging/payload", { "json" }, function(module)
  json = module
end)

local LUA <const> = { ["lua/any"] = true, ["golang/any"] = true, ["golang/error"] = true }
local TEXT <const> = { ["text/plain"] = true, ["application/octet-stream"] = true }
local ENCODED <const> =
  { ["json/plain"] = true, ["yaml/plain"] = true, ["application/msgpack"] = true }

local methods = {}
local _, meta = object.define("payload", methods, {
  __tostring = function(self)
    return "payload{format=" .. self:get_format() .. "}"
  end,
})
payload.meta = meta

--- A Payload of a value; `format` is "lua/any" unless given.
function payload.new(value, format)
  if format and format ~= "lua/any" then
    return setmetatable({ value, _format = format }, meta)
  end
  return setmetatable({ value }, meta)
end

function methods:get_format()
  return self._format or "lua/any"
end

-- What a pure operation makes of a value; one that is too large to leave the VM is a failure like any other.
local function convert(operation, format, value)
  local ok, result, err = pcall(pure, operation, format, value)
  if not ok then
    result, err = nil, result
  end
  if err then
    local message = errors.is_error(err) and err:message() or tostring(err)
    return nil, errors.fail("Internal", message)
  end
  return result
end

-- A value in a format that others read. JSON is tried with the module first, which knows empty objects.
local function encoded(format, value)
  if format == "json/plain" then
    local text = json().encode(value)
    if text then
      return text
    end
  end
  return convert("payload.encode", format, value)
end

local function has_positions(value)
  for key in next, value do
    if math.type(key) == "integer" and key > 0 then
      return true
    end
  end
  return false
end

-- A copy of a value as hosts have it: a table with a positive integer among its keys is a list of what is at 1, 2, 3
-- and so on, any other a map of its text keys. Functions and objects are nil.
local function host_value(value, depth)
  local kind = type_of(value)
  if kind == "string" or kind == "number" or kind == "boolean" or errors.is_error(value) then
    return value
  elseif kind ~= "table" then
    return nil
  elseif depth > limits.DEPTH then
    error("tables nest deeper than " .. limits.DEPTH .. " levels", 0)
  elseif next(value) == nil then
    -- The table itself: `json` knows whether it was an object.
    return value
  end
  local copy = {}
  if has_positions(value) then
    local i = 1
    while rawget(value, i) ~= nil do
      copy[i] = host_value(rawget(value, i), depth + 1)
      i = i + 1
    end
    return copy
  end
  for key, item in next, value do
    if type(key) == "string" then
      copy[key] = host_value(item, depth + 1)
    end
  end
  return copy
end

local function decoded(self)
  if self._format == nil then
    return self[1]
  end
  local format = self:get_format()
  if LUA[format] or TEXT[format] then
    return self[1]
  end
  if format == "json/plain" then
    return json().decode(self[1])
  elseif ENCODED[format] then
    return convert("payload.decode", format, self[1])
  end
  return nil, errors.fail("Internal", "no way to decode a payload of format " .. format)
end

methods.data = decoded
methods.unmarshal = decoded
-- A native does it for Lua values.
rawset(methods, "data", host.bind(host.payload_data, methods.data))
rawset(methods, "unmarshal", host.bind(host.payload_data, methods.unmarshal))

--- The same value in another format: `Payload, nil`, or `nil, err` when there is no way.
function methods:transcode(format)
  check.string(format, 1, "transcode")
  if format == self:get_format() then
    return self, nil
  end
  local value, err = decoded(self)
  if err then
    return nil, err
  end
  if format == "golang/any" then
    local ok, copy = pcall(host_value, value, 1)
    if not ok then
      return nil, errors.fail("Internal", copy)
    end
    return payload.new(copy, format), nil
  elseif LUA[format] then
    return payload.new(value, format), nil
  elseif ENCODED[format] then
    local text, failure = encoded(format, value)
    if failure then
      return nil, failure
    end
    return payload.new(text, format), nil
  elseif TEXT[format] then
    local kind = type(value)
    if kind == "string" then
      return payload.new(value, format), nil
    elseif kind == "number" or kind == "boolean" then
      return payload.new(tostring(value), format), nil
    elseif ENCODED[self:get_format()] then
      return payload.new(self[1], format), nil
    end
  end
  return nil,
    errors.fail("Internal", "no way from " .. self:get_format() .. " to " .. tostring(format))
end

return payload
