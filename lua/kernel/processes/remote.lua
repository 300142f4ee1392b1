-- What another worker is told without waiting for its answer, since a round trip between threads takes as long as
-- a hundred sends: messages to units that are known to live there, and spawns under PIDs that it reserved for us. Who
-- sends to a worker that does not keep up waits until that has taken half of what is on its way.
local use = ...
local limits = use("kernel/processes/limits")
local scheduler = use("kernel/core/scheduler")
local unit = use("kernel/core/unit")

local remote = {}

-- Most requests to the node in flight without a reply.
local UNANSWERED <const> = 256
-- So many PIDs are reserved at a time.
local BLOCK <const> = 1024

local unanswered = 0

--- Whether the next request to the node may be sent without waiting for a reply.
function remote.unhurried()
  unanswered = unanswered + 1
  if unanswered >= UNANSWERED and scheduler.may_wait() then
    unanswered = 0
    return false
  end
  return true
end

-- Waiting senders: worker -> the coroutines that wait until it keeps up.
local waiting = {}

-- Where units of other workers are known to live: PID -> what `host.route` answers. With it a native sends without
-- asking anybody (src/vm/natives/across.as.ts).
local MOST_ROUTES <const> = 1024
local routes, noted = {}, 0
remote.routes = routes

--- What is known of units of other workers may be otherwise now.
function remote.forget_routes()
  for pid in pairs(routes) do
    routes[pid] = nil
  end
  noted = 0
end

local function note_route(pid, worker)
  -- Who sends to a worker that does not keep up is to wait.
  if waiting[worker] then
    return
  end
  if not routes[pid] then
    if noted == MOST_ROUTES then
      remote.forget_routes()
    end
    noted = noted + 1
  end
  routes[pid] = host.route(worker)
end

--- The worker on which `pid` is known to live, when that is another one; else nil.
function remote.worker_of(pid)
  local worker, sequence, host_id = unit.worker_of(pid)
  if limits.of_messages(host_id) then
    -- The sender is to know when it is refused.
    return nil
  elseif worker and worker >= 0 and worker ~= unit.index() and host.alive(worker, sequence) then
    note_route(pid, worker)
    return worker
  end
  return nil
end

--- Makes senders to a worker wait, or resumes them.
function remote.congested(worker, on)
  local list = waiting[worker]
  waiting[worker] = on and (list or {}) or nil
  remote.forget_routes()
  if not on and list then
    for _, co in ipairs(list) do
      scheduler.ready(co)
    end
  end
end

--- Suspends the running coroutine, which has just sent something to a worker, while that does not keep up.
function remote.keep_pace(worker)
  local list = waiting[worker]
  -- It is sent already: who may not wait is no failure.
  if list and scheduler.may_wait() then
    list[#list + 1] = scheduler.waiter()
    host.park()
  end
end

-- PIDs that other workers reserved for units that this one starts there: worker -> {next, last, coming}.
local blocks = {}

local function reserve(worker, block)
  block.coming = true
  local ticket = unit.ticket(function(first)
    block.coming = false
    if first and blocks[worker] == block then
      block[#block + 1] = first
    end
  end, worker)
  host.emit("route", worker, ticket, "reserve", unit.index(), BLOCK)
end

--- Makes `worker` reserve PIDs in advance.
function remote.prepare(worker)
  local block = blocks[worker]
  if not block then
    block = { coming = false, left = 0 }
    blocks[worker] = block
  end
  if #block == 0 and not block.coming then
    reserve(worker, block)
  end
end

--- A PID for a unit that `worker` is to start, or nil when none is reserved yet.
function remote.new_pid(worker, host_id)
  remote.prepare(worker)
  local block = blocks[worker]
  if block.left == 0 then
    if #block == 0 then
      return nil
    end
    block.next, block.left = table.remove(block, 1), BLOCK
    remote.prepare(worker)
  end
  local sequence = block.next
  block.next, block.left = sequence + 1, block.left - 1
  return unit.pid_at(host_id, sequence, worker)
end

--- Handles the death of a worker: drops its reserved PIDs and resumes waiting senders.
function remote.forget(worker)
  blocks[worker] = nil
  remote.congested(worker, false)
end

-- The newest PID that the other workers know of; false while there are no others.
local published = false

--- Lets the other workers know which units of this one live: called before they hear of an end, and after each turn.
function remote.publish()
  if not published then
    return
  end
  local at, count = host.take_gone()
  if count > 0 or unit.sequence() ~= published then
    published = unit.sequence()
    host.liveness("update", published, at, count)
  end
end

--- From now on there are (or are not) other workers.
function remote.alone(alone)
  if alone then
    unit.keep_gone(false)
    published = false
  elseif not published then
    unit.keep_gone(true)
    host.take_gone()
    -- The same list, for the numbers of those that live.
    for pid in pairs(unit.by_pid) do
      host.note_gone(pid)
    end
    published = unit.sequence()
    host.liveness("reset", published, host.take_gone())
  end
end

return remote
