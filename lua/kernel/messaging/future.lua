-- The result of an asynchronous call: what `funcs.async` returns. See docs/reference/modules/funcs.md.
local use = ...
local channel = use("kernel/messaging/channel")
local errors = use("kernel/core/errors")
local object = use("kernel/core/object")
local payload = use("kernel/messaging/payload")
local clone, payload_meta = host.clone, payload.meta

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

-- Eight fields and no more, which is what its table has room for. `outcome` is a Payload, or with `failed` an Error.
local PENDING <const> = {
  channel = false,
  cancel = false,
  call = false,
  outcome = false,
  failed = false,
  canceled = false,
  asked = false,
  read = false,
}

--- A pending future; `cancel(call)` is called once when the program cancels it, with the `call` of its state, which
--- the caller may set.
function future.new(cancel)
  local self = clone(PENDING)
  self.channel, self.cancel = channel.new(1), cancel or false
  return make({ [STATE] = self })
end

--- Completes a future with `value` or `err`; once cancelled or completed, nothing happens.
function future.complete(result, value, err)
  local self = result[STATE]
  if self.outcome or self.canceled then
    return
  end
  local outcome = err or setmetatable({ value }, payload_meta)
  -- What could cancel it holds on to the call.
  self.outcome, self.failed, self.cancel, self.call = outcome, err and true or false, false, false
  channel.settle(self.channel, outcome)
end

function methods.channel(result)
  -- What is no future is refused before (kernel/core/object).
  local self = result[STATE]
  self.asked = true
  return self.channel
end
methods.response = methods.channel

function methods.is_complete(result)
  local self = state_of(result, "is_complete")
  return self.outcome ~= false
end

function methods.is_canceled(result)
  local self = state_of(result, "is_canceled")
  return self.canceled == true
end

function methods.result(result)
  local self = state_of(result, "result")
  if self.canceled then
    return nil, errors.fail("Canceled", "canceled")
  elseif not self.outcome then
    return nil, nil
  elseif self.failed then
    self.read = true
    return nil, self.outcome
  end
  return self.outcome, nil
end

function methods.error(result)
  local self = state_of(result, "error")
  if self.failed then
    self.read = true
    return self.outcome, true
  end
  return nil, false
end

function methods.cancel(result)
  local self = state_of(result, "cancel")
  if not self.canceled then
    self.canceled = true
    if not self.outcome then
      channel.close(self.channel)
      if self.cancel then
        self.cancel(self.call)
      end
    end
  end
  return true, nil
end

--- Whether a future has its outcome.
function future.is_done(result)
  return result[STATE].outcome ~= false
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
