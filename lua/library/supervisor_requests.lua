-- What clients may ask of a supervisor's process: operation -> function(supervisor, value, message) that returns
-- `value, err`. What starts or ends a child needs the permission of who asks: the supervisor's rights are not theirs.
local runtime = ...
local use, errors = runtime.use, runtime.errors
local request = use("library/request", runtime)
local specs = use("library/supervisor_spec", runtime)
local tostring = runtime.tostring

local function not_found(id)
  return nil, errors.fail("NotFound", "no child " .. tostring(id))
end

local function state_of(child)
  if child.pid then
    return "running"
  end
  return child.retry and "restarting" or "stopped"
end

-- What a client may see of a child.
local function public(child)
  return {
    id = child.id,
    pid = child.pid,
    type = child.spec.type,
    process = child.spec.process,
    status = state_of(child),
    restarts = child.restarts,
  }
end

local requests = {}

-- The Error when the sender may not start a process or a tree of them, else nil. `seen` has the trees that were looked
-- at: a message may hold a table in itself.
local function start_refusal(message, process, host, name, input, seen)
  local refusal = request.refusal(message, "process.spawn", process, "spawn process: " .. process)
    or host and request.refusal(message, "process.host", host, "spawn on host: " .. host)
    or name and request.refusal(
      message,
      "process.registry.register",
      name,
      "register name: " .. name
    )
    or nil
  local tree = process == specs.ENTRY and input[1]
  if refusal or type(tree) ~= "table" or seen[tree] or type(tree.children) ~= "table" then
    return refusal
  end
  seen[tree] = true
  for _, child in pairs(tree.children) do
    if type(child) == "table" then
      local nested = child.supervisor
      local started = nested and specs.ENTRY or child.process
      local list = nested and { nested } or child.input
      refusal = start_refusal(
        message,
        tostring(started),
        child.host or tree.host,
        child.name,
        type(list) == "table" and list or {},
        seen
      )
      if refusal then
        return refusal
      end
    end
  end
  return nil
end

local function refused(message, spec, input)
  return start_refusal(message, spec.process, spec.host, spec.name, input or spec.input, {})
end

-- The Error when the sender may not end the process of a child, else nil.
local function end_refusal(message, child)
  local what = child.pid or child.id
  return request.refusal(message, "process.terminate", what, "terminate process: " .. what)
end

local function start_dynamic(self, args, message)
  self.dynamic = self.dynamic + 1
  local template = self.spec.children[1]
  local input = table.move(template.input, 1, #template.input, 1, {})
  table.move(args, 1, args.n or #args, #input + 1, input)
  local refusal = refused(message, template, input)
  if refusal then
    return nil, refusal
  end
  local child = { id = "#" .. self.dynamic, spec = template, input = input, restarts = 0 }
  local err = self:start(child)
  if err then
    return nil, err
  end
  self:append(child)
  return child.pid
end

function requests.start_child(self, value, message)
  if self.spec.strategy == "simple_one_for_one" then
    return start_dynamic(self, type(value) == "table" and value or {}, message)
  end
  local ok, spec = pcall(specs.child, value, self.spec.host, "to start")
  if not ok then
    return nil, errors.from_raised(spec)
  elseif spec.significant and self.spec.auto_shutdown == "never" then
    return nil, errors.fail("Invalid", "a significant child needs auto_shutdown of its supervisor")
  end
  local refusal = refused(message, spec)
  if refusal then
    return nil, refusal
  end
  local present = self.by_id[spec.id]
  if present then
    local what = present.pid and "runs already" or "is there already; restart or delete it"
    return nil,
      errors.make("AlreadyExists", "child " .. spec.id .. " " .. what, false, { pid = present.pid })
  end
  local child = { id = spec.id, spec = spec, input = spec.input, restarts = 0 }
  local err = self:start(child)
  if err then
    return nil, err
  end
  self:append(child)
  return child.pid
end

function requests.terminate_child(self, id, message)
  local child = self.by_pid[id] or self.by_id[id]
  if not child then
    return not_found(id)
  end
  local refusal = end_refusal(message, child)
  if refusal then
    return nil, refusal
  end
  self:terminate(child)
  if child.spec.restart == "temporary" or self.spec.strategy == "simple_one_for_one" then
    self:remove(child)
  end
  return true
end

-- A child that is not running, or the error why `what` cannot be done with it.
local function stopped_child(self, id, what)
  if self.spec.strategy == "simple_one_for_one" then
    return nil,
      errors.fail("Invalid", "children of simple_one_for_one cannot be " .. what .. " by id")
  end
  local child = self.by_id[id]
  if not child then
    return not_found(id)
  elseif child.pid or child.retry then
    local state = state_of(child)
    return nil, errors.fail("Conflict", "child " .. id .. " is " .. state .. "; terminate it first")
  end
  return child
end

function requests.restart_child(self, id, message)
  local child, err = stopped_child(self, id, "restarted")
  if not child then
    return nil, err
  end
  local refusal = refused(message, child.spec)
  if refusal then
    return nil, refusal
  end
  err = self:start(child)
  if err then
    return nil, err
  end
  return child.pid
end

function requests.delete_child(self, id, message)
  local child, err = stopped_child(self, id, "deleted")
  if not child then
    return nil, err
  end
  local refusal = end_refusal(message, child)
  if refusal then
    return nil, refusal
  end
  self:remove(child)
  return true
end

function requests.which_children(self, options)
  local list = {}
  local limit = type(options) == "table" and options.limit or math.huge
  local after = type(options) == "table" and options.after
  local child = self.first
  if after then
    local present = self.by_id[after]
    if not present then
      return not_found(after)
    end
    child = present.next
  end
  while child and #list < limit do
    list[#list + 1] = public(child)
    child = child.next
  end
  return list
end

function requests.count_children(self)
  local counts = { specs = self.count, active = 0, supervisors = 0, workers = 0 }
  local child = self.first
  while child do
    counts.active = counts.active + (child.pid and 1 or 0)
    local kind = child.spec.type .. "s"
    counts[kind] = counts[kind] + 1
    child = child.next
  end
  if self.spec.strategy == "simple_one_for_one" then
    counts.specs = 1
  end
  return counts
end

function requests.get_childspec(self, id)
  local child = self.by_pid[id] or self.by_id[id]
  if not child then
    return not_found(id)
  end
  return child.spec
end

return requests
