-- What would show how memory is laid out or when it is collected, made the same in every replay of a workflow: the text
-- of objects, the order of keys, weak tables. Other units get what Lua does.
local use = ...
local scheduler = use("kernel/core/scheduler")
local metatable_of, next, rawget, type = debug.getmetatable, next, rawget, type
local select, sort, move = select, table.sort, table.move
local raw_tostring, raw_format, raw_setmetatable = tostring, string.format, setmetatable

local stable = {}

local IS_OBJECT <const> = { table = true, ["function"] = true, thread = true, userdata = true }
-- Where the numbers begin that queries and validators give, which leave no trace in their run.
local TRACELESS <const> = 0x80000000

--- The running workflow's state, or nil where the running unit is none.
local function current_run()
  local current = scheduler.current
  return current and current.run
end
stable.current_run = current_run

local function weak(run, name)
  local map = run[name]
  if not map then
    map = raw_setmetatable({}, { __mode = "k" })
    run[name] = map
  end
  return map
end

local function known_serial(run, value)
  local serials, traceless = run.serials, run.traceless_serials
  return serials and serials[value] or run.read_only and traceless and traceless[value] or nil
end

-- The number of an object within its run, in the order in which objects were first asked for theirs.
local function serial_of(run, value)
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

--- Gives an object that the running workflow has made its number, so that it has a place in the order of keys.
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

--- `tostring`.
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

local function before(a, b)
  local kind_a, kind_b = type(a), type(b)
  if kind_a ~= kind_b then
    return kind_a < kind_b
  elseif kind_a == "boolean" then
    return not a and b
  end
  return a < b
end

local function sort_objects(run, objects, count)
  local unknown
  for i = 1, count do
    local key = objects[i]
    if not known_serial(run, key) then
      if unknown then
        error(
          use("kernel/core/errors").fail(
            "Invalid",
            "a table has several keys that are tables, functions or coroutines, whose order differs in a replay; "
              .. "give it numbers or texts as keys, or keep the objects in a list beside it"
          ),
          0
        )
      end
      unknown = key
    end
  end
  if unknown then
    serial_of(run, unknown)
  end
  sort(objects, function(a, b)
    return known_serial(run, a) < known_serial(run, b)
  end)
end

-- The keys of a table in the order of a workflow: booleans, numbers, texts, then objects by their numbers.
local function keys_of(run, t)
  local keys, objects, n, m = {}, nil, 0, 0
  local first, alike = nil, true
  for key in next, t do
    local kind = type(key)
    if IS_OBJECT[kind] then
      objects = objects or {}
      m = m + 1
      objects[m] = key
    else
      first = first or kind
      alike = alike and kind == first
      n = n + 1
      keys[n] = key
    end
  end
  if alike and first ~= "boolean" then
    sort(keys)
  else
    sort(keys, before)
  end
  if objects then
    sort_objects(run, objects, m)
    move(objects, 1, m, n + 1, keys)
  end
  return keys
end

--- Goes through a plain table in a run's order, for `pairs`.
function stable.pairs(run, t)
  local keys, i = keys_of(run, t), 0
  return function(source)
    local value
    repeat
      i = i + 1
      local key = keys[i]
      if key == nil then
        return nil
      end
      value = rawget(source, key)
    until value ~= nil
    return keys[i], value
  end,
    t,
    nil
end

-- The first key: mostly the question is whether there is one.
local function first_key(run, t)
  local first = next(t)
  if first == nil or next(t, first) == nil then
    return first
  end
  local least
  for key in next, t do
    if not IS_OBJECT[type(key)] and (least == nil or before(key, least)) then
      least = key
    end
  end
  if least == nil then
    least = keys_of(run, t)[1]
  end
  return least
end

local function comes_before(run, a, b)
  local object_a, object_b = IS_OBJECT[type(a)], IS_OBJECT[type(b)]
  if object_a and object_b then
    return serial_of(run, a) < serial_of(run, b)
  elseif object_a or object_b then
    return not object_a
  end
  return before(a, b)
end

--- `next` of a plain table in a run's order.
function stable.next(run, t, key)
  local orders = weak(run, "orders")
  if key == nil then
    orders[t] = nil
    local first = first_key(run, t)
    return first, rawget(t, first)
  end
  local order = orders[t]
  local at = order and order.at[key]
  if not at then
    local keys, places = keys_of(run, t), {}
    at = 0
    for i, other in ipairs(keys) do
      places[other] = i
      if other == key or comes_before(run, other, key) then
        at = i
      end
    end
    order = { keys = keys, at = places }
    orders[t] = order
  end
  for i = at + 1, #order.keys do
    local value = rawget(t, order.keys[i])
    if value ~= nil then
      return order.keys[i], value
    end
  end
  orders[t] = nil
  return nil
end

--- `setmetatable`: in a workflow a weak table would show when memory is collected, so it holds what is in it.
function stable.setmetatable(t, meta)
  if current_run() and type(meta) == "table" and rawget(meta, "__mode") ~= nil then
    rawset(meta, "__mode", nil)
  end
  return raw_setmetatable(t, meta)
end

local OUT_OF_MEMORY <const> = "not enough memory"
local STUCK <const> = "ran too long where it cannot yield"

--- Whether a raised value says that the machine is short of memory or time. That depends on the neighbours of a run: its
--- code must not see it, so its task is given up and done again.
function stable.is_shortage(raised)
  return raised == OUT_OF_MEMORY or type(raised) == "string" and raised:find(STUCK, 1, true) ~= nil
end

--- The same of the text of an Error that running a chunk has made of it.
function stable.tells_shortage(message)
  return message:find(OUT_OF_MEMORY, 1, true) ~= nil or message:find(STUCK, 1, true) ~= nil
end

--- Gives the task of a run up. What runs in one of its coroutines does not go on.
function stable.give_up(run, raised)
  run.failure = use("kernel/core/errors").make(
    "Unavailable",
    raised == OUT_OF_MEMORY
        and "there is not enough memory for the workflow; let it keep less, or give the runtime more (--memory-limit)"
      or raised,
    true,
    { task_failed = true }
  )
  if coroutine.isyieldable() then
    host.park()
  end
end

local function checked(ok, first, ...)
  if not ok and stable.is_shortage(first) then
    local run = current_run()
    if run then
      stable.give_up(run, first)
    end
  end
  return ok, first, ...
end

local function checking(protected)
  return function(...)
    return checked(protected(...))
  end
end

--- What catches errors in workflows.
stable.pcall, stable.xpcall, stable.resume =
  checking(pcall), checking(xpcall), checking(coroutine.resume)

-- The modules' own messages name what they were given.
rawset(_G, "tostring", stable.tostring)

return stable
