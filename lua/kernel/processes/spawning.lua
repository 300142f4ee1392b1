-- How a function or process starts others: on this worker, on another one, as a workflow; by itself or waiting for the
-- end.
local use = ...
local announced = use("kernel/processes/announced")
local core = use("kernel/core/core")
local errors = use("kernel/core/errors")
local failures = use("kernel/core/failures")
local limits = use("kernel/processes/limits")
local links = use("kernel/processes/links")
local messaging = use("kernel/messaging/messaging")
local placement = use("kernel/processes/placement")
local plain = use("kernel/processes/plain")
local processes = use("kernel/processes/processes")
local security = use("kernel/security/security")
local remote = use("kernel/processes/remote")
local requests = use("kernel/processes/requests")
local room = use("kernel/processes/room")
local sandbox = use("kernel/core/sandbox")
local scheduler = use("kernel/core/scheduler")
local unit = use("kernel/core/unit")
local tostring = use("kernel/core/stable").tostring
local by_pid, pid_of, new_pid = unit.by_pid, unit.pid_of, unit.new_pid
local ask, at, copy_values = processes.ask, processes.at, processes.copy_values
local run_as = scheduler.run_as

local spawning = {}
local here = {}

-- The handlers of process units.
local context

spawning.connect = core.hooks("kernel/processes/spawning", { "context" }, function(process)
  context = process
end)

-- Host id -> { kind, state }.
local hosts = {}
spawning.hosts = hosts

--- Notes the state of a host: "running", "stopping" or "stopped".
function spawning.set_host(id, kind, units, state)
  hosts[id] = { kind = kind, units = units, state = state }
end

local function unavailable(message)
  return errors.make("Unavailable", message, true)
end

--- The process host of that id, or `nil, err`.
local function host_of(id)
  local entry = hosts[id]
  if not entry then
    if host.pure("entry.kind", id) then
      local message = "host does not implement process.Host"
      return nil, errors.make("Internal", message, false, { host_id = id })
    end
    return nil, errors.make("NotFound", "host not found", false, { host_id = id })
  elseif entry.state == "stopping" then
    return nil, unavailable("host is shutting down")
  elseif entry.state ~= "running" then
    return nil, unavailable("host is not running")
  end
  return entry
end

-- Whether a process can tell how many arguments it got, for then it must get no nil more.
local function counts_arguments(entry, fn)
  local vararg = entry.vararg
  if vararg == nil then
    vararg = debug.getinfo(fn, "u").isvararg
    entry.vararg = vararg
  end
  return vararg
end

-- Makes a process known, with those that watch it and what is in its mailbox from the start, and runs it.
local function launch(self, fn, watcher, monitored, linked, messages, ...)
  by_pid[self.pid] = self
  if watcher then
    if monitored then
      self.monitors = { [watcher] = true }
    end
    if linked then
      self.links = { [watcher] = true }
    end
  end
  if messages then
    for _, message in ipairs(messages) do
      messaging.deliver(self, messaging.message(message[1], "", message[2], message[3]))
    end
  end
  local n = select("#", ...)
  if n == 2 or (n < 2 and not counts_arguments(self.entry, fn)) then
    local a, b = ...
    unit.start(self, coroutine.create(fn), a, b)
  else
    unit.start(self, coroutine.create(unit.bind(fn, ...)))
  end
end

--- Makes a process of this worker. `watcher` monitors and/or links it before its first instruction.
--- `extra` may hold `pid`, and `messages`: a list of {topic, n, value} that are in its mailbox from the start.
function here.spawn(id, host_id, frame, watcher, monitored, linked, extra, ...)
  local entry, err = sandbox.entry(id)
  if not entry then
    return nil, err or sandbox.missing("factory not found", id, "process.lua")
  elseif entry.kind ~= "process.lua" then
    return nil, errors.fail("NotFound", "factory not found: " .. id .. " is a " .. entry.kind)
  end
  local no_room = room.refusal()
  if no_room then
    return nil, no_room
  end
  local previous = scheduler.current
  -- All fields from the start: a table that grows is made anew.
  local self = {
    pid = extra and extra.pid or new_pid(host_id),
    entry = entry,
    context = context,
    frame = frame,
    env = false,
    main = false,
    inbox = false,
    ended = false,
    parent = watcher or previous and previous.pid or false,
    -- Between two turns the last one may be long past.
    started = previous and scheduler.turn or host.now(),
    steps = 0,
  }
  local fn, failure, env = run_as(self, sandbox.method, entry, entry.method)
  if failure then
    return nil, failure
  end
  local own, refused = limits.admit(host_id)
  if refused then
    return nil, refused
  elseif own then
    self.place = own
    -- Whoever has it is sent to by a slower path.
    self.limits = own.of_messages and own or nil
  end
  self.env = env
  local pid = self.pid
  local ok, raised =
    pcall(launch, self, fn, watcher, monitored, linked, extra and extra.messages, ...)
  if not ok then
    by_pid[pid] = nil
    if own then
      limits.leave(own)
    end
    error(raised, 0)
  end
  entry.loaded = true
  return pid
end

--- Reserves sequence numbers for PIDs that another worker, `owner`, assigns. Returns the first.
here.reserve = announced.reserve

--- Makes a process under a PID that was reserved for another worker, which does not wait for the answer: a process
--- that cannot be made has ended at once.
function here.spawn_as(pid, id, host_id, frame, watcher, monitored, linked, messages, ...)
  local _, sequence = unit.worker_of(pid)
  if not unit.is_own(sequence) then
    -- Reserved by the worker that this one replaces: whoever watches it knows that it is gone.
    return nil
  end
  local extra = { pid = pid, messages = messages }
  local started, err = here.spawn(id, host_id, frame, watcher, monitored, linked, extra, ...)
  if not started then
    local fields = failures.fields(err)
    fields.entry = id
    failures.log("error", "process", id .. " cannot start", fields, pid)
    links.ended_unstarted(pid, watcher, monitored, linked, err)
  end
  announced.started(sequence)
  return started
end

-- What the spawner's side remembers of a child that it watches.
local function watch_child(self, pid, monitored, linked)
  if monitored then
    links.watching(self, pid)
  end
  if linked then
    self.links = self.links or {}
    self.links[pid] = true
  end
end

-- As `ask`, for spawns: the child is noted as the answer arrives, before news of its end can.
local function ask_spawn(self, worker, op, monitored, linked, ...)
  local co = scheduler.waiter()
  local ticket = unit.ticket(function(pid, err)
    if pid and self.ended then
      -- The spawner ended meanwhile: the child hears of it as if it had been there in time.
      if linked and self.ended ~= true then
        links.tell(pid, "link_down", self.pid, self.ended)
      elseif linked then
        links.tell(pid, "unlinked", self.pid)
      end
      if monitored then
        links.tell(pid, "demonitor", self.pid)
      end
    elseif pid then
      watch_child(self, pid, monitored, linked)
    end
    scheduler.ready(co, pid, err)
  end, worker)
  unit.emit_request(ticket, "route", worker, ticket, op, ...)
  return host.park()
end

local function spawn_here(self, id, host_id, frame, watcher, monitored, linked, extra, ...)
  local pid, err = here.spawn(id, host_id, frame, watcher, monitored, linked, extra, ...)
  if pid then
    watch_child(self, pid, monitored, linked)
  end
  return pid, err
end

-- A named spawn: the name is taken first, with the PID that the process will have.
local function spawn_named(self, id, host_id, frame, watcher, monitored, linked, extra, ...)
  local pid, co = unit.new_pid(host_id), scheduler.waiter()
  local ticket = unit.ticket(function(taken, err)
    if self.ended and taken == pid then
      -- Nobody will start the process that the name was taken for.
      host.emit("route", -1, 0, "names.release", { pid = pid })
    end
    scheduler.ready(co, taken, err)
  end, -1)
  local claim = { name = extra.name, pid = pid, claim = true }
  unit.emit_request(ticket, "route", -1, ticket, "names.register", claim)
  local taken, err = host.park()
  if err then
    return nil, err
  elseif taken ~= pid then
    for _, message in ipairs(extra.messages or {}) do
      local topic, n, value = message[1], message[2], message[3]
      if n <= 1 then
        at(taken, "send", topic, "", n, value)
      else
        at(taken, "send", topic, "", n, table.unpack(value, 1, n))
      end
    end
    return taken
  end
  local own = { pid = pid, messages = extra.messages }
  local started, failure =
    spawn_here(self, id, host_id, frame, watcher, monitored, linked, own, ...)
  if not started then
    ask(-1, "names.unregister", { name = extra.name })
    return nil, failure
  end
  by_pid[pid].named = true
  return pid
end

-- A spawn on another worker of an entry whose code has loaded here, so that it loads there too: nobody waits, and the
-- PID is one that the worker reserved. Should it fail all the same, the process has ended with that error.
local function spawn_elsewhere(
  self,
  worker,
  id,
  host_id,
  frame,
  watcher,
  monitored,
  linked,
  extra,
  ...
)
  if limits.of(host_id) then
    -- A host with limits may refuse, which the spawner must learn.
    return ask_spawn(
      self,
      worker,
      "spawn",
      monitored,
      linked,
      id,
      host_id,
      frame,
      watcher,
      monitored,
      linked,
      extra,
      ...
    )
  end
  local pid = remote.new_pid(worker, host_id)
  if not pid then
    -- The next PIDs are on their way: until then this worker does it, which is quicker than to wait.
    return spawn_here(self, id, host_id, frame, watcher, monitored, linked, extra, ...)
  end
  local messages = extra and extra.messages
  local err = unit.emit(
    "route",
    worker,
    0,
    "spawn_as",
    pid,
    id,
    host_id,
    frame,
    watcher,
    monitored,
    linked,
    messages,
    ...
  )
  if err then
    return nil, err
  end
  watch_child(self, pid, monitored, linked)
  return pid
end

-- The worker for a new process: this one until the code has loaded here once, so that an error of it is known at once.
local function worker_for(id, host_id)
  local entry = sandbox.entry(id)
  if entry and (entry.loaded or limits.of(host_id)) then
    return placement.place(entry)
  end
  return unit.index()
end

-- Messages of a start, `{topic, n, value}` each, as the node takes them.
local function startup_messages(messages)
  local result = {}
  for i, message in ipairs(messages or {}) do
    local n, value = message[2], message[3]
    local values = n <= 1 and { value } or table.pack(table.unpack(value, 1, n))
    values.n = n
    result[i] = { topic = message[1], values = values }
  end
  return result
end

local function spawn_copied(self, id, host_id, frame, monitored, linked, extra, ok, ...)
  if not ok then
    return nil, errors.from_raised((...))
  end
  local target, err = host_of(host_id)
  if not target then
    return nil, err
  end
  -- Who does not watch is told on all the same, as the parent, where it has a PID.
  local watcher = (monitored or linked) and (self.pid or pid_of(self)) or self.pid or nil
  if target.units == "workflows" then
    return ask_spawn(self, -1, "workflows.start", monitored, linked, {
      entry = id,
      host = host_id,
      frame = security.durable(frame),
      watcher = watcher,
      monitored = monitored,
      linked = linked,
      options = extra and extra.options or {},
      name = extra and extra.name,
      messages = extra and startup_messages(extra.messages),
      sender = self.pid or pid_of(self),
      args = table.pack(...),
    })
  elseif extra and extra.name then
    return spawn_named(self, id, host_id, frame, watcher, monitored, linked, extra, ...)
  end
  local worker = worker_for(id, host_id)
  if worker == unit.index() then
    return spawn_here(self, id, host_id, frame, watcher, monitored, linked, extra, ...)
  end
  return spawn_elsewhere(self, worker, id, host_id, frame, watcher, monitored, linked, extra, ...)
end

--- Spawns a process on a process host, or starts a workflow on a workflow host: `pid` or `nil, err`.
function spawning.spawn(self, id, host_id, frame, monitored, linked, extra, ...)
  local target = hosts[host_id]
  if
    select("#", ...) == 0
    and not (monitored or linked or extra)
    and target
    and target.kind == "process.host"
    and target.state == "running"
  then
    local pid, err = plain.spawn(self, id, host_id, frame, context)
    if pid ~= false then
      return pid, err
    elseif err then
      local watcher = self.pid or nil
      return spawn_elsewhere(self, err, id, host_id, frame, watcher, false, false)
    end
  end
  return spawn_copied(
    self,
    id,
    host_id,
    frame,
    monitored,
    linked,
    extra,
    copy_values(select("#", ...), ...)
  )
end

--- Waits for the end of a unit: `value, err`. Nothing happens to it when the waiter ends first.
function spawning.wait(_, pid)
  announced.wait(pid)
  local co = scheduler.waiter()
  if links.wait(pid, function(value, err)
    scheduler.ready(co, value, err)
  end) then
    return host.park()
  end
  local worker = unit.worker_of(pid)
  if worker == nil or worker == unit.index() then
    return nil, errors.fail("NotFound", "process not found: " .. pid)
  end
  return ask(worker, "wait", pid)
end

local function exec_failed(err)
  return errors.make("Internal", "exec failed: " .. tostring(err), err:retryable(), err:details())
end

--- Makes a process of this worker; `waiter(value, err)` is called at its end, or with the error when it cannot start.
function spawning.run(waiter, id, host_id, frame, extra, ...)
  local pid, err = here.spawn(id, host_id, frame, nil, false, false, extra, ...)
  if pid then
    links.wait(pid, waiter)
  else
    waiter(nil, exec_failed(err))
  end
  return pid
end

local function exec_copied(self, id, host_id, frame, extra, ok, ...)
  if not ok then
    return nil, errors.from_raised((...))
  end
  local target, err = host_of(host_id)
  if not target then
    return nil, exec_failed(err)
  elseif target.units == "workflows" or (extra and extra.name) then
    local pid
    pid, err = spawning.spawn(self, id, host_id, frame, false, false, extra, ...)
    if not pid then
      return nil, exec_failed(err)
    end
    return spawning.wait(self, pid)
  end
  local worker = worker_for(id, host_id)
  if worker ~= unit.index() then
    -- Started and awaited in one request: it may be over before a second one arrives.
    return ask(worker, "exec", id, host_id, frame, extra, ...)
  end
  local co, done, parked, value = scheduler.waiter(), false, false, nil
  spawning.run(function(result, failure)
    done, value, err = true, result, failure
    if parked then
      scheduler.ready(co, result, failure)
    end
  end, id, host_id, frame, extra, ...)
  if done then
    return value, err
  end
  parked = true
  return host.park()
end

--- Starts and waits. Returns the result: `value, err`.
function spawning.exec(self, id, host_id, frame, extra, ...)
  return exec_copied(self, id, host_id, frame, extra, copy_values(select("#", ...), ...))
end

--- Makes a process of this worker for who waits for its end.
local function exec(reply, _, _, ...)
  spawning.run(reply, ...)
end

-- A spawn of which the asker gets two answers: the PID, and, under `end_ticket`, the outcome.
local function spawn_watched(reply, origin, _, end_ticket, id, host_id, frame, ...)
  local pid, err = here.spawn(id, host_id, frame, nil, false, false, nil, ...)
  if pid then
    links.wait(pid, function(value, failure)
      requests.reply(origin, end_ticket, value, failure)
    end)
  end
  reply(pid, err)
end

local function wait(reply, _, _, pid)
  if not links.wait(pid, reply) then
    reply(nil, errors.fail("NotFound", "process not found: " .. pid))
  end
end

spawning.operations = here
spawning.deferred = { exec = exec, spawn_watched = spawn_watched, wait = wait }

return spawning
