-- The `workflow` module (spec workflows §1).
local runtime = ...
local check = runtime.check
local errors = runtime.errors
local permissions = runtime.use("kernel/permissions")
local scheduler = runtime.use("kernel/scheduler")

local workflow = {}

local function invalid(message)
  return errors.fail("Invalid", message)
end

--- Runs another workflow and waits: `result, nil` or `nil, err`. Inside a workflow it is a child; elsewhere a new
--- durable run, which goes on when the caller ends first.
function workflow.exec(id, ...)
  check.string(id, 1, "exec")
  if id == "" then
    return nil, invalid("workflow ID required")
  elseif not id:find("^[^:]+:.+") then
    return nil, invalid("invalid id format: '" .. id .. "' (namespace:name expected)")
  end
  local self = scheduler.current
  if not permissions.allowed(self, "workflow.exec", id) then
    return nil, permissions.denied("not allowed to execute workflow: " .. id)
  end
  local value, err = self.context.workflow_exec(self, id, ...)
  if err and self.context.kind == "workflow" then
    local retryable = err:retryable()
    if retryable == nil then
      retryable = true
    end
    return nil,
      errors.make(
        err:kind(),
        "workflow exec failed: " .. err:message(),
        retryable,
        err:details(),
        err:stack()
      )
  end
  return value, err
end

--- The older name of `exec`.
workflow.execute = workflow.exec

--- The version of a change that this run is on (spec §1.2); outside a workflow `max`.
function workflow.version(change, minimum, maximum)
  check.string(change, 1, "version")
  minimum = check.integer(minimum, 2, "version")
  maximum = check.integer(maximum, 3, "version")
  if change == "" then
    return nil, invalid("change id is empty")
  elseif minimum > maximum then
    return nil, invalid("min is greater than max")
  end
  local self = scheduler.current
  return self.context.version(self, change, minimum, maximum), nil
end

local function unsupported(key, what)
  return nil, invalid("unsupported type of attribute '" .. key .. "': " .. what)
end

-- A list of texts, or nil and an Error.
local function texts(key, list)
  local count = 0
  for _ in pairs(list) do
    count = count + 1
  end
  if count ~= #list then
    return unsupported(key, "a table that is no list")
  end
  for i, element in ipairs(list) do
    if type(element) ~= "string" then
      return unsupported(key, "element " .. i .. " is no string")
    end
  end
  return list
end

-- The attributes that have a name, checked; or nil and an Error.
local function attributes_of(search)
  local found = {}
  for key, value in pairs(search) do
    local kind = host.type(value)
    if type(key) == "string" then
      if kind == "table" then
        local list, err = texts(key, value)
        if not list then
          return nil, err
        end
      elseif kind ~= "string" and kind ~= "boolean" and kind ~= "number" then
        return unsupported(key, kind)
      end
      found[key] = value
    end
  end
  return found
end

local function named(memo)
  local found = {}
  for key, value in pairs(memo) do
    if type(key) == "string" then
      found[key] = value
    end
  end
  return found
end

--- Merges search attributes and memo values into the run: `true` or `nil, err`.
function workflow.attrs(attributes)
  check.table(attributes, 1, "attrs")
  local search, memo = attributes.search, attributes.memo
  if search == nil and memo == nil then
    return nil, invalid("search or memo is required")
  elseif (search ~= nil and type(search) ~= "table") or (memo ~= nil and type(memo) ~= "table") then
    return nil, invalid("search and memo must be tables")
  end
  local err
  if search then
    search, err = attributes_of(search)
    if err then
      return nil, err
    end
  end
  local self = scheduler.current
  return self.context.attributes(self, search, memo and named(memo))
end

--- What is known of the run (spec §1.4); nil outside a workflow.
function workflow.info()
  local self = scheduler.current
  return self.context.workflow_info(self), nil
end

--- Events in the history so far; 0 outside a workflow.
function workflow.history_length()
  local info = workflow.info()
  return info and info.history_length or 0, nil
end

--- Bytes in the history so far; 0 outside a workflow.
function workflow.history_size()
  local info = workflow.info()
  return info and info.history_size or 0, nil
end

return workflow
