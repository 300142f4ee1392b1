--- Module `payload`: values with their format. A global of every unit.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local errors = runtime.errors
local freeze = runtime.use("kernel/core/freeze")
local payloads = runtime.use("kernel/messaging/payload")

return {
  format = freeze({
    JSON = "json/plain",
    YAML = "yaml/plain",
    STRING = "text/plain",
    BYTES = "application/octet-stream",
    MSGPACK = "application/msgpack",
    LUA = "lua/any",
    GOLANG = "golang/any",
    ERROR = "golang/error",
  }, "payload.format"),

  --- A Payload of a Lua value.
  new = function(value)
    return payloads.new(value, errors.is_error(value) and "golang/error" or "lua/any")
  end,
}
