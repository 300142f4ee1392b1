-- Calls of functions: a callee is a unit in its caller's frame; it ends when its caller ends.
local use = ...
local copies = use("kernel/copy")
local errors = use("kernel/errors")
local pool = use("kernel/pool")
local sandbox = use("kernel/sandbox")
local scheduler = use("kernel/scheduler")
local unit = use("kernel/unit")

local calls = {}

-- The handlers of function units; set by the kernel, as contexts are loaded after this file.
calls.context = false

local function canceled()
  return errors.fail("Canceled", "context canceled")
end

--- The function entry of `id`, or `nil, err` as a caller should see it.
function calls.entry(id)
  local entry, err = sandbox.entry(id)
  if not entry then
    return nil,
      err or errors.make("NotFound", "no handler registered for target", false, { target = id })
  end
  if entry.kind ~= "function.lua" and not (entry.kind == "process.lua" and entry.host) then
    return nil, errors.make("NotFound", "no handler registered for target", false, { target = id })
  end
  return entry
end

local function bind(fn, ...)
  local args, n = { ... }, select("#", ...)
  return function()
    return fn(table.unpack(args, 1, n))
  end
end

-- Starts the callee; `done(value, err)` is called once. Arguments are copies already.
local function start(instance, entry, frame, done, ...)
  local callee = {
    entry = entry,
    context = calls.context,
    frame = frame,
    env = instance.env,
    instance = instance,
    done = done,
  }
  if select("#", ...) <= 2 then
    local a, b = ...
    unit.start(callee, coroutine.create(instance.fn), a, b)
  else
    unit.start(callee, coroutine.create(bind(instance.fn, ...)))
  end
  return callee
end

--- Runs function `entry` in `frame`; `done(value, err)` gets its outcome unless the returned function cancels it.
--- The instance's pool may make the call wait.
function calls.run(entry, frame, done, ...)
  local callee, withdrawn
  local packed = select("#", ...) > 0 and table.pack(...) or nil
  local withdraw = pool.acquire(entry, function(instance, err)
    if err then
      done(nil, err)
    elseif withdrawn then
      pool.release(instance)
    elseif packed then
      callee = start(instance, entry, frame, done, table.unpack(packed, 1, packed.n))
    else
      callee = start(instance, entry, frame, done)
    end
  end)
  return function()
    withdrawn = true
    if withdraw then
      withdraw()
    end
    if callee then
      callee.done = nil
      unit.kill(callee, canceled())
    end
  end
end

--- The end of a function unit: its instance is free again and its caller hears of it.
function calls.ended(callee, value, err)
  local done = callee.done
  if done then
    callee.done = nil
    if err then
      done(nil, err)
    else
      local ok, copy = pcall(copies.copy, value)
      if ok then
        done(copy)
      else
        done(nil, errors.from_raised(copy))
      end
    end
  end
  pool.release(callee.instance)
end

--- Makes `caller` own a running call: when the caller ends, `cancel` is called. Gives a function that releases it.
function calls.own(caller, cancel)
  local owned = caller.calls
  if not owned then
    owned = {}
    caller.calls = owned
  end
  owned[cancel] = true
  return function()
    owned[cancel] = nil
  end
end

--- Runs a call of this worker for the running coroutine and waits: `value, err`.
function calls.wait(caller, entry, frame, ...)
  local co = scheduler.co
  local finished, value, err = false, nil, nil
  local parked, release = false, nil
  local cancel = calls.run(entry, frame, function(result, failure)
    finished, value, err = true, result, failure
    if parked then
      release()
      scheduler.ready(co, result, failure)
    end
  end, ...)
  if finished then
    return value, err
  end
  release = calls.own(caller, cancel)
  parked = true
  return host.park()
end

return calls
