-- What other workers, and the node (-1), ask of this one: operations by name. Each file returns its own as `operations`
-- or `deferred`; the kernel adds them.
local use = ...
local announced = use("kernel/processes/announced")
local messaging = use("kernel/messaging/messaging")
local unit = use("kernel/core/unit")
local by_pid, post = unit.by_pid, messaging.post

local requests = {}

-- Operations that answer by what they return, `value, err`, and those that answer later.
local operations, deferred = {}, {}

local function add(into, given)
  for name, operation in pairs(given) do
    if operations[name] or deferred[name] then
      error("operation '" .. name .. "' is there twice")
    end
    into[name] = operation
  end
end

--- Adds operations that answer at once: name -> function of the request's arguments that returns `value, err`.
function requests.add(given)
  add(operations, given)
end

--- Adds operations that answer later: name -> function(reply, origin, ticket, arguments…); `reply(value, err)`
--- answers.
function requests.add_deferred(given)
  add(deferred, given)
end

--- The names of all operations, sorted.
function requests.names()
  local names = {}
  for _, set in ipairs({ operations, deferred }) do
    for name in pairs(set) do
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return names
end

--- Answers a request. An outcome that is too large to leave this VM is replaced by the Error that says so.
function requests.reply(origin, ticket, value, failure)
  local err = unit.emit("reply", origin, ticket, value, failure)
  if err then
    host.emit("reply", origin, ticket, nil, err)
  end
end

-- Whether a request for a unit that is still to be started was put aside.
local function is_held(origin, ticket, op, target, ...)
  if type(target) ~= "string" or string.byte(target) ~= 123 or op == "spawn_as" then
    return false
  end
  return announced.hold(target, unit.bind(requests.serve, origin, ticket, op, target, ...))
end

--- Serves a request of another worker, or of the node (-1); ticket 0 wants no answer.
function requests.serve(origin, ticket, op, ...)
  local target = ...
  if not by_pid[target] and is_held(origin, ticket, op, ...) then
    return
  end
  local function reply(value, failure)
    if ticket ~= 0 then
      requests.reply(origin, ticket, value, failure)
    end
  end
  local later = deferred[op]
  if later then
    later(reply, origin, ticket, ...)
  else
    reply(operations[op](...))
  end
end

-- What `send` has: PID, topic, sender, number of values, and the one value of most messages.
local SENT <const> = 5

-- Whether a message was delivered of the five arguments of `send` at `first`, as most are: a value to a unit without
-- limits that lives here and asks for no answer.
local function is_posted(all, first)
  local target = by_pid[all[first]]
  if not target or target.limits or all[first + 3] ~= 1 then
    return false
  end
  post(target, all[first + 1], all[first + 2], all[first + 4])
  return true
end

--- Serves what another worker has sent in one batch: of each how many arguments or values it has, its ticket, its
--- operation (false: it is an answer), and those.
function requests.serve_all(origin, ...)
  local all = table.pack(...)
  local at = 1
  while at <= all.n do
    local count, ticket, op = all[at], all[at + 1], all[at + 2]
    local first, last = at + 3, at + 2 + count
    at = last + 1
    if op ~= "send" or ticket ~= 0 or count ~= SENT or not is_posted(all, first) then
      if op then
        requests.serve(origin, ticket, op, table.unpack(all, first, last))
      else
        unit.complete(ticket, table.unpack(all, first, last))
      end
    end
  end
end

--- Delivers what natives of another worker have packed, from one address to another. Returns the address of a message
--- that only JavaScript can unpack; nil: all are delivered.
function requests.take_mail(origin, at, last)
  while true do
    local next, pid, topic, from, value = host.take_mail(at, last)
    if not pid then
      return next
    end
    local target = by_pid[pid]
    if target and not target.limits then
      post(target, topic, from, value)
    else
      requests.serve(origin, 0, "send", pid, topic, from, 1, value)
    end
    at = next
  end
end

return requests
