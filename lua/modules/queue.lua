--- Module `queue`: messages of the queues that entries of the kind `queue.queue` describe.
-- @workflows yes; a publish is recorded with the step, and not repeated by a replay
-- @sandbox no
local runtime = ...
local check, effects, errors = runtime.check, runtime.effects, runtime.errors
local object = runtime.use("kernel/core/object")
local tostring = runtime.tostring
local scheduler = runtime.use("kernel/core/scheduler")
local unit = runtime.use("kernel/core/unit")
local content = runtime.use("kernel/core/view").content

local queue = {}

local function invalid(message)
  return errors.fail("Invalid", message)
end

local SCALARS <const> = { string = true, number = true, boolean = true }

-- Types whose values are nil for the receiver.
local NOTHING <const> = { ["function"] = true, thread = true }

-- The Error of what cannot be published, or nil.
local function refusal(id, data, headers)
  if id == "" then
    return invalid("queue id is required")
  elseif data == nil or NOTHING[type(data)] then
    return invalid("message data is required")
  elseif type(data) == "table" and next(data) == nil and next(content(data)) == nil then
    return invalid("message data is empty")
  end
  if headers then
    for name, value in pairs(headers) do
      if type(name) ~= "string" or not SCALARS[type(value)] then
        return invalid(
          "header " .. tostring(name) .. " must have a name and be a string, number or boolean"
        )
      end
    end
  end
  if runtime.unrestricted() then
    return nil
  elseif not runtime.allowed("queue.publish", "") then
    return invalid("not allowed to publish to queues")
  elseif not runtime.allowed("queue.publish.queue", id) then
    return invalid("not allowed to publish to queue: " .. id)
  end
  return nil
end

--- Puts a message into a queue: `true, nil` or `nil, err`. Waits while the queue is full. `options`: `id`, under which
--- a second message is the same message, and `delay`, after which it may be delivered.
function queue.publish(id, data, headers, options)
  if type(id) ~= "string" then
    check.string(id, 1, "publish")
  end
  if headers ~= nil then
    check.table(headers, 3, "publish")
  end
  if options ~= nil then
    check.table(options, 4, "publish")
  end
  local err = refusal(id, data, headers)
  if err then
    return nil, err
  elseif options == nil then
    return effects.publish(id, data, headers)
  end
  local message_id, delay = options.id, options.delay
  if message_id ~= nil and (type(message_id) ~= "string" or message_id == "") then
    return nil, invalid("id of a message must be a string that is not empty")
  end
  if delay ~= nil then
    delay, err = runtime.duration(delay)
    if err then
      return nil, err
    elseif delay < 0 then
      return nil, invalid("delay must not be negative")
    end
    delay = delay / 1000000
  end
  return effects.publish(id, data, headers, message_id, delay)
end

--- How a queue is: `{message_count, ready, consumer_count}, nil` or `nil, err`.
function queue.info(id)
  return effects.operation("queue.info", check.string(id, 1, "info"))
end

local methods = {}
local make_message, delivery_of = object.opaque("queue.Message", methods)

-- The delivery of a message whose function has not ended, or `nil, err`.
local function open(self)
  local delivery = delivery_of(self)
  if delivery.ended then
    return nil, invalid("the function that got the message has ended")
  elseif delivery.home ~= unit.index() then
    -- A copy does not hear of the end.
    local ok, err = effects.operation("queue.open", delivery.consumer, delivery.tag)
    if not ok then
      return nil, err
    end
  end
  return delivery
end

--- The id of the message.
function methods:id()
  local delivery, err = open(self)
  return delivery and delivery.id, err
end

--- A header, nil if there is none.
function methods:header(name)
  check.string(name, 1, "header")
  local delivery, err = open(self)
  if not delivery then
    return nil, err
  end
  return delivery.headers[name], nil
end

--- All headers.
function methods:headers()
  local delivery, err = open(self)
  if not delivery then
    return nil, err
  end
  local headers = {}
  for name, value in pairs(delivery.headers) do
    headers[name] = value
  end
  return headers, nil
end

--- Which delivery of the message this is, from 1.
function methods:attempt()
  local delivery, err = open(self)
  return delivery and delivery.attempt, err
end

for _, how in ipairs({ "ack", "nack" }) do
  methods[how] = function(self)
    local delivery, err = open(self)
    if not delivery then
      return nil, err
    end
    return effects.operation("queue.settle", delivery.consumer, delivery.tag, how)
  end
end

--- The message that the running function, or one that called it, was called for: `Message, nil` or `nil, err`.
function queue.message()
  local delivery = scheduler.current.frame.delivery
  if not delivery then
    return nil, invalid("no message: the code does not run for a queue.consumer")
  end
  local message = make_message(delivery)
  return message, nil
end

return queue
