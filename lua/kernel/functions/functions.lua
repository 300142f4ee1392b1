-- Calls of functions: a callee is a unit in its caller's frame; it ends when its caller ends.
-- An instance of a pool keeps one coroutine for all its calls: after a call it parks, and the next call resumes it with
-- its function and arguments. Making a coroutine for each call costs about as much as the call itself.
local use = ...
local call_counts = use("kernel/functions/call_counts")
local copies = use("kernel/core/copy")
local core = use("kernel/core/core")
local errors = use("kernel/core/errors")
local future = use("kernel/messaging/future")
local pool = use("kernel/functions/pool")
local processes = use("kernel/processes/processes")
local sandbox = use("kernel/core/sandbox")
local scheduler = use("kernel/core/scheduler")
local spawning = use("kernel/processes/spawning")
local unit = use("kernel/core/unit")
local unread = use("kernel/functions/unread")
local ready, park, this_waiter = scheduler.ready, host.park, scheduler.waiter
local finish, timing = unit.finish, pool.timing
local select, type = select, type

local functions = {}

-- The handlers of function units.
local context

functions.connect = core.hooks("kernel/functions/functions", { "context" }, function(handlers)
  context = handlers
end)

--- Functions that are called without options, by their ids: a native calls these (src/vm/natives/calls.as.ts).
functions.simple = {}

--- What a callee is made of there: the fields that `make` gives it.
functions.CALLEE = {
  entry = false,
  context = false,
  frame = false,
  main = false,
  instance = false,
  caller = false,
  waiter = false,
  ended = false,
}

--- The handlers of function units.
function functions.context()
  return context
end

local function canceled()
  return errors.fail("Canceled", "context canceled")
end

--- The function entry of `id`, or `nil, err` as a caller should see it.
function functions.entry(id)
  local entry, err = sandbox.entry(id)
  if entry and (entry.kind == "function.lua" or (entry.kind == "process.lua" and entry.host)) then
    return entry
  end
  local what = "no handler registered for target"
  return nil, err or sandbox.missing(what, id, "function.lua", { target = id })
end

-- What a caller is given of a callee's result: a copy, or the error why there is none.
local function outcome(value, err)
  if err then
    return nil, copies.copy(err)
  elseif value == nil then
    return nil
  end
  local kind = type(value)
  if kind == "table" or kind == "function" or kind == "thread" then
    local ok, copy = pcall(copies.copy, value)
    if not ok then
      return nil, errors.from_raised(copy)
    end
    value = copy
  end
  return value
end

-- True while a unit is finished whose outcome is a copy already.
local copied = false

-- Gives a future the outcome of its call.
local function complete(callee, result, value, err)
  local caller = callee.caller
  local owned = caller.calls
  owned[callee] = nil
  if err then
    unread.note(caller, owned, result, callee.entry.id, err)
  end
  future.complete(result, value, err)
end

local function answer(callee, value, err)
  local waiter = callee.waiter
  if copied then
    copied = false
  else
    value, err = outcome(value, err)
  end
  local kind = type(waiter)
  if kind == "thread" then
    callee.caller.calls[callee] = nil
    ready(waiter, value, err)
  elseif kind == "table" then
    complete(callee, waiter, value, err)
  elseif waiter then
    waiter(value, err, callee.caller)
  end
end

-- A call has returned; its coroutine goes on to wait for the next one. The result is copied while the unit still runs,
-- since a long copy pauses; the call may be cancelled meanwhile, and then nothing of this goes on.
local function returned(instance, value, second)
  if not instance then
    -- A native has ended the call of this future.
    future.complete(second, value)
    return park()
  end
  local callee, line = instance.callee, instance.line
  if callee then
    local err = second ~= nil and errors.from_returned(second) or nil
    value, err = outcome(value, err)
    copied = true
    instance.callee, instance.line = false, false
    finish(callee, value, err)
    copied = false
    if line and line.at <= line.last and pool.take_back(instance) then
      return line.go_on(line, instance)
    end
  end
  return park()
end
-- A native takes plain results, and parks; all else it leaves to the function above.
returned = host.bind(host.returned, returned)

local function serve(instance)
  return function(a, b)
    local fn = instance.fn
    while true do
      -- Exactly as many as the caller gave: the function may count them.
      local n = instance.n
      if n == 1 then
        a, b = returned(instance, fn(a))
      elseif n == 0 then
        a, b = returned(instance, fn())
      else
        a, b = returned(instance, fn(a, b))
      end
    end
  end
end

--- Makes a callee. `waiter` is what is told of its outcome: a coroutine of `caller` that waits for it, a future of
-- `caller`, or a function of (value, err, caller).
function functions.make(instance, entry, frame, caller, waiter)
  local own = entry.context
  -- Eight fields and no more: a table that grows is made anew.
  local callee = {
    entry = entry,
    context = own or context,
    frame = frame,
    main = false,
    instance = instance,
    caller = caller,
    waiter = waiter,
    ended = false,
  }
  if own then
    own.started(callee)
  elseif timing.on then
    -- What has a context of its own, a program of eval_runner, is no function of the application.
    instance.since = host.now()
    if timing.counted then
      call_counts.began(entry.id)
    end
  end
  return callee
end
local make = functions.make

--- Gives an instance a callee, with `n` arguments, two at most. Returns the coroutine on which to start it.
function functions.prepare(instance, callee, n)
  local co = instance.co
  if not co then
    co = coroutine.create(serve(instance))
    instance.co = co
  end
  instance.callee, instance.n = callee, n
  return co
end
local prepare = functions.prepare

-- Starts a callee on its instance's coroutine, with `n` arguments, two at most.
local function resume(instance, callee, n, a, b)
  unit.start(callee, prepare(instance, callee, n), a, b)
  return callee
end

-- Makes and starts a callee.
local function start(instance, entry, frame, caller, waiter, n, a, b, ...)
  local callee = make(instance, entry, frame, caller, waiter)
  if n <= 2 then
    return resume(instance, callee, n, a, b)
  end
  -- More arguments than a wake-up carries: a coroutine of its own.
  unit.start(callee, coroutine.create(unit.bind(instance.fn, a, b, ...)))
  return callee
end

--- The end of a function unit: its instance is free again and its caller hears of it.
function functions.ended(callee, value, err)
  local instance = callee.instance
  if instance.callee == callee then
    -- A coroutine that did not come back by itself (an error, a cancelled call) is not used again.
    instance.callee, instance.co, instance.line = false, false, false
  end
  if err then
    instance.pool.failed = instance.pool.failed + 1
  end
  local time = instance.since and host.now() - instance.since
  if time then
    pool.took(instance, time)
    instance.since = false
  end
  answer(callee, value, err)
  pool.release(instance)
  if time and timing.counted then
    call_counts.ended(callee.entry.id, time, err)
  end
end

--- Ends a call that its caller does not want any more.
function functions.cancel(callee)
  callee.waiter = false
  unit.kill(callee, canceled())
end

--- Ends the running call with the result nil, from inside (an upgrade, which a function has no use for).
function functions.stop(callee)
  -- Raises where the code could not be left.
  scheduler.waiter()
  -- Its coroutine stops in the middle of the function, so no other call may use it.
  callee.instance.co = false
  finish(callee)
  park()
end

--- The set of what a unit has running, which ends with it: callees, and functions that cancel something.
local function owned_by(caller)
  local owned = caller.calls
  if not owned then
    owned = {}
    caller.calls = owned
  end
  return owned
end
functions.owned_by = owned_by

-- Withdraws a call whose future was cancelled.
local function cancel_call(callee)
  callee.caller.calls[callee] = nil
  functions.cancel(callee)
end

--- Starts a call on an instance that is free and returns its future; nil when none is.
function functions.begin(caller, entry, frame, ...)
  local instance = entry.pool and pool.take(entry)
  if not instance then
    return nil
  end
  local owned = owned_by(caller)
  local result = future.new(cancel_call)
  local callee = start(instance, entry, frame, caller, result, select("#", ...), ...)
  future.state(result).call = callee
  owned[callee] = true
  return result
end

-- A process with a default host, called like a function: its caller's end asks it to cancel.
local function run_process(entry, frame, done, ...)
  local wanted = true
  local since = timing.counted and host.now()
  if since then
    call_counts.began(entry.id)
  end
  local function finished(err)
    wanted = false
    if since then
      call_counts.ended(entry.id, host.now() - since, err)
    end
  end
  local pid = spawning.run(function(value, err)
    if wanted then
      finished(err)
      done(value, err)
    end
  end, entry.id, entry.host, frame, nil, ...)
  return function()
    if wanted then
      finished(canceled())
    end
    if pid then
      processes.operations.cancel(pid, "{|}", "operation canceled")
    end
  end
end

--- Runs function `entry` in `frame`; `done(value, err)` gets its outcome unless the returned function cancels it.
--- The instance's pool may make the call wait. `caller` is the unit that waits for the outcome, false when none does.
function functions.run_for(caller, entry, frame, done, ...)
  if entry.kind == "process.lua" then
    return run_process(entry, frame, done, ...)
  end
  local callee, withdrawn
  local n = select("#", ...)
  local free = entry.pool and pool.take(entry)
  if free then
    callee = start(free, entry, frame, caller, done, n, ...)
    return function()
      if not callee.ended then
        functions.cancel(callee)
      end
    end
  end
  local packed = n > 0 and { ... }
  local withdraw = pool.acquire(entry, function(instance, err)
    if err then
      done(nil, err)
    elseif withdrawn then
      pool.release(instance)
    elseif packed then
      callee = start(instance, entry, frame, caller, done, n, table.unpack(packed, 1, n))
    else
      callee = start(instance, entry, frame, caller, done, 0)
    end
  end)
  return function()
    withdrawn = true
    if withdraw then
      withdraw()
    end
    if callee and not callee.ended then
      functions.cancel(callee)
    end
  end
end

--- As `run_for`, for nobody who waits.
function functions.run(entry, frame, done, ...)
  return functions.run_for(false, entry, frame, done, ...)
end

-- A call that waits for an instance has one, or the Error why there is none.
local function begin_queued(call, instance, err)
  if err then
    call.ended = true
    call.done(nil, err, call.request)
  else
    local callee = make(instance, call.entry, call.frame, call.request, call.done)
    call.callee = callee
    resume(instance, callee, call.n, call.value)
  end
end

--- As `run_for`, with one argument at most, for a request that stands where its caller would; one function for all of
--- them is `done(value, err, request)`. Returns what `withdraw` ends.
function functions.serve(request, entry, frame, done, ...)
  local free = entry.pool and pool.take(entry)
  if free then
    return resume(free, make(free, entry, frame, request, done), select("#", ...), ...)
  end
  if entry.kind == "process.lua" then
    return functions.run_for(request, entry, frame, function(value, err)
      done(value, err, request)
    end, ...)
  end
  local call = {
    begin = begin_queued,
    request = request,
    entry = entry,
    frame = frame,
    done = done,
    n = select("#", ...),
    value = (...),
    callee = false,
    ended = false,
  }
  pool.queue(entry, call)
  return call
end

--- Ends a call, by what `serve` or `run` has returned.
function functions.withdraw(call)
  if type(call) == "function" then
    call()
    return
  end
  if call.begin then
    if not call.callee then
      call.ended = true
      return
    end
    call = call.callee
  end
  if not call.ended then
    functions.cancel(call)
  end
end

--- Waits for what `run(done)` starts. Returns its outcome, `value, err`. `run` returns the function that cancels it,
--- which is called when the caller ends first.
function functions.wait_for(caller, run)
  local co = scheduler.waiter()
  local finished, value, err = false, nil, nil
  local parked, owned, cancel = false, owned_by(caller), nil
  cancel = run(function(result, failure)
    finished, value, err = true, result, failure
    if parked then
      owned[cancel] = nil
      ready(co, result, failure)
    end
  end)
  if finished then
    return value, err
  end
  owned[cancel] = true
  parked = true
  return park()
end

local function wait_in_queue(caller, entry, frame, ...)
  local args = table.pack(...)
  return functions.wait_for(caller, function(done)
    return functions.run_for(caller, entry, frame, done, table.unpack(args, 1, args.n))
  end)
end

--- Runs a call of this worker for the running coroutine and waits: `value, err`.
function functions.wait(caller, entry, frame, ...)
  local co = this_waiter()
  local instance = entry.pool and pool.take(entry)
  if not instance then
    local err = entry.pool and pool.starved(entry, caller)
    if err then
      return nil, err
    end
    return wait_in_queue(caller, entry, frame, ...)
  end
  local owned = owned_by(caller)
  local callee = start(instance, entry, frame, caller, false, select("#", ...), ...)
  owned[callee] = true
  -- Only now: nothing fails between this and the wait.
  callee.waiter = co
  return park()
end

return functions
