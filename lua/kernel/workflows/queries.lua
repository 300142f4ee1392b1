-- Queries: questions to a run that leave no trace in its history. A handler may read everything and change nothing;
-- it neither waits nor has side effects.
local use = ...
local commands = use("kernel/workflows/commands")
local copies = use("kernel/core/copy")
local errors = use("kernel/core/errors")
local position = use("kernel/core/position")
local scheduler = use("kernel/core/scheduler")
local workflows = use("kernel/workflows/workflows")

local queries = {}

local builtin = {
  pid = function(self)
    return self.pid
  end,
  state = function()
    return {}
  end,
}

-- Where each coroutine of the run waits.
function builtin.__stack_trace(self)
  local traces = {}
  local function add(co)
    if coroutine.status(co) ~= "dead" then
      traces[#traces + 1] = host.traceback(co, "coroutine")
    end
  end
  if self.main then
    add(self.main)
  end
  for co in pairs(self.others or {}) do
    add(co)
  end
  table.sort(traces, function(a, b)
    return #a == #b and a < b or #a < #b
  end)
  return table.concat(traces, "\n")
end

--- Lets `handler(...)` answer the queries of that name.
function queries.set_handler(self, name, handler)
  commands.refuse_in_read_only(self.run)
  local handlers = self.run.query_handlers or {}
  self.run.query_handlers = handlers
  handlers[name] = handler
end

local function unknown(self, name)
  local names = {}
  for known in pairs(self.run.query_handlers or {}) do
    names[#names + 1] = known
  end
  table.sort(names)
  local known = #names == 0 and "the workflow has no query handlers"
    or "known are: " .. table.concat(names, ", ")
  return errors.fail("NotFound", "unknown query '" .. name .. "'; " .. known)
end

-- What the handler answers, `value, err`; runs in a coroutine that is given fuel.
local function ask(self, handler, args, n)
  local run = self.run
  local replaying = run.replaying
  -- What the handler logs, it logs now, however its run came into memory.
  run.read_only, run.replaying = "a query handler", false
  local ok, value, err = host.call_unyieldable(handler, table.unpack(args, 1, n))
  run.read_only, run.replaying = nil, replaying
  if not ok then
    return nil, errors.from_raised(value)
  elseif err ~= nil then
    return nil, errors.from_returned(err)
  end
  -- A query is one step: the copy of a large answer must not pause.
  local copied, copy = host.call_unyieldable(copies.copy, value)
  if not copied then
    return nil, errors.from_raised(copy)
  end
  return copy
end

--- Answers a query on a run that is at rest: `value, err`.
function queries.answer(run_id, name, args, n)
  local self = workflows.find(run_id)
  if not self then
    return nil, errors.fail("Internal", "run is not on this worker: " .. run_id)
  end
  local handlers = self.run.query_handlers
  local handler = handlers and handlers[name]
  if not handler then
    if builtin[name] then
      return builtin[name](self)
    end
    return nil, unknown(self, name)
  end
  local status, value, err
  local woken = scheduler.run_alone(nil, 0, function()
    local co = coroutine.create(function()
      return ask(self, handler, args, n)
    end)
    status, value, err = scheduler.resume_as(self, co)
  end)
  if status ~= 0 then
    self.run.read_only = nil
    value, err = nil, errors.from_raised(value)
  end
  if woken then
    return nil,
      errors.make(
        "Invalid",
        "a query handler must not wake or start coroutines",
        false,
        { changed_run = true }
      )
  end
  return value, err
end

--- Where the coroutines of a run wait, as `ns:name:LINE`, for messages about it; "" when the run is gone or over.
function queries.where(run_id)
  local self = workflows.find(run_id)
  local places = {}
  if self and self.main and not self.ended then
    places[1] = position.of(self.main)
    for co in pairs(self.others or {}) do
      places[#places + 1] = position.of(co)
    end
    table.sort(places)
  end
  return table.concat(places, ", ")
end

return queries
