-- What would show how memory is laid out or when it is collected, made the same in every replay of a workflow: the text
-- of objects and weak tables; kernel/core/order has the order of keys. Other units get what Lua does.
local use = ...
local scheduler = use("kernel/core/scheduler")
local metatable_of, rawget, type = debug.getmetatable, rawget, type
local select = select
local raw_tostring, raw_format, raw_setmetatable = tostring, string.format, setmetatable

local stable = {}

--- The types of what has an address.
stable.IS_OBJECT = { table = true, ["function"] = true, thread = true, userdata = true }
local IS_OBJECT <const> = stable.IS_OBJECT
-- Where the numbers begin that queries and validators give, which leave no trace in their run.
local TRACELESS <const> = 0x80000000

--- The running workflow's state, or nil where the running unit is none.
local function current_run()
  local current = scheduler.current
  return current and current.run
end
stable.current_run = current_run

--- A table of a run with weak keys, made at first use.
function stable.weak(run, name)
  local map = run[name]
  if not map then
    map = raw_setmetatable({}, { __mode = "k" })
    run[name] = map
  end
  return map
end

local weak = stable.weak

--- The number of an object within its run, or nil.
function stable.known_serial(run, value)
  local serials, traceless = run.serials, run.traceless_serials
  return serials and serials[value] or run.read_only and traceless and traceless[value] or nil
end

local known_serial = stable.known_serial

--- The number of an object within its run, in the order in which objects were first asked for theirs.
function stable.serial_of(run, value)
  local serial = known_serial(run, value)
  if serial then
    return serial
  elseif run.read_only then
    serial = (run.traceless or TRACELESS) + 1
    run.traceless = serial
    weak(run, "traceless_serials")[value] = serial
    return serial
  end
  serial = (run.serial or 0) + 1
  run.serial = serial
  weak(run, "serials")[value] = serial
  return serial
end

local serial_of = stable.serial_of

--- Numbers an object that the running workflow has made, so that it has a place in the order of keys.
function stable.made(value)
  local run = current_run()
  if run then
    serial_of(run, value)
  end
  return value
end

local function own_text(meta)
  return meta and rawget(meta, "__tostring") ~= nil
end

-- `kind: 0x00000001` in the place of an address.
local function text_of(run, value)
  local kind = type(value)
  if not IS_OBJECT[kind] then
    return raw_tostring(value)
  end
  local meta = metatable_of(value)
  if own_text(meta) then
    return raw_tostring(value)
  end
  local name = meta and rawget(meta, "__name")
  return raw_format("%s: 0x%08x", type(name) == "string" and name or kind, serial_of(run, value))
end

--- `tostring`, which the kernel's own messages use too: they name what programs gave.
function stable.tostring(...)
  if select("#", ...) == 0 then
    error("bad argument #1 to 'tostring' (value expected)", 2)
  end
  local run = current_run()
  if run then
    return text_of(run, (...))
  end
  return raw_tostring((...))
end

local function may_show_address(value)
  return IS_OBJECT[type(value)] and not own_text(metatable_of(value))
end

-- The arguments with texts in the place of the objects that `%s` writes.
local function shown(run, layout, args)
  local i = 0
  for conversion in layout:gmatch("%%[-+ #0]*%d*%.?%d*(.)") do
    if conversion ~= "%" then
      i = i + 1
      if conversion == "p" then
        error("%p is not available in a workflow: addresses differ in a replay; use %s", 3)
      elseif conversion == "s" and may_show_address(args[i]) then
        args[i] = text_of(run, args[i])
      end
    end
  end
  return args
end

--- `string.format` of workflows.
function stable.format(layout, ...)
  local run = current_run()
  local args, looks = table.pack(...), false
  for i = 1, args.n do
    looks = looks or may_show_address(args[i])
  end
  if run and type(layout) == "string" and (looks or layout:find("p", 1, true)) then
    args = shown(run, layout, args)
  end
  local ok, text = pcall(raw_format, layout, table.unpack(args, 1, args.n))
  if not ok then
    error((text:gsub("'[%w_.?]+'", "'format'", 1)), 2)
  end
  return text
end

--- `setmetatable`: in a workflow a weak table would show when memory is collected, so it holds what is in it.
function stable.setmetatable(t, meta)
  if current_run() and type(meta) == "table" and rawget(meta, "__mode") ~= nil then
    rawset(meta, "__mode", nil)
  end
  return raw_setmetatable(t, meta)
end

return stable
