-- Payloads: values of messages and results with their format. A Payload is {value}, with `_format` when it is not a Lua
-- value.
local use = ...
local check = use("kernel/core/check")
local core = use("kernel/core/core")
local errors = use("kernel/core/errors")
local object = use("kernel/core/object")
local tostring = use("kernel/core/stable").tostring
local pcall, pure, type = pcall, host.pure, type

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
  if LUA[format] then
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
