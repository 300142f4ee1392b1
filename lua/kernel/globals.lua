-- The globals that every unit has without listing them in `modules`.
local runtime = ...
local use = runtime.use
local channel = use("kernel/messaging/channel")
local check = runtime.check
local commands = use("kernel/workflows/commands")
local errors = runtime.errors
local messaging = use("kernel/messaging/messaging")
local freeze = use("kernel/core/freeze")
local sandbox = use("kernel/core/sandbox")
local scheduler = use("kernel/core/scheduler")
local scopes = use("kernel/workflows/scopes")
local unit = use("kernel/core/unit")
local tostring = runtime.tostring

local process = use("modules/process", runtime)
sandbox.always("process", freeze(process, "process"))

sandbox.always("channel", freeze(use("modules/channel", runtime), "channel"))
sandbox.always("errors", freeze(use("modules/errors", runtime), "errors"))

local payload = use("modules/payload", runtime)
sandbox.always("payload", freeze(payload, "payload"))
sandbox.always("os", freeze(use("modules/os", runtime), "os"))

--- Starts a coroutine of this unit; its first slice runs before `spawn` returns.
sandbox.extend("coroutine", "spawn", function(fn)
  check.func(fn, 1, "spawn")
  local self = scheduler.current
  if self.run then
    commands.refuse_in_read_only(self.run)
  end
  local spawner = scheduler.waiter()
  local co = unit.spawn_coroutine(self, fn)
  scopes.inherit(self, co)
  scheduler.ready(co)
  scheduler.ready(spawner)
  host.park()
  return co
end)

--- Writes its arguments, joined by one space, as a log record of level info.
sandbox.always("print", function(...)
  local words = { ... }
  for i = 1, select("#", ...) do
    words[i] = tostring(words[i])
  end
  runtime.log("info", scheduler.current.entry.id, table.concat(words, " "))
end)

sandbox.always("subscribe", function(topic, ch)
  check.string(topic, 1, "subscribe")
  if not channel.is(ch) then
    check.fail(2, "subscribe", "channel", ch)
  end
  if messaging.subscribe(scheduler.current, topic, ch) then
    return ch
  end
  return nil, errors.fail("AlreadyExists", "topic '" .. topic .. "' is bound to another channel")
end)

sandbox.always("unsubscribe", function(ch)
  if not channel.is(ch) then
    check.fail(1, "unsubscribe", "channel", ch)
  end
  if messaging.unlisten(scheduler.current, ch) then
    return true
  end
  return false, errors.fail("NotFound", "channel is not subscribed")
end)

return true
