-- The result of an asynchronous call (spec core-api §9).
local use = ...
local channel = use("kernel/channel")
local errors = use("kernel/errors")
local mailbox = use("kernel/mailbox")
local object = use("kernel/object")

local future = {}
local methods = {}
local make = object.define("future", methods)

--- A pending future; `cancel` is called once when the program cancels it.
function future.new(cancel)
  local ch = channel.new(1)
  return make({
    _channel = ch,
    _cancel = cancel or false,
    _done = false,
    _canceled = false,
    _error = false,
    _payload = false,
  })
end

--- Completes a future with `value` or `err`; once cancelled or completed, nothing happens.
function future.complete(self, value, err)
  if self._done or self._canceled then
    return
  end
  self._done, self._error = true, err or false
  if not err then
    self._payload = mailbox.payload(value)
  end
  channel.put(self._channel, err or self._payload)
  channel.close(self._channel)
end

function methods:channel()
  return self._channel
end
methods.response = methods.channel

function methods:is_complete()
  return self._done == true
end

function methods:is_canceled()
  return self._canceled == true
end

function methods:result()
  if self._canceled then
    return nil, errors.fail("Canceled", "canceled")
  elseif not self._done then
    return nil, nil
  elseif self._error then
    return nil, self._error
  end
  return self._payload, nil
end

function methods:error()
  if self._done and self._error then
    return self._error, true
  end
  return nil, false
end

function methods:cancel()
  if not self._canceled then
    self._canceled = true
    if not self._done then
      channel.close(self._channel)
      if self._cancel then
        self._cancel()
      end
    end
  end
  return true, nil
end

return future
