--- Module `logger`: structured log records. The module is itself a Logger. The kernel adds pid and
-- location, and is silent while a workflow replays.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local errors = runtime.errors
local tostring = runtime.tostring

local methods = {}

-- The module is called like a Logger, so that each method looks at its self itself.
local NAME <const>, FIELDS <const> = {}, {}
local make = runtime.object("Logger", methods, nil, true)

-- The fields of a log line as plain data, with string keys only.
local function plain(fields, into)
  for key, value in pairs(fields) do
    if type(key) == "string" then
      into[key] = errors.is_error(value) and tostring(value) or value
    end
  end
  return into
end

-- The name and fields that a logger carries; the module itself has none.
local function carried(self, method)
  if runtime.is("Logger", self) then
    return self[NAME], self[FIELDS]
  elseif host.type(self) ~= "table" then
    error("call it with a colon: logger:" .. method .. "(...)", 3)
  end
  return "", nil
end

local function writer(level)
  return function(self, message, fields)
    local name, own = carried(self, level)
    if type(message) ~= "string" then
      error(
        "bad argument #1 to '" .. level .. "' (string expected, got " .. host.type(message) .. ")",
        2
      )
    elseif fields ~= nil and host.type(fields) ~= "table" then
      error(
        "bad argument #2 to '" .. level .. "' (table expected, got " .. host.type(fields) .. ")",
        2
      )
    end
    local all = own and plain(own, {}) or {}
    runtime.log(level, name, message, fields and plain(fields, all) or all)
  end
end

for _, level in ipairs({ "debug", "info", "warn", "error" }) do
  methods[level] = writer(level)
end

--- A logger that adds fields to every line.
function methods:with(fields)
  local name, own = carried(self, "with")
  if host.type(fields) ~= "table" then
    error("bad argument #1 to 'with' (table expected, got " .. host.type(fields) .. ")", 2)
  end
  return make({ [NAME] = name, [FIELDS] = plain(fields, own and plain(own, {}) or {}) })
end

--- A logger with a name behind the name of this one, joined by a dot.
function methods:named(name)
  local parent, own = carried(self, "named")
  if type(name) ~= "string" or name == "" then
    error("bad argument #1 to 'named' (a non-empty string expected)", 2)
  end
  local full = parent == "" and name or parent .. "." .. name
  return make({ [NAME] = full, [FIELDS] = own or {} })
end

return methods
