-- Lines of calls: a function is called for each of many requests that have come together. What has an instance goes
-- through the line call by call, on one coroutine and in one step: to wake an instance for each takes as long as a
-- short function, and many instances do not fit the processor's caches. Where a call stops in the middle, because it
-- waits or its slice is spent, the others do not wait for it: behind the first call a _feeder_ is in the run queue,
-- which gives the next one to another instance and takes its place behind that.
--
-- A line is a table with these fields:
--   entry    the function
--   items    a request and its argument in turn; a request has `place`, where it is in the line
--   at       the place of the next one, from 1
--   last     the place of the last one
--   frame    frame(line, request) makes the frame of a call
--   done     done(value, err, request) hears of an outcome
--   calls    by place: what `functions.withdraw` ends
local use = ...
local errors = use("kernel/core/errors")
local functions = use("kernel/functions/functions")
local pool = use("kernel/functions/pool")
local scheduler = use("kernel/core/scheduler")
local unit = use("kernel/core/unit")
local ready, park, unit_of = scheduler.ready, scheduler.park, scheduler.unit_of

local lines = {}

-- Feeders that wait for a line.
local idle = {}

-- Takes the next request out of the line: it, its frame, its argument.
local function take(line)
  local at = line.at
  line.at = at + 1
  local request = line.items[at * 2 - 1]
  request.place = at
  return request, line.frame(line, request), line.items[at * 2]
end

-- The next call of a line on an instance, and its argument.
local function next_call(line, instance)
  local request, frame, value = take(line)
  local callee = functions.make(instance, line.entry, frame, request, line.done)
  line.calls[request.place] = callee
  instance.line = line
  return callee, value
end

-- A call of a line is over, and its coroutine still runs: it becomes one of the next call. Returns that one's argument.
local function go_on(line, instance)
  local callee, value = next_call(line, instance)
  instance.callee = callee
  callee.main = scheduler.pass_to(callee)
  unit.live = unit.live + 1
  if unit.observer then
    unit.observer("start", callee)
  end
  return value
end

-- Starts the next call of a line on a free instance. Returns false when there is none, and none is to be made.
local function start(line)
  local free = pool.take(line.entry)
  if free then
    local callee, value = next_call(line, free)
    functions.resume(free, callee, 1, value)
    return true
  end
  local request, frame, value = take(line)
  local call = functions.queued(request, line.entry, frame, line.done, 1, value)
  line.calls[request.place] = call
  return call.callee ~= false
end

local function feed(self, line)
  while line.at <= line.last do
    -- All that have to wait do so in the order of the line.
    if start(line) and line.at <= line.last then
      ready(self.main)
      park()
    end
  end
end

local function serve(self, line)
  while true do
    local ok, raised = pcall(feed, self, line)
    while not ok and line.at <= line.last do
      local request = take(line)
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
  line.go_on = go_on
  while line.at <= line.last do
    if start(line) and line.at <= line.last then
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
