-- Links and monitors, local ones and those that cross workers.
-- unit.monitors[watcher pid] = true, unit.links[pid] = true, unit.watching[target pid] = true.
-- A "waiter" of an exec or of the node is a monitor too, held as a function under unit.waiters.
local use = ...
local copies = use("kernel/core/copy")
local errors = use("kernel/core/errors")
local messaging = use("kernel/messaging/messaging")
local remote = use("kernel/processes/remote")
local unit = use("kernel/core/unit")
local by_pid = unit.by_pid

local links = {}

local function seconds()
  return host.now() // 1000000000
end

local function not_registered(action)
  return errors.fail("Internal", action .. " failed: pid not registered")
end

local function exit_of(from, value, err)
  return {
    kind = "pid.exit",
    from = from,
    at = seconds(),
    result = { value = value, error = err },
  }
end

--- Delivers an EXIT event to a unit of this worker: to each topic that it monitors the other one under, and to its
--- events channel unless those are all.
function links.exit_event(watcher, from, value, err)
  local self = by_pid[watcher]
  if not self then
    return
  end
  local watching = self.watching and self.watching[from]
  if watching then
    self.watching[from] = nil
  end
  if type(watching) == "table" then
    for topic in pairs(watching.topics) do
      messaging.deliver(self, messaging.message(topic, from, 1, exit_of(from, value, err)))
    end
    if not watching.events then
      return
    end
  end
  messaging.event(self, exit_of(from, value, err))
end

--- Delivers LINK_DOWN to a unit of this worker: fatal unless it traps links.
function links.link_down(target, from, err)
  local self = by_pid[target]
  if not self then
    return
  end
  if self.links then
    self.links[from] = nil
  end
  if self.trap_links then
    messaging.event(
      self,
      { kind = "pid.link.down", from = from, at = seconds(), result = { error = err } }
    )
  else
    unit.kill(self, errors.make("", "linked process failed"))
  end
end

--- The other side ended normally: the link is silently gone.
function links.unlinked(target, from)
  local self = by_pid[target]
  if self and self.links then
    self.links[from] = nil
  end
end

-- Runs `op` where `pid` lives, without waiting.
function links.tell(pid, op, ...)
  if by_pid[pid] then
    links[op](pid, ...)
    return
  end
  local worker = unit.worker_of(pid)
  if worker and worker ~= unit.index() then
    local err = unit.emit("route", worker, 0, op, pid, ...)
    if err and op == "exit_event" then
      host.emit("route", worker, 0, op, pid, (...), nil, err)
    elseif err then
      host.emit("route", worker, 0, op, pid, (...), err)
    end
  end
end

--- Watches a unit of this worker for `watcher`; an error when it is not there or watched already.
function links.monitor(target, watcher)
  local self = by_pid[target]
  if not self then
    return nil, not_registered("monitor")
  end
  local monitors = self.monitors
  if not monitors then
    monitors = {}
    self.monitors = monitors
  elseif monitors[watcher] then
    return nil, errors.fail("Internal", "monitor failed: already monitoring pid")
  end
  monitors[watcher] = true
  return true
end

function links.demonitor(target, watcher)
  local self = by_pid[target]
  if self and self.monitors then
    self.monitors[watcher] = nil
  end
  return true
end

--- Links a unit of this worker to `other` (this side only).
function links.link(target, other)
  local self = by_pid[target]
  if not self then
    return nil, not_registered("link")
  end
  local linked = self.links
  if not linked then
    linked = {}
    self.links = linked
  end
  linked[other] = true
  return true
end

--- Calls `waiter(value, err)` when a unit of this worker ends; false when it is not there.
function links.wait(target, waiter)
  local self = by_pid[target]
  if not self then
    return false
  end
  local waiters = self.waiters or {}
  self.waiters = waiters
  waiters[#waiters + 1] = waiter
  return true
end

--- Remembers on the watcher's side what it watches, so that its own end undoes it: true for the events channel,
--- or, where a topic was named, { topics = set, events = whether it is for the events channel too }.
function links.watching(self, target, topic)
  local watching = self.watching
  if not watching then
    watching = {}
    self.watching = watching
  end
  local present = watching[target]
  if topic then
    if type(present) ~= "table" then
      present = { topics = {}, events = present == true }
      watching[target] = present
    end
    present.topics[topic] = true
  elseif type(present) == "table" then
    present.events = true
  else
    watching[target] = true
  end
end

--- Whether `self` monitors the target for that topic, or for its events channel (nil).
function links.is_watching(self, target, topic)
  local present = self.watching and self.watching[target]
  if type(present) ~= "table" then
    return present == true and not topic
  elseif topic then
    return present.topics[topic] == true
  end
  return present.events
end

--- Takes one of its monitors back. Returns whether there are others of the same target.
function links.stop_watching(self, target, topic)
  local present = self.watching and self.watching[target]
  if type(present) == "table" then
    if topic then
      present.topics[topic] = nil
    else
      present.events = false
    end
    if present.events or next(present.topics) then
      return true
    end
  elseif topic and present then
    return true
  end
  if present then
    self.watching[target] = nil
  end
  return false
end

-- What a watcher is told must not be shared with other watchers.
local function fresh(value)
  local ok, copy = pcall(copies.copy, value)
  if ok then
    return copy
  end
  return nil
end

--- Informs those that watch a unit, or that it watches, of its end.
function links.announce(self, value, err)
  local pid = self.pid
  -- Who hears of this end must not find the unit alive.
  remote.publish()
  -- Nor its names: direct messages from here on wait until the node has released them.
  if self.named then
    host.emit("route", -1, 0, "names.release", { pid = pid })
  end
  if self.waiters then
    for _, waiter in ipairs(self.waiters) do
      waiter(fresh(value), fresh(err))
    end
  end
  if self.monitors then
    for watcher in pairs(self.monitors) do
      links.tell(watcher, "exit_event", pid, fresh(value), fresh(err))
    end
  end
  if self.links then
    for other in pairs(self.links) do
      if err then
        links.tell(other, "link_down", pid, fresh(err))
      else
        links.tell(other, "unlinked", pid)
      end
    end
  end
  if self.watching then
    for target in pairs(self.watching) do
      links.tell(target, "demonitor", pid)
    end
  end
end

--- Reports the end of a process that could not be started to who would have watched it.
function links.ended_unstarted(pid, watcher, monitored, linked, err)
  unit.note_gone(pid)
  links.announce({
    pid = pid,
    monitors = monitored and { [watcher] = true },
    links = linked and { [watcher] = true },
  }, nil, err)
end

--- A whole worker died: everything on it that is linked or watched from here is reported as gone.
function links.worker_down(worker, err)
  remote.forget(worker)
  unit.fail_tickets_of(worker, err)
  local affected = {}
  for pid, self in pairs(by_pid) do
    for target in pairs(self.watching or {}) do
      if unit.worker_of(target) == worker then
        affected[#affected + 1] = { "exit_event", pid, target }
      end
    end
    for target in pairs(self.links or {}) do
      if unit.worker_of(target) == worker then
        affected[#affected + 1] = { "link_down", pid, target }
      end
    end
  end
  for _, entry in ipairs(affected) do
    if entry[1] == "exit_event" then
      links.exit_event(entry[2], entry[3], nil, err)
    else
      links.link_down(entry[2], entry[3], err)
    end
  end
end

--- What other workers ask of this one; see kernel/processes/requests.
links.operations = {
  exit_event = links.exit_event,
  link_down = links.link_down,
  unlinked = links.unlinked,
  monitor = links.monitor,
  demonitor = links.demonitor,
  link = links.link,
}

return links
