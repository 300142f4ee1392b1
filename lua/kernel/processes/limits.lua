-- Limits of a process host: how many processes, how many messages one may have waiting, how large a message may be.
-- A unit has a field `place` where its host counts processes or limits messages, and `limits` only where messages are
-- limited: all others pay nothing for a message.
local use = ...
local channel = use("kernel/messaging/channel")
local errors = use("kernel/core/errors")
local content = use("kernel/core/view").content

local limits = {}

-- Host id -> { host, index, processes, mailbox, message_size, of_messages }, those with a limit only. `of_messages`:
-- whether it may refuse a message, for otherwise a send has nothing to look at.
local by_host = {}
limits.by_host = by_host

--- Sets the limits of a host; `index` is that of its counter, which all workers share. nil: it has none.
function limits.set(host_id, given)
  by_host[host_id] = given or nil
  if given then
    given.host = host_id
    given.of_messages = (given.mailbox or given.message_size) and true or false
  end
end

--- Whether a host has limits.
function limits.of(host_id)
  return by_host[host_id]
end

--- Whether a host may refuse a message.
function limits.of_messages(host_id)
  local own = by_host[host_id]
  return own ~= nil and own.of_messages
end

-- Why a host takes no process more.
local function full(own)
  local most = own.processes
  local processes = most == 1 and "one process" or most .. " processes"
  local message = "host " .. own.host .. " has its limit of " .. processes
  return errors.make("LimitExceeded", message, true, { host = own.host, limit = most })
end

--- Counts a new process of a host: the host's limits (nil when it has none), or nil and the Error LimitExceeded.
function limits.admit(host_id)
  local own = by_host[host_id]
  if not own then
    return nil
  end
  if own.processes and not host.admit(own.index, own.processes) then
    return nil, full(own)
  end
  return own
end

--- A process that was admitted has ended, or did not start after all.
function limits.leave(own)
  if own.processes then
    host.leave(own.index)
  end
end

-- Bytes of a value, about: what its texts hold and 16 for each field; stops once it is more than `most`.
local function size_of(value, most, seen)
  local kind = type(value)
  if kind == "string" then
    return #value
  elseif kind ~= "table" or seen[value] then
    return 16
  end
  seen[value] = true
  local total = 16
  for key, item in next, content(value) do
    total = total + size_of(key, most, seen) + size_of(item, most, seen) + 16
    if total > most then
      break
    end
  end
  return total
end

limits.length = channel.length

--- Messages that wait for a unit.
function limits.waiting(self)
  local n = self.inbox and channel.length(self.inbox) or 0
  for _, ch in pairs(self.listeners or {}) do
    n = n + channel.length(ch)
  end
  return n
end

--- Why a message of these `n` values cannot be sent to a unit with limits; nil when it can.
function limits.refuses(self, n, ...)
  local own = self.limits
  if own.mailbox and limits.waiting(self) >= own.mailbox then
    return errors.make(
      "Unavailable",
      "mailbox full: " .. self.pid .. " (limit " .. own.mailbox .. ")",
      true,
      { pid = self.pid, limit = own.mailbox }
    )
  end
  local most = own.message_size
  if most then
    local total = 0
    for i = 1, n do
      total = total + size_of((select(i, ...)), most, {})
    end
    if total > most then
      return errors.make(
        "Invalid",
        "message too large: "
          .. total
          .. " bytes or more (host "
          .. own.host
          .. " allows "
          .. most
          .. ")",
        false,
        { limit = most }
      )
    end
  end
  return nil
end

return limits
