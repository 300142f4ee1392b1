-- The order of keys in workflows: the same in every replay, which that of Lua's own `next` is not.
local use = ...
local errors = use("kernel/core/errors")
local stable = use("kernel/core/stable")
local IS_OBJECT <const> = stable.IS_OBJECT
local known_serial, serial_of, weak = stable.known_serial, stable.serial_of, stable.weak
local next, rawget, type = next, rawget, type
local sort, move = table.sort, table.move

local order = {}

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
          errors.fail(
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
function order.pairs(run, t)
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
function order.next(run, t, key)
  local orders = weak(run, "orders")
  if key == nil then
    orders[t] = nil
    local first = first_key(run, t)
    return first, rawget(t, first)
  end
  local known = orders[t]
  local at = known and known.at[key]
  if not at then
    local keys, places = keys_of(run, t), {}
    at = 0
    for i, other in ipairs(keys) do
      places[other] = i
      if other == key or comes_before(run, other, key) then
        at = i
      end
    end
    known = { keys = keys, at = places }
    orders[t] = known
  end
  for i = at + 1, #known.keys do
    local value = rawget(t, known.keys[i])
    if value ~= nil then
      return known.keys[i], value
    end
  end
  orders[t] = nil
  return nil
end

return order
