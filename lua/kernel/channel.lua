-- Channels of one unit (spec core-api §5). Waiters are coroutines, or select records {co=, cases=, done=}: the oldest
-- one is `first`, as there is seldom a second, the others are in `receivers`.
-- `items` is the buffer. A channel with `mail` set is fed by the mailbox without bound and is polled after the
-- others in a select, in order of arrival (spec §7.2).
local use = ...
local errors = use("kernel/errors")
local object = use("kernel/object")
local scheduler = use("kernel/scheduler")
local unit = use("kernel/unit")
local ready, park, unit_of = scheduler.ready, scheduler.park, scheduler.unit_of
local metatable_of = debug.getmetatable

local channel = {}
local methods = {}

-- What the kernel adds to a channel; programs can add nothing.
local FIELDS <const> = {
  senders = true,
  receivers = true,
  closed = true,
  mail = true,
  opened = true,
}

local make, meta = object.define("channel", methods, {
  __newindex = function(ch, key, value)
    if not FIELDS[key] then
      error("cannot assign field '" .. tostring(key) .. "' of a channel", 2)
    end
    rawset(ch, key, value)
  end,
})
local make_case, case_meta = object.define("channel.case", {}, {})

local function closed_error()
  return errors.fail("Invalid", "send on closed channel")
end

-- Queues with holes: {first, last} under "h" and "t".
local function push(queue, value)
  local t = queue.t + 1
  queue.t = t
  queue[t] = value
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
  return size_of(ch.items)
end

--- The first waiting item that `matches` accepts.
function channel.find(ch, matches)
  local items = ch.items
  for i = items and items.h or 1, items and items.t or 0 do
    if matches(items[i]) then
      return items[i]
    end
  end
  return nil
end

-- The value that a receiver gets for an item of the buffer.
local function taken(ch, item)
  local decode = ch.decode
  if decode then
    return decode(item)
  end
  return item
end

-- Adds a waiting receiver.
local function await(ch, waiter)
  local first = ch.first
  if first == false then
    ch.first = waiter
    return
  elseif first == nil then
    error("bad argument #1 to 'receive' (channel expected, got " .. host.type(ch) .. ")", 3)
  end
  local receivers = ch.receivers
  if not receivers then
    receivers = { h = 1, t = 0 }
    ch.receivers = receivers
  end
  push(receivers, waiter)
end

-- Takes the oldest waiting receiver.
local function next_receiver(ch)
  local waiter = ch.first
  if waiter then
    local receivers = ch.receivers
    ch.first = receivers and receivers.h <= receivers.t and pop(receivers) or false
  end
  return waiter
end

--- Whether a receiver waits.
function channel.awaited(ch)
  return ch.first and true or false
end

-- Takes a finished select's record out of the other channels it waits on.
local function withdraw(record)
  record.done = true
  for i = 1, #record.cases do
    local case = record.cases[i]
    local ch = case.ch
    local queue = case.send and ch.senders or ch.receivers
    if not case.send and ch.first == record then
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
  local waiter = next_receiver(ch)
  while waiter do
    if unit_of[waiter] then
      ready(waiter, taken(ch, value), true)
      return true
    elseif type(waiter) == "table" and not waiter.done then
      withdraw(waiter)
      ready(waiter.co, { channel = ch, value = taken(ch, value), ok = true })
      return true
    end
    waiter = next_receiver(ch)
  end
  return false
end

-- A sender that waits: {co=, value=} or {record=, value=} of a select.
local function next_sender(ch)
  local senders = ch.senders
  while senders and senders.h <= senders.t do
    local sender = pop(senders)
    local record = sender.record
    if record then
      if not record.done then
        withdraw(record)
        ready(record.co, { channel = ch, value = sender.value, ok = true })
        return sender
      end
    elseif unit_of[sender.co] then
      ready(sender.co, true)
      return sender
    end
  end
  return nil
end

--- A new channel with a buffer of `size` values (0: rendezvous).
function channel.new(size)
  return make({ size = size or 0, first = false, items = false, decode = false })
end

--- A channel that the mailbox feeds. `decode` turns an item into what a receiver gets.
--- Four fields: every process has one, and its table takes four or eight.
function channel.mail(decode)
  return make({ first = false, items = false, mail = true, decode = decode or false })
end

--- Puts a value without waiting, whatever the buffer's size; for the mailbox and timers of the kernel.
function channel.put(ch, value)
  if not ch.first or not hand_over(ch, value) then
    local items = ch.items
    if not items then
      items = { h = 1, t = 0 }
      ch.items = items
    end
    push(items, value)
  end
end

--- Puts a value if a receiver waits or the buffer has room. Gives false when not, or when closed.
function channel.try_send(ch, value)
  if ch.closed then
    return false
  end
  if hand_over(ch, value) then
    return true
  end
  if ch.size and size_of(ch.items) < ch.size then
    ch.items = ch.items or { h = 1, t = 0 }
    push(ch.items, value)
    return true
  end
  return false
end

local function receive_now(ch)
  local items = ch.items
  if items and items.h <= items.t then
    local value = taken(ch, pop(items))
    if ch.senders then
      local sender = next_sender(ch)
      if sender then
        push(items, sender.value)
      end
    end
    return true, value, true
  end
  if ch.senders then
    local sender = next_sender(ch)
    if sender then
      return true, sender.value, true
    end
  end
  if ch.closed then
    return true, nil, false
  end
  return false
end

--- Waits for a value: `value, true`, or `nil, false` once closed and drained.
function channel.receive(ch)
  if ch.items or ch.senders or ch.closed then
    local done, value, ok = receive_now(ch)
    if done then
      return value, ok
    end
  end
  await(ch, scheduler.co)
  return park()
end

--- Waits until a receiver takes the value or the buffer has room: `true`, or `nil, err` when closed meanwhile.
function channel.send(ch, value)
  if ch.closed then
    error("send on closed channel", 2)
  end
  if channel.try_send(ch, value) then
    return true
  end
  ch.senders = ch.senders or { h = 1, t = 0 }
  push(ch.senders, { co = scheduler.co, value = value })
  return park()
end

--- Closes; waiting receivers get `nil, false`, waiting senders an error. Twice is a no-op.
function channel.close(ch)
  if ch.closed then
    return
  end
  ch.closed = true
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
  local senders = ch.senders
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

methods.receive = channel.receive
methods.send = channel.send
methods.close = channel.close

function methods.case_receive(ch)
  return make_case({ ch = ch })
end

function methods.case_send(ch, value)
  return make_case({ ch = ch, send = true, value = value })
end

local function case_ready(case)
  local ch = case.ch
  if case.send then
    if not ch.closed and channel.try_send(ch, case.value) then
      return { channel = ch, value = case.value, ok = true }
    end
    return nil
  end
  local done, value, ok = receive_now(ch)
  if done then
    return { channel = ch, value = value, ok = ok }
  end
  return nil
end

--- The first ready case in the order written; else the default; else waits for the first event (spec §5.2).
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
    local ch = case.ch
    if ch.mail and not case.send and size_of(ch.items) > 0 then
      local arrival = ch.items[ch.items.h][4]
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
  local record = { co = scheduler.co, cases = cases }
  if n == 0 then
    local err = unit.block(scheduler.current)
    if err then
      error(err, 0)
    end
  end
  for i = 1, n do
    local case = cases[i]
    local ch = case.ch
    if case.send then
      ch.senders = ch.senders or { h = 1, t = 0 }
      push(ch.senders, { record = record, value = case.value })
    else
      await(ch, record)
    end
  end
  return park()
end

--- Takes everything out of the buffer, for a channel whose messages go elsewhere from now on.
function channel.drain(ch)
  local items, list = ch.items, {}
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
      push(ch.items, item)
    end
  end
  return list
end

--- True when `value` is a channel.
function channel.is(value)
  return type(value) == "table" and metatable_of(value) == meta
end

return channel
