-- process.upgrade of a process (spec core-api §7.8): new code under the same PID. Names, links, monitors, the frame
-- and undelivered messages stay; Lua state, coroutines, channels, timers, calls and options go.
local use = ...
local channel = use("kernel/channel")
local copies = use("kernel/copy")
local errors = use("kernel/errors")
local mailbox = use("kernel/mailbox")
local sandbox = use("kernel/sandbox")
local unit = use("kernel/unit")

local function queued_messages(self)
  local messages = {}
  local function take(ch)
    for _, message in ipairs(ch and channel.drain(ch) or {}) do
      messages[#messages + 1] = message
    end
  end
  take(self.inbox)
  for _, ch in pairs(self.listeners or {}) do
    take(ch)
  end
  table.sort(messages, function(a, b)
    return a[4] < b[4]
  end)
  return messages, self.events and channel.drain(self.events) or {}
end

local function fail(self, err)
  unit.finish(
    self,
    nil,
    errors.make(err:kind(), "upgrade: " .. err:message(), err:retryable(), err:details())
  )
  host.park()
end

return function(self, id, ...)
  local args = table.pack(pcall(copies.all, ...))
  if not args[1] then
    return fail(self, errors.from_raised(args[2]))
  end
  local entry, err = sandbox.entry(id or self.entry.id)
  if not entry then
    return fail(self, err or errors.fail("NotFound", "factory not found: " .. tostring(id)))
  elseif entry.kind ~= "process.lua" then
    return fail(
      self,
      errors.fail("NotFound", "factory not found: " .. entry.id .. " is a " .. entry.kind)
    )
  end
  local fn, failure, env = sandbox.method(entry, entry.method)
  if failure then
    return fail(self, failure)
  end
  local messages, events = queued_messages(self)
  unit.restart(self)
  self.entry, self.env = entry, env
  for _, message in ipairs(messages) do
    mailbox.deliver(self, message)
  end
  for _, event in ipairs(events) do
    mailbox.event(self, event[3])
  end
  unit.resume_as(
    self,
    coroutine.create(function()
      return fn(table.unpack(args, 2, args.n))
    end)
  )
  -- Nothing makes this coroutine ready again: it is no longer of any unit.
  host.park()
end
