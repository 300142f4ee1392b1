--- Module `process`: starts processes and workflows, sends messages and watches them. A global of every unit.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local use = runtime.use
local check = runtime.check
local effects, errors = runtime.effects, runtime.errors
local identity = use("kernel/security/identity")
local messaging = use("kernel/messaging/messaging")
local context_value = use("kernel/core/context_value")
local freeze = use("kernel/core/freeze")
local channel = use("kernel/messaging/channel")
local networks = use("kernel/security/networks")
local security = use("kernel/security/security")
local processes = use("kernel/processes/processes")
local scheduler = use("kernel/core/scheduler")
local unit = use("kernel/core/unit")
local copies = use("kernel/core/copy")
local tostring = runtime.tostring
local by_pid, pid_of = unit.by_pid, unit.pid_of
local post = messaging.post
local refusal_of = security.process_refusal
local select, type = select, type

local process = {
  event = freeze({
    CANCEL = "pid.cancel",
    EXIT = "pid.exit",
    LINK_DOWN = "pid.link.down",
    OUTDATED = "pid.outdated",
  }, "process.event"),
}

local function invalid(message)
  return errors.fail("Invalid", message)
end

--- The PID of the running unit.
function process.pid()
  return pid_of(scheduler.current)
end

--- The registry id of the running entry.
function process.id()
  return scheduler.current.entry.id
end

-- Topics that were checked already; emptied when it grows, as topics may be made up at run time.
local known_topics, known_count = {}, 0

local function send_problem(dest, topic)
  if dest == nil or topic == nil then
    return invalid("process.send needs a destination and a topic")
  end
  check.string(dest, 1, "send")
  check.string(topic, 2, "send")
  if string.byte(topic) == 64 then
    return invalid("cannot send to @ topics")
  end
  known_count = known_count + 1
  if known_count > 1000 then
    known_topics, known_count = {}, 1
  end
  known_topics[topic] = true
  return nil
end

--- Sends a message: `true, nil`, or `nil, err`.
function process.send(dest, topic, ...)
  local target, sender = by_pid[dest], scheduler.current
  if
    target
    and known_topics[topic]
    and not target.limits
    and not sender.frame.scope
    and not security.strict
    and sender.context.delivers
    and select("#", ...) == 1
  then
    -- What most messages are: one plain value to a unit of this worker.
    local value = ...
    local kind = type(value)
    if kind ~= "table" and kind ~= "function" and kind ~= "thread" then
      post(target, topic, sender.pid or pid_of(sender), value)
      return true, nil
    end
  end
  if not known_topics[topic] or type(dest) ~= "string" then
    local err = send_problem(dest, topic)
    if err then
      return nil, err
    end
  end
  if not target then
    local pid, err = processes.resolve(dest)
    if not pid then
      return nil, err
    end
    dest = pid
  end
  local refusal = refusal_of(sender, "process.send", dest, "send to process: " .. dest)
  if refusal then
    return nil, refusal
  end
  local ok, err = effects.send(dest, topic, select("#", ...), ...)
  return ok, err
end
process.send = host.bind(host.send, process.send) -- one value to a unit of this worker, as most messages are

--- The channel of Message objects without a listener of their own.
function process.inbox()
  return messaging.inbox(scheduler.current)
end

--- The channel of event tables.
function process.events()
  local self = scheduler.current
  self.events_opened = true
  return messaging.events(self)
end

--- A channel of one topic's values, or of its Message objects with `{message = true}`.
function process.listen(topic, options)
  check.string(topic, 1, "listen")
  if topic == "" then
    return nil, invalid("topic is empty")
  elseif string.byte(topic) == 64 then
    return nil, invalid("cannot listen to @ topics")
  end
  local as_messages
  if type(options) == "table" then
    as_messages = options.message == true
  end
  return messaging.listen(scheduler.current, topic, as_messages)
end

--- Closes a listener: `true`, or `false, err` when it is none.
function process.unlisten(ch)
  if not channel.is(ch) then
    check.fail(1, "unlisten", "channel", ch)
  end
  if messaging.unlisten(scheduler.current, ch) then
    return true
  end
  return false, errors.fail("NotFound", "channel is not a listener")
end

-- Why the unit may not spawn `id` on a host, or nil.
local function spawn_refusal(self, id, host_id, monitored, linked)
  return refusal_of(self, "process.spawn", id, "spawn process: " .. id)
    or monitored and refusal_of(
      self,
      "process.spawn.monitored",
      id,
      "spawn monitored process: " .. id
    )
    or linked and refusal_of(self, "process.spawn.linked", id, "spawn linked process: " .. id)
    or refusal_of(self, "process.host", host_id, "spawn on host: " .. host_id)
end

local function spawner(monitored, linked)
  return function(id, host_id, ...)
    if type(id) ~= "string" or type(host_id) ~= "string" then
      return nil, invalid("spawn needs the id of a process and the id of a host")
    end
    local self = scheduler.current
    if self.frame.scope or security.strict then
      local refusal = spawn_refusal(self, id, host_id, monitored, linked)
      if refusal then
        return nil, refusal
      end
    end
    return effects.spawn(id, host_id, self.frame, monitored, linked, nil, ...)
  end
end

process.spawn = host.bind(host.spawn_plain, spawner(false, false)) -- what most are
process.spawn_monitored = spawner(true, false)
process.spawn_linked = spawner(false, true)
process.spawn_linked_monitored = spawner(true, true)

local function exec_error(self, id, host_id)
  if type(id) ~= "string" or type(host_id) ~= "string" or id == "" or host_id == "" then
    return invalid("exec needs the id of a process and the id of a host")
  elseif not id:find(".:.") then
    return invalid("invalid id: '" .. id .. "' (namespace:name expected)")
  end
  return refusal_of(self, "process.exec", id, "execute process: " .. id)
    or refusal_of(self, "process.host", host_id, "spawn on host: " .. host_id)
end

--- Spawns and waits. Returns the result: `value, nil` or `nil, err`.
function process.exec(id, host_id, ...)
  local self = scheduler.current
  local err = exec_error(self, id, host_id)
  if err then
    return nil, err
  end
  return effects.exec(id, host_id, self.frame, nil, ...)
end

local function on_target(name)
  local perform = effects[name]
  process[name] = function(dest, ...)
    check.string(dest, 1, name)
    local self = scheduler.current
    local pid, err = processes.resolve(dest)
    if not pid then
      return nil, err
    end
    local refusal = refusal_of(self, "process." .. name, pid, name .. " process: " .. pid)
    if refusal then
      return nil, refusal
    end
    local ok
    ok, err = perform(pid, ...)
    return ok, err
  end
end

for _, name in ipairs({ "terminate", "monitor", "unmonitor", "link", "unlink" }) do
  on_target(name)
end

-- Monitors may name a topic: then the EXIT event comes as a message of that topic (Erlang's monitor with a tag).
for _, name in ipairs({ "monitor", "unmonitor" }) do
  local plain = process[name]
  process[name] = function(dest, options)
    local topic
    if options ~= nil then
      check.table(options, 2, name)
      topic = check.string(options.topic, 2, name)
    end
    return plain(dest, topic)
  end
end

--- A topic of this unit's own and the channel of what is sent to it: for the answers to one request (Erlang's
--- alias). After `process.unalias(topic)` what still comes for it is dropped.
function process.alias()
  return messaging.alias(scheduler.current)
end

--- Gives up an alias. Returns whether there was one.
function process.unalias(topic)
  check.string(topic, 1, "unalias")
  return messaging.unalias(scheduler.current, topic)
end
on_target("cancel")
local cancel = process.cancel

--- Puts a CANCEL event with `reason` into the target's messaging. With `{ deadline = duration }` a process that still
--- lives then is terminated.
function process.cancel(dest, reason, options)
  if reason ~= nil then
    check.string(reason, 2, "cancel")
  end
  local ns
  if options ~= nil then
    check.table(options, 3, "cancel")
    ns = runtime.duration(options.deadline)
    if not ns or ns <= 0 then
      return nil, invalid("deadline must be a duration, not " .. tostring(options.deadline))
    end
  end
  return cancel(dest, reason, ns)
end

--- The options of this instance.
function process.get_options()
  local self = scheduler.current
  return { trap_links = self.trap_links == true, upgradable = self.upgradable == true }
end

--- Sets options: `true`, or `false, err` for what is not an option (the valid ones are applied all the same).
function process.set_options(options)
  if type(options) ~= "table" then
    return false, invalid("options parameter must be a table")
  end
  local self = scheduler.current
  local problem
  for key, value in pairs(options) do
    if key ~= "trap_links" and key ~= "upgradable" then
      problem = "option " .. tostring(key) .. " is not supported"
    elseif type(value) ~= "boolean" then
      problem = key .. " must be a boolean"
    else
      self[key] = value
    end
  end
  if problem then
    return false, invalid(problem)
  end
  return true, nil
end

--- Ends the current code and starts `id` (nil: the current definition) under the same PID. Does not return.
function process.upgrade(id, ...)
  return effects.upgrade(type(id) == "string" and id or nil, ...)
end

-- What builders hold, out of the reach of programs: a frame belongs to other units too.
local held = setmetatable({}, { __mode = "k" })
local builder_methods = {}
local new_builder = runtime.object("process.Builder", builder_methods)

local function make_builder(fields)
  local builder = new_builder({})
  held[builder] = fields
  return builder
end

local function fields_of(builder, name)
  return held[builder]
    or error("bad argument #1 to '" .. name .. "' (process.Builder expected; call it with ':')", 3)
end

local function merged(base, more)
  local result = {}
  for key, value in pairs(base or {}) do
    result[key] = value
  end
  for key, value in pairs(more) do
    if type(key) == "string" then
      result[key] = context_value(value)
    end
  end
  return result
end

local function builder_of(from, changes)
  local fields =
    { frame = from.frame, options = from.options, name = from.name, messages = from.messages }
  for key, value in pairs(changes) do
    fields[key] = value
  end
  return make_builder(fields)
end

-- Raises when the unit may not give what it spawns another context or identity.
local function check_builder(action, what)
  local refusal = refusal_of(
    scheduler.current,
    "process." .. action,
    action,
    "spawn processes with custom " .. what
  )
  if refusal then
    error(refusal, 0)
  end
end

function builder_methods:with_context(values)
  check.table(values, 1, "with_context")
  local from = fields_of(self, "with_context")
  check_builder("context", "context")
  if from.frame.actor or from.frame.scope then
    check_builder("security", "security context")
  end
  local changes = { values = merged(from.frame.values, values) }
  return builder_of(from, { frame = security.with(from.frame, changes) })
end

function builder_methods:with_options(options)
  check.table(options, 1, "with_options")
  local from = fields_of(self, "with_options")
  check_builder("context", "options")
  networks.check(options)
  local frame = networks.frame(from.frame, options)
  return builder_of(from, { options = merged(from.options, options), frame = frame })
end

for _, name in ipairs({ "with_actor", "with_scope" }) do
  builder_methods[name] = function(self, value)
    local from = fields_of(self, name)
    local frame = identity[name](from.frame, value)
    check_builder("security", "security context")
    return builder_of(from, { frame = frame })
  end
end

function builder_methods:with_name(name)
  check.string(name, 1, "with_name")
  if name == "" then
    error("bad argument #1 to 'with_name' (name is empty)", 2)
  end
  return builder_of(fields_of(self, "with_name"), { name = name })
end

function builder_methods:with_message(topic, ...)
  check.string(topic, 1, "with_message")
  if string.byte(topic) == 64 then
    error("bad argument #1 to 'with_message' (cannot send to @ topics)", 2)
  end
  local n = select("#", ...)
  local values = table.pack(copies.all(...))
  values.n = nil
  local from = fields_of(self, "with_message")
  local messages = { table.unpack(from.messages or {}) }
  messages[#messages + 1] = { topic, n, n == 1 and values[1] or n > 1 and values or nil }
  return builder_of(from, { messages = messages })
end

local function extra_of(builder)
  return { options = builder.options, name = builder.name, messages = builder.messages }
end

for name, flags in pairs({
  spawn = { false, false },
  spawn_monitored = { true, false },
  spawn_linked = { false, true },
  spawn_linked_monitored = { true, true },
}) do
  builder_methods[name] = function(builder, id, host_id, ...)
    local from = fields_of(builder, name)
    if type(id) ~= "string" or type(host_id) ~= "string" then
      return nil, invalid("spawn needs the id of a process and the id of a host")
    end
    local self = scheduler.current
    local refusal = spawn_refusal(self, id, host_id, flags[1], flags[2])
    if refusal then
      error(refusal, 0)
    end
    return effects.spawn(id, host_id, from.frame, flags[1], flags[2], extra_of(from), ...)
  end
end

function builder_methods:exec(id, host_id, ...)
  local from = fields_of(self, "exec")
  local current = scheduler.current
  local err = exec_error(current, id, host_id)
  if err then
    return nil, err
  end
  return effects.exec(id, host_id, from.frame, extra_of(from), ...)
end

--- A spawn builder that carries context values.
function process.with_context(values)
  check.table(values, 1, "with_context")
  check_builder("context", "context")
  local frame = scheduler.current.frame
  return make_builder({
    frame = security.with(frame, { values = merged(frame.values, values) }),
  })
end

--- A spawn builder that carries start options.
function process.with_options(options)
  return make_builder({ frame = scheduler.current.frame }):with_options(options)
end

local registry = { LOCAL = 0, EVENTUAL = 1, CONSISTENT = 2, STRONG = 3 }
process.registry = freeze(registry, "process.registry")

--- Registers a name for a PID (default: the caller's): `true`, or `nil, err`.
function registry.register(name, pid, scope)
  check.string(name, 1, "register")
  local self = scheduler.current
  if pid ~= nil and (type(pid) ~= "string" or not unit.worker_of(pid)) then
    return nil, invalid("invalid pid: " .. tostring(pid))
  elseif scope ~= nil and type(scope) ~= "number" then
    return nil, invalid("scope must be a number")
  elseif scope ~= nil and scope ~= 0 then
    return nil, errors.fail("Internal", "cluster registry not available")
  end
  local owner = pid or pid_of(self)
  local refusal = refusal_of(self, "process.registry.register", name, "register name: " .. name)
    or owner ~= self.pid
      and refusal_of(self, "process.registry.foreign", owner, "register name: " .. name)
  if refusal then
    return nil, refusal
  end
  return effects.register(name, owner)
end

--- The PID of a name, or `nil, err` NotFound.
function registry.lookup(name)
  check.string(name, 1, "lookup")
  return effects.lookup(name)
end

--- Removes a name: `true`, or `false` when there was none.
function registry.unregister(name)
  check.string(name, 1, "unregister")
  local self = scheduler.current
  local refusal = refusal_of(self, "process.registry.unregister", name, "unregister name: " .. name)
  if refusal then
    return nil, refusal
  end
  return effects.unregister(name)
end

return process
