-- One request to a process and its reply, as servers, supervisors and their tools use it: the request is a message
-- { alias, request } of a topic that begins with "$"; the reply { value, error } goes to the alias.
local runtime = ...
local use, errors = runtime.use, runtime.errors
local channel = use("kernel/channel")
local process = use("modules/process", runtime)
local time = use("modules/time", runtime)

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

--- Waits at `replies`, the channel of an alias under which `dest` is monitored: `value, err`.
function request.await(what, dest, replies, timeout)
  local cases = { replies:case_receive() }
  local late
  if timeout ~= "infinity" then
    late = assert(time.after(timeout))
    cases[2] = late:case_receive()
  end
  local result = channel.select(cases)
  if late and result.channel == late then
    local after = tostring(timeout)
    return nil,
      errors.make("Timeout", "no reply from " .. what .. " " .. dest .. " in " .. after, true)
  end
  local value = result.value
  if value.kind == process.event.EXIT then
    return nil, ended(what, dest, value.result.error)
  end
  return value.value, value.error
end

--- Sends `body` to `dest` and waits for the reply: `value, err`. `what` names the receiver in errors. Errors: the
--- receiver's own; NotFound: there is none; Unavailable: it ended before it replied; Timeout.
function request.ask(what, dest, topic, body, timeout)
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

--- Replies to a request; `to` is { pid, alias }.
function request.reply(to, value, err)
  return process.send(to.pid, to.alias, { value = value, error = err })
end

return request
