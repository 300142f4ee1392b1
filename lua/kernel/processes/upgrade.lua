-- process.upgrade of a process: new code under the same PID. Names, links, monitors, the frame and undelivered
-- messages stay; Lua state, coroutines, channels, timers, calls and options go. See docs/guide/hot-code.md.
local use = ...
local channel = use("kernel/messaging/channel")
local copies = use("kernel/core/copy")
local errors = use("kernel/core/errors")
local failures = use("kernel/core/failures")
local messaging = use("kernel/messaging/messaging")
local sandbox = use("kernel/core/sandbox")
local scheduler = use("kernel/core/scheduler")
local unit = use("kernel/core/unit")

local function fail(self, err)
  local failure =
    errors.make(err:kind(), "upgrade: " .. err:message(), err:retryable(), err:details())
  failures.crashed(self, failure, true)
  unit.finish(self, nil, failure)
  host.park()
end

-- An OUTDATED event that waits to be read takes the new sources in.
local function outdated(self, sources)
  local waiting = self.events
    and channel.find(self.events, function(message)
      return message[3].kind == "pid.outdated"
    end)
  if not waiting then
    local at = host.now() // 1000000000
    messaging.event(self, { kind = "pid.outdated", from = self.pid, at = at, sources = sources })
    return
  end
  local known, list = {}, waiting[3].sources
  for _, id in ipairs(list) do
    known[id] = true
  end
  for _, id in ipairs(sources) do
    if not known[id] then
      list[#list + 1] = id
    end
  end
end

--- Sends OUTDATED to the processes that set `upgradable`: `changed` has, for each entry, the changed entries that
--- it uses.
local function tell_outdated(changed)
  local concerned = {}
  for pid, self in pairs(unit.by_pid) do
    if self.upgradable and changed[self.entry.id] then
      concerned[#concerned + 1] = pid
    end
  end
  table.sort(concerned)
  for _, pid in ipairs(concerned) do
    local self = unit.by_pid[pid]
    outdated(self, { table.unpack(changed[self.entry.id]) })
  end
end

--- The effect `upgrade` of a process.
local function upgrade(self, id, ...)
  -- Raises where the old code could not be left.
  scheduler.waiter()
  local args = table.pack(pcall(copies.all, ...))
  if not args[1] then
    return fail(self, errors.from_raised(args[2]))
  end
  local entry, err = sandbox.entry(id or self.entry.id)
  if not entry then
    return fail(self, err or sandbox.missing("factory not found", id, "process.lua"))
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
  local messages, events = messaging.unread(self)
  unit.restart(self)
  self.entry, self.env = entry, env
  for _, message in ipairs(messages) do
    messaging.deliver(self, message)
  end
  for _, event in ipairs(events) do
    messaging.event(self, event[3])
  end
  unit.run(
    self,
    coroutine.create(function()
      return fn(table.unpack(args, 2, args.n))
    end)
  )
  -- Nothing makes this coroutine ready again: it is no longer of any unit.
  host.park()
end

return { upgrade = upgrade, operations = { outdated = tell_outdated } }
