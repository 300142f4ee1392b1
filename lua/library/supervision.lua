-- A supervisor's process: starts its children in order, restarts those that end, ends them in reverse order. Words
-- and rules are those of Erlang/OTP's supervisor.
local runtime = ...
local use, errors = runtime.use, runtime.errors
local channel = use("kernel/messaging/channel")
local failures = use("kernel/core/failures")
local process = use("modules/process", runtime)
local request = use("library/request", runtime)
local scheduler = use("kernel/core/scheduler")
local requests = use("library/supervisor_requests", runtime)
local specs = use("library/supervisor_spec", runtime)
local time = use("modules/time", runtime)
local unit = use("kernel/core/unit")
local tostring = runtime.tostring

local ENDED <const> = "it ended normally"

local Supervisor = {}
Supervisor.__index = Supervisor

-- Children in the order of their start: a doubly linked list, since any of many may go.
function Supervisor:append(child)
  child.prev, child.next = self.last, nil
  if self.last then
    self.last.next = child
  else
    self.first = child
  end
  self.last = child
  self.by_id[child.id] = child
  self.count = self.count + 1
end

function Supervisor:remove(child)
  if child.prev then
    child.prev.next = child.next
  else
    self.first = child.next
  end
  if child.next then
    child.next.prev = child.prev
  else
    self.last = child.prev
  end
  self.by_id[child.id] = nil
  self.count = self.count - 1
end

-- Waits for the event `wanted` tells apart; what else comes meanwhile is kept for later. nil after `ns`.
function Supervisor:await_event(wanted, ns)
  local cases, late = { self.events:case_receive() }, nil
  if ns ~= "infinity" then
    if ns <= 0 then
      return nil
    end
    late = time.after(ns)
    cases[2] = late:case_receive()
  end
  while true do
    local result = channel.select(cases)
    if late and result.channel == late then
      return nil
    elseif wanted(result.value) then
      return result.value
    end
    self.kept_last = self.kept_last + 1
    self.kept[self.kept_last] = result.value
    if result.value.kind == process.event.EXIT then
      self.gone[result.value.from] = true
    end
  end
end

-- Ends a child by its rule and waits until it has ended.
function Supervisor:terminate(child)
  local pid = child.pid
  child.retry = false
  if not pid then
    return
  end
  self.by_pid[pid] = nil
  child.pid, child.last_pid = nil, pid
  if self.gone[pid] then
    return
  end
  local function its_end(event)
    return event.kind == process.event.EXIT and event.from == pid
  end
  local ended
  if child.spec.shutdown ~= "brutal_kill" and process.cancel(pid, "shutdown") then
    ended = self:await_event(its_end, child.spec.shutdown)
  end
  if not ended then
    process.terminate(pid)
    self:await_event(its_end, "infinity")
  end
end

function Supervisor:terminate_all()
  local child = self.last
  while child do
    self:terminate(child)
    child = child.prev
  end
end

-- Starts a child: nil, or the Error why it cannot run.
function Supervisor:start(child)
  local spec = child.spec
  local pid, started, err
  if spec.wait then
    pid, started, err = request.start(spec.type, function(builder)
      return builder:spawn_linked_monitored(spec.process, spec.host, table.unpack(child.input))
    end)
  else
    pid, err = process.spawn_linked_monitored(spec.process, spec.host, table.unpack(child.input))
    started = pid
  end
  if not pid then
    return err
  end
  child.pid, child.retry = pid, false
  self.by_pid[pid] = child
  if not started then
    self:terminate(child)
    return err
  end
  if spec.name then
    local ok
    ok, err = process.registry.register(spec.name, pid)
    if not ok then
      self:terminate(child)
      return err
    end
  end
  return nil
end

local function describe(err)
  return { kind = err:kind(), message = err:message() }
end

-- Why a supervisor could not start: the child and its reason.
local function start_failure(child, err)
  return errors.make(
    err:kind(),
    "child "
      .. child.id
      .. " ("
      .. child.spec.process
      .. ") cannot start: "
      .. err:message()
      .. "; the children before it were stopped",
    err:retryable(),
    { child = child.id, reason = describe(err) }
  )
end

function Supervisor:start_all()
  for _, spec in ipairs(self.spec.children) do
    local child = { id = spec.id, spec = spec, input = spec.input, restarts = 0 }
    self:append(child)
    local err = self:start(child)
    if err then
      self:terminate_all()
      return start_failure(child, err)
    end
  end
  return nil
end

-- Whether one more restart is too many; the times of the last ones are a queue.
function Supervisor:restarts_too_often()
  local now = time.now():unix_nano()
  local restarts = self.restarts
  restarts.last = restarts.last + 1
  restarts[restarts.last] = now
  while restarts[restarts.first] < now - self.spec.period do
    restarts[restarts.first] = nil
    restarts.first = restarts.first + 1
  end
  return restarts.last - restarts.first + 1 > self.spec.intensity
end

function Supervisor:stop(reason)
  self.stopped, self.reason = true, reason
end

-- Ends the children from the last back to `first`, in this order, but not `ended`; temporary ones are forgotten.
function Supervisor:terminate_back_to(first, ended)
  local child = self.last
  while true do
    local before, is_first = child.prev, child == first
    if child ~= ended then
      self:terminate(child)
      if child.spec.restart == "temporary" then
        self:remove(child)
      end
    end
    if is_first then
      return
    end
    child = before
  end
end

-- One record for each restart and for each failed try of one. `reason`: why, an Error or words.
local function log_restart(child, problem, reason)
  local fields = problem and failures.fields(problem) or {}
  fields.child = child.id
  fields.entry = child.spec.process
  fields.supervisor = scheduler.current.pid
  fields.previous = child.last_pid
  fields.restarts = child.restarts
  fields.reason = errors.is_error(reason) and reason._message or reason
  local what = problem and " cannot be restarted" or " restarted"
  failures.log("warn", "supervisor", child.spec.process .. what, fields, child.pid)
end

-- Starts a child again because of `err`, which ended `cause`, itself or another one. Returns whether it runs; else it
-- is tried again, as a restart of its own, after what came meanwhile.
function Supervisor:start_again(child, err, cause)
  child.restarts = child.restarts + 1
  local problem = self:start(child)
  log_restart(child, problem, child == cause and (err or ENDED) or "restarted with " .. cause.id)
  if problem then
    child.retry = problem
    self.retries[#self.retries + 1] = child
    return false
  end
  local entry, parent = { id = child.spec.process }, scheduler.current.pid
  unit.restarted({ pid = child.pid, entry = entry, parent = parent }, err)
  return true
end

-- Starts `first` and the children after it again, up to one that cannot start.
function Supervisor:start_onward(first, err, cause)
  local child = first
  while child and self:start_again(child, err, cause) do
    child = child.next
  end
end

-- What each strategy does when a child has ended that is to be restarted.
local strategies = {}

function strategies.one_for_one(self, child, err)
  self:start_again(child, err, child)
end

function strategies.simple_one_for_one(self, child, err)
  self:start_again(child, err, child)
end

function strategies.rest_for_one(self, child, err)
  self:terminate_back_to(child, child)
  self:start_onward(child, err, child)
end

function strategies.one_for_all(self, child, err)
  self:terminate_back_to(self.first, child)
  self:start_onward(self.first, err, child)
end

local function too_many_restarts(self, child, err)
  local text = err and err:message() or ENDED
  return errors.make(
    "Unavailable",
    "supervisor gave up: child " .. child.id .. " ended too often: " .. text,
    true,
    {
      child = child.id,
      intensity = self.spec.intensity,
      period_ns = self.spec.period,
      reason = err and describe(err),
    }
  )
end

-- Restarts a child that ended, unless that happens too often.
function Supervisor:restart(child, err)
  if self:restarts_too_often() then
    self:stop(too_many_restarts(self, child, err))
  else
    strategies[self.spec.strategy](self, child, err)
  end
end

-- Whether the end of a significant child ends the supervisor.
function Supervisor:shuts_down_after(child)
  local rule = self.spec.auto_shutdown
  if rule == "never" or not child.spec.significant then
    return false
  elseif rule == "any_significant" then
    return true
  end
  local other = self.first
  while other do
    if other ~= child and other.spec.significant and (other.pid or other.retry) then
      return false
    end
    other = other.next
  end
  return true
end

function Supervisor:child_ended(child, err)
  child.pid, child.last_pid = nil, child.pid
  local rule = child.spec.restart
  if rule == "permanent" or (rule == "transient" and err) then
    self:restart(child, err)
    return
  end
  if rule == "temporary" or self.spec.strategy == "simple_one_for_one" then
    self:remove(child)
  end
  if self:shuts_down_after(child) then
    self:stop(nil)
  end
end

function Supervisor:handle_event(event)
  if event.kind == process.event.CANCEL then
    self:stop(nil)
  elseif event.kind == process.event.EXIT then
    local child = self.by_pid[event.from]
    self.gone[event.from] = nil
    if child then
      self.by_pid[event.from] = nil
      self:child_ended(child, event.result.error)
    end
  elseif event.kind == process.event.LINK_DOWN and event.from == self.parent then
    self:stop(errors.make("", "the parent of the supervisor has ended"))
  end
end

function Supervisor:handle_message(message)
  if message:topic() ~= "$supervisor" then
    return
  end
  local payload = message:payload()
  local body = payload and payload.data and payload:data()
  if type(body) ~= "table" or type(body.alias) ~= "string" then
    return
  end
  local from, asked = { pid = message:from(), alias = body.alias }, body.request
  if type(asked) ~= "table" then
    return
  end
  if asked.op == "stop" then
    local pid = scheduler.current.pid
    local refusal = request.refusal(message, "process.cancel", pid, "stop supervisor: " .. pid)
    if refusal then
      request.reply(from, nil, refusal)
      return
    end
    self.stopper = from
    self:stop(asked.value ~= nil and errors.from_returned(asked.value) or nil)
    return
  end
  local operation = requests[asked.op]
  if operation then
    request.reply(from, operation(self, asked.value, message))
  else
    request.reply(from, nil, errors.fail("Invalid", "no operation " .. tostring(asked.op)))
  end
end

-- Handles one thing: a restart that is due, an event that was kept, or what comes.
function Supervisor:step()
  local retry = table.remove(self.retries, 1)
  if retry then
    local problem = retry.retry
    if problem then
      self:restart(retry, problem)
    end
    return
  end
  local kept = self.kept[self.kept_first]
  if kept then
    self.kept[self.kept_first] = nil
    self.kept_first = self.kept_first + 1
    self:handle_event(kept)
    return
  end
  local result = channel.select(self.cases)
  if result.channel == self.events then
    self:handle_event(result.value)
  else
    self:handle_message(result.value)
  end
end

--- Runs the calling process as a supervisor until it ends: what the process's main returns.
return function(value)
  -- For lists of units: its children show it as their supervisor.
  scheduler.current.supervises = true
  local parent = request.starter()
  local ok, spec = pcall(specs.supervisor, value)
  local err = not ok and errors.from_raised(spec) or nil
  local self
  if ok then
    process.set_options({ trap_links = true })
    local events, inbox = process.events(), process.inbox()
    self = setmetatable({
      spec = spec,
      events = events,
      cases = { events:case_receive(), inbox:case_receive() },
      by_id = {},
      by_pid = {},
      gone = {},
      count = 0,
      dynamic = 0,
      restarts = { first = 1, last = 0 },
      retries = {},
      kept = {},
      kept_first = 1,
      kept_last = 0,
      parent = parent and parent.pid,
    }, Supervisor)
    if spec.strategy ~= "simple_one_for_one" then
      err = self:start_all()
    end
  end
  if err then
    if parent then
      request.reply(parent, nil, err)
      scheduler.current.failure_told = true
    end
    return nil, err
  elseif parent then
    request.reply(parent, true)
  end
  while not self.stopped do
    self:step()
  end
  self:terminate_all()
  if self.stopper then
    request.reply(self.stopper, true)
  end
  return nil, self.reason
end
