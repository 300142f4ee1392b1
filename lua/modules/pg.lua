--- Module `pg`: named groups of processes, in scopes (entries of kind pg.scope).
-- @workflows no
-- @sandbox yes
local runtime = ...
local use, check, effects, errors = runtime.use, runtime.check, runtime.effects, runtime.errors
local processes = use("kernel/processes/processes")
local copies = use("kernel/core/copy")
local object = use("kernel/core/object")
local scheduler = use("kernel/core/scheduler")
local subscriptions = use("kernel/processes/subscriptions")
local unit = use("kernel/core/unit")

local pg = {}

local methods = {}
local new_instance = object.define("pg.Instance", methods)
-- Instance -> { scope, released }, out of the reach of programs.
local held = setmetatable({}, { __mode = "k" })

local function invalid(message)
  return errors.fail("Invalid", message)
end

local function denied(action, resource)
  if not runtime.allowed("pg." .. action, resource) then
    local what = ({
      join = "join group",
      leave = "leave group",
      broadcast = "broadcast to group",
      broadcast_local = "broadcast to group",
      monitor = "monitor group",
    })[action] or action
    return errors.fail("PermissionDenied", "not allowed to " .. what .. ": " .. resource)
  end
  return nil
end

-- The scope of an instance that is still open, or nil and the error.
local function scope_of(instance)
  local record = held[instance]
  if not record then
    error("bad self (pg.Instance expected; call it with ':')", 3)
  elseif record.released then
    return nil, invalid("pg instance is released")
  end
  return record.scope
end

--- Opens a scope: an Instance, or `nil, err`.
function pg.open(id)
  if id == nil or id == "" then
    return nil, invalid("pg scope id is required")
  end
  check.string(id, 1, "open")
  local err = denied("open", id)
  if err then
    return nil, err
  end
  local ok, failure = effects.immediate("pg.find", id)
  if not ok then
    return nil, failure
  end
  local instance = new_instance({})
  held[instance] = { scope = id, released = false }
  return instance, nil
end

-- The names of a join or leave: a text or the texts of a list.
local function names_of(value)
  if type(value) == "string" then
    value = { value }
  end
  local names = {}
  if type(value) == "table" then
    for _, name in ipairs(value) do
      if type(name) == "string" and name ~= "" then
        names[#names + 1] = name
      end
    end
  end
  if #names == 0 then
    return nil, invalid("a group name or a list of group names is required")
  end
  return names
end

local function membership(name)
  methods[name] = function(self, value)
    local scope, err = scope_of(self)
    if not scope then
      return nil, err
    end
    local names, wrong = names_of(value)
    if not names then
      return nil, wrong
    end
    err = runtime.not_in_workflow("pg." .. name)
    if err then
      return nil, err
    end
    for _, group in ipairs(names) do
      err = denied(name, group)
      if err then
        return nil, err
      end
    end
    local current = scheduler.current
    -- Its end is told to the node, as that of a process with a name.
    current.named = true
    return processes.ask(-1, "groups." .. name, {
      scope = scope,
      pid = unit.pid_of(current),
      groups = names,
    })
  end
end

--- Joins a group or all groups of a list, once more if it is a member already.
membership("join")
--- Leaves them, once. Invalid when it is a member of none.
membership("leave")

local function group_name(value, name)
  if value == nil or value == "" then
    return nil, invalid("group name is required")
  end
  return check.string(value, 1, name)
end

local function query(name, op, needs_group)
  methods[name] = function(self, group)
    local scope, err = scope_of(self)
    if scope and needs_group then
      group, err = group_name(group, name)
    end
    err = err or denied(name, needs_group and group or "")
    if err then
      return nil, err
    end
    return processes.ask(-1, op, { scope = scope, group = group })
  end
end

--- PIDs of a group in the order in which they joined; none for a group that is not there.
query("get_members", "groups.members", true)
query("get_local_members", "groups.members", true)
--- Names of the groups that have members.
query("which_groups", "groups.names")
query("which_local_groups", "groups.names")

local function broadcaster(name)
  methods[name] = function(self, group, topic, ...)
    local scope, err = scope_of(self)
    if scope then
      group, err = group_name(group, name)
    end
    if not err and (topic == nil or topic == "") then
      err = invalid("topic is required")
    end
    if err then
      return nil, err
    end
    check.string(topic, 2, name)
    if string.byte(topic) == 64 then
      return nil, invalid("cannot send to @ topics")
    end
    err = denied(name, group)
    if err then
      return nil, err
    end
    local values = table.pack(pcall(copies.all, ...))
    if not values[1] then
      return nil, errors.from_raised(values[2])
    end
    local from = unit.pid_of(scheduler.current)
    return processes.ask(-1, "groups.broadcast", {
      scope = scope,
      group = group,
      topic = topic,
      from = from,
      values = table.pack(table.unpack(values, 2, values.n)),
    })
  end
end

--- Sends a message to every member, the caller included, as often as it joined: `true`.
broadcaster("broadcast")
broadcaster("broadcast_local")

local function watcher(name, needs_group)
  methods[name] = function(self, group)
    local scope, err = scope_of(self)
    if scope and needs_group then
      group, err = group_name(group, name)
    end
    err = err or runtime.not_in_workflow("pg." .. name) or denied(name, needs_group and group or "")
    if err then
      return nil, nil, err
    end
    local id, subscription, stop = subscriptions.new(scheduler.current, "groups.unwatch")
    local present, failure = processes.ask(-1, "groups.watch", {
      scope = scope,
      subscription = id,
      group = needs_group and group or nil,
    })
    if not present then
      stop()
      return nil, nil, failure
    end
    return subscription, present, nil
  end
end

--- A Subscription to the changes of a group, and its members at that moment.
watcher("monitor", true)
--- A Subscription to the changes of all groups, and { name -> members } at that moment.
watcher("events")

--- Closes the instance; it leaves no group. Closing it again does nothing.
function methods:release()
  local record = held[self]
  if record then
    record.released = true
  end
  return true
end

return pg
