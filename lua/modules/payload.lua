--- Module `payload`: values with their format. A global of every unit.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local mailbox = runtime.use("kernel/messaging/mailbox")
local errors = runtime.errors

local payload = {
  format = {
    JSON = "json/plain",
    YAML = "yaml/plain",
    STRING = "text/plain",
    BYTES = "application/octet-stream",
    MSGPACK = "application/msgpack",
    LUA = "lua/any",
    GOLANG = "golang/any",
    ERROR = "golang/error",
  },
}

local LUA = { ["lua/any"] = true, ["golang/any"] = true, ["golang/error"] = true }
local TEXT = { ["text/plain"] = true, ["application/octet-stream"] = true }

-- Loaded at first use, as few programs transcode.
local function json()
  return runtime.use("modules/json", runtime)
end

--- A Payload of a Lua value.
function payload.new(value)
  return mailbox.payload(value, errors.is_error(value) and "golang/error" or "lua/any")
end

local methods = mailbox.payload_methods

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
    return mailbox.payload(value, format)
  elseif format == "json/plain" then
    local text, failure = json().encode(value)
    if failure then
      return nil, errors.fail("Internal", failure:message())
    end
    return mailbox.payload(text, format)
  elseif TEXT[format] and type(value) == "string" then
    return mailbox.payload(value, format)
  end
  return nil,
    errors.fail("Internal", "no way from " .. self:get_format() .. " to " .. tostring(format))
end

return payload
