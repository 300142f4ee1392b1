-- The result of an asynchronous call: what `funcs.async` returns. See docs/reference/modules/funcs.md.
local use = ...
local channel = use("kernel/messaging/channel")
local errors = use("kernel/core/errors")
local object = use("kernel/core/object")
local payload = use("kernel/messaging/payload")

local future = {}
local methods = {}
local make = object.define("future", methods)

-- The state, under a key that no program can get at: the kernel writes to it when the call is over.
local STATE <const> = {}

local function state_of(self, name)
  if not object.is("future", self) then
    error("bad argument #1 to '" .. name .. "' (future expected; call it with ':')", 3)
  end
  return self[STATE]
end

--- A pending future; `cancel` is called once when the program cancels it.
function future.new(cancel)
  local ch = channel.new(1)
  return make({
    [STATE] = {
      channel = ch,
      cancel = cancel or false,
      done = false,
      canceled = false,
      error = false,
      payload = false,
      asked = false,
      read = false,
    },
  })
end

--- Completes a future with `value` or `err`; once cancelled or completed, nothing happens.
function future.complete(result, value, err)
  local self = result[STATE]
  if self.done or self.canceled then
    return
  end
  -- What could cancel it holds on to the call.
  self.done, self.error, self.cancel = true, err or false, false
  if not err then
    self.payload = payload.new(value)
  end
  channel.put(self.channel, err or self.payload)
  channel.close(self.channel)
end

function methods.channel(result)
  local self = state_of(result, "channel")
  self.asked = true
  return self.channel
end
methods.response = methods.channel

function methods.is_complete(result)
  local self = state_of(result, "is_complete")
  return self.done == true
end

function methods.is_canceled(result)
  local self = state_of(result, "is_canceled")
  return self.canceled == true
end

function methods.result(result)
  local self = state_of(result, "result")
  if self.canceled then
    return nil, errors.fail("Canceled", "canceled")
  elseif not self.done then
    return nil, nil
  elseif self.error then
    self.read = true
    return nil, self.error
  end
  return self.payload, nil
end

function methods.error(result)
  local self = state_of(result, "error")
  if self.done and self.error then
    self.read = true
    return self.error, true
  end
  return nil, false
end

function methods.cancel(result)
  local self = state_of(result, "cancel")
  if not self.canceled then
    self.canceled = true
    if not self.done then
      channel.close(self.channel)
      if self.cancel then
        self.cancel()
      end
    end
  end
  return true, nil
end

--- Whether a future has its outcome.
function future.is_done(result)
  return result[STATE].done
end

--- The state of a future, which outlives it. See `is_unread` and `is_asked`.
function future.state(result)
  return result[STATE]
end

--- Whether the program has not seen the error that a future failed with.
function future.is_unread(state)
  return not state.read and not state.canceled and channel.length(state.channel) > 0
end

--- Whether the program has the channel of a future, and so may read it without the future.
function future.is_asked(state)
  return state.asked
end

return future
