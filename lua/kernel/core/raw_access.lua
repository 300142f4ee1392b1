-- Access to tables past their metamethods, and to their metatables, as application code has it: on plain data it is
-- Lua's own; objects and read-only tables refuse it.
local use = ...
local check = use("kernel/core/check")
local frozen = use("kernel/core/frozen")
local order = use("kernel/core/order")
local stable = use("kernel/core/stable")
local view = use("kernel/core/view")
local metatable_of = debug.getmetatable

local base = {}
local access = { functions = base }

-- Metatables of environments: `_G` is its unit's own table, which may be read and written raw.
local environments = setmetatable({}, { __mode = "k" })

-- Raw access would reach inside objects and read-only tables; on plain data it is the real thing.
local function plain(value, name, reads)
  if type(value) == "table" then
    local meta = metatable_of(value)
    if
      meta
      and (rawget(meta, "__metatable") == false or view.about(meta) ~= nil)
      and not environments[meta]
    then
      if meta.fill then
        return meta.fill(value)
      elseif reads and view.about(meta) ~= nil then
        return meta[1]
      end
      error("bad argument #1 to '" .. name .. "' (a plain table expected, got a read-only one)", 3)
    end
  elseif name ~= "rawlen" then
    check.table(value, 1, name)
  end
  return value
end

local raw_next = next

function base.next(t, key)
  t = plain(t, "next", true)
  local run = stable.current_run()
  if run and type(t) == "table" then
    return order.next(run, t, key)
  end
  return raw_next(t, key)
end

--- For scripts: applications have none.
function access.rawlen(value)
  return rawlen(plain(value, "rawlen", true))
end

function base.rawget(t, key)
  return rawget(plain(t, "rawget", true), key)
end

function base.rawset(t, key, value)
  return rawset(plain(t, "rawset"), key, value)
end

function base.pairs(t)
  local meta = metatable_of(t)
  if meta then
    if meta.__pairs then
      return meta.__pairs(t)
    elseif meta.__metatable == false then
      plain(t, "pairs")
    end
  end
  local run = stable.current_run()
  if run and type(t) == "table" then
    return order.pairs(run, t)
  end
  return pairs(t)
end

function base.setmetatable(t, meta)
  if type(t) ~= "table" then
    local got = t == nil and "no value" or host.type(t)
    error("bad argument #1 to 'setmetatable' (table expected, got " .. got .. ")", 2)
  elseif meta ~= nil and type(meta) ~= "table" then
    local got = host.type(meta)
    error("bad argument #2 to 'setmetatable' (nil or table expected, got " .. got .. ")", 2)
  end
  if type(meta) == "table" and rawget(meta, "__gc") ~= nil then
    error("bad argument #2 to 'setmetatable' (a finalizer, __gc, is not available)", 2)
  end
  local present = metatable_of(t)
  if present and frozen.is_metatable(present) then
    local before = view.about(present)
    if before and rawget(before, "__metatable") ~= nil then
      error("cannot change a protected metatable", 2)
    end
    return frozen.set_metatable(t, meta)
  elseif present and environments[present] then
    error("cannot change the metatable of _G: through it the unit finds its globals", 2)
  elseif present and present.__metatable ~= nil then
    error("cannot change a protected metatable", 2)
  end
  return stable.setmetatable(t, meta)
end

access.environments = environments
return access
