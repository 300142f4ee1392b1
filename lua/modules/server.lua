--- Module `server`: request and reply in the manner of Erlang/OTP's gen_server, on the public API of processes.
-- @workflows no
-- @sandbox yes
local runtime = ...
local use, check, errors = runtime.use, runtime.check, runtime.errors
local channel = use("kernel/messaging/channel")
local process = use("modules/process", runtime)
local request = use("library/request", runtime)
local serve = use("library/server_loop", runtime)
local scheduler = use("kernel/core/scheduler")
local unit = use("kernel/core/unit")

local server = {}

--- Of handle_call: replies with `value` and goes on with `state`.
function server.reply(value, state, options)
  return serve.answer({ reply = true, value = value, state = state, options = options })
end

--- Of handle_call: replies with an error (a text or an Error) and goes on with `state`.
function server.fail(err, state, options)
  return serve.answer({ reply = true, failure = err, state = state, options = options })
end

--- Of any callback: goes on with `state`; a caller who got no reply waits for `server.answer`.
function server.noreply(state, options)
  return serve.answer({ state = state, options = options })
end

--- Of any callback: ends the server with `reason` (nil: a normal end; a text or an Error: a failure).
--- `reply` goes to the caller of a handle_call.
function server.finish(reason, state, reply)
  return serve.answer({
    stop = true,
    reason = reason,
    state = state,
    reply = reply ~= nil,
    value = reply,
  })
end

--- Runs the calling process as a server until it ends: what the process's main returns.
--- `callbacks` holds init and the handlers that the page of this module lists; the rest goes to init.
function server.run(callbacks, ...)
  check.table(callbacks, 1, "run")
  local err = runtime.not_in_workflow("server.run")
  if err then
    return nil, err
  end
  return serve.run(callbacks, ...)
end

--- Sends a request and waits for the reply: `value, nil` or `nil, err`. `timeout` is a duration (default 5 s) or
--- "infinity". Errors: the server's own; NotFound: no such server; Unavailable: it ended meanwhile; Timeout.
function server.call(dest, body, timeout)
  check.string(dest, 1, "call")
  return request.ask("server", dest, "$call", body, request.timeout(timeout, 3, "call"))
end

--- Sends a request without waiting: `true`, or `nil, err` when there is no such server.
function server.cast(dest, body)
  check.string(dest, 1, "cast")
  return process.send(dest, "$cast", { request = body })
end

--- Calls several servers at once: { dest -> value }, { dest -> err }.
function server.multi_call(dests, body, timeout)
  check.table(dests, 1, "multi_call")
  timeout = request.timeout(timeout, 3, "multi_call")
  local err = runtime.not_in_workflow("server.multi_call")
  if err then
    return nil, err
  end
  local values, failures, done = {}, {}, channel.new(#dests)
  for _, dest in ipairs(dests) do
    check.string(dest, 1, "multi_call")
    local co = unit.spawn_coroutine(scheduler.current, function()
      values[dest], failures[dest] = request.ask("server", dest, "$call", body, timeout)
      done:send(true)
    end)
    scheduler.ready(co)
  end
  for _ = 1, #dests do
    done:receive()
  end
  return values, failures
end

--- Answers a caller whom handle_call left waiting; `from` is what handle_call was given.
function server.answer(from, value, err)
  check.table(from, 1, "answer")
  if type(err) == "string" then
    err = errors.from_returned(err)
  end
  return request.reply(from, value, err)
end

--- Ends a server in order (terminate is called) and waits: `true`, or `nil, err`. `reason` as for server.finish.
function server.stop(dest, reason, timeout)
  check.string(dest, 1, "stop")
  return request.ask("server", dest, "$stop", reason, request.timeout(timeout, 3, "stop"))
end

local function starter(name, spawn, monitored)
  --- Starts entry `id`, whose main is a server.run, on a host and waits until init is done: pid, or `nil, err`.
  server[name] = function(id, host_id, ...)
    check.string(id, 1, name)
    check.string(host_id, 2, name)
    local args = table.pack(...)
    local pid, started, err = request.start("server", function(builder)
      return builder[spawn](builder, id, host_id, table.unpack(args, 1, args.n))
    end)
    if not started then
      return nil, err
    end
    if monitored then
      process.monitor(pid)
    end
    return pid
  end
end

starter("start", "spawn")
starter("start_link", "spawn_linked")
starter("start_monitor", "spawn", true)

return server
