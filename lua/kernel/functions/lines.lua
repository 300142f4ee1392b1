-- Lines of calls: a function is called for each of many requests that have come together. What has an instance goes
-- through the line call by call, on one coroutine and in one step: to wake an instance for each takes as long as a
-- short function, and many instances do not fit the processor's caches. Where a call stops in the middle, because it
-- waits or its slice is spent, the others do not wait for it: behind the first call a _feeder_ is in the run queue,
-- which gives the next one to another instance and takes its place behind that.
--
-- A line is a table with these fields:
--   entry    the function
--   take     take(line) takes the next request: it, with `place`, where it is in the line; its frame; its argument
--   at       the place of the next one, from 1
--   last     the place of the last one
--   done     done(value, err, request) hears of an outcome
--   calls    by place: what `functions.withdraw` ends; `done` sets it to false
local use = ...
local errors = use("kernel/core/errors")
local functions = use("kernel/functions/functions")
local pool = use("kernel/functions/pool")
local scheduler = use("kernel/core/scheduler")
local unit = use("kernel/core/unit")
local ready, park, unit_of = scheduler.ready, scheduler.park, scheduler.unit_of
local ready_first, exchange, admit = host.ready_first, host.exchange, unit.admit

local lines = {}

-- Feeders that wait for a line.
local idle = {}

-- A callee on an instance, which goes through the line from there on.
local function callee_of(line, instance, request, frame)
  local callee = functions.make(instance, line.entry, frame, request, line.done)
  line.calls[request.place] = callee
  instance.line = line
  return callee
end

-- A call of a line is over, and its coroutine still runs: it becomes one of the next call. Returns that one's argument.
local function go_on(line, instance)
  local request, frame, value = line.take(line)
  local callee = callee_of(line, instance, request, frame)
  instance.callee = callee
  callee.main = scheduler.pass_to(callee)
  admit(callee)
  return value
end

-- Starts a callee with its argument: behind all that is runnable, or before it while the line is fed.
local function start(line, instance, callee, value)
  local co = functions.prepare(instance, callee, 1)
  callee.main, unit_of[co] = co, callee
  if line.fed then
    ready_first(co, value)
  else
    ready(co, value)
  end
  admit(callee)
end

-- A call that waits for an instance has one, or the Error why there is none.
local function begin_waiting(call, instance, err)
  local line = call.line
  if err then
    call.ended = true
    line.done(nil, err, call.request)
    return
  end
  local callee = callee_of(line, instance, call.request, call.frame)
  call.callee = callee
  start(line, instance, callee, call.value)
end

-- Starts the next call of a line. Returns false when it has to wait for an instance.
local function start_next(line)
  local free = pool.take(line.entry)
  local request, frame, value = line.take(line)
  if free then
    start(line, free, callee_of(line, free, request, frame), value)
    return true
  end
  local call = {
    begin = begin_waiting,
    line = line,
    request = request,
    frame = frame,
    value = value,
    callee = false,
    ended = false,
  }
  pool.queue(line.entry, call)
  if not call.callee and not call.ended then
    line.calls[request.place] = call
    return false
  end
  return true
end

-- Starts the calls of a line, in order, as if all had been in the run queue from the beginning.
local function feed(self, line)
  while line.at <= line.last do
    line.fed = true
    local begun = start_next(line)
    line.fed = false
    -- All that have to wait do so in the order of the line.
    if begun and line.at <= line.last then
      ready_first(self.main)
      exchange(1)
      park()
    end
  end
end

local function serve(self, line)
  while true do
    local ok, raised = pcall(feed, self, line)
    while not ok and line.at <= line.last do
      local request = line.take(line)
      line.done(nil, errors.from_raised(raised), request)
    end
    unit_of[self.main] = nil
    idle[#idle + 1] = self
    line = park()
  end
end

-- A unit that nobody sees: it is as the one in whose name the node has functions called.
local function feeder_for(line)
  local self = table.remove(idle)
  if self then
    self.entry = line.entry
  else
    self = { pid = "{node|0x00000}", entry = line.entry, frame = {}, main = false }
    self.main = coroutine.create(function(first)
      serve(self, first)
    end)
  end
  self.context = functions.context()
  return self
end

--- Begins a line.
function lines.begin(line)
  line.go_on, line.fed = go_on, false
  while line.at <= line.last do
    if start_next(line) and line.at <= line.last then
      local self = feeder_for(line)
      unit_of[self.main] = self
      ready(self.main, line)
      return
    end
  end
end

--- Ends a line, and the calls of it that run; nobody hears of any outcome.
function lines.withdraw(line)
  line.last = 0
  for _, call in pairs(line.calls) do
    if call then
      functions.withdraw(call)
    end
  end
end

return lines
