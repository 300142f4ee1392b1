-- The functions of Lua that every application has, where they differ from Lua's as docs/reference/sandbox.md says.
-- `relaxed` of the VM (src/vm/transform/relaxed.ts) has the differences that are made in C.
local use = ...
local casts = use("kernel/core/casts")
local check = use("kernel/core/check")
local effects = use("kernel/core/effects")
local freeze = use("kernel/core/freeze")
local frozen = use("kernel/core/frozen")
local raw_access = use("kernel/core/raw_access")
local scheduler = use("kernel/core/scheduler")
local stable = use("kernel/core/stable")
local metatable_of = debug.getmetatable
local find, type = string.find, type

local base = {}
for _, name in ipairs({
  "assert",
  "error",
  "pcall",
  "xpcall",
  "ipairs",
  "getmetatable",
  "rawequal",
  "select",
  "_VERSION",
}) do
  base[name] = _G[name]
end
-- What programs that were written for GopherLua ask for.
base._GOPHER_LUA_VERSION = "GopherLua 0.1"
base.tostring = stable.tostring
base.tonumber = host.tonumber
base.type = host.type
base.unpack = table.unpack
for name, fn in pairs(raw_access.functions) do
  base[name] = fn
end

-- `upper` and `lower`: of UTF-8 each letter, of other bytes those that are ASCII.
local function mapped(name)
  local raw, operation = string[name], "text." .. name
  return function(text)
    if type(text) ~= "string" then
      local ok, result = pcall(raw, text)
      if not ok then
        error((result:gsub("'string%.", "'")), 2)
      end
      return result
    elseif find(text, "[\x80-\xff]") then
      return (host.pure(operation, text))
    end
    return raw(text)
  end
end

-- An argument of a function of `math`: a number, or text that is one.
local function number(value, n, name)
  local kind = type(value)
  local result = (kind == "number" or kind == "string") and tonumber(value)
  return result or check.number(value, n, name)
end

local libraries = {}

local function library(name, source, names, extra)
  local real = {}
  for key in names:gmatch("%S+") do
    real[key] = source[key]
  end
  for key, value in pairs(extra or {}) do
    real[key] = value
  end
  libraries[name] = real
  base[name] = freeze(real, name)
end

library("table", table, "insert remove concat sort unpack pack move", {
  -- The room that is asked for is not made in advance: Lua has no way to.
  create = function(items, keys)
    check.integer(items, 1, "create")
    check.optional(check.integer, keys, 2, "create")
    return {}
  end,
  getn = function(t)
    return #check.table(t, 1, "getn")
  end,
  maxn = function(t)
    return #check.table(t, 1, "maxn")
  end,
})
library(
  "string",
  string,
  "find match gmatch gsub sub len byte char rep reverse format pack unpack packsize",
  {
    gfind = string.gmatch,
    upper = mapped("upper"),
    lower = mapped("lower"),
    dump = function()
      error("unable to dump given function", 2)
    end,
  }
)
libraries.table.freeze, libraries.table.isfrozen = frozen.functions(libraries.table)
libraries.table.make_immutable, libraries.table.is_immutable =
  libraries.table.freeze, libraries.table.isfrozen
metatable_of(base.string).__call = casts.call_string
library(
  "math",
  math,
  "pi mininteger maxinteger abs min max floor ceil modf fmod sqrt exp log sin cos tan asin acos atan deg rad"
    .. " tointeger type ult",
  {
    -- The largest float.
    huge = 0x1.fffffffffffffp+1023,
    pow = function(x, y)
      return number(x, 1, "pow") ^ number(y, 2, "pow")
    end,
    log10 = function(x)
      return math.log(number(x, 1, "log10"), 10)
    end,
    atan2 = math.atan,
    mod = math.fmod,
    frexp = function(x)
      x = number(x, 1, "frexp")
      if x == 0 or x ~= x or x == math.huge or x == -math.huge then
        return x, 0
      end
      -- Twice, as a tiny number is of a power that the first step rounds.
      local exponent = math.floor(math.log(math.abs(x), 2)) + 1
      local mantissa = x / 2.0 ^ (exponent // 2) / 2.0 ^ (exponent - exponent // 2)
      if math.abs(mantissa) >= 1 then
        return mantissa / 2, exponent + 1
      elseif math.abs(mantissa) < 0.5 then
        return mantissa * 2, exponent - 1
      end
      return mantissa, exponent
    end,
    ldexp = function(x, exponent)
      x, exponent = number(x, 1, "ldexp"), number(exponent, 2, "ldexp")
      local half = exponent // 2
      return x * 2.0 ^ half * 2.0 ^ (exponent - half)
    end,
    sinh = function(x)
      x = number(x, 1, "sinh")
      return (math.exp(x) - math.exp(-x)) / 2
    end,
    cosh = function(x)
      x = number(x, 1, "cosh")
      return (math.exp(x) + math.exp(-x)) / 2
    end,
    tanh = function(x)
      x = number(x, 1, "tanh")
      local e = math.exp(2 * x)
      return e == math.huge and 1.0 or (e - 1) / (e + 1)
    end,
    random = effects.random,
    randomseed = function() end,
  }
)
library("coroutine", coroutine, "create resume yield status wrap close isyieldable", {
  running = function()
    local co, main = coroutine.running()
    local current = scheduler.current
    if main or (current and current.main == co) then
      return nil
    end
    return co
  end,
})

return { base = base, real = libraries }
