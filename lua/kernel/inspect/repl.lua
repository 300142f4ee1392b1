-- Code that a person types, piece after piece: it runs in a process, and what it makes global stays. The process may
-- end (by an error of a coroutine, a failed link, an interruption); the next one goes on with the same globals.
local use = ...
local compiler = use("kernel/core/compiler")
local errors = use("kernel/core/errors")
local sandbox = use("kernel/core/sandbox")
local scheduler = use("kernel/core/scheduler")
local show = use("kernel/inspect/show")
local unit = use("kernel/core/unit")

-- Tables in which units are defined.
local tables = { "functions", "processes", "workflows" }
-- Names that a completion offers, at most.
local MOST_NAMES <const>, MOST_LOOKED <const> = 200, 10000

-- What the processes of the prompt share: their globals; the functions that were made units, by table and name.
local session

local function session_of(self)
  if not session then
    session = { env = self.env, units = {} }
    for _, name in ipairs(tables) do
      rawset(self.env, name, {})
      session.units[name] = {}
    end
  end
  self.env = session.env
  return session
end

local at_end = "near <eof>$"

-- The chunk; or nil, a message, and whether more lines may make it whole.
local function load_code(code)
  local env = session.env
  local chunk, first = compiler.chunk("return " .. code, "=repl", env)
  if chunk then
    return chunk
  end
  local message
  chunk, message = compiler.chunk(code, "=repl", env)
  return chunk, message, not chunk and (first:find(at_end) or message:find(at_end)) ~= nil
end

-- The units that were defined or changed since the last time: a list of {table, name, is new}; or nil and what is
-- wrong.
local function changed_units()
  local changed = {}
  for _, kind in ipairs(tables) do
    local known, units = session.units[kind], rawget(session.env, kind)
    if type(units) ~= "table" then
      return nil, kind .. " must stay a table"
    end
    for name, fn in next, units do
      if known[name] ~= fn then
        if type(name) ~= "string" or not name:find("^[%w_.-]+$") then
          units[name] = nil
          return nil, kind .. ": a name is made of letters, digits, '_', '-' and '.'"
        elseif type(fn) ~= "function" then
          units[name] = nil
          return nil, kind .. "." .. name .. " must be a function, got " .. host.type(fn)
        end
        changed[#changed + 1] = { kind, name, known[name] == nil }
      end
    end
  end
  return changed
end

-- The message of what was raised, and the places in the session's code that led to it.
local function describe(raised)
  local places = {}
  for line in host.traceback(coroutine.running(), ""):gmatch("[^\n]+") do
    if line:find(":%d+: in ") and not line:find("lua/", 1, true) then
      places[#places + 1] = line:match("^%s*(.*)$")
    end
  end
  local plain = type(raised) == "table" and not errors.is_error(raised)
  local message = plain and show(raised) or errors.from_raised(raised)._message
  return { message = message, trace = places }
end

local function outcome(ok, ...)
  if not ok then
    local raised = ...
    return { error = raised.message, trace = raised.trace }
  end
  local values, n = {}, select("#", ...)
  -- Most functions give `value, nil` or `nil, err`: the nil behind a value says nothing.
  while n > 1 and select(n, ...) == nil do
    n = n - 1
  end
  for i = 1, n do
    values[i] = show((select(i, ...)))
  end
  if n > 0 then
    rawset(session.env, "_", (...))
  end
  return { values = values }
end

--- Runs a piece of code in the process; `reply` gets a table with one of `incomplete` (more lines are needed), `error`
--- (and `trace`, a list of places), `values` (texts); and `units`, what it defined.
local function evaluate(reply, _, _, pid, code)
  local self = unit.by_pid[pid]
  if not self then
    return reply(nil, errors.fail("NotFound", "process not found: " .. pid))
  end
  session_of(self)
  local chunk, message, incomplete = load_code(code)
  if not chunk then
    return reply(incomplete and { incomplete = true } or { error = message })
  end
  if self.answer == nil then
    unit.on_end(self, function()
      if self.answer then
        self.answer(nil, errors.fail("Canceled", "the process of the prompt has ended"))
      end
    end)
  end
  self.answer = reply
  local co = unit.spawn_coroutine(self, function()
    local result = outcome(xpcall(chunk, describe))
    local units, wrong = changed_units()
    if units then
      result.units = units
    else
      result.error = wrong
    end
    self.answer = false
    reply(result)
  end)
  scheduler.ready(co)
end

local operations = {}

--- Makes a function of the session's tables the code of its entry. The units share the session's globals.
function operations.define_unit(kind, name)
  local id = "script:" .. name
  sandbox.forget(id)
  local entry, err = sandbox.entry(id)
  if not entry then
    return nil, err or errors.fail("NotFound", "entry not found: " .. id)
  end
  local fn = rawget(rawget(session.env, kind), name)
  session.units[kind][name] = fn
  entry.factory = function()
    return function()
      return fn
    end
  end
  return true
end

--- Takes a function out of the session's tables: it cannot be a unit.
function operations.refuse_unit(kind, name)
  rawset(rawget(session.env, kind), name, nil)
  return true
end

-- The fields that `value` has for who writes `value.` or `value:`.
local function fields_of(value)
  local meta = debug.getmetatable(value)
  local found = {}
  if type(value) == "table" then
    found[1] = value
  end
  for _ = 1, 8 do
    local index = meta and rawget(meta, "__index")
    if type(index) ~= "table" then
      break
    end
    found[#found + 1] = index
    meta = debug.getmetatable(index)
  end
  return found
end

--- The names that may follow: fields of the value at `path` (a list of names; none: the globals) that begin with
--- `beginning`.
function operations.complete_code(pid, path, beginning)
  local self = unit.by_pid[pid]
  if not self then
    return {}
  end
  local value = session_of(self).env
  for _, name in ipairs(path) do
    local found
    for _, fields in ipairs(fields_of(value)) do
      found = rawget(fields, name)
      if found ~= nil then
        break
      end
    end
    value = found
    if value == nil then
      return {}
    end
  end
  local names, seen, looked = {}, {}, 0
  for _, fields in ipairs(fields_of(value)) do
    for key in next, fields do
      looked = looked + 1
      if #names == MOST_NAMES or looked == MOST_LOOKED then
        break
      end
      local fits = type(key) == "string"
        and key:sub(1, #beginning) == beginning
        and key:find("^[%a_][%w_]*$")
        and not seen[key]
      if fits and (beginning ~= "" or key:sub(1, 1) ~= "_") then
        seen[key] = true
        names[#names + 1] = key
      end
    end
  end
  table.sort(names)
  return names
end

return { operations = operations, deferred = { evaluate = evaluate } }
