-- Channels of one unit. Waiters are coroutines, or select records {co=, cases=, done=}: the oldest one is
-- `first`, as there is seldom a second, the others are in `receivers`.
-- `items` is the buffer. A channel with `mail` set is fed by the mailbox without bound and is polled after the
-- others in a select, in order of arrival.
local use = ...
local errors = use("kernel/core/errors")
local object = use("kernel/core/object")
local scheduler = use("kernel/core/scheduler")
local stable = use("kernel/core/stable")
local unit = use("kernel/core/unit")
local tostring = use("kernel/core/stable").tostring
local ready, park, unit_of = scheduler.ready, scheduler.park, scheduler.unit_of
local this_waiter = scheduler.waiter
local metatable_of = debug.getmetatable
local clone = host.clone

local channel = {}
local methods = {}

-- The fields of channels and cases, under keys that no program can get at: what it would change in them, other units
-- that send to it would stumble over.
local SIZE <const>, ITEMS <const>, SENDERS <const>, RECEIVERS <const> = {}, {}, {}, {}
local FIRST <const>, CLOSED <const>, MAIL <const>, DECODE <const> = {}, {}, {}, {}
local CH <const>, SEND <const>, VALUE <const> = {}, {}, {}
local OPENED <const> = {}
channel.FIRST, channel.RECEIVERS, channel.DECODE, channel.OPENED = FIRST, RECEIVERS, DECODE, OPENED
channel.ITEMS, channel.SENDERS, channel.CLOSED = ITEMS, SENDERS, CLOSED

local FIELDS <const> = {
  [SENDERS] = true,
  [RECEIVERS] = true,
  [CLOSED] = true,
  [MAIL] = true,
  [OPENED] = true,
}

local make, meta = object.define("channel", methods, {
  __newindex = function(ch, key, value)
    if not FIELDS[key] then
      error("cannot assign field '" .. tostring(key) .. "' of a channel", 2)
    end
    rawset(ch, key, value)
  end,
}, true)
channel.meta = meta
local make_case, case_meta = object.define("channel.case", {}, {})

local function closed_error()
  return errors.fail("Invalid", "send on closed channel")
end

-- Queues with holes: {first, last} under "h" and "t".
local function push(queue, value)
  -- The value is in the queue once there is room for it.
  local t = queue.t + 1
  queue[t] = value
  queue.t = t
end

local function pop(queue)
  local h = queue.h
  local value = queue[h]
  queue[h] = nil
  if h == queue.t then
    queue.h, queue.t = 1, 0
  else
    queue.h = h + 1
  end
  return value
end

local function size_of(queue)
  return queue and queue.t - queue.h + 1 or 0
end

--- How many values wait in a channel: those in its buffer.
function channel.length(ch)
  return size_of(ch[ITEMS])
end

--- The first waiting item that `matches` accepts.
function channel.find(ch, matches)
  local items = ch[ITEMS]
  for i = items and items.h or 1, items and items.t or 0 do
    if matches(items[i]) then
      return items[i]
    end
  end
  return nil
end

-- The value that a receiver gets for an item of the buffer.
local function taken(ch, item)
  local decode = ch[DECODE]
  if decode then
    return decode(item)
  end
  return item
end

-- Adds a waiting receiver.
local function await(ch, waiter)
  local first = ch[FIRST]
  if first == false then
    ch[FIRST] = waiter
    return
  end
  local receivers = ch[RECEIVERS]
  if not receivers then
    receivers = { h = 1, t = 0 }
    ch[RECEIVERS] = receivers
  end
  push(receivers, waiter)
end

-- Takes the oldest waiting receiver.
local function next_receiver(ch)
  local waiter = ch[FIRST]
  if waiter then
    local receivers = ch[RECEIVERS]
    ch[FIRST] = receivers and receivers.h <= receivers.t and pop(receivers) or false
  end
  return waiter
end

--- Whether a receiver waits.
function channel.awaited(ch)
  return ch[FIRST] and true or false
end

-- Takes a finished select's record out of the other channels it waits on.
local function withdraw(record)
  record.done = true
  for i = 1, #record.cases do
    local case = record.cases[i]
    local ch = case[CH]
    local queue = case[SEND] and ch[SENDERS] or ch[RECEIVERS]
    if not case[SEND] and ch[FIRST] == record then
      next_receiver(ch)
    elseif queue then
      for j = queue.h, queue.t do
        if queue[j] == record or (type(queue[j]) == "table" and queue[j].record == record) then
          table.remove(queue, j)
          queue.t = queue.t - 1
          if queue.h > queue.t then
            queue.h, queue.t = 1, 0
          end
          break
        end
      end
    end
  end
end

-- Gives a value to the oldest waiting receiver; false when none waits.
local function hand_over(ch, value)
  local waiter = ch[FIRST]
  while waiter do
    -- It is woken before it is taken out: whatever fails in between, it is not lost.
    if unit_of[waiter] then
      ready(waiter, taken(ch, value), true)
      next_receiver(ch)
      return true
    elseif type(waiter) == "table" and not waiter.done then
      ready(waiter.co, { channel = ch, value = taken(ch, value), ok = true })
      withdraw(waiter)
      return true
    end
    next_receiver(ch)
    waiter = ch[FIRST]
  end
  return false
end

-- A sender that waits: {co=, value=} or {record=, value=} of a select.
local function next_sender(ch)
  local senders = ch[SENDERS]
  while senders and senders.h <= senders.t do
    local sender = senders[senders.h]
    local record = sender.record
    if record and not record.done then
      ready(record.co, { channel = ch, value = sender.value, ok = true })
      withdraw(record)
      return sender
    elseif not record and unit_of[sender.co] then
      ready(sender.co, true)
      pop(senders)
      return sender
    end
    pop(senders)
  end
  return nil
end

-- All the fields of a channel: eight, as many as its table has room for.
local BLANK <const> = {
  [SIZE] = 0,
  [FIRST] = false,
  [ITEMS] = false,
  [DECODE] = false,
  [SENDERS] = false,
  [RECEIVERS] = false,
  [CLOSED] = false,
  [OPENED] = false,
}

--- A new channel with a buffer of `size` values (0: rendezvous).
function channel.new(size)
  local ch = clone(BLANK)
  ch[SIZE] = size or 0
  return stable.made(make(ch))
end

--- A channel that the mailbox feeds. `decode` turns an item into what a receiver gets.
--- Four fields: every process has one, and its table takes four or eight.
function channel.mail(decode)
  return make({ [FIRST] = false, [ITEMS] = false, [MAIL] = true, [DECODE] = decode or false })
end

--- Puts a value without waiting, whatever the buffer's size; for the mailbox and timers of the kernel.
function channel.put(ch, value)
  if not ch[FIRST] or not hand_over(ch, value) then
    local items = ch[ITEMS]
    if items then
      push(items, value)
    else
      -- With room for its value: a list that grows is made anew.
      ch[ITEMS] = { value, h = 1, t = 1 }
    end
  end
end

--- Puts the only value that a channel gets, and closes it: what `put` and `close` do.
function channel.settle(ch, value)
  local waiter = ch[FIRST]
  if not waiter and not ch[ITEMS] and not ch[SENDERS] and not ch[CLOSED] then
    ch[ITEMS] = { value, h = 1, t = 1 }
    ch[CLOSED] = true
  else
    channel.put(ch, value)
    channel.close(ch)
  end
end

--- Puts a value if a receiver waits or the buffer has room. Returns false when not, or when closed.
function channel.try_send(ch, value)
  if ch[CLOSED] then
    return false
  end
  if hand_over(ch, value) then
    return true
  end
  if ch[SIZE] and size_of(ch[ITEMS]) < ch[SIZE] then
    ch[ITEMS] = ch[ITEMS] or { h = 1, t = 0 }
    push(ch[ITEMS], value)
    return true
  end
  return false
end

local function receive_now(ch)
  local items = ch[ITEMS]
  if items and items.h <= items.t then
    local value = taken(ch, pop(items))
    if ch[SENDERS] then
      local sender = next_sender(ch)
      if sender then
        push(items, sender.value)
      end
    end
    return true, value, true
  end
  if ch[SENDERS] then
    local sender = next_sender(ch)
    if sender then
      return true, sender.value, true
    end
  end
  if ch[CLOSED] then
    return true, nil, false
  end
  return false
end

--- Closes; waiting receivers get `nil, false`, waiting senders an error. Twice is a no-op.
function channel.close(ch)
  if ch[CLOSED] then
    return
  end
  ch[CLOSED] = true
  local waiter = next_receiver(ch)
  while waiter do
    if unit_of[waiter] then
      ready(waiter, nil, false)
    elseif type(waiter) == "table" and not waiter.done then
      withdraw(waiter)
      ready(waiter.co, { channel = ch, ok = false })
    end
    waiter = next_receiver(ch)
  end
  local senders = ch[SENDERS]
  while senders and senders.h <= senders.t do
    local sender = pop(senders)
    local record = sender.record
    if not record then
      if unit_of[sender.co] then
        ready(sender.co, nil, closed_error())
      end
    elseif not record.done then
      withdraw(record)
      ready(record.co, nil, closed_error())
    end
  end
end

-- What is no channel must not be indexed: its metamethods would get the keys. So each method begins with a look at
-- the metatable, written out as it is hot.
local function no_channel(ch, name)
  error(
    "bad argument #1 to '"
      .. name
      .. "' (channel expected, got "
      .. host.type(ch)
      .. "; call it with ':')",
    3
  )
end

--- Waits for a value: `value, true`, or `nil, false` once closed and drained.
function methods.receive(ch)
  if metatable_of(ch) ~= meta then
    no_channel(ch, "receive")
  end
  if ch[ITEMS] or ch[SENDERS] or ch[CLOSED] then
    local done, value, ok = receive_now(ch)
    if done then
      return value, ok
    end
  end
  await(ch, this_waiter())
  return park()
end
-- A native receives what most channels hold, and parks; all else it leaves to the function above.
methods.receive = host.bind(host.receive, methods.receive)

--- Waits until a receiver takes the value or the buffer has room: `true`, or `nil, err` when closed meanwhile.
function methods.send(ch, value)
  if metatable_of(ch) ~= meta then
    no_channel(ch, "send")
  elseif ch[CLOSED] then
    error("send on closed channel", 2)
  elseif channel.try_send(ch, value) then
    return true
  end
  local sender = { co = this_waiter(), value = value }
  ch[SENDERS] = ch[SENDERS] or { h = 1, t = 0 }
  push(ch[SENDERS], sender)
  return park()
end

function methods.close(ch)
  if metatable_of(ch) ~= meta then
    no_channel(ch, "close")
  end
  channel.close(ch)
end

function methods.case_receive(ch)
  if metatable_of(ch) ~= meta then
    no_channel(ch, "case_receive")
  end
  return make_case({ [CH] = ch })
end

function methods.case_send(ch, value)
  if metatable_of(ch) ~= meta then
    no_channel(ch, "case_send")
  end
  return make_case({ [CH] = ch, [SEND] = true, [VALUE] = value })
end

local function case_ready(case)
  local ch = case[CH]
  if case[SEND] then
    if not ch[CLOSED] and channel.try_send(ch, case[VALUE]) then
      return { channel = ch, value = case[VALUE], ok = true }
    end
    return nil
  end
  local done, value, ok = receive_now(ch)
  if done then
    return { channel = ch, value = value, ok = ok }
  end
  return nil
end

--- The first ready case in the order written; else the default; else waits for the first event.
function channel.select(cases, default)
  if type(cases) ~= "table" then
    error("bad argument #1 to 'select' (table expected, got " .. host.type(cases) .. ")", 2)
  end
  local n = #cases
  local earliest, mail_case
  for i = 1, n do
    local case = cases[i]
    if type(case) ~= "table" or metatable_of(case) ~= case_meta then
      error(
        "bad argument #1 to 'select' (element "
          .. i
          .. " is not a case; use ch:case_receive() or ch:case_send(v))",
        2
      )
    end
    local ch = case[CH]
    if ch[MAIL] and not case[SEND] and size_of(ch[ITEMS]) > 0 then
      local arrival = ch[ITEMS][ch[ITEMS].h][4]
      if not earliest or arrival < earliest then
        earliest, mail_case = arrival, case
      end
    else
      local result = case_ready(case)
      if result then
        return result
      end
    end
  end
  if mail_case then
    return case_ready(mail_case)
  end
  if default == true or cases.default == true then
    return { default = true, ok = true }
  end
  -- A list of its own: the program may change `cases` while it waits. Until all of them know of it, whatever fails in
  -- between, it waits for none.
  local record = { co = this_waiter(), cases = table.move(cases, 1, n, 1, {}), done = true }
  if n == 0 then
    local err = unit.block(scheduler.current)
    if err then
      error(err, 0)
    end
  end
  for i = 1, n do
    local case = cases[i]
    local ch = case[CH]
    if case[SEND] then
      ch[SENDERS] = ch[SENDERS] or { h = 1, t = 0 }
      push(ch[SENDERS], { record = record, value = case[VALUE] })
    else
      await(ch, record)
    end
  end
  record.done = false
  return park()
end

--- Takes everything out of the buffer, for a channel whose messages go elsewhere from now on.
function channel.drain(ch)
  local items, list = ch[ITEMS], {}
  while items and items.h <= items.t do
    list[#list + 1] = pop(items)
  end
  return list
end

--- Removes the buffered items that `matches` accepts, in order.
function channel.take_matching(ch, matches)
  local list = {}
  for _, item in ipairs(channel.drain(ch)) do
    if matches(item) then
      list[#list + 1] = item
    else
      push(ch[ITEMS], item)
    end
  end
  return list
end

--- True when `value` is a channel.
function channel.is(value)
  return type(value) == "table" and metatable_of(value) == meta
end

return channel
