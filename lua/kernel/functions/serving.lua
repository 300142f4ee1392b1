-- Requests that servers receive: a function is called for each, and makes its response.
--
-- A record has what the kernel and the module `http` know of one. Only the function that the server calls has it, not
-- what that calls: it is kept where the caller of a unit would be. Its fields:
--   server    id of the server's entry
--   number    by which the server knows the request
--   list      the request as a server in another thread describes it; one in this thread is asked when it is wanted
--   request   what `http` has made of the description, false before
--   status, headers (false: none), rest (what is written and not sent), touched (whether a response was made)
--   outcome   false while the function runs, then "value", "nothing", or its Error
--   late      hears of the outcome, where nobody looks for it any more
local use = ...
local core = use("kernel/core/core")
local effects = use("kernel/core/effects")
local functions = use("kernel/functions/functions")
local operations = use("kernel/functions/operations")
local requests = use("kernel/processes/requests")
local scheduler = use("kernel/core/scheduler")
local security = use("kernel/security/security")
local unit = use("kernel/core/unit")

local serving = {}

local turn

--- `turn(record)` runs what is runnable. It returns what `kernel.run` does, or nil when the request is over and nothing
--- else came of it; without a record there is none.
serving.connect = core.hooks("kernel/functions/serving", { "turn" }, function(fn)
  turn = fn
end)

-- Requester id of servers in this thread; see src/worker/parts.ts.
local PARTS <const> = -2

-- Headers that are longer than this go another way, which may refuse them.
local MOST_HEADERS <const> = 65536

-- Why the identity of a request may not do what a firewall wants: 401 or 403, nil when it may.
local function refused_status(frame, checks)
  for _, check in ipairs(checks) do
    local actor = frame.actor
    if not actor or actor.id == "" then
      return 401
    elseif not security.can(frame, check.action, check.resource) then
      return 403
    end
  end
  return nil
end

-- What a request comes to, for a server that does not wait: whether the function returned a value, its error or false,
-- and, where it has made a response, true, its status, what of its body was not sent, and its headers, false when
-- there are none.
local function answer_of(record)
  local outcome, headers = record.outcome, record.headers
  local failure = type(outcome) ~= "string" and outcome
  if not record.touched then
    return { outcome == "value", failure }
  end
  local own = headers and next(headers) and headers or false
  return { outcome == "value", failure, true, record.status, record.rest, own }
end

local function answered(value, err, record)
  record.outcome = err or (value ~= nil and "value" or "nothing")
  local late = record.late
  if late then
    late(answer_of(record))
  end
end

--- Runs a function for a request that the node serves; `checks` are what its identity must be allowed to do, or false.
--- The answer is a list: the status of a refusal alone, or what `answer_of` says.
function serving.serve_node(reply, origin, ticket, target, frame, checks, list)
  local refused = checks and refused_status(frame, checks)
  if refused then
    reply({ refused })
    return
  end
  local entry, err = functions.entry(target)
  if not entry then
    reply({ false, err })
    return
  end
  local record = {
    server = list[1],
    number = list[2],
    list = list,
    request = false,
    status = 200,
    headers = false,
    rest = "",
    touched = false,
    outcome = false,
    late = function(answer)
      operations.forget_served(origin, ticket)
      reply(answer)
    end,
  }
  local call = functions.serve(record, entry, frame, answered)
  if not record.outcome then
    operations.keep_served(origin, ticket, call)
  end
end

-- Headers as one text: each name and its value, with a line feed after both. Neither has one. Nil: they are too long.
local function text_of(headers)
  if not headers then
    return ""
  end
  local parts = {}
  for name, value in pairs(headers) do
    parts[#parts + 1] = name .. "\n" .. value .. "\n"
  end
  local text = table.concat(parts)
  return #text <= MOST_HEADERS and text or nil
end

-- Digits of the ids of traces are fetched many at a time.
local TRACE <const>, TRACES <const> = 32, 64
local digits, next_digit = "", 1

local function new_trace()
  if next_digit > #digits then
    digits, next_digit = host.random_digits(TRACE * TRACES), 1
  end
  local first = next_digit
  next_digit = first + TRACE
  return digits:sub(first, next_digit - 1)
end

--- Runs a function for a request of a server in this thread, and then what there is to run: the first three results
--- are those of `turn`. Behind them, where the function has ended well: whether it returned a value and, where it has
--- made a response, its status, what of its body was not sent, and its headers as a text. Anything else is a reply.
--- `frame` is false for nobody's, `trace` false for a new one.
function serving.serve_here(ticket, target, frame, trace, checks, server, number)
  local values = { trace_id = trace or new_trace() }
  if frame then
    frame.values = values
  else
    frame = { values = values }
  end
  local refused = checks and refused_status(frame, checks)
  local entry, err = functions.entry(target)
  if refused or not entry then
    requests.reply(PARTS, ticket, refused and { refused } or { false, err })
    return turn()
  end
  -- Eight fields and no more: a table that grows is made anew.
  local record = {
    server = server,
    number = number,
    request = false,
    status = 200,
    headers = false,
    rest = "",
    touched = false,
    outcome = false,
  }
  local call = functions.serve(record, entry, frame, answered)
  local more, live, due = turn(record)
  local outcome = record.outcome
  if outcome == "nothing" or outcome == "value" then
    if not record.touched then
      return more, live, due, outcome == "value"
    end
    local headers = text_of(record.headers)
    if headers then
      return more, live, due, outcome == "value", record.status, record.rest, headers
    end
  end
  if outcome then
    requests.reply(PARTS, ticket, answer_of(record))
  else
    operations.keep_served(PARTS, ticket, call)
    record.late = function(answer)
      operations.forget_served(PARTS, ticket)
      requests.reply(PARTS, ticket, answer)
    end
  end
  return more, live, due
end

--- The record of the request that the running unit was called for; nil for any other unit.
function serving.current()
  local caller = scheduler.current.caller
  return caller and caller.server and caller or nil
end

--- The list by which the server describes a request.
function serving.describe(record)
  return record.list or assert(host.part(record.server, "describe", record.number))
end

--- Runs an operation of the server on a request: `value, err`.
function serving.ask(record, operation, input)
  input.id = record.number
  if record.list then
    return effects.request("services.ask", {
      service = record.server,
      operation = operation,
      input = input,
      pid = unit.pid_of(scheduler.current),
      frame = {},
    })
  end
  local ticket = unit.ticket(scheduler.waiter())
  unit.emit_request(ticket, "part", ticket, record.server, operation, input)
  return host.park()
end

serving.deferred = { call_request = serving.serve_node }

return serving
