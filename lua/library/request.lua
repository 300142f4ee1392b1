-- One request to a process and its reply, as servers, supervisors and their tools use it: the request is a message
-- { alias, request } of a topic that begins with "$"; the reply { value, error } goes to the alias.
local runtime = ...
local use, errors = runtime.use, runtime.errors
local channel = use("kernel/messaging/channel")
local messaging = use("kernel/messaging/messaging")
local process = use("modules/process", runtime)
local scheduler = use("kernel/core/scheduler")
local security = use("kernel/security/security")
local time = use("modules/time", runtime)
local tostring = runtime.tostring

local request = { DEFAULT_TIMEOUT = "5s" }

--- The timeout of a call: a duration, "infinity", or the default for nil. Another value raises.
function request.timeout(value, n, name)
  if value == nil then
    return request.DEFAULT_TIMEOUT
  elseif value ~= "infinity" and (runtime.duration(value) or 0) <= 0 then
    error("bad argument #" .. n .. " to '" .. name .. '\' (duration or "infinity" expected)', 3)
  end
  return value
end

local function ended(what, dest, reason)
  local text = reason and reason:message() or "it ended normally"
  return errors.make(
    "Unavailable",
    what .. " " .. dest .. " has ended: " .. text,
    true,
    { reason = reason and { kind = reason:kind(), message = reason:message() } or nil }
  )
end

-- The reply in what came to an alias: `value, err`.
local function outcome(what, dest, value)
  if value.kind == process.event.EXIT then
    return nil, ended(what, dest, value.result.error)
  end
  return value.value, value.error
end

--- Waits at `replies`, the channel of an alias under which `dest` is monitored: `value, err`.
function request.await(what, dest, replies, timeout)
  local cases = { replies:case_receive() }
  local late
  if timeout ~= "infinity" then
    local err
    late, err = time.after(timeout)
    if not late then
      error(err, 0)
    end
    cases[2] = late:case_receive()
  end
  local result = channel.select(cases)
  if late and result.channel == late then
    local after = tostring(timeout)
    return nil,
      errors.make("Timeout", "no reply from " .. what .. " " .. dest .. " in " .. after, true)
  end
  return outcome(what, dest, result.value)
end

--- Spawns a process by `spawn(builder)` and waits until it says that it has started: its PID and true, or its PID
--- (nil when there is none) and `nil, err`. Which process: one whose main is a server or a supervisor.
function request.start(what, spawn)
  local refusal = runtime.not_in_workflow(what .. ".start")
  if refusal then
    return nil, nil, refusal
  end
  local alias, replies = process.alias()
  local pid, err = spawn(process.with_context({}):with_message("$init", alias, process.pid()))
  local value
  if pid and process.monitor(pid, { topic = alias }) then
    value, err = request.await(what, pid, replies, "infinity")
    process.unmonitor(pid, { topic = alias })
  elseif pid then
    -- It has ended; what it said came before.
    local first = channel.select({ replies:case_receive(), default = true })
    if first.default then
      err = ended(what, pid)
    else
      value, err = outcome(what, pid, first.value)
    end
  end
  process.unalias(alias)
  return pid, value, err
end

-- What programs call such requests; the others carry the name in `op`.
local NAMES <const> = { ["$call"] = "server.call", ["$stop"] = "server.stop" }

--- Sends `body` to `dest` and waits for the reply: `value, err`. `what` names the receiver in errors. Errors: the
--- receiver's own; NotFound: there is none; Unavailable: it ended before it replied; Timeout.
function request.ask(what, dest, topic, body, timeout)
  local refusal = runtime.not_in_workflow(NAMES[topic] or topic:sub(2) .. "." .. body.op)
  if refusal then
    return nil, refusal
  end
  local alias, replies = process.alias()
  local ok, err = process.monitor(dest, { topic = alias })
  if not ok then
    process.unalias(alias)
    local kind = err:kind() == errors.INTERNAL and errors.NOT_FOUND or err:kind()
    return nil, errors.make(kind, "no " .. what .. " " .. dest .. ": " .. err:message(), false)
  end
  local value
  ok, err = process.send(dest, topic, { alias = alias, request = body })
  if ok then
    value, err = request.await(what, dest, replies, timeout)
  end
  process.unmonitor(dest, { topic = alias })
  process.unalias(alias)
  return value, err
end

--- Whom to tell that this process has started, as { pid, alias }; nil when nobody waits for it.
function request.starter()
  local started = process.listen("$init", { message = true })
  local first = channel.select({ started:case_receive(), default = true })
  process.unlisten(started)
  if first.default then
    return nil
  end
  local parts = first.value:payload()
  return { alias = parts[1]:data(), pid = parts[2]:data() }
end

-- May do nothing: a request that the kernel gave no frame came by a way on which nobody asked for permission.
local NOBODY <const> = { actor = { id = "" }, scope = {} }

--- The Error when the sender of a management message may not do `action` on `resource`, else nil; `what` ends the
--- sentence.
function request.refusal(message, action, resource, what)
  local sender = {
    pid = message:from(),
    frame = messaging.frame_of(message) or NOBODY,
    context = scheduler.current.context,
  }
  return security.process_refusal(sender, action, resource, what)
end

--- Replies to a request; `to` is { pid, alias }.
function request.reply(to, value, err)
  return process.send(to.pid, to.alias, { value = value, error = err })
end

return request
