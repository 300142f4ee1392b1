-- Cancellation scopes of workflow code: what is started inside of one is canceled with it. `run.scopes`: coroutine ->
-- the innermost scope that it is in; absent until a run makes its first scope.
local use = ...
local channel = use("kernel/messaging/channel")
local commands = use("kernel/workflows/commands")
local errors = use("kernel/core/errors")
local local_activities = use("kernel/workflows/local_activities")
local scheduler = use("kernel/core/scheduler")

local scopes = {}

-- What a scope may hold: the field of the run that says whether it is still pending.
local kinds = { "activities", "timers", "children" }

local function current(self)
  local of = self.run.scopes
  return of and of[scheduler.co]
end

--- The Error when the running coroutine is in a scope that was canceled, else nil.
function scopes.refusal(self)
  local scope = current(self)
  return scope and scope.canceled
end

-- Forgets what is over, when that may be most of what the scope holds.
local function purge(self, scope)
  local count = 0
  for _, kind in ipairs(kinds) do
    local pending, kept = self.run[kind], {}
    for seq in pairs(scope[kind]) do
      if pending[seq] then
        kept[seq] = true
        count = count + 1
      end
    end
    scope[kind] = kept
  end
  scope.count, scope.limit = count, 2 * count + 64
end

--- Notes that what the running coroutine has just started belongs to its scope.
function scopes.enter(self, kind, seq)
  local scope = current(self)
  if scope then
    scope[kind][seq] = true
    scope.count = scope.count + 1
    if scope.count > scope.limit then
      purge(self, scope)
    end
  end
end

local function sorted(set)
  local list = {}
  for key in pairs(set) do
    list[#list + 1] = key
  end
  table.sort(list)
  return list
end

local cancel_one = {
  activities = local_activities.cancel,
  timers = function(self, seq, err)
    local waiter = self.run.timers[seq]
    self.run.timers[seq] = nil
    commands.add(self, { type = "cancel_timer", seq = seq })
    scheduler.ready(waiter, err)
  end,
  children = function(self, seq, err)
    commands.add(self, { type = "cancel_child", seq = seq, reason = err:message() })
  end,
}

--- Cancels a scope and those inside of it that are not shielded; later calls change nothing.
function scopes.cancel(self, scope, reason)
  if scope.canceled then
    return
  end
  local err = errors.fail("Canceled", reason or "scope canceled")
  scope.canceled = err
  for _, kind in ipairs(kinds) do
    local pending = self.run[kind]
    for _, seq in ipairs(sorted(scope[kind])) do
      if pending[seq] then
        cancel_one[kind](self, seq, err)
      end
    end
    scope[kind] = {}
  end
  channel.close(scope.done)
  for _, number in ipairs(sorted(scope.inner)) do
    local inner = scope.inner[number]
    if not inner.shielded then
      scopes.cancel(self, inner, reason)
    end
  end
end

--- Makes a scope inside of the one that the running coroutine is in.
function scopes.new(self, shielded)
  local run = self.run
  local outer = current(self)
  run.scopes = run.scopes or setmetatable({}, { __mode = "k" })
  run.scope_count = (run.scope_count or 0) + 1
  local scope = {
    number = run.scope_count,
    outer = outer,
    shielded = shielded,
    canceled = not shielded and outer and outer.canceled or nil,
    inner = {},
    activities = {},
    timers = {},
    children = {},
    count = 0,
    limit = 64,
    done = channel.new(),
  }
  if outer then
    outer.inner[scope.number] = scope
  end
  if scope.canceled then
    channel.close(scope.done)
  end
  return scope
end

local function left(self, scope, co, ok, ...)
  self.run.scopes[co] = scope.outer
  if scope.outer then
    scope.outer.inner[scope.number] = nil
  end
  if ok then
    return ...
  end
  local raised = ...
  if scope.canceled and errors.is_error(raised) and raised:kind() == "Canceled" then
    return nil, raised
  end
  error(raised, 0)
end

--- Runs `fn(...)` inside of a scope. Returns its results, or `nil, err` when it raises the scope's cancellation.
function scopes.run(self, scope, fn, ...)
  local co = scheduler.co
  self.run.scopes[co] = scope
  return left(self, scope, co, pcall(fn, ...))
end

--- A coroutine begins in the scope of the one that started it.
function scopes.inherit(self, co)
  local of = self.run and self.run.scopes
  if of then
    of[co] = of[scheduler.co]
  end
end

return scopes
