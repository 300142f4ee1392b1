-- Interprets a random program (workflows.test.ts makes them). Every step has a label, the place in the program; `log` holds
-- what became of it, and is the result.
local funcs = require("funcs")
local time = require("time")
local uuid = require("uuid")
local workflow = require("workflow")

local patient = { ["activity.retry_policy"] = { initial_interval = 700, backoff_coefficient = 1 } }
local log

local run

local function outcome(value, err)
  return err and err:kind() .. " " .. err:message() or tostring(value)
end

local steps = {}

function steps.call(step, label)
  local calls = funcs.new():with_options(patient)
  return outcome(calls:call("app:effect", label, step.how, "-"))
end

-- A local activity.
function steps.here(step, label)
  local calls = funcs.new():with_options({ ["activity.local"] = true })
  return outcome(calls:call("app:same", label, step.how))
end

function steps.sleep(step)
  time.sleep(step.ms .. "ms")
  return "slept"
end

-- Its value is told to the world: who repeats it must have the same.
function steps.uuid(_, label)
  local id = uuid.v4()
  assert(funcs.new():with_options(patient):call("app:effect", label, "ok", id))
  return "id " .. id
end

function steps.random(_, label)
  local number = "id " .. math.random(1 << 40)
  assert(funcs.new():with_options(patient):call("app:effect", label, "ok", number:sub(4)))
  return number
end

function steps.async(step, label)
  local calls, pending, seen = funcs.new():with_options(patient), {}, {}
  for i, how in ipairs(step.calls) do
    pending[i] = assert(calls:async("app:effect", label .. "." .. i, how, "-"))
  end
  while next(pending) do
    local cases, places = {}, {}
    for i, future in pairs(pending) do
      table.insert(cases, future:channel():case_receive())
      places[future:channel()] = i
    end
    local i = places[channel.select(cases).channel]
    local payload, err = pending[i]:result()
    seen[i] = outcome(payload and payload:data(), err)
    pending[i] = nil
  end
  return table.concat(seen, ", ")
end

-- An activity is always there before a long timer, and a short timer before what never comes.
function steps.race(step, label)
  local other
  if step.never then
    other = process.listen("never " .. label)
  else
    other = assert(funcs.async("app:effect", label, "ok", "-")):channel()
  end
  local timer = assert(time.timer(step.never and "5s" or "3h"))
  local got = channel.select({ other:case_receive(), timer:channel():case_receive() })
  timer:stop()
  return got.channel == other and "answer" or "timeout"
end

function steps.version(step)
  return tostring(workflow.version("change " .. step.change, 1, step.change))
end

function steps.upsert(step)
  return outcome(workflow.attrs({ search = { n = step.n }, memo = { n = step.n } }))
end

-- The child tells of its own steps by signals, which are all there when it has ended.
function steps.child(step, label)
  local id = workflow.info().workflow_id .. "/" .. label
  local told, heard = process.listen("told " .. label), {}
  local result, err = process
    .with_options({ ["workflow.id"] = id })
    :exec("app:program", "app:durable", id, step.program, {
      tell = process.pid(),
      topic = "told " .. label,
    })
  local got = channel.select({ told:case_receive(), default = true })
  while got.channel == told do
    table.insert(heard, got.value)
    got = channel.select({ told:case_receive(), default = true })
  end
  if err then
    return outcome(nil, err)
  end
  log[label .. " child"] = result
  return table.concat(heard, " ")
end

-- A child that is canceled when all of its program is done, but for its long sleep.
function steps.victim(step, label)
  local id = workflow.info().workflow_id .. "/" .. label
  local pid = assert(
    process
      .with_options({ ["workflow.id"] = id })
      :spawn("app:program", "app:durable", id, step.program, {
        victim = true,
        raises = step.raises,
      })
  )
  time.sleep("60s")
  assert(process.cancel(pid, "enough"))
  local result = process.events():receive().result
  log[label .. " child"] = result.value
  return result.error and outcome(nil, result.error) or "completed"
end

function steps.scope(step, label)
  local _, err = workflow.with_timeout(step.late and "60s" or "2h", function()
    run(step.program, label)
    if step.late then
      time.sleep("3h")
    end
    return true
  end)
  return err and err:kind() or "in time"
end

function steps.both(step, label)
  local ended = channel.new(#step.programs)
  for i, program in ipairs(step.programs) do
    coroutine.spawn(function()
      run(program, label .. "." .. i)
      ended:send(true)
    end)
  end
  for _ = 1, #step.programs do
    ended:receive()
  end
  return "both"
end

function steps.update(step, label)
  local id = workflow.info().workflow_id .. " " .. label
  return outcome(
    workflow.update_with({ id = id }, "{app:durable|ledger}", "add", id, step.n)
  )
end

function steps.query()
  return outcome(workflow.query("{app:durable|ledger}", "one"))
end

function run(program, prefix, from)
  for i, step in ipairs(program) do
    if not from or i > from then
      local label = prefix .. "." .. i
      if step.op == "upgrade" then
        return i
      end
      log[label] = steps[step.op](step, label)
    end
  end
end

-- What a canceled run does: its program until the cancellation, and then its clean-up.
local function victim(program, raises)
  local _, err = workflow.cancellation_scope(function(scope)
    coroutine.spawn(function()
      scope:cancel(process.events():receive().reason)
    end)
    run(program, "v")
    time.sleep("3h")
  end)
  workflow.non_cancellable(function()
    log.clean = steps.call({ how = "flaky" }, "clean")
  end)
  if raises then
    return nil, err
  end
  return log
end

--- @param options table tell and topic: whom to tell of each step; victim; at and log: what an earlier run has done
local function main(id, program, options)
  log = options.log or {}
  if options.victim then
    return victim(program, options.raises)
  end
  if not options.tell then
    local at = run(program, "p", options.at)
    if at then
      process.upgrade(nil, id, program, { at = at, log = log })
    end
    return log
  end
  for i, step in ipairs(program) do
    local label = "c." .. i
    log[label] = steps[step.op](step, label)
    assert(process.send(options.tell, options.topic, label))
  end
  return log
end

return { main = main }
