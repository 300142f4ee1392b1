-- Programs that applications make while they run. A program is a function unit of its caller: it ends with it, runs in
-- a frame made of the caller's, sees the modules that it was given, and is bounded in its steps.
local use = ...
local compiler = use("kernel/core/compiler")
local copies = use("kernel/core/copy")
local core = use("kernel/core/core")
local errors = use("kernel/core/errors")
local functions = use("kernel/functions/functions")
local sandbox = use("kernel/core/sandbox")
local scheduler = use("kernel/core/scheduler")
local unit = use("kernel/core/unit")

-- Wake-ups of a program, at most; one that computes without waiting is woken after each slice.
local MOST_STEPS <const> = 10000
-- How often a program is looked at that may wait for nothing (ns).
local LOOK <const> = 100000000
-- Compiled programs that are kept, 0: none; and how long each is good (ns), 0: for ever.
local most_kept, good_for = 256, 0

local eval = {}

-- The handlers of programs: those of functions, which note what is under way.
local context = {}

-- Effects that answer at once, or that are noted in another way.
local AT_ONCE <const> = {
  now = true,
  random = true,
  log = true,
  record = true,
  ended = true,
  upgrade = true,
  timer = true,
  cancel_timer = true,
}

local function failure(message)
  return errors.fail("Internal", message)
end

local function exceeded()
  return failure("the program takes more than " .. MOST_STEPS .. " steps")
end

local function done(self, ...)
  self.pending = self.pending - 1
  if self.steps > MOST_STEPS then
    error(exceeded(), 0)
  end
  return ...
end

local function noted(handler)
  return function(self, ...)
    self.pending = self.pending + 1
    return done(self, handler(self, ...))
  end
end

-- Whether something may still wake a program that waits.
local function may_go_on(self)
  return self.pending > 0
    or next(self.calls or {}) ~= nil
    or self.inbox ~= nil
    or self.events ~= nil
    or self.listeners ~= nil
    or scheduler.ready_units()[self] ~= nil
end

-- Ends a program that has taken too many steps. Returns whether it has.
local function end_exceeded(self)
  if self.steps <= MOST_STEPS then
    return false
  end
  unit.kill(self, exceeded())
  return true
end

local function look(self)
  scheduler.at(host.now() + LOOK, {
    fire = function()
      if self.ended then
        return
      elseif end_exceeded(self) then
        return
      elseif may_go_on(self) then
        return look(self)
      end
      unit.kill(self, failure("the program waits for something that never comes"))
    end,
  })
end

eval.connect = core.hooks("kernel/functions/eval", { "context" }, function(handlers)
  for name, handler in pairs(handlers) do
    local waits = type(handler) == "function" and not AT_ONCE[name]
    context[name] = waits and noted(handler) or handler
  end
  function context.timer(self, ns, callback)
    self.pending = self.pending + 1
    return handlers.timer(self, ns, function(...)
      self.pending = self.pending - 1
      return callback(...)
    end)
  end
  function context.cancel_timer(self, timer)
    local was_running = handlers.cancel_timer(self, timer)
    if was_running then
      self.pending = self.pending - 1
    end
    return was_running
  end
  function context.started(self)
    self.pending, self.steps, self.exceeded = 0, 0, end_exceeded
    look(self)
  end
end)

-- Factories of programs by their source, with the use that was last.
local kept, size, uses = {}, 0, 0

local function drop_oldest()
  local oldest
  for source, item in pairs(kept) do
    if not oldest or item.used < kept[oldest].used then
      oldest = source
    end
  end
  kept[oldest] = nil
  size = size - 1
end

--- Compiles a program: its factory, or nil and an Error (Internal).
function eval.compile(source)
  local item = kept[source]
  if item and good_for > 0 and host.now() - item.made >= good_for then
    kept[source], item = nil, nil
    size = size - 1
  end
  if not item then
    local factory, message = compiler.factory(source, "eval", nil, nil, sandbox.is_global)
    if not factory then
      return nil, failure("failed to compile: " .. message)
    elseif most_kept == 0 then
      return factory
    elseif size >= most_kept then
      drop_oldest()
    end
    item = { factory = factory, made = host.now() }
    kept[source] = item
    size = size + 1
  end
  uses = uses + 1
  item.used = uses
  return item.factory
end

--- What the node asks of this worker; see kernel/processes/requests. `keep_programs` sets how many compiled programs
--- are kept (0: none), and for how long (ms; 0: until others need the room).
eval.operations = {
  keep_programs = function(most, time)
    most_kept, good_for = math.max(most, 0), time * 1000000
    kept, size = {}, 0
  end,
}

-- A library with modules beside those that its entry lists; or nil and an Error.
local function library_with(id, more)
  local entry, err = sandbox.entry(id)
  if not entry then
    return nil, err or errors.fail("NotFound", "entry not found: " .. id)
  end
  local listed = host.entry(id).modules
  local modules = table.move(more, 1, #more, #listed + 1, table.move(listed, 1, #listed, 1, {}))
  local definition = { id = id, kind = "library.lua", modules = modules, imports = entry.imports }
  local library
  library, err = sandbox.unregistered(definition, entry.factory, nil, {})
  if library then
    library.types = entry.types
  end
  return library, err
end

-- What a program imports: ids, and libraries that have modules for it alone; or nil and an Error.
local function imports_of(given)
  local imports
  for alias, import in pairs(given) do
    local library, err = import.id, nil
    if #import.modules > 0 then
      library, err = library_with(import.id, import.modules)
      if not library then
        return nil, failure("import '" .. alias .. "': " .. err:message())
      end
    end
    imports = imports or {}
    imports[alias] = library
  end
  return imports
end

-- What runs in the unit: the chunk itself, or a function of what it returns.
local function body(chunk, method)
  if not method then
    return chunk
  end
  return function(...)
    local value = chunk()
    local fn = type(value) == "table" and value[method]
    if type(fn) ~= "function" then
      error('method "' .. method .. '" not found in what the program returns', 0)
    end
    return fn(...)
  end
end

-- A frame made of another, with further context values.
local function fork(frame, values)
  local own = {}
  for key, value in pairs(frame) do
    own[key] = value
  end
  if values then
    own.values = {}
    for key, value in pairs(frame.values or {}) do
      own.values[key] = value
    end
    for key, value in pairs(values) do
      own.values[key] = value
    end
  end
  return own
end

--- Runs a program for the running unit and waits: `value, nil` or `nil, err` (Internal).
--- `program`: `source`, `method`, `args` (with `n`), `modules`, `hidden(name)`, `imports` (by alias `{id, modules}`),
--- `values`, `names`.
function eval.run(program)
  local self = scheduler.current
  local factory, err = eval.compile(program.source)
  if not factory then
    return nil, err
  end
  local imports
  imports, err = imports_of(program.imports)
  if err then
    return nil, err
  end
  local definition = { id = self.entry.id, modules = program.modules, imports = imports }
  local function wrapped(...)
    local fn = body(factory(...), program.method)
    return function()
      return fn
    end
  end
  local entry
  entry, err = sandbox.unregistered(definition, wrapped, program.hidden, program.names)
  if not entry then
    return nil, failure(err:message())
  end
  entry.context = context
  entry.pool = { type = "inline", workers = 1 }
  -- Its own, which no list shows.
  entry.instances = {
    free = {},
    size = 0,
    limit = 1,
    first = 1,
    last = 0,
    quiet = 0,
    done = 0,
    failed = 0,
    watched = true,
  }
  local ok, args = pcall(copies.copy, program.args)
  local copied, values = pcall(copies.copy, program.values)
  if not ok or not copied then
    return nil, failure(errors.from_raised(ok and values or args):message())
  end
  local value
  value, err = functions.wait_for(self, function(finish)
    return functions.run_for(
      self,
      entry,
      fork(self.frame, values),
      finish,
      table.unpack(args, 1, program.args.n)
    )
  end)
  if err then
    return nil, failure("failed to run: " .. err:message())
  elseif value == nil then
    return nil, failure("the program returns nothing")
  end
  return value, nil
end

return eval
