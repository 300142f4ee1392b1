-- Estimates the memory of a unit: what it alone reaches from its environment, its stacks and its mailbox.
-- Code, modules and other units are shared, and so left out. Sizes are those of Lua 5.4 on a 32-bit machine.
local use = ...
local frozen = use("kernel/core/frozen")
local metatable_of, next, rawget, rawlen, type = debug.getmetatable, next, rawget, rawlen, type

-- So many values are looked at, a few milliseconds: the worker does nothing else meanwhile.
local MOST <const> = 50000
local TABLE <const>, ITEM <const>, NODE <const> = 32, 16, 24
local CLOSURE <const>, UPVALUE <const>, THREAD <const>, FRAME <const> = 16, 24, 800, 40

-- Units that a unit's objects know of (its callers, who it waits for) are not part of it.
local function is_unit(t)
  local context = rawget(t, "context")
  return type(context) == "table" and rawget(context, "kind") ~= nil and rawget(t, "entry") ~= nil
end

local function is_kernel(fn)
  return debug.getinfo(fn, "S").source:sub(1, 5) == "=lua/"
end

--- Bytes of a unit, and true when there is more of it than was looked at.
return function(self)
  local bytes, looked = 0, 0
  local seen, waiting, last = {}, {}, 0

  local function add(value)
    local kind = type(value)
    if kind == "number" or kind == "boolean" or kind == "nil" or seen[value] then
      return
    end
    seen[value] = true
    last = last + 1
    waiting[last] = value
  end

  local function add_table(t)
    if is_unit(t) then
      return
    end
    local meta = metatable_of(t)
    -- Locked ones are those of objects and environments, which units share.
    if meta and (rawget(meta, "__metatable") ~= false or frozen.is_metatable(meta)) then
      add(meta)
    end
    local list, total = rawlen(t), 0
    for key, value in next, t do
      total = total + 1
      if looked + total > MOST then
        break
      end
      add(key)
      add(value)
    end
    looked = looked + total
    local size = 0
    if total > list then
      size = 1
      while size < total - list do
        size = size * 2
      end
    end
    bytes = bytes + TABLE + list * ITEM + size * NODE
  end

  local function add_function(fn)
    local i = 0
    if debug.getinfo(fn, "S").what ~= "C" and not is_kernel(fn) then
      local name, value = debug.getupvalue(fn, 1)
      while name do
        i = i + 1
        add(value)
        name, value = debug.getupvalue(fn, i + 1)
      end
    end
    looked = looked + 1 + i
    bytes = bytes + CLOSURE + i * UPVALUE
  end

  local function add_thread(co)
    local level = 0
    local info = debug.getinfo(co, level, "f")
    while info and looked < MOST do
      local fn = info.func
      if debug.getinfo(fn, "S").what ~= "C" and not is_kernel(fn) then
        add(fn)
        local i = 1
        local name, value = debug.getlocal(co, level, i)
        while name do
          add(value)
          i = i + 1
          name, value = debug.getlocal(co, level, i)
        end
        looked = looked + i
      end
      level = level + 1
      info = debug.getinfo(co, level, "f")
    end
    looked = looked + 1
    bytes = bytes + THREAD + level * FRAME
  end

  seen[self.frame or false] = true
  if self.instance then
    add(self.instance.env)
  end
  add(self.env)
  add(self.main)
  for co in next, self.others or {} do
    add(co)
  end
  add(self.inbox)
  add(self.events)
  add(self.listeners)
  while last > 0 and looked < MOST do
    local value = waiting[last]
    waiting[last] = nil
    last = last - 1
    local kind = type(value)
    if kind == "string" then
      bytes = bytes + 16 + #value + 1
      looked = looked + 1
    elseif kind == "table" then
      add_table(value)
    elseif kind == "function" then
      add_function(value)
    elseif kind == "thread" then
      add_thread(value)
    end
  end
  return bytes, last > 0 or nil
end
