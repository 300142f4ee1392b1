-- Tables that a program has declared immutable. What is in such a table moves into another one, of which it becomes a
-- view (kernel/core/view): everything that reads past metamethods, or copies, finds the content there.
local use = ...
local read_only = use("kernel/core/read_only")
local view = use("kernel/core/view")
local metatable_of, next, rawget, rawlen, type = debug.getmetatable, next, rawget, rawlen, type
local info, set_metatable = debug.getinfo, debug.setmetatable
local find, is_yieldable = string.find, coroutine.isyieldable

local frozen = {}

-- What has no content that could move, such as environments: only the functions that change lists refuse it.
local marked = set_metatable({}, { __mode = "k" })
-- The metatables of such.
local marking = set_metatable({}, { __mode = "k" })

-- The functions that change lists, and what each does. All of them ask for a list's length before they look at their
-- other arguments, so its `__len` refuses them: a function around them would be in the texts of their errors.
local VERBS <const> = { insert = "insert into", remove = "remove from", sort = "sort" }
local verbs = {}

-- The `__len` of a frozen table whose length `length` tells; of others with the same metatable it only tells that.
local function refusing(length)
  return function(self)
    -- Within C no coroutine can yield, and to look at a caller takes long.
    local caller = not is_yieldable() and info(2, "f")
    local verb = caller and verbs[caller.func]
    if verb and frozen.is_frozen(self) then
      error("attempt to " .. verb .. " Immutable table", 3)
    end
    return (length(self))
  end
end

-- Metamethods of views, which those of programs do not replace.
local OWN <const> =
  { __index = true, __len = true, __newindex = true, __pairs = true, __metatable = true }

local function is_metamethod(key)
  return type(key) == "string" and find(key, "^__") ~= nil
end

local function refuse()
  error("attempt to modify Immutable table", 2)
end

-- The metatable of a view of `real` whose program wanted the metatable `wanted`.
local function metatable(real, wanted)
  local meta = read_only(real, refuse, wanted or false)
  meta.__len = refusing(wanted and rawget(wanted, "__len") or function()
    return #real
  end)
  if not wanted then
    return meta
  end
  for key, value in next, wanted do
    if is_metamethod(key) and not OWN[key] then
      meta[key] = value
    end
  end
  meta.__index = function(self, key)
    local value = real[key]
    local index = value == nil and rawget(wanted, "__index")
    if not index then
      return value
    elseif type(index) == "function" then
      return (index(self, key))
    end
    return index[key]
  end
  local shown = rawget(wanted, "__metatable")
  meta.__metatable = shown == nil and wanted or shown
  return meta
end

--- Whether a metatable is that of a frozen table.
function frozen.is_metatable(meta)
  local about = view.about(meta)
  return about == false or type(about) == "table"
end

--- Gives a frozen table another metatable; nil is none.
function frozen.set_metatable(t, wanted)
  return set_metatable(t, metatable(metatable_of(t)[1], wanted))
end

--- Whether a value is a table that may not change.
function frozen.is_frozen(t)
  if type(t) ~= "table" then
    return false
  end
  local meta = metatable_of(t)
  return meta ~= nil and view.about(meta) ~= nil or marked[t] == true
end

-- Has the functions that change lists refuse a table.
local function mark(t, meta)
  marked[t] = true
  if not marking[meta] then
    marking[meta] = true
    meta.__len = refusing(rawget(meta, "__len") or rawlen)
  end
  return t
end

local function freeze(t)
  local meta = metatable_of(t)
  if meta and rawget(meta, "__metatable") == false then
    return mark(t, meta)
  end
  local real = {}
  for key, value in next, t do
    real[key] = value
  end
  for key in next, real do
    -- Of a table that is a metatable itself Lua finds metamethods only there.
    if not is_metamethod(key) then
      t[key] = nil
    end
  end
  return set_metatable(t, metatable(real, meta))
end

--- `freeze` and `isfrozen` for the table library `real`, whose functions stay Lua's own.
function frozen.functions(real)
  for name, verb in next, VERBS do
    verbs[real[name]] = verb
  end
  local function freeze_table(t)
    if host.type(t) ~= "table" then
      local got = t == nil and "no value" or host.type(t)
      error("bad argument #1 to 'freeze' (table expected, got " .. got .. ")", 2)
    end
    return frozen.is_frozen(t) and t or freeze(t)
  end
  return freeze_table, frozen.is_frozen
end

return frozen
