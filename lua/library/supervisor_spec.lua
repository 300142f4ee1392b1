-- What a supervisor is told to do: checks a specification and fills in the defaults of Erlang/OTP.
local runtime = ...
local errors = runtime.errors
local tostring = runtime.tostring

local spec = {}

local STRATEGIES <const> =
  { one_for_one = true, one_for_all = true, rest_for_one = true, simple_one_for_one = true }
local RESTARTS <const> = { permanent = true, transient = true, temporary = true }
local AUTO_SHUTDOWNS <const> = { never = true, any_significant = true, all_significant = true }

local function words(set)
  local list = {}
  for word in pairs(set) do
    list[#list + 1] = word
  end
  table.sort(list)
  return table.concat(list, ", ")
end

local function fail(where, what)
  error(errors.fail("Invalid", where .. ": " .. what))
end

local function choice(where, field, value, set, fallback)
  if value == nil then
    return fallback
  elseif not set[value] then
    fail(where, field .. " is " .. tostring(value) .. "; use one of " .. words(set))
  end
  return value
end

local function text(where, field, value, fallback)
  if value == nil then
    value = fallback
  end
  if type(value) ~= "string" or value == "" then
    fail(where, field .. " must be a text, not " .. tostring(value))
  end
  return value
end

local function shutdown_of(where, value, kind)
  if value == nil then
    return kind == "supervisor" and "infinity" or 5000000000
  elseif value == "brutal_kill" or value == "infinity" then
    return value
  end
  local ns = runtime.duration(value)
  if not ns or ns < 0 then
    fail(where, 'shutdown must be a duration, "brutal_kill" or "infinity", not ' .. tostring(value))
  end
  return ns
end

--- The child specification with every default, or raises an Error that says which child and field is wrong.
function spec.child(value, host, index)
  local where = "child " .. tostring(index)
  if type(value) ~= "table" then
    fail(where, "a table is needed, not " .. type(value))
  end
  local nested = value.supervisor
  if nested ~= nil and value.process ~= nil then
    fail(where, "give it either process or supervisor, not both")
  elseif nested ~= nil and type(nested) ~= "table" then
    fail(where, "supervisor must be the specification of one")
  end
  local process = nested and spec.ENTRY or text(where, "process", value.process)
  local id = text(where, "id", value.id, process)
  where = "child " .. id
  local kind = choice(
    where,
    "type",
    value.type,
    { worker = true, supervisor = true },
    nested and "supervisor" or "worker"
  )
  local restart = choice(where, "restart", value.restart, RESTARTS, "permanent")
  if value.significant and restart == "permanent" then
    fail(where, "a permanent child cannot be significant: its end never stands")
  elseif value.input ~= nil and type(value.input) ~= "table" then
    fail(where, "input must be a list of arguments")
  end
  local child = {
    id = id,
    process = process,
    host = text(where, "host", value.host, host),
    input = value.input or {},
    name = value.name,
    restart = restart,
    shutdown = shutdown_of(where, value.shutdown, kind),
    type = kind,
    significant = value.significant == true,
    wait = value.wait == true or kind == "supervisor",
  }
  if nested then
    -- Checked now, so that a mistake deep in a tree is told before anything of it runs.
    nested.host = nested.host or child.host
    spec.supervisor(nested, where)
    child.input = { nested }
  end
  return child
end

--- The specification of a supervisor with every default; raises an Error.
function spec.supervisor(value, outer)
  local where = outer and outer .. ", supervisor" or "supervisor"
  if type(value) ~= "table" then
    fail(where, "a table is needed")
  end
  local intensity = value.intensity == nil and 1 or value.intensity
  if math.type(intensity) ~= "integer" or intensity < 0 then
    fail(where, "intensity must be a whole number of restarts, not " .. tostring(intensity))
  end
  local period = runtime.duration(value.period == nil and "5s" or value.period)
  if not period or period <= 0 then
    fail(where, "period must be a duration, not " .. tostring(value.period))
  end
  local checked = {
    host = value.host,
    strategy = choice(where, "strategy", value.strategy, STRATEGIES, "one_for_one"),
    intensity = intensity,
    period = period,
    auto_shutdown = choice(where, "auto_shutdown", value.auto_shutdown, AUTO_SHUTDOWNS, "never"),
    children = {},
  }
  local children = value.children or {}
  if type(children) ~= "table" then
    fail(where, "children must be a list")
  end
  local seen = {}
  for index, child in ipairs(children) do
    local one = spec.child(child, value.host, index)
    if seen[one.id] then
      fail(where, "two children have the id " .. one.id)
    elseif one.significant and checked.auto_shutdown == "never" then
      fail("child " .. one.id, "a significant child needs auto_shutdown of its supervisor")
    end
    seen[one.id] = true
    checked.children[index] = one
  end
  if checked.strategy == "simple_one_for_one" and #checked.children ~= 1 then
    fail(where, "simple_one_for_one needs exactly one child, the template of all")
  end
  return checked
end

--- The built-in process whose main runs a supervisor.
spec.ENTRY = "wippy:supervisor"

return spec
