-- The loop of a server (module `server`): what it does with requests, events and the messages of module `sys`.
local runtime = ...
local use, errors = runtime.use, runtime.errors
local channel = use("kernel/messaging/channel")
local scheduler = use("kernel/core/scheduler")
local process = use("modules/process", runtime)
local request = use("library/request", runtime)
local time = use("modules/time", runtime)
local tostring = runtime.tostring

local loop = {}
local answer_meta = { __metatable = false }

--- What a callback returns: a marked table, so that a state may be any value.
function loop.answer(fields)
  return setmetatable(fields, answer_meta)
end

local function is_answer(value)
  return type(value) == "table" and debug.getmetatable(value) == answer_meta
end

-- What `process.upgrade` hands to the new code, as the first argument of its main.
local UPGRADED <const> = "$server.upgraded"

local function as_error(reason)
  if reason == nil or errors.is_error(reason) then
    return reason
  end
  return errors.from_returned(tostring(reason))
end

local Server = {}
Server.__index = Server

-- Takes over what a callback answered. A callback that answers no server.* value goes on with it as state; nil keeps
-- the state. Returns whether the server goes on.
function Server:take(value, from)
  if not is_answer(value) then
    if value ~= nil then
      self.state = value
    end
    return true
  end
  self.state = value.state
  if from and value.reply then
    self.replies = self.replies + 1
    request.reply(from, value.value, as_error(value.failure))
  end
  local options = value.options
  if value.stop then
    self.stopped, self.reason = true, as_error(value.reason)
    return false
  elseif type(options) == "table" then
    self.timeout = options.timeout
    if options.continue ~= nil then
      return self:invoke("handle_continue", nil, options.continue)
    end
  end
  return true
end

-- Calls a callback; an error that it raises is the server's end, after terminate.
function Server:invoke(name, from, ...)
  local callback = self.callbacks[name]
  if not callback then
    return true
  end
  local args = table.pack(...)
  args[args.n + 1] = self.state
  local ok, value = pcall(callback, table.unpack(args, 1, args.n + 1))
  if not ok then
    self.stopped, self.reason = true, errors.from_raised(value)
    if from then
      request.reply(from, nil, self.reason)
    end
    return false
  end
  return self:take(value, from)
end

local sys = {}

function sys.get_state(self)
  return self.state
end

function sys.replace_state(self, state)
  self.state = state
  return state
end

function sys.suspend(self)
  self.suspended = self.suspended or {}
  return true
end

function sys.resume(self)
  local waiting = self.suspended or {}
  self.suspended = nil
  for _, item in ipairs(waiting) do
    self.last_waiting = self.last_waiting + 1
    self.backlog[self.last_waiting] = item
  end
  return true
end

function sys.statistics(self, what)
  if what == true then
    self.counting = { since = time.now():unix(), messages = self.messages, replies = self.replies }
    return true
  elseif what == false then
    self.counting = nil
    return true
  elseif not self.counting then
    return nil,
      errors.fail("Invalid", "statistics are off; switch them on with sys.statistics(dest, true)")
  end
  return {
    since = self.counting.since,
    messages_in = self.messages - self.counting.messages,
    replies_out = self.replies - self.counting.replies,
  }
end

function sys.get_status(self)
  return {
    pid = process.pid(),
    entry = process.id(),
    status = self.suspended and "suspended" or "running",
    state = self.state,
    waiting = self.suspended and #self.suspended or 0,
  }
end

function sys.upgrade(self)
  self.upgrading = true
  return true
end

-- Topics of requests -> what a request of that topic does; returns whether the server goes on.
local requests = {}

requests["$call"] = function(self, from, body)
  if not self.callbacks.handle_call then
    request.reply(from, nil, errors.fail("Invalid", "the server has no handle_call"))
    return true
  end
  return self:invoke("handle_call", from, body, from)
end

requests["$cast"] = function(self, _, body)
  return self:invoke("handle_cast", nil, body)
end

-- Answers the sender of a management message that may not do what it asks. Returns whether it may.
local function permits(message, from, action, resource, what)
  local refusal = request.refusal(message, action, resource, what)
  if refusal and from then
    request.reply(from, nil, refusal)
  end
  return refusal == nil
end

requests["$stop"] = function(self, from, body, message)
  local pid = process.pid()
  if not permits(message, from, "process.cancel", pid, "stop server: " .. pid) then
    return true
  end
  self.stopped, self.reason, self.stopper = true, as_error(body), from
  return false
end

-- What each operation of the module `sys` needs; of an upgrade, on the entry whose code runs next.
local NEEDED <const> = {
  get_state = "sys.read",
  get_status = "sys.read",
  statistics = "sys.read",
  replace_state = "sys.control",
  suspend = "sys.control",
  resume = "sys.control",
  upgrade = "process.upgrade",
}

requests["$sys"] = function(self, from, body, message)
  if type(body) ~= "table" or not from then
    return true
  end
  local operation, action = sys[body.op], NEEDED[body.op]
  local resource = action == "process.upgrade" and process.id() or process.pid()
  if
    operation
    and not permits(message, from, action, resource, body.op .. " of server: " .. resource)
  then
    return true
  end
  if operation then
    request.reply(from, operation(self, body.value))
  else
    request.reply(from, nil, errors.fail("Invalid", "no operation " .. tostring(body.op)))
  end
  return true
end

-- One item of the mailbox: an event table or a Message. Returns whether the server goes on.
function Server:handle(item, is_event)
  if is_event then
    if item.kind == process.event.CANCEL then
      self.stopped, self.canceled = true, item.reason
      return false
    elseif item.kind == process.event.OUTDATED then
      self.upgrading = true
      return true
    end
    self.messages = self.messages + 1
    return self:invoke("handle_info", nil, item)
  end
  local topic = item:topic()
  local handler = requests[topic]
  local body = handler and item:payload():data()
  if handler and type(body) == "table" then
    if topic ~= "$sys" then
      self.messages = self.messages + 1
    end
    local from = type(body.alias) == "string" and { pid = item:from(), alias = body.alias } or nil
    return handler(self, from, body.request, item)
  end
  self.messages = self.messages + 1
  return self:invoke("handle_info", nil, item)
end

-- While it is suspended, only sys and the end get through; the rest waits.
function Server:waits(item, is_event)
  local waiting = self.suspended
  if not waiting then
    return false
  elseif is_event then
    if item.kind == process.event.CANCEL then
      return false
    end
  elseif item:topic() == "$sys" or item:topic() == "$stop" then
    return false
  end
  waiting[#waiting + 1] = { item, is_event }
  return true
end

-- The next item that is to be handled now: item, whether it is an event; nil after the timeout.
function Server:next()
  local backlog = self.backlog
  if backlog[self.next_waiting] then
    local item = backlog[self.next_waiting]
    backlog[self.next_waiting] = nil
    self.next_waiting = self.next_waiting + 1
    return item[1], item[2]
  end
  self.backlog, self.next_waiting, self.last_waiting = {}, 1, 0
  local cases, late = self.cases, nil
  if self.timeout and not self.suspended then
    local err
    late, err = time.after(self.timeout)
    if not late then
      error(err, 0)
    end
    cases = { cases[1], cases[2], late:case_receive() }
  end
  local result = channel.select(cases)
  if late and result.channel == late then
    return nil, false
  end
  return result.value, result.channel == self.events
end

function Server:upgrade()
  self.upgrading = false
  process.upgrade(nil, UPGRADED, self.callbacks.version, self.state)
end

local function finish(self)
  local reason = self.reason
  if self.callbacks.terminate then
    local why = self.canceled and "cancel" or reason or "normal"
    local ok, problem = pcall(self.callbacks.terminate, why, self.state)
    if not ok and not reason then
      reason = errors.from_raised(problem)
    end
  end
  if self.stopper then
    request.reply(self.stopper, true)
  end
  return nil, reason
end

local function init(self, parent, first, ...)
  local callbacks = self.callbacks
  if first == UPGRADED then
    local version, state = ...
    self.state = state
    if callbacks.code_change then
      self.state = callbacks.code_change(version, state)
    end
    return true
  elseif not callbacks.init then
    self.state = first
    return true
  end
  local ok, value, err = pcall(callbacks.init, first, ...)
  if not ok then
    err = errors.from_raised(value)
  elseif err ~= nil then
    err = as_error(err)
  elseif self:take(value) then
    return true
  else
    err = self.reason or errors.fail("Canceled", "init ended the server")
  end
  if parent then
    request.reply(parent, nil, err)
    scheduler.current.failure_told = true
  end
  return false, err
end

--- Runs the calling process as a server: what its main returns.
function loop.run(callbacks, ...)
  local events, inbox = process.events(), process.inbox()
  local self = setmetatable({
    callbacks = callbacks,
    events = events,
    cases = { events:case_receive(), inbox:case_receive() },
    messages = 0,
    replies = 0,
    backlog = {},
    next_waiting = 1,
    last_waiting = 0,
  }, Server)
  local parent = request.starter()
  local ok, err = init(self, parent, ...)
  if not ok then
    return nil, err
  elseif parent then
    request.reply(parent, true)
  end
  while not self.stopped do
    local item, is_event = self:next()
    if item == nil then
      self.timeout = nil
      self:invoke("handle_timeout")
    elseif not self:waits(item, is_event) then
      self.timeout = nil
      self:handle(item, is_event)
    end
    if self.upgrading and not self.stopped then
      self:upgrade()
    end
  end
  return finish(self)
end

return loop
