-- Messages of a unit. A message is {topic, from, value, arrival} with `n` unless it carries exactly one value. A topic
-- with a listener goes there; everything else waits in the inbox's channel, which exists from the first message on,
-- whether the program opened it or not: so nothing is dropped for lack of a reader.
local use = ...
local channel = use("kernel/messaging/channel")
local object = use("kernel/core/object")
local payload = use("kernel/messaging/payload")
local scheduler = use("kernel/core/scheduler")
local DECODE <const>, FIRST <const> = channel.DECODE, channel.FIRST
local OPENED <const>, RECEIVERS <const> = channel.OPENED, channel.RECEIVERS
local put, ready, unit_of = channel.put, scheduler.ready, scheduler.unit_of

local messaging = {}
local arrival = host.arrival

local message_methods = {}
local _, message_meta = object.define("process.Message", message_methods, {
  __tostring = function(self)
    return "process.Message{topic=" .. self[1] .. "}"
  end,
})
messaging.message_meta = message_meta

function message_methods:topic()
  return self[1]
end

function message_methods:from()
  return self[2]
end

function message_methods:payload()
  local n = self.n
  if n == nil then
    return setmetatable({ self[3] }, payload.meta)
  elseif n == 0 then
    return nil
  end
  local list = {}
  for i = 1, n do
    list[i] = payload.new(self[3][i])
  end
  return list
end

-- Natives do it for messages of one value.
for name, native in pairs({
  topic = host.message_topic,
  from = host.message_from,
  payload = host.message_payload,
}) do
  rawset(message_methods, name, host.bind(native, message_methods[name]))
end

-- A program may also send to a channel that it subscribed to a topic: such values pass as they are.
local function raw_value(item)
  if type(item) == "table" and debug.getmetatable(item) == message_meta then
    return item[3]
  end
  return item
end

--- A message whose values are already copies. `n` values; with one value, `value` is it, else a list.
function messaging.message(topic, from, n, value)
  if n == 1 then
    return setmetatable({ topic, from, value, arrival() }, message_meta)
  end
  return setmetatable({ topic, from, value, arrival(), n = n }, message_meta)
end

-- In whose name a message asks for something to be done, under a key that no program can get at.
local FRAME <const> = {}

--- A message that carries the sender's frame: what it asks for is decided as the sender's.
function messaging.request(topic, from, frame, n, value)
  local message = messaging.message(topic, from, n, value)
  rawset(message, FRAME, frame)
  return message
end

--- The frame that the kernel gave a message; nil for one that did not come by `messaging.request`.
function messaging.frame_of(message)
  return message[FRAME]
end

local function event_value(message)
  return message[3]
end

--- The unit's inbox channel (Message objects), made at first use.
function messaging.inbox(unit)
  local ch = unit.inbox
  if not ch then
    ch = channel.mail()
    unit.inbox = ch
  end
  return ch
end

--- The unit's events channel (event tables), made at first use.
function messaging.events(unit)
  local ch = unit.events
  if not ch then
    ch = channel.mail(event_value)
    unit.events = ch
  end
  return ch
end

-- Topics of aliases begin so.
local ALIAS <const> = "$alias/"

--- Routes a message to its listener or to the inbox; what is sent to an alias that was given up is dropped.
function messaging.deliver(unit, message)
  local listeners = unit.listeners
  if listeners then
    local ch = listeners[message[1]]
    if not ch then
      if unit.aliases and string.sub(message[1], 1, #ALIAS) == ALIAS then
        return
      end
      ch = listeners["@pid/inbox"] or unit.inbox or messaging.inbox(unit)
    end
    return put(ch, message)
  end
  put(unit.inbox or messaging.inbox(unit), message)
end

local aliases = 0

-- Of a workflow it is the same in every replay.
local function next_alias(unit)
  local run = unit.run
  if run then
    run.aliases = (run.aliases or 0) + 1
    return ALIAS .. run.id .. "/" .. run.aliases
  end
  aliases = aliases + 1
  return ALIAS .. aliases
end

--- A topic that no other unit of this worker has, with its channel: for the answers to one request.
function messaging.alias(unit)
  local topic = next_alias(unit)
  unit.aliases = true
  unit.listeners = unit.listeners or {}
  local ch = channel.new(4)
  ch[DECODE], ch[OPENED] = raw_value, true
  unit.listeners[topic] = ch
  return topic, ch
end

--- Gives up an alias: its channel is closed, and what comes for it is dropped.
function messaging.unalias(unit, topic)
  local listeners = unit.listeners
  local ch = listeners and string.sub(topic, 1, #ALIAS) == ALIAS and listeners[topic]
  if not ch then
    return false
  end
  listeners[topic] = nil
  channel.drain(ch)
  channel.close(ch)
  return true
end

--- Delivers a message of one value: what most messages are, without the calls that `message` and `deliver` make.
function messaging.post(unit, topic, from, value)
  local message = setmetatable({ topic, from, value, arrival() }, message_meta)
  local ch = unit.inbox
  if ch and not unit.listeners then
    local waiter = ch[FIRST]
    if waiter and unit_of[waiter] and not ch[RECEIVERS] and not ch[DECODE] then
      ready(waiter, message, true)
      ch[FIRST] = false
      return
    end
  end
  messaging.deliver(unit, message)
end

--- Puts an event table into the events channel, in order of arrival with the messages.
function messaging.event(unit, event)
  local listeners = unit.listeners
  local bound = listeners and listeners["@pid/events"]
  put(bound or messaging.events(unit), messaging.message("@pid/events", event.from, 1, event))
end

--- Opens a listener for one topic; queued messages of the topic move into it.
function messaging.listen(unit, topic, as_messages)
  local listeners = unit.listeners
  if not listeners then
    listeners = {}
    unit.listeners = listeners
  end
  local ch = listeners[topic]
  if not ch then
    ch = channel.new(1)
    listeners[topic] = ch
    if unit.inbox then
      local queued = channel.take_matching(unit.inbox, function(message)
        return message[1] == topic
      end)
      for _, message in ipairs(queued) do
        put(ch, message)
      end
    end
  end
  if as_messages then
    ch[DECODE] = false
  elseif as_messages == false or not ch[OPENED] then
    ch[DECODE] = raw_value
  end
  ch[OPENED] = true
  return ch
end

--- Routes a topic into a channel that the program made. Returns false when another channel has the topic.
function messaging.subscribe(unit, topic, ch)
  local listeners = unit.listeners or {}
  unit.listeners = listeners
  local bound = listeners[topic]
  if bound then
    return bound == ch
  end
  ch[DECODE] = raw_value
  listeners[topic] = ch
  local source = topic == "@pid/events" and unit.events or unit.inbox
  if source then
    local queued = channel.take_matching(source, function(message)
      return message[1] == topic or topic == "@pid/inbox"
    end)
    for _, message in ipairs(queued) do
      put(ch, message)
    end
  end
  return true
end

--- What a unit was sent and has not received: its messages in the order of their arrival, and its events. It stays
--- where it is.
function messaging.unread(unit)
  local messages = {}
  local function look(item)
    -- Beside messages a channel may hold what the program itself has sent to it.
    if type(item) == "table" and debug.getmetatable(item) == message_meta then
      messages[#messages + 1] = item
    end
    return false
  end
  local function arrived_before(a, b)
    return a[4] < b[4]
  end
  for topic, ch in pairs(unit.listeners or {}) do
    if topic ~= "@pid/events" then
      channel.find(ch, look)
    end
  end
  if unit.inbox then
    channel.find(unit.inbox, look)
  end
  table.sort(messages, arrived_before)
  local rest = messages
  messages = {}
  local bound = unit.listeners and unit.listeners["@pid/events"]
  for _, ch in ipairs({ unit.events or bound, unit.events and bound or nil }) do
    channel.find(ch, look)
  end
  table.sort(messages, arrived_before)
  return rest, messages
end

--- Removes a listener, inbox or events channel and closes it; what it had queued beyond its buffer goes back.
function messaging.unlisten(unit, ch)
  if ch == unit.inbox or ch == unit.events then
    local field = ch == unit.inbox and "inbox" or "events"
    local queued = channel.drain(ch)
    unit[field] = nil
    channel.close(ch)
    for _, message in ipairs(queued) do
      put(messaging[field](unit), message)
    end
    return true
  end
  for topic, bound in pairs(unit.listeners or {}) do
    if bound == ch then
      unit.listeners[topic] = nil
      local queued = channel.drain(ch)
      for i, message in ipairs(queued) do
        put(i == 1 and ch or messaging.inbox(unit), message)
      end
      channel.close(ch)
      return true
    end
  end
  return false
end

return messaging
