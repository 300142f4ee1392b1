-- Payloads: values of messages and results with their format. A Payload is {value}, with `_format` when it is not a Lua
-- value.
local use = ...
local core = use("kernel/core/core")
local errors = use("kernel/core/errors")
local object = use("kernel/core/object")
local tostring = use("kernel/core/stable").tostring

local payload = {}

-- Returns the module `json`, which is loaded at first use, as few programs transcode.
local json

payload.connect = core.hooks("kernel/messaging/payload", { "json" }, function(module)
  json = module
end)

local LUA <const> = { ["lua/any"] = true, ["golang/any"] = true, ["golang/error"] = true }
local TEXT <const> = { ["text/plain"] = true, ["application/octet-stream"] = true }

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

local function decoded(self)
  if self._format == nil then
    return self[1]
  end
  local format = self:get_format()
  if LUA[format] or TEXT[format] then
    return self[1]
  end
  if format ~= "json/plain" then
    return nil, errors.fail("Internal", "no way to decode a payload of format " .. format)
  end
  return json().decode(self[1])
end

methods.data = decoded
methods.unmarshal = decoded

--- The same value in another format: `Payload, nil`, or `nil, err` when there is no way.
function methods:transcode(format)
  if format == self:get_format() then
    return self
  end
  local value, err = decoded(self)
  if err then
    return nil, err
  end
  if LUA[format] then
    return payload.new(value, format)
  elseif format == "json/plain" then
    local text, failure = json().encode(value)
    if failure then
      return nil, errors.fail("Internal", failure:message())
    end
    return payload.new(text, format)
  elseif TEXT[format] and type(value) == "string" then
    return payload.new(value, format)
  end
  return nil,
    errors.fail("Internal", "no way from " .. self:get_format() .. " to " .. tostring(format))
end

return payload
