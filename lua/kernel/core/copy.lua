-- Data that crosses from one unit to another is copied, never shared.
-- Strings and scalars pass as they are, tables with their metatables and Error objects deeply (cycles and shared
-- references kept); other objects, functions and coroutines inside a table arrive as nil. The copy of a weak table
-- holds its contents: nothing else there does.
local use = ...
local errors = use("kernel/core/errors")
local limits = use("kernel/core/limits")
local is_defined = use("kernel/core/object").is_defined
local view = use("kernel/core/view")
local metatable_of, next, rawset, type = debug.getmetatable, next, rawset, type
local setmetatable = setmetatable
local about, content = view.about, view.content
local error_meta, pause, native_copy = errors.meta, host.pause, host.copy

local MAX_DEPTH <const>, MAX_VALUES <const> = limits.DEPTH, limits.VALUES

local copies = {}

-- A long copy lets others run each time after so many values: a few milliseconds.
local TURN <const> = 32768

local function too_deep()
  return errors.fail("Invalid", "cannot copy a table nested deeper than " .. MAX_DEPTH .. " levels")
end

local function too_many()
  local text = "cannot copy more than " .. MAX_VALUES .. " values at once; send them in parts"
  return errors.fail("Invalid", text)
end

-- `seen` maps what was copied to its copy; a flat table, the usual message, needs none. `values` counts what was copied
-- so far; the copy is returned with the new count.
local copy_table
function copy_table(source, seen, depth, values)
  local meta = metatable_of(source)
  if meta then
    if meta == error_meta then
      source = errors.sound(source)
      local details = source._details
      if details then
        details, values = copy_table(details, seen, depth + 1, values)
      end
      return errors.make(source._kind, source._message, source._retryable, details, source._stack),
        values
    elseif is_defined(meta) then
      return nil, values
    elseif about(meta) ~= nil then
      source, meta = meta[1], nil
      if seen and seen[source] then
        return seen[source], values
      end
    end
  end
  if depth > MAX_DEPTH then
    error(too_deep(), 0)
  end
  local target = {}
  if seen then
    seen[source] = target
  end
  for key, value in next, source do
    values = values + 1
    if values % TURN == 0 then
      pause()
    end
    local kind = type(value)
    if kind == "table" then
      seen = seen or { [source] = target }
      local copied = seen[value]
      if not copied then
        copied, values = copy_table(value, seen, depth + 1, values)
      end
      value = copied
    elseif kind == "function" or kind == "thread" or kind == "userdata" then
      value = nil
    end
    kind = type(key)
    if kind == "table" then
      seen = seen or { [source] = target }
      local copied = seen[key]
      if not copied then
        copied, values = copy_table(key, seen, depth + 1, values)
      end
      key = copied
      if key ~= nil then
        target[key] = value
      end
    elseif kind ~= "function" and kind ~= "thread" then
      target[key] = value
    end
  end
  if values > MAX_VALUES then
    error(too_many(), 0)
  end
  if meta then
    seen = seen or { [source] = target }
    local copied = seen[meta]
    if not copied then
      copied, values = copy_table(meta, seen, depth + 1, values)
    end
    if copied then
      rawset(copied, "__mode", nil)
      setmetatable(target, copied)
    end
  end
  return target, values
end

--- What `copies.copy` does with a table when the native copy leaves it to Lua: Error objects, tables as keys, what is
--- large.
function copies.copy_in_lua(source)
  return (copy_table(source, nil, 1, 0))
end

local function copy(value)
  local kind = type(value)
  if kind == "table" then
    return native_copy(value) or (copy_table(value, nil, 1, 0))
  elseif kind == "function" or kind == "thread" or kind == "userdata" then
    return nil
  end
  return value
end

--- The copy of one value, nil for a function or coroutine. Raises an Error (Invalid) for what is too large.
copies.copy = copy

--- Copies of all arguments, nil holes kept.
function copies.all(...)
  local n = select("#", ...)
  if n == 0 then
    return
  elseif n == 1 then
    return copy((...))
  elseif n == 2 then
    local a, b = ...
    return copy(a), copy(b)
  end
  local values = { ... }
  for i = 1, n do
    values[i] = copy(values[i])
  end
  return table.unpack(values, 1, n)
end

-- Whether a table nests too deep, or holds too much, to be copied: its depth so far and its values, up to the limit.
local function extent(t, seen, depth, values)
  seen[t] = true
  local deepest = depth
  for key, value in next, content(t) do
    values = values + 1
    for i = 1, 2 do
      local part = i == 1 and value or key
      if type(part) == "table" and not seen[part] and deepest <= MAX_DEPTH then
        local below
        below, values = extent(part, seen, depth + 1, values)
        deepest = below > deepest and below or deepest
      end
    end
    if deepest > MAX_DEPTH or values > MAX_VALUES then
      break
    end
  end
  return deepest, values
end

--- The Error (Invalid) for a value that could not be copied because of its size; else nil. For values that leave a unit
--- without being copied.
function copies.refusal(value)
  if type(value) ~= "table" then
    return nil
  end
  local deepest, values = extent(value, {}, 1, 0)
  if deepest > MAX_DEPTH then
    return too_deep()
  elseif values > MAX_VALUES then
    return too_many()
  end
  return nil
end

return copies
