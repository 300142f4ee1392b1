-- What a function or process does to other units: send, watch, end them, wherever they live
-- (spawning is in kernel/processes/spawning).
-- Each operation runs where its target lives: here when this worker has it, else through a request that the running
-- coroutine waits for. `here` holds the operations; another worker (or the node) calls the same ones by name
-- (kernel/processes/requests).
local use = ...
local announced = use("kernel/processes/announced")
local copies = use("kernel/core/copy")
local effects = use("kernel/core/effects")
local errors = use("kernel/core/errors")
local limits = use("kernel/processes/limits")
local links = use("kernel/processes/links")
local messaging = use("kernel/messaging/messaging")
local remote = use("kernel/processes/remote")
local scheduler = use("kernel/core/scheduler")
local timers = use("kernel/core/timers")
local unit = use("kernel/core/unit")
local by_pid, pid_of = unit.by_pid, unit.pid_of
local copy = copies.copy
local type = type

local here = {}
-- The operations on one unit, which run where it lives.
local targeted = {}

local processes = { operations = here }

-- Runs `op` on another worker (-1: the node) and waits for its answer.
local function route(worker, op, ...)
  local ticket = unit.ticket(scheduler.waiter(), worker)
  unit.emit_request(ticket, "route", worker, ticket, op, ...)
  return host.park()
end

--- The effect `request`: has the node run `op` and waits for its answer.
function processes.request(_, op, ...)
  return route(-1, op, ...)
end

--- The effect `notify`: has the node run `op`: `true`, or `nil, err`. Waits for it only where requests pile up.
function processes.notify(_, op, ...)
  if not remote.unhurried() then
    return route(-1, op, ...)
  end
  local err = unit.emit("route", -1, 0, op, ...)
  if err then
    return nil, err
  end
  return true
end

--- Has another worker (-1: the node) run `op` and waits for its answer: `value, err`. Workflows record what the node
--- answers.
local function ask(worker, op, ...)
  if worker == -1 then
    return effects.request(op, ...)
  end
  return route(worker, op, ...)
end
processes.ask = ask

--- Has the node run `op`, without waiting where that is not needed: `true`, or `nil, err`.
processes.tell = effects.notify

-- Runs `op` where `pid` lives; its first argument is the PID.
local function at(pid, op, ...)
  if by_pid[pid] then
    return targeted[op](pid, ...)
  end
  local worker = unit.worker_of(pid)
  if worker == unit.index() then
    announced.wait(pid)
  end
  if worker == nil or worker == unit.index() then
    return targeted[op](pid, ...)
  end
  return ask(worker, op, pid, ...)
end
processes.at = at

--- The PID of a registered name, or `nil, err` NotFound.
function processes.lookup(_, name)
  return ask(-1, "names.lookup", { name = name })
end

--- Removes a name: whether there was one.
function processes.unregister(_, name)
  return ask(-1, "names.unregister", { name = name })
end

--- The PID that `dest` (a PID's text or a registered name) stands for, or `nil, err` NotFound.
function processes.resolve(dest)
  if
    string.byte(dest) == 123
    and string.byte(dest, -1) == 125
    and string.find(dest, "|", 2, true)
  then
    return dest
  end
  return effects.lookup(dest)
end

-- The values of a message as one value: one as itself, none as nil, several as a list.
local function pack_values(n, ...)
  if n == 1 then
    return (...)
  elseif n == 0 then
    return nil
  end
  return { ... }
end

--- Delivers a message whose values are copies already.
function here.send(pid, topic, from, n, ...)
  local self = by_pid[pid]
  if not self then
    return nil, errors.fail("NotFound", "process not found: " .. pid)
  end
  local err = self.limits and limits.refuses(self, n, ...)
  if err then
    return nil, err
  end
  messaging.deliver(self, messaging.message(topic, from, n, pack_values(n, ...)))
  return true
end

--- As `send`, with the sender's frame.
function here.manage(pid, topic, from, frame, n, ...)
  local self = by_pid[pid]
  if not self then
    return nil, errors.fail("NotFound", "process not found: " .. pid)
  end
  local err = self.limits and limits.refuses(self, n, ...)
  if err then
    return nil, err
  end
  messaging.deliver(self, messaging.request(topic, from, frame, n, pack_values(n, ...)))
  return true
end

-- Topics of messages that supervisors and servers obey. They carry the sender's frame, since what they ask for is
-- decided as the sender's, not as the receiver's.
local MANAGEMENT <const> = { ["$supervisor"] = true, ["$sys"] = true, ["$stop"] = true }

--- Delivers a message to each of these units of this worker; those that are gone are left out.
function here.send_each(pids, topic, from, n, ...)
  for _, pid in ipairs(pids) do
    local send = unit.bind(here.send, pid, topic, from, n, copies.all(...))
    if not announced.hold(pid, send) then
      send()
    end
  end
end

-- Copies, or an Error instead of raising it: a message that cannot be sent is the sender's `nil, err`.
local function copy_values(n, ...)
  if n == 1 then
    local value = ...
    local kind = type(value)
    if kind ~= "table" and kind ~= "function" and kind ~= "thread" then
      return true, value
    end
    return pcall(copy, value)
  end
  return pcall(copies.all, ...)
end

processes.copy_values = copy_values

local function send_copied(self, pid, topic, n, ok, ...)
  if not ok then
    return nil, errors.from_raised((...))
  end
  if MANAGEMENT[topic] and unit.worker_of(pid) ~= -1 then
    return at(pid, "manage", topic, self.pid or pid_of(self), self.frame, n, ...)
  end
  local target = by_pid[pid]
  if target then
    local err = target.limits and limits.refuses(target, n, ...)
    if err then
      return nil, err
    end
    messaging.deliver(
      target,
      messaging.message(topic, self.pid or pid_of(self), n, pack_values(n, ...))
    )
    return true
  end
  if unit.worker_of(pid) == -1 then
    -- A workflow: its context records what it sends, and sends it as a process (kernel/workflows/acts).
    return route(-1, "send", pid, topic, self.pid or pid_of(self), n, ...)
  end
  local worker = remote.worker_of(pid)
  if worker then
    local err = unit.emit("route", worker, 0, "send", pid, topic, self.pid or pid_of(self), n, ...)
    if err then
      return nil, err
    end
    remote.keep_pace(worker)
    return true
  end
  return at(pid, "send", topic, self.pid or pid_of(self), n, ...)
end

--- Sends to a PID: `true`, or `nil, err` (NotFound: no such process; Invalid: values that cannot be copied).
function processes.send(self, pid, topic, n, ...)
  return send_copied(self, pid, topic, n, copy_values(n, ...))
end

--- Puts a CANCEL event into the target's mailbox; with `ns`, terminates it when it still lives so long after.
function here.cancel(pid, from, reason, ns)
  local self = by_pid[pid]
  if not self then
    return nil, errors.fail("Internal", "cancel failed: process not found")
  end
  local now = host.now()
  local event = { kind = "pid.cancel", from = from, at = now // 1000000000, reason = reason }
  if ns then
    local deadline = timers.after(ns)
    event.deadline = deadline // 1000000000
    timers.limit(ns, function()
      unit.kill(self, errors.fail("Internal", "process terminated"))
    end)
  end
  messaging.event(self, event)
  return true
end

--- Ends the target by force.
function here.terminate(pid)
  local self = by_pid[pid]
  if not self then
    return nil, errors.fail("Internal", "terminate failed: process not found")
  end
  unit.kill(self, errors.fail("Internal", "process terminated"))
  return true
end

--- A name was given to this unit; its end must be told to the node.
function here.named(pid)
  local self = by_pid[pid]
  if self then
    self.named = true
  else
    host.emit("route", -1, 0, "names.release", { pid = pid })
  end
  return true
end

-- An answer about a process, where its worker is gone with it as where only the process is. What the node hosts, such
-- as workflow runs, is NotFound.
local function answered(pid, action, what, ok, err)
  if err and err:kind() == "NotFound" and unit.worker_of(pid) ~= -1 then
    return nil, errors.fail("Internal", action .. " failed: " .. what)
  end
  return ok, err
end

function processes.cancel(self, pid, reason, ns)
  local ok, err = at(pid, "cancel", pid_of(self), reason or "", ns)
  return answered(pid, "cancel", "process not found", ok, err)
end

function processes.terminate(_, pid)
  return answered(pid, "terminate", "process not found", at(pid, "terminate"))
end

--- Monitors a unit: its EXIT comes as an event, or as a message of `topic`.
function processes.monitor(self, pid, topic)
  local watched = self.watching and self.watching[pid]
  if links.is_watching(self, pid, topic) then
    return nil, errors.fail("Internal", "monitor failed: already monitoring pid")
  end
  -- Noted before the answer: another coroutine may monitor the same unit, or stop to, meanwhile.
  links.watching(self, pid, topic)
  if watched then
    return true
  end
  local ok, err = answered(pid, "monitor", "pid not registered", at(pid, "monitor", pid_of(self)))
  if not ok and links.stop_watching(self, pid, topic) then
    links.exit_event(self.pid, pid, nil, err)
  end
  return ok, err
end

function processes.unmonitor(self, pid, topic)
  if not links.stop_watching(self, pid, topic) then
    at(pid, "demonitor", pid_of(self))
  end
  return true
end

function processes.link(self, pid)
  local mine = pid_of(self)
  if self.links and self.links[pid] then
    return true
  end
  -- Before the other side is asked: it may hold the link when this one ends before it hears of that.
  self.links = self.links or {}
  self.links[pid] = true
  local ok, err = answered(pid, "link", "pid not registered", at(pid, "link", mine))
  if not ok then
    self.links[pid] = nil
  end
  return ok, err
end

function processes.unlink(self, pid)
  if self.links then
    self.links[pid] = nil
  end
  at(pid, "unlinked", pid_of(self))
  return true
end

--- Registers a name for a PID with the node: `true` or `nil, err`.
function processes.register(self, name, pid)
  if pid == self.pid then
    -- Noted before the node has it: the unit may end while it waits for the answer.
    self.named = true
  end
  local owner, err = ask(-1, "names.register", { name = name, pid = pid })
  if not owner then
    return nil, err
  end
  at(pid, "named")
  return true
end

for _, operations in ipairs({ here, links.operations }) do
  for name, operation in pairs(operations) do
    targeted[name] = operation
  end
end

return processes
