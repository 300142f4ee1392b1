-- Variables of what stands, as a debugger shows them: a line each, and a number by which what is in them can be asked
-- for. The numbers are good while the coroutine stands that they were shown for.
local use = ...
local raw_tostring = use("kernel/core/stable").tostring
local errors = use("kernel/core/errors")
local before = use("kernel/inspect/key_order")
local object = use("kernel/core/object")
local show = use("kernel/inspect/show")
local content = use("kernel/core/view").content
local metatable_of = debug.getmetatable
local getlocal, getupvalue = debug.getlocal, debug.getupvalue

local variables = {}

-- Variables of one answer, and keys of a table that are looked at, at most.
local MOST <const>, MOST_KEYS <const> = 1000, 100000

local items, last_item = {}, 0

--- Keeps something for as long as the coroutine of a frame stands, which may be the frame. Returns its number.
function variables.keep(frame, item)
  last_item = last_item + 1
  item.frame = frame
  items[last_item] = item
  return last_item
end

--- What has a number; nil: there is nothing any more.
function variables.kept(id)
  return items[id]
end

--- Forgets what was kept for a coroutine.
function variables.release(thread)
  for id, item in pairs(items) do
    if item.frame.thread == thread then
      items[id] = nil
    end
  end
end

local function name_of(key)
  if type(key) == "string" and key:find("^[%a_][%w_]*$") then
    return key
  end
  return "[" .. show(key) .. "]"
end

-- The keys of a table behind its list, sorted; kept with the item, as its pages are of one state.
local function keys_of(item)
  if item.keys then
    return item.keys
  end
  local value = content(item.value)
  local keys, length = {}, rawlen(value)
  for key in next, value do
    local listed = math.type(key) == "integer" and key >= 1 and key <= length
    if not listed then
      keys[#keys + 1] = key
    end
    if #keys == MOST_KEYS then
      break
    end
  end
  table.sort(keys, before)
  item.keys = keys
  return keys
end

local function table_text(value)
  value = content(value)
  local length = rawlen(value)
  if length > 0 then
    return "table (" .. length .. (length == 1 and " item)" or " items)")
  end
  return next(value) == nil and "{}" or "table"
end

--- A value as a debugger shows it: { name, value, type, ref, indexed }; `ref` where there is something in it.
function variables.describe(frame, name, value)
  local kind = type(value)
  if kind ~= "table" then
    return { name = name, value = show(value), type = kind }
  end
  local meta = metatable_of(value)
  local text = table_text(value)
  if object.is_defined(meta) or errors.is_error(value) then
    text = show(value)
  end
  local item = { kind = "table", value = value }
  return {
    name = name,
    value = text,
    type = host.type(value),
    ref = variables.keep(frame, item),
    indexed = rawlen(content(value)),
  }
end

local function list_table(item, from, count, filter)
  local value = content(item.value)
  local list, length = {}, rawlen(value)
  local keys = filter ~= "indexed" and keys_of(item) or {}
  local first = filter == "named" and length or 0
  local last = filter == "indexed" and length or length + #keys
  for at = first + from + 1, math.min(last, first + from + count) do
    local key = at
    if at > length then
      key = keys[at - length]
    end
    list[#list + 1] = variables.describe(item.frame, name_of(key), rawget(value, key))
  end
  return list
end

-- Pairs of a name and a value, as a function of a number gives them until there are no more.
local function list_numbered(item, from, count, nth)
  local list, i = {}, 0
  while #list < count do
    i = i + 1
    local name, value = nth(i)
    if not name then
      break
    elseif i > from then
      list[#list + 1] = variables.describe(item.frame, name, value)
    end
  end
  return list
end

-- Locals by number, then the arguments of `...`. Of several with one name the last is visible: it alone has the name.
local function nth_local(item)
  local names, last, count = {}, {}, 0
  while true do
    local name = getlocal(item.co, item.level, count + 1)
    if not name then
      break
    end
    count = count + 1
    names[count], last[name] = name, count
  end
  -- What Lua keeps for itself has a name in brackets.
  local shown = {}
  for i = 1, count do
    if last[names[i]] == i and names[i]:sub(1, 1) ~= "(" then
      shown[#shown + 1] = i
    end
  end
  return function(i)
    local at = shown[i]
    if at then
      return getlocal(item.co, item.level, at)
    end
    local extra = i - #shown
    local name, value = getlocal(item.co, item.level, -extra)
    return name and "(...)[" .. extra .. "]", value
  end
end

local function nth_upvalue(item)
  local shown, i = {}, 1
  while true do
    local name = getupvalue(item.fn, i)
    if not name then
      break
    elseif name ~= "_ENV" and name ~= "" then
      shown[#shown + 1] = i
    end
    i = i + 1
  end
  return function(n)
    if shown[n] then
      return getupvalue(item.fn, shown[n])
    end
    return nil
  end
end

local function not_found(ref)
  return errors.fail("NotFound", "nothing that stands has the number " .. raw_tostring(ref))
end

--- Something with variables in it, by its number; nil and an Error.
function variables.find(ref)
  local item = items[ref]
  if not item or item.kind == "frame" then
    return nil, not_found(ref)
  end
  return item
end

--- What is in something that was shown: `count` variables (0: all) from `from` on; `filter` is "indexed", "named" or
--- nil.
function variables.list(ref, from, count, filter)
  local item, err = variables.find(ref)
  if not item then
    return nil, err
  end
  count = count == 0 and MOST or math.min(count, MOST)
  if item.kind == "table" then
    return list_table(item, from, count, filter)
  elseif item.kind == "locals" then
    return list_numbered(item, from, count, nth_local(item))
  end
  return list_numbered(item, from, count, nth_upvalue(item))
end

local function set_local(item, name, value)
  local found
  for i = 1, MOST do
    local known = getlocal(item.co, item.level, i)
    if not known then
      break
    elseif known == name then
      found = i
    end
  end
  if not found then
    return "there is no local variable " .. name
  end
  debug.setlocal(item.co, item.level, found, value)
  return nil
end

local function set_upvalue(item, name, value)
  local i = 1
  while true do
    local known = getupvalue(item.fn, i)
    if not known then
      return "there is no upvalue " .. name
    elseif known == name then
      debug.setupvalue(item.fn, i, value)
      return nil
    end
    i = i + 1
  end
end

local function set_field(item, name, value)
  local meta = metatable_of(item.value)
  if meta and (object.is_defined(meta) or meta.__newindex) then
    return "this table cannot be changed"
  end
  for at = 1, rawlen(item.value) do
    if name_of(at) == name then
      rawset(item.value, at, value)
      return nil
    end
  end
  for _, key in ipairs(keys_of(item)) do
    if name_of(key) == name then
      rawset(item.value, key, value)
      return nil
    end
  end
  return "there is no field " .. name
end

local setters = { locals = set_local, upvalues = set_upvalue, table = set_field }

--- Gives a variable in something that was shown another value. Returns what is wrong, or nil.
function variables.set(item, name, value)
  return setters[item.kind](item, name, value)
end

return variables
