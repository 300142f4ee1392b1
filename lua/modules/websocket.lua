--- Module `websocket`: connections to WebSocket servers, whose messages arrive in a channel.
-- @workflows no (a connection is live)
-- @sandbox no
local runtime = ...
local check, effects, errors = runtime.check, runtime.effects, runtime.errors
local ask = runtime.use("library/granted", runtime)
local channels = runtime.use("kernel/messaging/channel")
local freeze = runtime.use("kernel/core/freeze")
local object = runtime.use("kernel/core/object")
local scheduler = runtime.use("kernel/core/scheduler")
local unit = runtime.use("kernel/core/unit")
local operation = effects.operation

-- A name may resolve to other addresses each time that it is asked for; that must not hold the caller.
local MOST_ROUNDS <const> = 20
local NORMAL <const> = 1000

local websocket = {
  TEXT = 1,
  BINARY = 2,
  TYPE_TEXT = "text",
  TYPE_BINARY = "binary",
  TYPE_PING = "ping",
  TYPE_PONG = "pong",
  TYPE_CLOSE = "close",
  COMPRESSION = freeze(
    { DISABLED = 0, CONTEXT_TAKEOVER = 1, NO_CONTEXT = 2 },
    "websocket.COMPRESSION"
  ),
  CLOSE_CODES = freeze({
    NORMAL = NORMAL,
    GOING_AWAY = 1001,
    PROTOCOL_ERROR = 1002,
    UNSUPPORTED_DATA = 1003,
    RESERVED = 1004,
    NO_STATUS = 1005,
    ABNORMAL_CLOSURE = 1006,
    INVALID_PAYLOAD = 1007,
    POLICY_VIOLATION = 1008,
    MESSAGE_TOO_BIG = 1009,
    MANDATORY_EXTENSION = 1010,
    INTERNAL_ERROR = 1011,
    SERVICE_RESTART = 1012,
    TRY_AGAIN_LATER = 1013,
    BAD_GATEWAY = 1014,
    TLS_HANDSHAKE = 1015,
  }, "websocket.CLOSE_CODES"),
}

local methods = {}
local make_client, state_of = object.opaque("websocket.Client", methods)

-- Does something on a connection that is open: `value, nil` or `nil, err`.
local function on_open(self, name, ...)
  local state = state_of(self)
  local over = state.over
  if over then
    local text = over.reason == "" and "" or " " .. over.reason
    return nil,
      errors.make(
        "Internal",
        "the connection is closed (" .. over.code .. text .. ")",
        false,
        { code = "CLOSED", close_code = over.code, reason = over.reason }
      )
  end
  return operation("websocket." .. name, state.handle, ...)
end

local BINARY <const> = {
  [websocket.TEXT] = false,
  [websocket.BINARY] = true,
  [websocket.TYPE_TEXT] = false,
  [websocket.TYPE_BINARY] = true,
}

--- Sends a message: `true, nil` once the connection takes more, or `nil, err`.
function methods:send(data, kind)
  check.string(data, 1, "send")
  local binary = false
  if kind ~= nil then
    binary = BINARY[kind]
  end
  if binary == nil then
    return nil, errors.fail("Invalid", "send: the type is websocket.TEXT or websocket.BINARY")
  end
  return on_open(self, "send", data, binary)
end

--- Sends a ping: `true, nil` or `nil, err`.
function methods:ping()
  return on_open(self, "ping")
end

--- Closes with a code (1000) and a reason, and waits for the server's answer. Nothing when it is closed already.
function methods:close(code, reason)
  code = check.optional(check.integer, code, 1, "close") or NORMAL
  reason = check.optional(check.string, reason, 2, "close") or ""
  local state = state_of(self)
  if state.over then
    return
  end
  local _, err = operation("websocket.close", state.handle, code, reason)
  if err and err:kind() == "Invalid" and not state.over then
    return nil, err
  end
  state.over = state.over or { code = code, reason = reason }
end

-- Puts messages into the channel as they come; while it is full, the host reads no more than it has.
local function pump(state)
  while not state.over do
    local got, err = operation("websocket.receive", state.handle, state.capacity)
    if not got then
      state.over = state.over
        or { code = websocket.CLOSE_CODES.ABNORMAL_CLOSURE, reason = err:message() }
    elseif got.closed then
      state.over = state.over or got.closed
    else
      for _, message in ipairs(got.messages) do
        -- A program may close the channel: nothing more is wanted then.
        if not pcall(state.channel.send, state.channel, message) then
          return
        end
      end
    end
  end
  channels.close(state.channel)
end

--- The channel of the messages { type, data }, the same each time; closed when the connection has ended.
function methods:channel()
  local state = state_of(self)
  if not state.channel then
    state.channel = channels.new(state.capacity)
    scheduler.ready(unit.spawn_coroutine(scheduler.current, function()
      pump(state)
    end))
  end
  return state.channel
end

methods.receive = methods.channel

--- Connects: `Client, nil` or `nil, err`.
function websocket.connect(url, options)
  check.string(url, 1, "connect")
  options = check.optional(check.table, options, 2, "connect") or {}
  local refusal = runtime.not_in_workflow("websocket.connect")
  if refusal then
    return nil, refusal
  end
  local prepared, err = runtime.pure("websocket.prepare", url, options, runtime.network())
  if not prepared then
    return nil, err
  end
  local granted = not runtime.unrestricted() and {} or nil
  err = ask(granted, prepared.needs)
  if err then
    return nil, err
  end
  for _ = 1, MOST_ROUNDS do
    local outcome, failure = operation("websocket.connect", prepared.wanted, granted)
    if not outcome then
      return nil, failure
    elseif outcome.connection then
      return make_client({ handle = outcome.connection, capacity = prepared.capacity }), nil
    end
    err = ask(granted, outcome.needs)
    if err then
      return nil, err
    end
  end
  return nil, errors.fail("Internal", url .. ": its name resolves to other addresses each time")
end

return websocket
