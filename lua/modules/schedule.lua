--- Module `schedule`: schedules, which start workflows at certain times.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local use, check = runtime.use, runtime.check
local object = use("kernel/core/object")
local security = use("kernel/security/security")
local tostring = runtime.tostring

local schedule = {}

local function refusal(action, resource)
  if not runtime.allowed(action, resource) then
    return security.denied("permission denied: " .. action .. " on " .. resource)
  end
  return nil
end

local function ask(op, ...)
  return runtime.effects.schedule(op, ...)
end

-- Times of the module `time` as milliseconds since 1970; anything else as it is.
local function instant(value)
  if object.is("Time", value) then
    return value:unix_nano() // 1000000
  end
  return value
end

-- A table with these fields as `instant` has them.
local function with_instants(value, ...)
  if type(value) ~= "table" or object.is("Time", value) then
    return value
  end
  local copy = {}
  for key, element in pairs(value) do
    copy[key] = element
  end
  for _, key in ipairs({ ... }) do
    copy[key] = instant(copy[key])
  end
  return copy
end

local function definition_of(definition)
  local copy = with_instants(definition)
  copy.spec = with_instants(copy.spec, "start_at", "end_at")
  return copy
end

-- Who makes a schedule has its workflow run, so must be allowed to.
local function action_refusal(definition)
  local action = definition.action
  if type(action) == "table" and type(action.workflow) == "string" then
    return refusal("workflow.exec", action.workflow)
  end
  return nil
end

local function id_of(id, name)
  check.string(id, 1, name)
  return id
end

local function host_of(options, n, name)
  if options == nil then
    return nil
  end
  check.table(options, n, name)
  return options.host
end

--- Makes a schedule: `true`, or `nil, err` (AlreadyExists, Invalid naming the field, NotFound for an unknown workflow).
function schedule.create(definition)
  check.table(definition, 1, "create")
  local err = refusal("schedule.create", tostring(definition.id)) or action_refusal(definition)
  if err then
    return nil, err
  end
  return ask("create", definition_of(definition))
end

--- What a schedule is, has done and is going to do: a table, or `nil, err` NotFound.
function schedule.describe(id, options)
  local err = refusal("schedule.describe", id_of(id, "describe"))
  if err then
    return nil, err
  end
  return ask("describe", id, host_of(options, 2, "describe"))
end

--- A page of schedules, by id: { schedules, next }. `options`: limit, after (the `next` of the page before), host.
function schedule.list(options)
  if options ~= nil then
    check.table(options, 1, "list")
  end
  local err = refusal("schedule.list", "")
  if err then
    return nil, err
  end
  local o = options or {}
  return ask("list", o.limit, o.after, o.host)
end

--- Changes what is given of spec, action, policies, note, remaining_actions: `true`, or `nil, err`.
function schedule.update(id, change, options)
  local err = refusal("schedule.update", id_of(id, "update"))
  check.table(change, 2, "update")
  err = err or action_refusal(change)
  if err then
    return nil, err
  end
  return ask("update", id, definition_of(change), host_of(options, 3, "update"))
end

local function pausing(name)
  return function(id, note, options)
    local err = refusal("schedule." .. name, id_of(id, name))
    check.optional(check.string, note, 2, name)
    if err then
      return nil, err
    end
    return ask(name, id, note, host_of(options, 3, name))
  end
end

--- Leaves matches out from now on: `true`, or `nil, err` NotFound. A note replaces the one before.
schedule.pause = pausing("pause")
--- Acts on matches again.
schedule.unpause = pausing("unpause")

--- Starts a run now, also when paused: { status, workflow_id, run_id, pid }. `options`: overlap, host.
function schedule.trigger(id, options)
  local err = refusal("schedule.trigger", id_of(id, "trigger"))
  local host = host_of(options, 2, "trigger")
  if err then
    return nil, err
  end
  return ask("trigger", id, options and options.overlap, host)
end

--- Acts on matches of the past, `ranges` being a list of { from, to, overlap }: how many were started, buffered and
--- skipped, or `nil, err`.
function schedule.backfill(id, ranges, options)
  local err = refusal("schedule.backfill", id_of(id, "backfill"))
  check.table(ranges, 2, "backfill")
  local host = host_of(options, 3, "backfill")
  if err then
    return nil, err
  end
  local read = {}
  for i, range in ipairs(ranges) do
    read[i] = with_instants(range, "from", "to")
  end
  return ask("backfill", id, read, host)
end

--- Removes a schedule; its runs go on: `true`, or `nil, err` NotFound.
function schedule.delete(id, options)
  local err = refusal("schedule.delete", id_of(id, "delete"))
  if err then
    return nil, err
  end
  return ask("delete", id, host_of(options, 2, "delete"))
end

return schedule
