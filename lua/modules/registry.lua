--- Module `registry`: the entries of the application: to read, to find, to change, and their versions.
-- @workflows no
-- @sandbox no -- with it a script could make an entry that opens a directory
local runtime = ...
local use, check, errors = runtime.use, runtime.check, runtime.errors
local processes = use("kernel/processes/processes")
local copies = use("kernel/core/copy")
local object = use("kernel/core/object")

local registry = {}

-- What the objects of this module stand for, out of the reach of programs.
local held = setmetatable({}, { __mode = "k" })

local function of(instance, name)
  return held[instance] or error("bad self (" .. name .. " expected; call it with ':')", 3)
end

local function made(constructor, record)
  local instance = constructor({})
  held[instance] = record
  return instance
end

local function allowed(action, resource)
  return runtime.allowed("registry." .. action, resource)
end

local function denied(message)
  return errors.fail("PermissionDenied", message)
end

-- The entries of a list that the caller may see.
local function visible(entries, err)
  if not entries then
    return nil, err
  end
  local list = {}
  for _, entry in ipairs(entries) do
    if allowed("get", entry.id) then
      list[#list + 1] = entry
    end
  end
  return list
end

local function get(id, version)
  check.string(id, 1, "get")
  if not allowed("get", id) then
    return nil, denied("not allowed to access entry: " .. id)
  end
  return processes.ask(-1, "registry.get", { id = id, version = version })
end

local function find(query, version)
  check.table(query, 1, "find")
  return visible(processes.ask(-1, "registry.find", { query = query, version = version }))
end

--- The entry of an id, { id, kind, meta, data }, or `nil, err` NotFound.
function registry.get(id)
  return get(id)
end

--- The entries that meet every criterion, sorted by id: { [".kind"] = …, [".ns"] = …, ["meta.F"] = …, … }.
function registry.find(query)
  local list, err = find(query)
  return list, err
end

--- { ns, name } of an id; never fails.
function registry.parse_id(id)
  check.string(id, 1, "parse_id")
  local ns, name = id:match("^(.-):(.*)$")
  return { ns = ns or "", name = name or id }
end

local version_methods, snapshot_methods, changes_methods, history_methods = {}, {}, {}, {}
local new_version = object.define("registry.Version", version_methods, {
  __tostring = function(self)
    return "registry.Version{v" .. held[self].id .. "}"
  end,
})
local new_snapshot = object.define("registry.Snapshot", snapshot_methods, {
  __tostring = function(self)
    return "registry.Snapshot{version=v" .. held[self].version .. "}"
  end,
})
local new_changes = object.define("registry.Changes", changes_methods, {
  __tostring = function(self)
    return "registry.Changes{ops=" .. #held[self].ops .. "}"
  end,
})
local new_history = object.define("registry.History", history_methods, {
  __tostring = function()
    return "registry.History{}"
  end,
})

local function version_of(record, err)
  if not record then
    return nil, err
  end
  return made(new_version, record), nil
end

--- Its number.
function version_methods:id()
  return of(self, "registry.Version").id
end

--- "v5".
function version_methods:string()
  return "v" .. of(self, "registry.Version").id
end

--- The version that it was made from, or nil.
function version_methods:previous()
  local previous = of(self, "registry.Version").previous
  return previous and version_of(processes.ask(-1, "registry.version", { id = previous })) or nil
end

--- The newest version that was made from it, or nil.
function version_methods:next()
  local id, found = of(self, "registry.Version").id, nil
  for _, version in ipairs(processes.ask(-1, "registry.versions")) do
    if version.previous == id then
      found = version
    end
  end
  return found and made(new_version, found) or nil
end

--- The version of the registry as it is.
function registry.current_version()
  return version_of(processes.ask(-1, "registry.current"))
end

--- Every version.
function registry.versions()
  local list, err = processes.ask(-1, "registry.versions")
  if not list then
    return nil, err
  end
  for i, version in ipairs(list) do
    list[i] = made(new_version, version)
  end
  return list, nil
end

--- A view of the registry as it is now.
function registry.snapshot()
  local version, err = processes.ask(-1, "registry.current")
  if not version then
    return nil, err
  end
  return made(new_snapshot, { version = version.id }), nil
end

local function snapshot_at(id)
  local version, err = processes.ask(-1, "registry.version", { id = id })
  if not version then
    return nil, err
  end
  return made(new_snapshot, { version = id }), nil
end

--- A view of the registry as it was at a version's number.
function registry.snapshot_at(id)
  check.number(id, 1, "snapshot_at")
  if id <= 0 then
    return nil, errors.fail("Invalid", "invalid version ID")
  end
  return snapshot_at(id)
end

function snapshot_methods:get(id)
  return get(id, of(self, "registry.Snapshot").version)
end

function snapshot_methods:find(query)
  return find(query, of(self, "registry.Snapshot").version)
end

--- All entries.
function snapshot_methods:entries()
  local list, err = find({}, of(self, "registry.Snapshot").version)
  return list, err
end

--- The entries of exactly that namespace.
function snapshot_methods:namespace(ns)
  check.string(ns, 1, "namespace")
  return find({ [".ns"] = ns }, of(self, "registry.Snapshot").version)
end

function snapshot_methods:version()
  return version_of(
    processes.ask(-1, "registry.version", { id = of(self, "registry.Snapshot").version })
  )
end

--- A new, empty change set. It applies to the registry as it will be then.
function snapshot_methods:changes()
  of(self, "registry.Snapshot")
  return made(new_changes, { ops = {} })
end

local function id_of(value)
  if type(value) == "string" and value:find(".:.") then
    return value
  elseif type(value) == "table" and type(value.ns) == "string" and type(value.name) == "string" then
    return value.ns .. ":" .. value.name
  end
  return nil
end

local function add_entry(kind)
  return function(self, entry)
    local ops = of(self, "registry.Changes").ops
    local function invalid(what)
      return nil, errors.fail("Invalid", "convert entry: " .. what)
    end
    if type(entry) ~= "table" then
      return invalid("a table is needed, not " .. type(entry))
    end
    local id = id_of(entry.id)
    if not id then
      return invalid('id must be "namespace:name" or { ns =, name = }')
    elseif type(entry.kind) ~= "string" or entry.kind == "" then
      return invalid("kind is required")
    elseif entry.meta ~= nil and type(entry.meta) ~= "table" then
      return invalid("meta must be a table")
    end
    local ok, copy = pcall(copies.copy, {
      id = id,
      kind = entry.kind,
      meta = entry.meta or {},
      data = entry.data == nil and {} or entry.data,
    })
    if not ok then
      return nil, errors.from_raised(copy)
    end
    ops[#ops + 1] = { kind = kind, entry = copy }
    return self
  end
end

--- Adds the creation of an entry.
changes_methods.create = add_entry("entry.create")
--- Adds the replacement of an entry, all of it.
changes_methods.update = add_entry("entry.update")

--- Adds the deletion of an entry.
function changes_methods:delete(id)
  local ops = of(self, "registry.Changes").ops
  local text = id_of(id)
  if not text then
    return nil, errors.fail("Invalid", "invalid ID format")
  end
  ops[#ops + 1] = { kind = "entry.delete", entry = { id = text, kind = "", meta = {}, data = {} } }
  return self
end

--- A copy of what is in it.
function changes_methods:ops()
  return copies.copy(of(self, "registry.Changes").ops)
end

--- Applies all of it or nothing: the new Version, or `nil, err`.
function changes_methods:apply()
  local ops = of(self, "registry.Changes").ops
  if #ops == 0 then
    return nil, errors.fail("Invalid", "no changes to apply")
  elseif not allowed("apply", "") then
    return nil, denied("not allowed to apply registry changes")
  end
  return version_of(processes.ask(-1, "registry.apply", { changes = ops }))
end

--- Goes to a version: `true`, or `false, err`.
function registry.apply_version(version)
  local record = held[version]
  if not object.is("registry.Version", version) then
    return false, errors.fail("Invalid", "a registry.Version is needed, not " .. type(version))
  elseif not allowed("apply_version", "") then
    return nil, denied("not allowed to apply registry version")
  end
  local ok, err = processes.ask(-1, "registry.move", { id = record.id })
  return ok ~= nil, err
end

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then
    return a == b
  end
  for key, value in pairs(a) do
    if not same(value, b[key]) then
      return false
    end
  end
  for key in pairs(b) do
    if a[key] == nil then
      return false
    end
  end
  return true
end

--- The operations that turn one list of entries into another.
function registry.build_delta(from, to)
  check.table(from, 1, "build_delta")
  check.table(to, 2, "build_delta")
  local before, after, ops = {}, {}, {}
  local function index(list, map)
    for _, entry in ipairs(list) do
      local id = type(entry) == "table" and id_of(entry.id)
      if id and type(entry.kind) == "string" then
        map[id] = { id = id, kind = entry.kind, meta = entry.meta or {}, data = entry.data }
        map[#map + 1] = id
      end
    end
  end
  index(from, before)
  index(to, after)
  for _, id in ipairs(before) do
    if not after[id] then
      ops[#ops + 1] = { kind = "entry.delete", entry = before[id] }
    end
  end
  for _, id in ipairs(after) do
    local old, new = before[id], after[id]
    if not old then
      ops[#ops + 1] = { kind = "entry.create", entry = new }
    elseif
      old.kind ~= new.kind
      or type(new.data) ~= "table"
      or not same(old.meta, new.meta)
      or not same(old.data, new.data)
    then
      ops[#ops + 1] = { kind = "entry.update", entry = new }
    end
  end
  return ops, nil
end

--- The history of versions.
function registry.history()
  return made(new_history, {}), nil
end

function history_methods:versions()
  of(self, "registry.History")
  return registry.versions()
end

function history_methods:get_version(id)
  of(self, "registry.History")
  check.number(id, 1, "get_version")
  if id < 0 then
    return nil, errors.fail("Invalid", "invalid version ID")
  end
  return version_of(processes.ask(-1, "registry.version", { id = id }))
end

--- A view of the registry as it was at a Version.
function history_methods:snapshot_at(version)
  of(self, "registry.History")
  local record = object.is("registry.Version", version) and held[version]
  if not record then
    return nil, errors.fail("Invalid", "a registry.Version is needed, not " .. type(version))
  end
  return snapshot_at(record.id)
end

return registry
