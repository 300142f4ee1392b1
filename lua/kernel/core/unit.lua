-- Units: what a running function, process or workflow is to the kernel, from start to end.
-- A unit is a table: pid, entry, context, frame, main (its first coroutine), and, only where used: inbox, events,
-- listeners, others (further coroutines), monitors, links, watching, calls, cleanups, trap_links, host_work.
local use = ...
local copies = use("kernel/core/copy")
local core = use("kernel/core/core")
local errors = use("kernel/core/errors")
local failures = use("kernel/core/failures")
local scheduler = use("kernel/core/scheduler")
local shortage = use("kernel/core/shortage")
local unit_of = scheduler.unit_of
local raw_tostring = use("kernel/core/stable").tostring

-- `gone`: whether the numbers of units that end are kept until somebody takes them. `observer` hears of starts and
-- ends; false while nobody wants to. A native reads both when a process ends.
local unit = { by_pid = {}, live = 0, gone = false, observer = false }
local by_pid = unit.by_pid

local cancel_call, leave_host, announce

--- `cancel_call(callee)` ends a call that the unit waits for, `leave_host(limits)` returns its place on a host with
--- limits, `announce(unit, value, err)` informs those that watch it or are watched by it.
unit.connect = core.hooks(
  "kernel/core/unit",
  { "cancel_call", "leave_host", "announce" },
  function(...)
    cancel_call, leave_host, announce = ...
  end
)

local first_sequence, last_ticket = 0, 0

-- A PID's number begins with eight random digits, so that nobody can guess it; then, in hex, the sequence with the
-- worker in its low six bits. Random digits are fetched many at a time; `at` is the next of them.
local SECRET <const>, SECRETS <const> = 8, 256
--- What the next PID is made of, and by host what PIDs begin with: a native (src/vm/natives/spawn.as.ts) has both.
unit.numbers, unit.prefixes = { index = 0, sequence = 0, secrets = "", at = 1 }, {}
local numbers, prefixes = unit.numbers, unit.prefixes
local native_text = host.pid_text

--- This worker's index.
function unit.index()
  return numbers.index
end

--- This worker's index (0..63), which every PID carries, and the first number of its PIDs and tickets: a replaced
--- worker uses none again, so that an answer that comes too late meets nobody.
function unit.configure(index, first)
  numbers.index, numbers.sequence, first_sequence, last_ticket = index, first, first, first
end

-- The text of a PID: `{HOST|ID}`. A native makes it, but for long names of hosts.
local function pid_text(host_id, number)
  local prefix = prefixes[host_id]
  if not prefix then
    prefix = "{" .. host_id .. "|0x"
    prefixes[host_id] = prefix
  end
  if numbers.at > #numbers.secrets then
    numbers.secrets, numbers.at = host.random_digits(SECRET * SECRETS), 1
  end
  local at, secrets = numbers.at, numbers.secrets
  numbers.at = at + SECRET
  return native_text(prefix, secrets, at, number)
    or string.format("%s%s%05x}", prefix, string.sub(secrets, at, at + SECRET - 1), number)
end

--- A new PID on this worker.
function unit.new_pid(host)
  local sequence = numbers.sequence + 1
  numbers.sequence = sequence
  return pid_text(host, sequence * 64 + numbers.index)
end

--- The text of the PID with this sequence number on this or another worker.
function unit.pid_at(host, number, worker)
  return pid_text(host, number * 64 + worker)
end

--- The sequence number of the newest PID.
function unit.sequence()
  return numbers.sequence
end

--- Sets `count` sequence numbers aside, for PIDs that another worker assigns. Returns the first.
function unit.reserve(count)
  numbers.sequence = numbers.sequence + count
  return numbers.sequence - count + 1
end

--- Whether a PID of this worker was given since it started: it is none of a worker that this one replaced.
function unit.is_own(number)
  return number > first_sequence and number <= numbers.sequence
end

--- The PID of a unit; functions get theirs when somebody asks.
function unit.pid_of(self)
  local pid = self.pid
  if not pid then
    pid = unit.new_pid(self.entry.id .. "#lua.1")
    self.pid = pid
    by_pid[pid] = self
  end
  return pid
end

local node_hosts = { ["node:control"] = true }

-- What the texts of PIDs say that were asked for last, up to a number: most are asked for again.
local MOST_KNOWN <const>, LONGEST_KNOWN <const> = 1024, 256
local known, count = {}, 0

--- Notes that units of a host live on the node.
function unit.add_node_host(id)
  node_hosts[id] = true
  known, count = {}, 0
end

--- Whether units of a host live on the node.
function unit.is_node_host(id)
  return node_hosts[id] == true
end

-- What `worker_of` answers for PIDs that are none.
local NONE <const> = {}

-- What the text of a PID says: { worker, sequence, host }.
local function parse(pid)
  local host, number = string.match(pid, "^{([^|]*)|(.+)}$")
  if not host then
    return NONE
  end
  if node_hosts[host:match("@(.*)$") or host] then
    return { -1 }
  end
  local digits = string.match(number, "^0x(%x+)$")
  if not digits then
    return NONE
  elseif #digits <= SECRET then
    -- Nobody has such a PID.
    return { tonumber(digits, 16) & 63, -1, host }
  end
  local integer = tonumber(string.sub(digits, SECRET + 1), 16)
  return { integer & 63, integer >> 6, host }
end

--- Which worker a PID lives on: its index, -1 for what the node itself hosts, nil when it is no PID; and its
--- sequence number there and its host.
function unit.worker_of(pid)
  local parts = known[pid]
  if not parts then
    parts = parse(pid)
    if #pid <= LONGEST_KNOWN then
      if count == MOST_KNOWN then
        known, count = {}, 0
      end
      known[pid] = parts
      count = count + 1
    end
  end
  return parts[1], parts[2], parts[3]
end

--- Starts a coroutine of a unit beside its main one.
function unit.spawn_coroutine(self, fn)
  local co = coroutine.create(fn)
  unit_of[co] = self
  local others = self.others
  if not others then
    others = {}
    self.others = others
  end
  others[co] = true
  return co
end

--- A function that calls `fn` with these arguments, more than a wake-up carries.
function unit.bind(fn, ...)
  local args, n = { ... }, select("#", ...)
  return function()
    return fn(table.unpack(args, 1, n))
  end
end

local observers = {}

local function tell_observers(kind, self, err)
  for _, fn in pairs(observers) do
    fn(kind, self, err)
  end
end

--- Has `fn(kind, unit, err)` hear of what units do, under a name; false: nobody under that name. The kinds are "start",
--- "run" (a unit that started without a coroutine, or anew, has one), "exit" and "restart".
function unit.set_observer(name, fn)
  observers[name] = fn or nil
  unit.observer = next(observers) and tell_observers or false
end

--- Lets the observer hear of a restart: of a unit (its PID, entry and parent) because of `err`.
function unit.restarted(self, err)
  if unit.observer then
    unit.observer("restart", self, err)
  end
end

--- Counts a unit. One that has no main coroutine yet must be run or finished.
function unit.admit(self)
  unit.live = unit.live + 1
  if unit.observer then
    unit.observer("start", self)
  end
end

--- Makes `co` the main coroutine of a unit that was admitted, and runnable; `a` and `b` are its first arguments.
function unit.run(self, co, a, b)
  self.main = co
  unit_of[co] = self
  scheduler.ready(co, a, b)
  if unit.observer then
    unit.observer("run", self)
  end
end

--- Admits a unit and runs it: what most starts are, without the two calls.
function unit.start(self, co, a, b)
  self.main = co
  unit_of[co] = self
  scheduler.ready(co, a, b)
  unit.live = unit.live + 1
  if unit.observer then
    unit.observer("start", self)
  end
end

local function stop_coroutines(self)
  if self.main then
    unit_of[self.main] = nil
  end
  local others = self.others
  if others then
    for co in pairs(others) do
      unit_of[co] = nil
    end
  end
end

-- Ends what the unit has running beside its coroutines: calls, host operations; runs its clean-up.
local function release(self)
  local calls = self.calls
  if calls then
    for call in pairs(calls) do
      if type(call) == "table" then
        cancel_call(call)
      else
        call()
      end
    end
  end
  local cleanups = self.cleanups
  if cleanups then
    for i = #cleanups, 1, -1 do
      cleanups[i]()
    end
  end
  if self.host_work then
    host.emit("unit_end", self.host_work)
  end
end

--- Empties a unit for new code under the same PID: all but identity, links, monitors and frame goes.
function unit.restart(self)
  stop_coroutines(self)
  release(self)
  self.others, self.calls, self.cleanups, self.host_work = nil, nil, nil, nil
  self.blocked = nil
  self.inbox, self.events, self.listeners, self.trap_links, self.upgradable =
    nil, nil, nil, nil, nil
end

--- Ends a unit with `value` or `err`: nothing of it runs again, and all who wait for it are told.
function unit.finish(self, value, err)
  if self.ended then
    return
  end
  -- The result of a process is handed over, not copied.
  if value ~= nil and self.context.kind == "process" and type(value) == "table" then
    local refusal = copies.refusal(value)
    if refusal then
      value, err = nil, refusal
    end
  end
  -- With its error, for what is still on its way in the unit's name.
  self.ended = err or true
  unit.live = unit.live - 1
  if unit.observer then
    unit.observer("exit", self, err)
  end
  stop_coroutines(self)
  local pid = self.pid
  if pid then
    by_pid[pid] = nil
    if unit.gone then
      host.note_gone(pid)
    end
  end
  if self.calls or self.cleanups or self.host_work then
    release(self)
  end
  if self.place then
    leave_host(self.place)
  end
  if self.monitors or self.links or self.waiters or self.watching or self.named then
    announce(self, value, err)
  end
  self.context.ended(self, value, err)
end

--- Notes that a unit ended which never started here.
function unit.note_gone(pid)
  if unit.gone then
    host.note_gone(pid)
  end
end

--- Sets whether the numbers of ended units are recorded for `host.take_gone`.
function unit.keep_gone(on)
  unit.gone = on
end

--- Ends a unit by force (terminate, cancellation of its caller, a failed link).
--- The running slice is not interrupted: a unit that ends itself so goes on until it parks.
function unit.kill(self, err)
  if self == scheduler.current then
    scheduler.at(0, {
      fire = function()
        unit.finish(self, nil, err)
      end,
    })
  else
    unit.finish(self, nil, err)
  end
end

--- Runs `fn` (which must not suspend) when the unit ends.
function unit.on_end(self, fn)
  local cleanups = self.cleanups or {}
  self.cleanups = cleanups
  cleanups[#cleanups + 1] = fn
end

-- The error of a unit none of whose coroutines can ever wake, or nil.
local function deadlock(self)
  local alive = 1
  for _ in pairs(self.others or {}) do
    alive = alive + 1
  end
  if self.blocked < alive then
    return nil
  end
  return errors.fail("Internal", "deadlock: all coroutines blocked with no pending operations")
end

--- Notes that the running coroutine waits for nothing. Returns the error of the unit when all its coroutines do so.
function unit.block(self)
  local before = self.blocked
  self.blocked = (before or 0) + 1
  local err = deadlock(self)
  if err then
    self.blocked = before
  end
  return err
end

--- Takes what a coroutine of a unit has returned.
function unit.returned(self, co, value, second)
  if co == self.main then
    local err = second ~= nil and errors.from_returned(second) or nil
    if err then
      value = nil
      pcall(failures.crashed, self, err)
    end
    unit.finish(self, value, err)
  else
    unit_of[co] = nil
    self.others[co] = nil
    self.fuel = (self.fuel or 0) + host.burnt(co)
    local err = self.blocked and deadlock(self)
    if err then
      pcall(failures.crashed, self, err, true)
      unit.finish(self, nil, err)
    end
  end
end

--- Takes what a coroutine of a unit has raised.
function unit.raised(self, co, raised)
  if self.run and shortage.is(raised) then
    return shortage.give_up(self.run, raised)
  end
  if self.entry.script and errors.has_own_text(raised) then
    -- Its text is made by code of the script, which runs in the script's name, as long as it likes.
    local stack = host.traceback(co, "")
    local speaker = unit.spawn_coroutine(self, function()
      local ok, text = pcall(raw_tostring, raised)
      local err = errors.from_raised(ok and text or raised, stack)
      pcall(failures.crashed, self, err, true)
      unit.finish(self, nil, err)
    end)
    return scheduler.ready(speaker)
  end
  local err = errors.from_raised(raised, host.traceback(co, ""))
  pcall(failures.crashed, self, err, true)
  unit.finish(self, nil, err)
end

-- Tickets: what waits for an answer from outside this worker's Lua. A ticket is a coroutine or a function.
local tickets, ticket_worker = {}, {}

--- A number under which `waiter` (a coroutine or a function of two values) gets its answer. `worker` is the one
--- that owes the answer, so that its death answers too.
function unit.ticket(waiter, worker)
  local owner = unit_of[waiter]
  if owner and owner.run then
    error(errors.fail("Internal", "a workflow waits for what is not recorded; use the effects"), 0)
  end
  last_ticket = last_ticket + 1
  tickets[last_ticket] = waiter
  ticket_worker[last_ticket] = worker
  return last_ticket
end

--- Delivers an answer; a ticket whose unit is gone is ignored.
function unit.complete(ticket, a, b)
  local waiter = tickets[ticket]
  tickets[ticket], ticket_worker[ticket] = nil, nil
  if type(waiter) == "thread" then
    if unit_of[waiter] then
      scheduler.ready(waiter, a, b)
    end
  elseif waiter then
    waiter(a, b)
  end
end

--- `host.emit` for values of programs. Returns the Error (Invalid) when they are too large to leave this VM, else nil.
function unit.emit(...)
  local ok, err = pcall(host.emit, ...)
  if not ok then
    return errors.from_raised(err)
  end
  return nil
end

--- Answers several tickets, all with `true`.
function unit.complete_all(all)
  for i = 1, #all do
    unit.complete(all[i], true)
  end
end

--- Answers several tickets: they and their answers in turn.
function unit.complete_each(...)
  local all = { ... }
  for i = 1, #all, 2 do
    unit.complete(all[i], all[i + 1])
  end
end

--- Emits a request whose answer `ticket` waits for; one that cannot leave is answered with the Error.
function unit.emit_request(ticket, ...)
  local err = unit.emit(...)
  if err then
    unit.complete(ticket, nil, err)
  end
end

--- Forgets a ticket whose answer is not wanted any more.
function unit.drop_ticket(ticket)
  tickets[ticket], ticket_worker[ticket] = nil, nil
end

--- Answers every ticket that a dead worker owes.
function unit.fail_tickets_of(worker, err)
  local lost = {}
  for ticket, owner in pairs(ticket_worker) do
    if owner == worker then
      lost[#lost + 1] = ticket
    end
  end
  table.sort(lost)
  for _, ticket in ipairs(lost) do
    unit.complete(ticket, nil, err)
  end
end

return unit
